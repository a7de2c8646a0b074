/*
 * External servers for the I/O tests: started in a temporary folder, ended by pid, and
 * by the kernel when the test itself dies.
 */
#ifndef EDGELAT_TEST_CHILD_H
#define EDGELAT_TEST_CHILD_H

#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline pid_t child_start(const char *const argv[], const char *log)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out >= 0) {
        dup2(out, 1);
        dup2(out, 2);
    }
    if (getppid() == parent)
        execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static inline void child_end(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* Runs a shell command to its end; it must succeed. */
static inline void child_run(const char *command)
{
    int status = system(command);
    CHECK(status == 0, "failed (%d): %.400s", status, command);
}

static inline int child_unlink(const char *path, const struct stat *s, int what,
                               struct FTW *ftw)
{
    (void)s, (void)what, (void)ftw;
    return remove(path);
}

struct child_folder {
    char path[64];
    pid_t janitor; /* removes the folder when the test ends, in any way */
    int alive;     /* pipe that closes when the test ends */
};

static inline void child_folder(struct child_folder *f)
{
    int ends[2];
    strcpy(f->path, "/tmp/edgelat-test-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL && pipe2(ends, O_CLOEXEC) == 0, "no folder in /tmp");
    f->alive = ends[1];
    f->janitor = fork();
    if (f->janitor != 0) {
        close(ends[0]);
        return;
    }
    char nothing;
    setpgid(0, 0);                    /* Ctrl-C is for the test */
    for (int fd = 3; fd < 1024; fd++) /* other janitors wait for their ends */
        if (fd != ends[0])
            close(fd);
    while (read(ends[0], &nothing, 1) < 0)
        ;
    nftw(f->path, child_unlink, 8, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

static inline void child_folder_remove(struct child_folder *f)
{
    close(f->alive);
    waitpid(f->janitor, NULL, 0);
}

static inline void child_write(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, "cannot write %s", path);
}

/* A socket bound to a port that was free, on 127.0.0.1; `*port` says which. */
static inline int child_bind(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0, "cannot bind");
    getsockname(fd, (struct sockaddr *)&a, &len);
    *port = ntohs(a.sin_port);
    return fd;
}

/* UDP, then TCP, on one port that was free for both, as a name server has them. */
static inline void child_bind_both(int fds[2], uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < 100; i++) {
        fds[0] = child_bind(SOCK_DGRAM, port);
        fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        a.sin_port = htons(*port);
        if (bind(fds[1], (struct sockaddr *)&a, sizeof a) == 0)
            return;
        close(fds[0]);
        close(fds[1]);
    }
    fail_msg("no port is free for UDP and TCP");
}

/* A closed port on 127.0.0.1, UDP and TCP. */
static inline uint16_t child_free_port(void)
{
    uint16_t port;
    int fds[2];
    child_bind_both(fds, &port);
    close(fds[0]);
    close(fds[1]);
    return port;
}

/* The group's setup: what the environment says of proxies is not meant for the tests. */
static inline int without_proxies(void **state)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",   "no_proxy",
                                        "NO_PROXY"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

/* Waits until something listens on 127.0.0.1:port (TCP), 5 s at most. */
static inline void child_wait_for(uint16_t port, const char *what)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < 500; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int rc = connect(fd, (struct sockaddr *)&a, sizeof a);
        close(fd);
        if (rc == 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    fail_msg("%s does not listen on port %u", what, port);
}

#endif
