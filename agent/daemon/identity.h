/*
 * The identity of this agent: a random UUID (RFC 4122, version 4), created at the first
 * start and stored in STATE_DIR/instance_id, so that a restart or an upgrade continues the
 * same series. STATE_DIR/machine has the hash of the machine (net/machine.h). On another
 * machine, for example after the disk was cloned, the identity is replaced; otherwise two
 * sites would write the same series.
 *
 * The batches and the history on a cloned disk belong to the original agent, which sends
 * its own copy. They are moved to STATE_DIR/of-UUID (the original's identity) and neither
 * sent nor reported. They are not deleted, because the original may be gone (disk moved to
 * new hardware).
 */
#ifndef EDGELAT_DAEMON_IDENTITY_H
#define EDGELAT_DAEMON_IDENTITY_H

#define IDENTITY_TEXT_MAX 37

/*
 * Reads the identity, or creates it. Returns 0 or -errno; -EWOULDBLOCK: another agent holds
 * the spool. `machine` is the hash of this machine; if "" (unknown), an existing identity
 * is never replaced. Call it before the spool is opened. A readable file without a UUID is
 * replaced; a file that cannot be read is not (`out` is ""). If a new identity cannot be
 * stored, it is returned in `out` with the error.
 */
int identity_load(char out[IDENTITY_TEXT_MAX], const char *state_dir,
                  const char *machine);

/* Stores the identity. Returns 0 or -errno. */
int identity_keep(const char *id, const char *state_dir, const char *machine);

#endif
