#include "daemon/budget_file.h"

#include "base/file.h"
#include "base/log.h"
#include "core/target.h"
#include "net/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "budget"

enum { BYTES_MAX = 128 };

void budget_file_load(const char *state_dir, struct budget_amount limit, struct budget *b)
{
    char path[FILE_TEXT_MAX + sizeof NAME], *bytes;
    size_t len;
    budget_begin(b, limit, wall_now(), mono_now());
    if (limit.bytes <= 0)
        return;
    snprintf(path, sizeof path, "%s/" NAME, state_dir);
    int rc = file_read(AT_FDCWD, path, FILE_NO_LINK, BYTES_MAX, &bytes, &len);
    bool fine = rc == 0 && budget_read(b, bytes, len);
    if (rc == 0)
        free(bytes);
    if (!fine && rc != -ENOENT)
        log_warn(
            "agent",
            "%s: %s; ignored and replaced: the budget of the day so far counts as spent",
            path, rc < 0 ? file_error(rc) : "damaged");
}

void budget_file_keep(const char *state_dir, struct budget *b, bool stop)
{
    static bool failed;
    struct text text = {0};
    double granted;
    if (!budget_grant(b, stop, &text, &granted))
        return;
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = folder < 0 ? -errno
                        : file_write_whole(folder, NAME, text_string(&text), text.len);
    if (folder >= 0)
        close(folder);
    text_free(&text);
    if (rc < 0 && !failed)
        log_warn("agent",
                 "%s/" NAME
                 ": %s; after a restart the budget may be spent again; free disk "
                 "space, or correct the permissions of the folder",
                 state_dir, strerror(-rc));
    failed = rc < 0;
    budget_granted(b, granted);
}
