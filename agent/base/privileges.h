/*
 * Drops privileges at the start, as systemd does for the service: permanently drops all
 * capabilities except CAP_NET_RAW, disables core dumps, which would contain secrets, and
 * restricts system calls. Call it before the first thread is created: threads keep the
 * privileges they were created with.
 */
#ifndef EDGELAT_BASE_PRIVILEGES_H
#define EDGELAT_BASE_PRIVILEGES_H

/*
 * Keeps CAP_NET_RAW if present: ICMP sockets are reopened at run time; TCP and HTTPS
 * need no capability. Root without capabilities could write only files that it owns, and
 * the service could not read files left by root. So root switches to the owner of
 * `folder`, or of its nearest existing parent. Returns 0, or -errno: it is not safe to
 * continue.
 */
int privileges_drop(const char *folder);

/*
 * The kernel refuses (ENOSYS) each system call that is not on a list from now on. Does
 * nothing when built without libseccomp, or when a filter is already active: of the
 * service, of a container, or our own from before a restart in place. Returns 0 or
 * -errno.
 */
int privileges_limit_calls(void);

#endif
