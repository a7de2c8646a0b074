/*
 * What the agent gives up before it begins, as systemd does for it as a service: all
 * capabilities but CAP_NET_RAW, for good; a core dump, which would hold secrets; and
 * system calls that it has no use for. Before the first thread: a thread keeps what it
 * was made with.
 */
#ifndef EDGELAT_BASE_PRIVILEGES_H
#define EDGELAT_BASE_PRIVILEGES_H

/*
 * Keeps CAP_NET_RAW, if it is there: ICMP sockets are opened anew at run time, TCP and
 * HTTPS need none. Root without capabilities may write to its own files only, and the
 * service could not read what root has left: root becomes whom `folder` belongs to, or
 * the one above it where it is not there yet. Returns 0 or -errno: then it is not safe to
 * go on.
 */
int privileges_drop(const char *folder);

/*
 * From now on the kernel refuses (ENOSYS) each system call that is not on a list. Nothing
 * happens where we were built without libseccomp, or a filter is on already: the
 * service's, a container's, ours of before a restart in place. Returns 0 or -errno.
 */
int privileges_limit_calls(void);

#endif
