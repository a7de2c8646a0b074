#include "base/privileges.h"

#ifndef HAVE_SECCOMP

int privileges_limit_calls(void)
{
    return 0;
}

#else

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/*
 * The @system-service set of systemd without @privileged, @resources and calls that the
 * agent does not need: keys, IPC, namespaces, asynchronous I/O, special files, other
 * processes. Names unknown to the architecture or to this libseccomp are skipped.
 */
static const char allowed[] =
    /* process: memory, threads, time, random numbers; execve() restarts in place */
    "arch_prctl brk clone clone3 execve exit exit_group futex futex_waitv "
    "get_robust_list getcpu getpriority getrandom getrlimit getrusage madvise "
    "membarrier mmap mprotect mremap munmap prctl prlimit64 rseq sched_getaffinity "
    "sched_getparam sched_getscheduler sched_yield set_robust_list set_tid_address "
    "sysinfo times uname capget getegid geteuid getgid getgroups getpgid getpgrp "
    "getpid getppid getresgid getresuid getsid gettid getuid clock_getres "
    "clock_gettime clock_nanosleep gettimeofday nanosleep time alarm getitimer "
    "setitimer timer_create timer_delete timer_gettime timer_settime timerfd_create "
    "timerfd_gettime timerfd_settime "
    /* signals; kill() and tgkill() for abort() */
    "kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigreturn rt_sigsuspend rt_sigtimedwait sigaltstack signalfd4 sigreturn "
    "tgkill wait4 waitid "
    /* the loop */
    "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait "
    "eventfd eventfd2 inotify_add_watch inotify_init1 inotify_rm_watch pipe pipe2 "
    "poll ppoll pselect6 select "
    /* files */
    "access chdir chmod close close_range copy_file_range dup dup2 dup3 faccessat "
    "faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fcntl fdatasync flock "
    "fstat fstatfs fsync ftruncate getcwd getdents getdents64 ioctl link linkat "
    "lseek lstat mkdir mkdirat msync newfstatat open openat openat2 pread64 preadv "
    "preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv "
    "rename renameat renameat2 rmdir sendfile stat statfs statx symlink symlinkat "
    "sync_file_range syncfs truncate umask unlink unlinkat utimensat write writev "
    /* sockets */
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv "
    "recvfrom recvmmsg recvmsg send sendmmsg sendmsg sendto setsockopt shutdown "
    "socket socketpair "
    /* variants of architectures with 32-bit time or offsets */
    "_llseek _newselect clock_getres_time64 clock_gettime64 clock_nanosleep_time64 "
    "fcntl64 fstat64 fstatat64 fstatfs64 ftruncate64 futex_time64 getegid32 "
    "geteuid32 getgid32 getuid32 lstat64 mmap2 ppoll_time64 pselect6_time64 "
    "recvmmsg_time64 rt_sigtimedwait_time64 sendfile64 set_tls stat64 statfs64 "
    "timer_settime64 timerfd_settime64 truncate64 ugetrlimit utimensat_time64";

int privileges_limit_calls(void)
{
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0) /* also if the query is forbidden */
        return 0;
    /* ENOSYS: a library that tries a new system call then falls back to the old one. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return -ENOMEM;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: 8 steps, not 200 */
    for (const char *at = allowed; *at != '\0'; at += strspn(at, " ")) {
        char name[32];
        size_t len = strcspn(at, " ");
        snprintf(name, sizeof name, "%.*s", (int)len, at);
        int number = seccomp_syscall_resolve_name(name);
        if (number != __NR_SCMP_ERROR)
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        at += len;
    }
    int rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}

#endif
