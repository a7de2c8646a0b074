/*
 * Runs the program itself, build/edgelat of the build that the test is of.
 */
#ifndef EDGELAT_TEST_PROGRAM_H
#define EDGELAT_TEST_PROGRAM_H

#include "check.h"

#include <libgen.h>
#include <limits.h>
#include <sys/wait.h>
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
    int code;
    char out[65536], err[8192]; /* cut to fit */
};

static inline void program_read(char *out, size_t room, FILE *from)
{
    rewind(from);
    out[fread(out, 1, room - 1, from)] = '\0';
    fclose(from);
}

/* `before` is put before the program: "timeout ...", or "". */
static inline void program_run(struct ran *r, const char *before, const char *arguments)
{
    char command[PATH_MAX + 1024];
    FILE *out = tmpfile(), *err = tmpfile();
    snprintf(command, sizeof command,
             "(%s %s %s) >/proc/%d/fd/%d 2>/proc/%d/fd/%d </dev/null", before,
             program_path(), arguments, getpid(), fileno(out), getpid(), fileno(err));
    int status = system(command);
    CHECK(WIFEXITED(status), "%s: killed", command);
    r->code = WEXITSTATUS(status);
    program_read(r->out, sizeof r->out, out);
    program_read(r->err, sizeof r->err, err);
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
