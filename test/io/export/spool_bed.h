/*
 * A spool in a folder of its own, for the tests of the spool and the shipper.
 */
#ifndef EDGELAT_TEST_SPOOL_BED_H
#define EDGELAT_TEST_SPOOL_BED_H

#include "check.h"
#include "core/time.h"
#include "export/gzip.h"
#include "export/spool.h"
#include "io/net/child.h"

#include <dirent.h>

struct spool_bed {
    uv_loop_t loop;
    struct child_folder folder;
    char state[96], dir[128]; /* the spool is below the state folder */
    struct spool *spool;
    int ready;
    spool_ready_cb *on_ready; /* or NULL */
    void *user;
};

static const struct spool_limits wide = {
    .bytes = 1u << 30, .count = 20000, .history = {.bytes = 1u << 30}};

static inline void bed_ready(void *user)
{
    struct spool_bed *b = user;
    b->ready++;
    if (b->on_ready != NULL)
        b->on_ready(b->user);
}

static inline void bed_open(struct spool_bed *b, struct spool_limits limits)
{
    CHECK_INT(0, spool_open(&b->spool, &b->loop, b->state, limits, bed_ready, b),
              "opened");
}

static inline void bed_close(struct spool_bed *b)
{
    spool_close(b->spool);
    b->spool = NULL;
    uv_run(&b->loop, UV_RUN_DEFAULT);
}

static inline void bed_begin(struct spool_bed *b)
{
    *b = (struct spool_bed){0};
    uv_loop_init(&b->loop);
    child_folder(&b->folder);
    snprintf(b->state, sizeof b->state, "%s/state", b->folder.path);
    snprintf(b->dir, sizeof b->dir, "%s/spool", b->state);
}

static inline void bed_end(struct spool_bed *b)
{
    bed_close(b);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    child_folder_remove(&b->folder);
}

/* A batch that says its number. */
static inline void bed_add_as(struct spool_bed *b, enum signal signal, unsigned number)
{
    char text[64];
    size_t len;
    int n = snprintf(text, sizeof text, "batch %u", number);
    void *bytes = gzip_pack(text, (size_t)n, &len);
    spool_add(b->spool, signal, bytes, len);
}

static inline void bed_add(struct spool_bed *b, unsigned number)
{
    bed_add_as(b, SIGNAL_METRICS, number);
}

static inline unsigned number_of(const void *bytes, size_t len)
{
    char text[64] = "";
    void *unpacked;
    size_t n;
    unsigned number;
    CHECK_INT(0, gzip_unpack(bytes, len, sizeof text - 1, &unpacked, &n), "whole");
    memcpy(text, unpacked, n);
    free(unpacked);
    CHECK(sscanf(text, "batch %u", &number) == 1, "'%s'", text);
    return number;
}

/* Until `n` batches have been written. */
static inline void bed_written(struct spool_bed *b, uint64_t n)
{
    while (spool_counters(b->spool).written < n)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* Until nothing is under way on the disk. */
static inline void bed_settle(struct spool_bed *b)
{
    while (uv_loop_alive(&b->loop) && b->loop.active_reqs.count > 0)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* The number of the oldest, which goes; it must be there. */
static inline unsigned bed_take(struct spool_bed *b)
{
    struct spooled first;
    CHECK(spool_first(b->spool, &first), "nothing waits");
    unsigned number = number_of(first.bytes, first.len);
    free(first.bytes);
    spool_done(b->spool, first.id);
    return number;
}

static inline bool bed_empty(struct spool_bed *b)
{
    struct spooled first;
    if (!spool_first(b->spool, &first))
        return true;
    free(first.bytes);
    return false;
}

/* How many files there are in `sub` of the folder ("", "/bad" or
 * "/../history"). */
static inline int bed_files(const struct spool_bed *b, const char *sub)
{
    char path[192];
    int n = 0;
    snprintf(path, sizeof path, "%s%s", b->dir, sub);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_type == DT_REG;
    closedir(dir);
    return n;
}

#endif
