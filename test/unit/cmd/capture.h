/*
 * Captures the standard output and standard error of code under test.
 */
#ifndef EDGELAT_TEST_CAPTURE_H
#define EDGELAT_TEST_CAPTURE_H

#include "check.h"

#include <unistd.h>

struct capture {
    FILE *files[2];
    int saved[2];
    char out[16384], err[16384]; /* after capture_end(); cut to fit */
};

static inline void capture_begin(struct capture *c)
{
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        c->files[i] = tmpfile();
        CHECK(c->files[i] != NULL, "a temporary file");
        c->saved[i] = dup(STDOUT_FILENO + i);
        dup2(fileno(c->files[i]), STDOUT_FILENO + i);
    }
}

static inline void capture_end(struct capture *c)
{
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        char *to = i == 0 ? c->out : c->err;
        dup2(c->saved[i], STDOUT_FILENO + i);
        close(c->saved[i]);
        rewind(c->files[i]);
        to[fread(to, 1, sizeof c->out - 1, c->files[i])] = '\0';
        fclose(c->files[i]);
    }
}

#endif
