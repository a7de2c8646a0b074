/*
 * Who this agent is: a random UUID (RFC 4122, version 4), made at the first start and
 * kept in STATE_DIR/instance_id, so that a restart or an upgrade goes on with the same
 * series. STATE_DIR/machine says on which machine (net/machine.h). On another one, as
 * after the disk was cloned, the identity is made anew; otherwise two sites would write
 * the same series.
 *
 * The batches and the history that came along were measured by the original, which sends
 * its own copy: they are moved to STATE_DIR/of-UUID (its identity) and neither sent nor
 * reported, but not deleted either, as the original may be gone (moved to new hardware).
 */
#ifndef EDGELAT_DAEMON_IDENTITY_H
#define EDGELAT_DAEMON_IDENTITY_H

#define IDENTITY_TEXT_MAX 37

/*
 * Reads it, or makes it: 0 or -errno. `machine` is the hash of this machine, "" when it
 * is not known: the identity is kept then. To be called before the spool is opened. A
 * file that was read and holds no UUID is replaced; one that cannot be read never is
 * (`out` is ""). -EWOULDBLOCK: another agent has the spool. One that was made and cannot
 * be kept is in `out` all the same.
 */
int identity_load(char out[IDENTITY_TEXT_MAX], const char *state_dir,
                  const char *machine);

/* Writes it: 0 or -errno. */
int identity_keep(const char *id, const char *state_dir, const char *machine);

#endif
