/*
 * Who this agent is: a random UUID (RFC 4122, version 4), made at the first start and
 * kept in STATE_DIR/instance_id, so that a restart or an upgrade goes on with the same
 * series.
 */
#ifndef EDGELAT_IDENTITY_H
#define EDGELAT_IDENTITY_H

#define IDENTITY_TEXT_MAX 37

/* Reads it, or makes it: 0 or -errno. A file that holds no UUID is replaced. One that was
 * made and cannot be kept is in `out` all the same, which else is "". */
int identity_load(char out[IDENTITY_TEXT_MAX], const char *state_dir);

/* Once more: 0 or -errno. */
int identity_keep(const char *id, const char *state_dir);

#endif
