/*
 * A spool in a folder of its own, for the tests of the spool and the shipper.
 */
#ifndef EDGELAT_TEST_SPOOL_BED_H
#define EDGELAT_TEST_SPOOL_BED_H

#include "check.h"
#include "core/time.h"
#include "io/net/child.h"
#include "otlp/gzip.h"
#include "spool/spool.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>

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

/* Writes a file into the spool's folder; `len` of `bytes`, or as many zeros. */
static inline void bed_put(const struct spool_bed *b, const char *name, const void *bytes,
                           size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0, "cannot write %s", path);
    if (bytes == NULL)
        CHECK_INT(0, ftruncate(fd, (off_t)len), "sized");
    else
        CHECK_INT(len, write(fd, bytes, len), "written");
    close(fd);
}

static inline void bed_put_batch(const struct spool_bed *b, const char *name,
                                 unsigned number, size_t torn)
{
    char text[64];
    size_t len;
    int n = snprintf(text, sizeof text, "batch %u", number);
    void *bytes = gzip_pack(text, (size_t)n, &len);
    bed_put(b, name, bytes, len - torn);
    free(bytes);
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
    char path[320];
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

/* Runs a shell command in the state folder (`in` "") or below it ("spool"). */
static inline void bed_run(const struct spool_bed *b, const char *in, const char *command)
{
    char text[1600];
    int n = snprintf(text, sizeof text, "cd %s/%s && { %s; }", b->state, in, command);
    CHECK(n < (int)sizeof text, "a command of %d bytes", n);
    child_run(text);
}

/* ---- disks of our own: as root, in a mount namespace ---- */

static bool own_mounts; /* a small disk can be had */

/* First of all: threads that are there already would stay outside. */
static inline void bed_own_mounts(void)
{
    own_mounts = unshare(CLONE_NEWNS) == 0 &&
                 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* bed_begin() with the state folder on a disk of its own, `size` as tmpfs says it; skips
 * the test where none can be had. */
static inline void bed_begin_on_disk(struct spool_bed *b, const char *size)
{
    if (!own_mounts) {
        print_message("# no mount namespace: not run as root\n");
        skip();
    }
    char options[32];
    bed_begin(b);
    snprintf(options, sizeof options, "size=%s", size);
    CHECK_INT(0, mkdir(b->state, 0700), "made");
    CHECK_INT(0, mount("none", b->state, "tmpfs", 0, options), "a disk");
}

static inline void bed_end_on_disk(struct spool_bed *b)
{
    bed_close(b);
    CHECK_INT(0, umount2(b->state, MNT_DETACH), "unmounted");
    bed_end(b);
}

#endif
