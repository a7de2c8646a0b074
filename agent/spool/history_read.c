#include "base/mem.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "spool/batch_file.h"
#include "spool/history.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct history_reader {
    char dir[PATH_MAX - BATCH_FILE_ROOM]; /* the state folder */
    struct batch_files files;             /* of both folders */
    size_t next, skipped, unreadable;
    int rc; /* of the last that could not be read */
    int64_t since_ns[SIGNALS];
};

/* The spool first: a batch that moves meanwhile is then seen twice, not missed. */
static const char *const folders[] = {"spool", "history"};
enum { FOLDERS = sizeof folders / sizeof *folders };

static void note_unreadable(struct history_reader *r, int rc)
{
    r->unreadable++;
    r->rc = rc;
}

int history_read(struct history_reader **out, const char *state_dir,
                 const int64_t since_ns[SIGNALS])
{
    char path[PATH_MAX];
    struct history_reader *r = mem_zalloc(sizeof *r);
    snprintf(r->dir, sizeof r->dir, "%s", state_dir);
    memcpy(r->since_ns, since_ns, sizeof r->since_ns);
    int rc[FOLDERS];
    for (size_t i = 0; i < FOLDERS; i++) {
        snprintf(path, sizeof path, "%s/%s", r->dir, folders[i]);
        rc[i] = batch_files_find(&r->files, path);
        if (rc[i] < 0 && rc[i] != -ENOENT)
            note_unreadable(r, rc[i]);
    }
    if (rc[0] < 0 && rc[1] < 0) {
        history_read_end(r);
        return rc[0];
    }
    batch_files_sort(&r->files);
    *out = r;
    return 0;
}

/* From the folder it is in now. */
static int read_one(const struct history_reader *r, const struct batch_file *f,
                    void **bytes, size_t *len)
{
    char path[PATH_MAX], name[BATCH_FILE_NAME_MAX];
    int rc = -ENOENT;
    batch_file_name(name, f->id, f->signal);
    for (size_t i = 0; i < FOLDERS && rc == -ENOENT; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", r->dir, folders[i], name);
        rc = batch_file_read(path, bytes, len);
    }
    return rc;
}

static int unpack(struct history_reader *r, const struct batch_file *f,
                  struct history_batch *out)
{
    void *packed;
    size_t len;
    int rc = read_one(r, f, &packed, &len);
    if (rc < 0)
        return rc;
    *out =
        (struct history_batch){.id = f->id, .signal = f->signal, .time_ns = f->time_ns};
    rc = gzip_unpack(packed, len, OTLP_BYTES_MAX, &out->bytes, &out->len);
    free(packed);
    return rc;
}

static bool seen_before(const struct history_reader *r, const struct batch_file *f)
{
    return f > r->files.all && f[-1].id == f->id && f[-1].signal == f->signal;
}

bool history_next(struct history_reader *r, struct history_batch *out)
{
    while (r->next < r->files.n) {
        const struct batch_file *f = &r->files.all[r->next++];
        if (f->time_ns < r->since_ns[f->signal] || seen_before(r, f))
            continue;
        int rc = unpack(r, f, out);
        if (rc == 0)
            return true;
        if (rc == -EBADMSG || rc == -EMSGSIZE)
            r->skipped++;
        else if (rc != -ENOENT) /* dropped meanwhile */
            note_unreadable(r, rc);
    }
    return false;
}

size_t history_unreadable(const struct history_reader *r, int *rc)
{
    *rc = r->rc;
    return r->unreadable;
}

size_t history_skipped(const struct history_reader *r)
{
    return r->skipped;
}

void history_read_end(struct history_reader *r)
{
    if (r == NULL)
        return;
    free(r->files.all);
    free(r);
}
