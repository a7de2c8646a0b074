#include "daemon/doors_file.h"

#include "base/file.h"
#include "base/log.h"
#include "config/config.h"
#include "edge/kept_doors.h"
#include "net/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "doors"

static void use(struct measurer *m, const struct kept_doors *kept)
{
    const char *why =
        kept_doors_unfit(kept, measurer_network(m), wall_now(), SWEEP_EVERY_NS);
    if (why == NULL && !measurer_restore(m, kept))
        why = "the configuration asks for other ones";
    if (why != NULL)
        log_info("explorer", "the front doors of the last run are not used: %s", why);
    else
        log_info("explorer",
                 "front doors known from the last run: only the nearest are measured "
                 "again, all after a day");
}

void doors_file_load(const char *state_dir, struct measurer *m)
{
    char path[FILE_TEXT_MAX + sizeof NAME];
    snprintf(path, sizeof path, "%s/" NAME, state_dir);
    struct kept_doors kept;
    char *bytes;
    size_t len;
    int rc = file_read(AT_FDCWD, path, FILE_NO_LINK, KEPT_DOORS_BYTES_MAX, &bytes, &len);
    if (rc == -ENOENT)
        return;
    if (rc < 0) {
        log_warn("explorer", "%s: %s; ignored, all front doors are asked for again", path,
                 file_error(rc));
        return;
    }
    size_t line = kept_doors_read(&kept, bytes, len);
    free(bytes);
    if (line > 0)
        log_warn("explorer",
                 "%s: damaged at line %zu; ignored and replaced: all front doors are "
                 "asked for again",
                 path, line);
    else
        use(m, &kept);
    kept_doors_free(&kept);
}

void doors_file_store(const char *state_dir, const struct measurer *m)
{
    struct kept_doors kept = {0};
    struct text text = {0};
    if (!measurer_keep(m, &kept)) {
        kept_doors_free(&kept);
        return;
    }
    kept_doors_write(&text, &kept);
    int folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = folder < 0 ? -errno
                        : file_write_whole(folder, NAME, text_string(&text), text.len);
    if (folder >= 0)
        close(folder);
    if (rc < 0)
        log_warn("explorer",
                 "%s/" NAME ": %s; after a restart all front doors are asked for again",
                 state_dir, strerror(-rc));
    kept_doors_free(&kept);
    text_free(&text);
}
