/*
 * Power that fails at any instant. What the spool asks of the disk is recorded; then each
 * state that the disk may be in after each of the calls is made, and a spool opened on
 * it:
 *
 * - what is in a file is there once fsync() of the file has returned; before that it may
 *   be there, be torn, be zeros or be empty;
 * - a name (made, moved, removed) is on disk once fsync() of its folder has returned;
 *   before that each of them may be there or not, in every combination.
 */
#include "spool/history.h"
#include "spool/spool.h"

#include "base/log.h"
#include "io/spool/spool_bed.h"

#include <pthread.h>
#include <sys/syscall.h>

enum { OPS_MAX = 400, PATH_LEN = 160, BYTES_MAX = 128, PENDING_MAX = 10, NUMBERS = 16 };

/* ---- the record ---- */

enum kind { FOLDER_MADE, FILE_SYNCED, FOLDER_SYNCED, MOVED, REMOVED, SAID, TAKEN };

struct op {
    enum kind kind;
    char path[PATH_LEN], to[PATH_LEN];
    unsigned char bytes[BYTES_MAX]; /* of a temporary file that is moved */
    size_t len;
    unsigned number; /* SAID: the spool has said that it is written; TAKEN */
};

static struct op ops[OPS_MAX];
static size_t n_ops;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *recorded; /* what is below this folder is; NULL: the disk is skipped */

static void note(struct op op)
{
    pthread_mutex_lock(&lock);
    if (n_ops < OPS_MAX)
        ops[n_ops++] = op;
    pthread_mutex_unlock(&lock);
}

static bool is_recorded(const char *path)
{
    return recorded != NULL && strncmp(path, recorded, strlen(recorded)) == 0;
}

static bool is_temporary(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".tmp") == 0;
}

/* Of a descriptor, and below it. */
static const char *path_at(char out[PATH_LEN], int fd, const char *name)
{
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, out, PATH_LEN - 1);
    size_t len = n > 0 ? (size_t)n : 0;
    snprintf(out + len, PATH_LEN - len, "%s%s", *name != '\0' ? "/" : "", name);
    return out;
}

/* ---- what the spool calls comes here ---- */

int fsync(int fd)
{
    struct op op = {0};
    struct stat stat;
    path_at(op.path, fd, "");
    if (!is_recorded(op.path))
        return 0;
    fstat(fd, &stat);
    op.kind = S_ISDIR(stat.st_mode) ? FOLDER_SYNCED : FILE_SYNCED;
    note(op);
    return 0;
}

int mkdir(const char *path, mode_t mode)
{
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    struct op op = {.kind = FOLDER_MADE};
    snprintf(op.path, sizeof op.path, "%s", path);
    if (rc == 0 && is_recorded(path))
        note(op);
    return rc;
}

static int moved(const char *from, const char *to)
{
    struct op op = {.kind = MOVED};
    snprintf(op.path, sizeof op.path, "%s", from);
    snprintf(op.to, sizeof op.to, "%s", to);
    int fd = is_temporary(from) ? open(from, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        op.len = (size_t)read(fd, op.bytes, sizeof op.bytes);
        close(fd);
    }
    int rc = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (rc == 0 && is_recorded(from))
        note(op);
    return rc;
}

