/*
 * What a process can still do after dropping its privileges: each case runs in a child
 * and is reported by its exit code. Needs root privileges to drop.
 */
#include "base/privileges.h"
#include "check.h"
#include "io/net/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static struct child_folder folder;
static char owned_by_nobody[80], not_there[100], root_only[80];

static int make_folder(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    child_folder(&folder);
    snprintf(owned_by_nobody, sizeof owned_by_nobody, "%s/nobody", folder.path);
    snprintf(not_there, sizeof not_there, "%s/a/b", owned_by_nobody);
    snprintf(root_only, sizeof root_only, "%s/root", folder.path);
    int fd = open(root_only, O_CREAT | O_WRONLY, 0600);
    close(fd);
    return fd < 0 || chmod(folder.path, 0755) < 0 || mkdir(owned_by_nobody, 0700) < 0 ||
                   chown(owned_by_nobody, NOBODY, NOBODY) < 0
               ? -1
               : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    if (geteuid() == 0)
        child_folder_remove(&folder);
    return 0;
}

/* 0, or the errno of what failed. */
static int can(int result)
{
    return result < 0 ? errno : 0;
}

static int can_open(const char *path, int flags)
{
    return can(open(path, flags, 0600));
}

static int raw_socket(void)
{
    return can(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int own_files(void)
{
    return can_open(root_only, O_WRONLY);
}

static int files_of_others(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/x", owned_by_nobody);
    return can_open(path, O_CREAT | O_WRONLY);
}

static int give_away(void)
{
    return can(chown(root_only, NOBODY, NOBODY));
}

static int another_user(void)
{
    return can(setresuid(1, 1, 1));
}

static int packets_of_others(void) /* the interface's set-up: CAP_NET_ADMIN */
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), bytes = 1 << 20;
    return can(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes));
}

static int core_dump(void)
{
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static int new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static int bounding_set(void) /* how many are left */
{
    int n = 0;
    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        n += prctl(PR_CAPBSET_READ, c, 0, 0, 0);
    return n;
}

static int user(void)
{
    return geteuid() == NOBODY && getegid() == NOBODY && getgroups(0, NULL) == 0;
}

static const struct {
    const char *what, *folder;
    int (*attempt)(void);
    int expected;
} drops[] = {
    {"a raw socket", folder.path, raw_socket, 0},
    {"root's own files", folder.path, own_files, 0},
    {"what belongs to another", folder.path, files_of_others, EACCES},
    {"giving a file away", folder.path, give_away, EPERM},
    {"becoming another user", folder.path, another_user, EPERM},
    {"setting up the network", folder.path, packets_of_others, EPERM},
    {"a core dump", folder.path, core_dump, 0},
    {"new privileges by execve()", folder.path, new_privileges, 0},
    {"the bounding set: CAP_NET_RAW", folder.path, bounding_set, 1},
    {"root stays root", folder.path, user, 0},
    {"root becomes the folder's owner", owned_by_nobody, user, 1},
    {"or that of the one above it", not_there, user, 1},
    {"a raw socket, as the owner", not_there, raw_socket, 0},
    {"the owner's folder", owned_by_nobody, files_of_others, 0},
    {"root's files, as the owner", owned_by_nobody, own_files, EACCES},
    {"the bounding set, as the owner", owned_by_nobody, bounding_set, 1},
};

/* The exit code of a child that drops its privileges and then tries. */
static int in_child(const char *of, bool limit, int (*attempt)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (privileges_drop(of) < 0 || (limit && privileges_limit_calls() < 0))
            _exit(255);
        _exit(attempt());
    }
    int status;
    CHECK_INT(child, waitpid(child, &status, 0), "the child's end");
    CHECK(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void test_drop(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        CHECK_INT(drops[i].expected, in_child(drops[i].folder, false, drops[i].attempt),
                  drops[i].what);
}

static void test_no_folder(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    CHECK_INT(255, in_child("/dev/null/x", false, user), "a folder below a file");
}

#ifdef HAVE_SECCOMP

static int call_pivot_root(void)
{
    return can((int)syscall(SYS_pivot_root, NULL, NULL));
}

static int call_ptrace(void)
{
    return can((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int call_unshare(void)
{
    return can((int)syscall(SYS_unshare, 0));
}

static int call_keyctl(void)
{
    return can((int)syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int call_mknod(void)
{
    return can((int)syscall(SYS_mknodat, AT_FDCWD, "/nowhere/x", S_IFIFO, 0));
}

static int call_capset(void)
{
    return can((int)syscall(SYS_capset, NULL, NULL));
}

static int filter_again(void) /* as a restart in place does */
{
    return privileges_drop(folder.path) == 0 && privileges_limit_calls() == 0 &&
                   prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2
               ? raw_socket()
               : 1;
}

static const struct {
    const char *what;
    int (*attempt)(void);
    int expected;
} limits[] = {
    {"pivot_root()", call_pivot_root, ENOSYS}, {"ptrace()", call_ptrace, ENOSYS},
    {"unshare()", call_unshare, ENOSYS},       {"keyctl()", call_keyctl, ENOSYS},
    {"mknod()", call_mknod, ENOSYS},           {"capset()", call_capset, ENOSYS},
    {"a raw socket", raw_socket, 0},           {"a file", own_files, 0},
    {"a second time", filter_again, 0},
};

static void test_limit_calls(void **state)
{
    (void)state;
    if (geteuid() != 0 || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
        skip(); /* in a container with a filter of its own there is none of ours */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        CHECK_INT(limits[i].expected, in_child(folder.path, true, limits[i].attempt),
                  limits[i].what);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_no_folder),
#ifdef HAVE_SECCOMP
        cmocka_unit_test(test_limit_calls),
#endif
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
