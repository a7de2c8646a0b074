/*
 * A temporary folder for the files of one test.
 */
#ifndef EDGELAT_TEST_FOLDER_H
#define EDGELAT_TEST_FOLDER_H

#include "base/text.h"
#include "check.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static inline struct folder folder_make(void)
{
    struct folder f = {"/tmp/edgelat-test-XXXXXX"};
    CHECK(mkdtemp(f.path) != NULL, "a folder in /tmp");
    return f;
}

static inline int folder_remove_one(const char *path, const struct stat *s, int type,
                                    struct FTW *ftw)
{
    (void)s;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void folder_remove(const struct folder *f)
{
    nftw(f->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes FOLDER/name and returns its path in a shared buffer. */
static inline const char *folder_write(const struct folder *f, const char *name,
                                       const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "%s can be written", path);
    fputs(text, file);
    fclose(file);
    return path;
}

#endif