int rename(const char *from, const char *to)
{
    return moved(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    char from_path[PATH_LEN], to_path[PATH_LEN];
    return moved(path_at(from_path, from_fd, from), path_at(to_path, to_fd, to));
}

int unlink(const char *path)
{
    int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    struct op op = {.kind = REMOVED};
    snprintf(op.path, sizeof op.path, "%s", path);
    if (rc == 0 && is_recorded(path))
        note(op);
    return rc;
}

/* ---- the run that is recorded ---- */

static void record(struct spool_bed *b)
{
    struct spool_limits limits = {
        .bytes = 1 << 20, .count = NUMBERS, .history = {.bytes = 120}};
    recorded = b->folder.path;
    bed_open(b, limits);
    for (unsigned i = 1; i < NUMBERS; i++) {
        bed_add(b, i);
        bed_written(b, i);
        note((struct op){.kind = SAID, .number = i});
        if (i % 3 == 0)
            for (unsigned n = 0; n < 2; n++) {
                struct spooled one;
                CHECK(spool_first(b->spool, &one), "waits");
                unsigned number = number_of(one.bytes, one.len);
                free(one.bytes);
                note((struct op){.kind = TAKEN, .number = number});
                spool_done(b->spool, one.id);
            }
    }
    struct spool_counters c = spool_counters(b->spool);
    CHECK(c.dropped == 0 && c.history_dropped > 0, "the history's bound was reached");
    bed_close(b);
    recorded = NULL;
    CHECK(n_ops > 4 * NUMBERS && n_ops < OPS_MAX, "%zu calls", n_ops);
}

/* ---- what is on disk after `n` calls ---- */

struct disk {
    struct {
        char path[PATH_LEN]; /* "" when it is gone */
        bool folder, synced;
        unsigned char bytes[BYTES_MAX];
        size_t len;
    } entries[OPS_MAX];
    size_t n;
};

static void parent_of(char out[PATH_LEN], const char *path)
{
    snprintf(out, PATH_LEN, "%s", path);
    *strrchr(out, '/') = '\0';
}

static bool is_name(const struct op *op)
{
    return op->kind == FOLDER_MADE || op->kind == MOVED || op->kind == REMOVED;
}

/* A folder of call `i` has been synced behind it. */
static bool is_durable(size_t i, size_t n)
{
    char parent[PATH_LEN], other[PATH_LEN];
    parent_of(parent, ops[i].path);
    parent_of(other, ops[i].kind == MOVED ? ops[i].to : ops[i].path);
    for (size_t k = i + 1; k < n; k++)
        if (ops[k].kind == FOLDER_SYNCED &&
            (strcmp(ops[k].path, parent) == 0 || strcmp(ops[k].path, other) == 0))
            return true;
    return false;
}

static size_t find(const struct disk *d, const char *path)
{
    size_t i = 0;
    while (i < d->n && strcmp(d->entries[i].path, path) != 0)
        i++;
    return i;
}

static bool was_synced(const char *path, size_t before)
{
    while (before-- > 0 && strcmp(ops[before].to, path) != 0)
        if (ops[before].kind == FILE_SYNCED && strcmp(ops[before].path, path) == 0)
            return true;
    return false;
}

static void apply(struct disk *d, size_t i)
{
    const struct op *op = &ops[i];
    size_t at = find(d, op->path);
    if (op->kind == MOVED && is_temporary(op->path)) {
        at = d->n++;
        d->entries[at].synced = was_synced(op->path, i);
        d->entries[at].len = op->len;
        memcpy(d->entries[at].bytes, op->bytes, op->len);
    } else if (op->kind == FOLDER_MADE) {
        at = d->n++;
        d->entries[at].folder = true;
    }
    if (at < d->n)
        snprintf(d->entries[at].path, PATH_LEN, "%s",
                 op->kind == FOLDER_MADE ? op->path
                 : op->kind == MOVED     ? op->to
                                         : "");
}

/* `mask`: which of the names that are not durable yet are there all the same. */
static unsigned disk_after(struct disk *d, size_t n, unsigned mask)
{
    unsigned pending = 0;
    memset(d, 0, sizeof *d);
    for (size_t i = 0; i < n; i++)
        if (is_name(&ops[i]) && (is_durable(i, n) || (mask >> pending++ & 1)))
            apply(d, i);
    return pending;
}

/* ---- that disk, for real ---- */

enum torn { WHOLE, HALF, ZEROS, EMPTY, TORN };

/* True: some file is not synced, and may be there otherwise. */
static bool lay_out(const struct disk *d, const char *from, const char *to,
                    enum torn torn)
{
    char path[256];
    bool open_end = false;
    for (size_t i = 0; i < d->n; i++) {
        if (d->entries[i].path[0] == '\0')
            continue;
        snprintf(path, sizeof path, "%s%s", to, d->entries[i].path + strlen(from));
        if (d->entries[i].folder) {
            mkdir(path, 0700); /* not when the one above it is not there */
            continue;
        }
        static const unsigned char zeros[BYTES_MAX];
        enum torn how = d->entries[i].synced ? WHOLE : torn;
        size_t len = how == EMPTY  ? 0
                     : how == HALF ? d->entries[i].len / 2
                                   : d->entries[i].len;
        open_end |= !d->entries[i].synced;
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            continue;
        CHECK_INT(len, write(fd, how == ZEROS ? zeros : d->entries[i].bytes, len), path);
        close(fd);
    }
    return open_end;
}

/* What was said to be written waits, in order; what was taken does, or is kept. */
static void check_disk(struct spool_bed *b, size_t n)
{
    bool waits[NUMBERS] = {false}, said[NUMBERS] = {false}, taken[NUMBERS] = {false};
    for (size_t i = 0; i < n; i++) {
        said[ops[i].number] |= ops[i].kind == SAID;
        taken[ops[i].number] |= ops[i].kind == TAKEN;
    }
    bed_open(b, wide);
    CHECK_INT(0, spool_counters(b->spool).set_aside, "a torn file has a batch's name");
    for (unsigned last = 0; spool_counters(b->spool).waiting > 0;) {
        unsigned number = bed_take(b); /* checks that it is whole */
        CHECK(number > last && number < NUMBERS, "%u after %u", number, last);
        last = number;
        waits[number] = true;
    }
    for (unsigned i = 1; i < NUMBERS; i++)
        CHECK(waits[i] || !said[i] || taken[i], "%u is lost after %zu calls", i, n);
    bed_close(b);
}

static void power_fails(void **state)
{
    (void)state;
    static struct disk disk;
    struct spool_bed b, after;
    unsigned states = 0, worst = 0;
    log_set_level(LOG_LEVEL_ERROR);
    bed_begin(&b);
    record(&b);
    bed_begin(&after);
    for (size_t n = 0; n <= n_ops; n++) {
        unsigned pending = disk_after(&disk, n, 0);
        CHECK(pending <= PENDING_MAX, "%u names are not on disk yet", pending);
        worst = pending > worst ? pending : worst;
        for (unsigned mask = 0; mask < 1u << pending; mask++) {
            bool open_end = true;
            disk_after(&disk, n, mask);
            for (enum torn torn = WHOLE; torn < TORN && open_end; torn++) {
                open_end = lay_out(&disk, b.folder.path, after.folder.path, torn);
                check_disk(&after, n);
                nftw(after.state, child_unlink, 8, FTW_DEPTH | FTW_PHYS);
                states++;
            }
        }
    }
    print_message("# %zu calls, %u states of the disk, at most %u names in the air\n",
                  n_ops, states, worst);
    bed_end(&after);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
