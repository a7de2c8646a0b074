#include "base/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Limits the capabilities that an execve() could restore. Fails without CAP_SETPCAP:
 * then the process is not root, and only the file capability of this program is
 * restored. */
static void limit_bounding_set(void)
{
    capng_clear(CAPNG_SELECT_BOUNDS);
    capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_NET_RAW);
    capng_apply(CAPNG_SELECT_BOUNDS);
}

/* True if there is nothing to drop: a service has no more capabilities, and its filter
 * forbids capset(). */
static bool is_limited(void)
{
    for (unsigned c = 0; c < 64; c++)
        if (c != CAP_NET_RAW && capng_have_capability(CAPNG_PERMITTED, c))
            return false;
    return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) ==
           capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW);
}

/* Also inheritable and ambient: a restart in place is an execve(). */
static int keep_net_raw(void)
{
    if (capng_get_caps_process() < 0)
        return -errno;
    if (is_limited())
        return 0;
    bool kept = capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW);
    capng_clear(CAPNG_SELECT_ALL);
    if (kept)
        capng_update(CAPNG_ADD,
                     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
                         CAPNG_AMBIENT,
                     CAP_NET_RAW);
    if (capng_apply(CAPNG_SELECT_CAPS) < 0)
        return -errno;
    capng_apply(CAPNG_SELECT_AMBIENT); /* a container may forbid it */
    return 0;
}

/* The owner of the folder, or of its nearest existing parent. */
static int owner_of(struct stat *out, const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path)
        return -ENAMETOOLONG;
    while (stat(path, out) < 0) {
        char *end = strrchr(path, '/');
        if (errno != ENOENT)
            return -errno;
        if (end == NULL)
            memcpy(path, ".", 2);
        else
            end[end == path] = '\0';
    }
    return 0;
}

static int become_owner(const char *folder)
{
    struct stat owner;
    int rc = owner_of(&owner, folder);
    if (rc < 0 || owner.st_uid == 0)
        return rc;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
        setresgid(owner.st_gid, owner.st_gid, owner.st_gid) < 0 ||
        setresuid(owner.st_uid, owner.st_uid, owner.st_uid) < 0)
        return -errno;
    return 0;
}

int privileges_drop(const char *folder)
{
    limit_bounding_set(); /* before CAP_SETPCAP is dropped */
    int rc = geteuid() == 0 ? become_owner(folder) : 0;
    if (rc == 0)
        rc = keep_net_raw();
    if (rc < 0)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}
