#include "base/privileges.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT (1U << CAP_NET_RAW)

static const struct __user_cap_header_struct version_3 = {_LINUX_CAPABILITY_VERSION_3, 0};

/* Whether nothing is left to give up: a service has no more, and its filter forbids to
 * set capabilities. `kept` is that of KEPT which is there. */
static int is_dropped(bool *dropped, uint32_t *kept)
{
    struct __user_cap_header_struct head = version_3;
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) < 0)
        return -errno;
    *kept = data[0].permitted & KEPT;
    *dropped = data[1].permitted == 0 && data[0].permitted == *kept &&
               data[0].effective == data[0].permitted;
    return 0;
}

/* What an execve() could bring back. EPERM: not root; nothing but this file's own does.
 */
static void bound(void)
{
    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if (c != CAP_NET_RAW)
            prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

/* Inheritable and ambient as well: a restart in place is an execve(). */
static int keep_only(uint32_t wanted)
{
    struct __user_cap_header_struct head = version_3;
    struct __user_cap_data_struct data[2] = {
        {.effective = wanted, .permitted = wanted, .inheritable = wanted}};
    if (syscall(SYS_capset, &head, data) < 0)
        return -errno;
    if (wanted != 0)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
    return 0;
}

/* Of the folder, or of the nearest one above it that is there. */
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
    bound(); /* while we may */
    int rc = geteuid() == 0 ? become_owner(folder) : 0;
    bool dropped = false;
    uint32_t kept = 0;
    if (rc == 0)
        rc = is_dropped(&dropped, &kept);
    if (rc == 0 && !dropped)
        rc = keep_only(kept);
    if (rc < 0)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return 0;
}
