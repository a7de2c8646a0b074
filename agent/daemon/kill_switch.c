#include "daemon/kill_switch.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "net/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* File in the state folder while the collector's order is in force; contains its reason. */
#define MEMORY "stopped"

/* ---- remembered order ---- */

static int order_write(int folder, const struct kill_switch *b)
{
    char line[STOP_REASON_MAX + 1];
    int len = snprintf(line, sizeof line, "%s\n", b->reason);
    if (b->collector)
        return file_write_whole(folder, MEMORY, line, (size_t)len);
    return unlinkat(folder, MEMORY, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static void order_store(const struct kill_switch *b)
{
    const char *dir = b->config->state_dir;
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = folder < 0 ? -errno : order_write(folder, b);
    if (folder >= 0)
        close(folder);
    if (rc < 0)
        log_warn("agent",
                 "%s/" MEMORY ": %s; the collector's stop order is not remembered across "
                 "a restart",
                 dir, strerror(-rc));
}

static void order_load(struct kill_switch *b)
{
    char path[FILE_TEXT_MAX + sizeof MEMORY];
    snprintf(path, sizeof path, "%s/" MEMORY, b->config->state_dir);
    char *bytes;
    size_t len;
    int rc = file_read(AT_FDCWD, path, FILE_NO_LINK, sizeof b->reason, &bytes, &len);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return;
    b->collector = true; /* also when it is unreadable: it exists */
    if (rc < 0)
        return;
    bytes[strcspn(bytes, "\n")] = '\0';
    text_copy(b->reason, sizeof b->reason, bytes);
    free(bytes);
    if (text_wrong(b->reason, strlen(b->reason)) != NULL)
        b->reason[0] = '\0';
}

/* ---- state ---- */

static void describe(struct kill_switch *b)
{
    const char *file = b->config->stop_file, *colon = b->reason[0] != '\0' ? ": " : "";
    if (b->clock)
        text_copy(b->text, sizeof b->text,
                  "this host's clock was never set; measuring begins when it is set");
    else if (b->file && b->collector)
        snprintf(b->text, sizeof b->text, "%s exists, and by order of the collector%s%s",
                 file, colon, b->reason);
    else if (b->file)
        snprintf(b->text, sizeof b->text, "%s exists", file);
    else
        snprintf(b->text, sizeof b->text, "by order of the collector%s%s", colon,
                 b->reason);
}

void kill_switch_begin(struct kill_switch *b, const struct config *config)
{
    *b = (struct kill_switch){.config = config};
    if (config->collectors[0].url[0] != '\0')
        order_load(b);
    kill_switch_check(b);
}

void kill_switch_check(struct kill_switch *b)
{
    b->file = access(b->config->stop_file, F_OK) == 0;
    b->clock = !wall_is_set(wall_now());
    describe(b);
}

void kill_switch_collector(struct kill_switch *b, enum probing word, const char *reason)
{
    bool stop = word == PROBING_STOPPED;
    if (word == PROBING_UNKNOWN ||
        (stop == b->collector && strcmp(reason, b->reason) == 0))
        return;
    b->collector = stop;
    text_copy(b->reason, sizeof b->reason, reason);
    order_store(b);
    describe(b);
}

const char *kill_switch_reason(const struct kill_switch *b)
{
    return b->clock || b->file || b->collector ? b->text : NULL;
}
