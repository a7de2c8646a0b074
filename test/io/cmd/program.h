/*
 * Runs the program build/edgelat of the test's own build.
 */
#ifndef EDGELAT_TEST_PROGRAM_H
#define EDGELAT_TEST_PROGRAM_H

#include "check.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* BUILD/test/io/cmd/test_x -> BUILD/edgelat */
static inline const char *program_path(void)
{
    static char path[PATH_MAX + 16];
    char self[PATH_MAX] = "";
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0, "our own path");
    snprintf(path, sizeof path, "%s/edgelat", dirname(dirname(dirname(dirname(self)))));
    return path;
}

struct ran {
    pid_t pid;
    FILE *files[2];
    int code;
    char out[65536], err[8192]; /* after program_end(); cut to fit */
};

/* `before` is put before the program ("setpriv ..."), or "". */
static inline void program_start(struct ran *r, const char *before, const char *arguments)
{
    char command[PATH_MAX + 1024];
    snprintf(command, sizeof command, "exec %s %s %s", before, program_path(), arguments);
    for (int i = 0; i < 2; i++)
        CHECK((r->files[i] = tmpfile()) != NULL, "a temporary file");
    r->pid = fork();
    if (r->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(fileno(r->files[0]), STDOUT_FILENO);
    dup2(fileno(r->files[1]), STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
}

static inline void program_end(struct ran *r)
{
    int status;
    CHECK(waitpid(r->pid, &status, 0) == r->pid && WIFEXITED(status), "killed by %d",
          WTERMSIG(status));
    r->code = WEXITSTATUS(status);
    for (int i = 0; i < 2; i++) {
        char *to = i == 0 ? r->out : r->err;
        size_t room = i == 0 ? sizeof r->out : sizeof r->err;
        rewind(r->files[i]);
        to[fread(to, 1, room - 1, r->files[i])] = '\0';
        fclose(r->files[i]);
    }
}

static inline void program_run(struct ran *r, const char *before, const char *arguments)
{
    program_start(r, before, arguments);
    program_end(r);
}

/* Waits until that many bytes were printed on standard output, 10 s at most. */
static inline void program_printed(const struct ran *r, off_t bytes)
{
    struct stat s = {.st_size = 0};
    for (int i = 0; i < 1000 && s.st_size < bytes; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        fstat(fileno(r->files[0]), &s);
    }
    CHECK(s.st_size >= bytes, "10 s and only %lld bytes", (long long)s.st_size);
}

static inline unsigned program_count(const char *in, const char *text)
{
    unsigned n = 0;
    for (const char *at = in; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

#define CHECK_HAS(in, text)                                                              \
    CHECK(strstr((in), (text)) != NULL, "'%s' is in: %s", (text), (in))

#endif
