#include "cmd/page_file.h"

#include "base/file.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_into(const char *path, const struct text *page)
{
    char folder_copy[PATH_MAX], name_copy[PATH_MAX];
    if (!text_copy(folder_copy, sizeof folder_copy, path) ||
        !text_copy(name_copy, sizeof name_copy, path))
        return -ENAMETOOLONG;
    const char *name = basename(name_copy);
    int folder = open(dirname(folder_copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int rc = file_write_whole(folder, name, page->bytes, page->len);
    mode_t mask = umask(0);
    umask(mask);
    if (rc == 0 && fchmodat(folder, name, 0666 & ~mask, 0) < 0)
        rc = -errno;
    close(folder);
    return rc;
}

static int cannot_write(const char *path, int error)
{
    return cmd_cannot("cannot write %s: %s; give another file", path, strerror(error));
}

/* False: reported. */
static bool may_be_file(const char *path)
{
    struct stat there;
    if (stat(path, &there) != 0 || S_ISREG(there.st_mode))
        return true;
    cmd_cannot("%s: not a regular file; use - for standard output", path);
    return false;
}

int page_file_check(const char *path)
{
    char folder[PATH_MAX];
    if (strcmp(path, "-") == 0)
        return CMD_FINE;
    if (!may_be_file(path))
        return CMD_CANNOT;
    if (!text_copy(folder, sizeof folder, path))
        return cannot_write(path, ENAMETOOLONG);
    return access(dirname(folder), W_OK) == 0 ? CMD_FINE : cannot_write(path, errno);
}

int page_file_write(const char *path, const struct text *page)
{
    char real[PATH_MAX];
    if (strcmp(path, "-") == 0) {
        fwrite(page->bytes, 1, page->len, stdout);
        return CMD_FINE;
    }
    if (!may_be_file(path))
        return CMD_CANNOT;
    if (realpath(path, real) == NULL)
        text_copy(real, sizeof real, path);
    int rc = write_into(real, page);
    return rc == 0 ? CMD_FINE : cannot_write(path, -rc);
}
