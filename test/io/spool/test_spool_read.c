/*
 * Reads that fail. An error of the disk says nothing about the file: it is never set
 * aside, dropped or removed, and is tried again; what can be read is handed out
 * meanwhile, in order.
 */
#include "spool/spool.h"

#include "core/random.h"
#include "io/spool/spool_bed.h"
#include "net/clock.h"

#include <errno.h>
#include <sys/syscall.h>

/* ---- the disk and the clock of this process ---- */

static struct {
    int error;        /* of reads below the spool's folder; 0: none */
    uint64_t only;    /* of this batch alone; 0: of all */
    unsigned percent; /* of the reads, by chance; 0: all */
    bool rename_too;  /* rename() fails as well */
    struct random random;
    size_t most; /* bytes a read; 0: all */
} disk;
static int64_t passed_ns;

static bool fails(const char *path)
{
    if (disk.error == 0 || strstr(path, "/spool/") == NULL)
        return false;
    if (disk.only != 0 && strtoull(strrchr(path, '/') + 1, NULL, 10) != disk.only)
        return false;
    if (disk.percent > 0)
        return random_below(&disk.random, 100) < disk.percent;
    return true;
}

ssize_t read(int fd, void *to, size_t n)
{
    char self[32], path[256];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(self, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    if (fails(path)) {
        errno = disk.error;
        return -1;
    }
    if (disk.most > 0 && strstr(path, "/spool/") != NULL && n > disk.most)
        n = disk.most;
    return syscall(SYS_read, fd, to, n);
}

int rename(const char *from, const char *to)
{
    if (disk.rename_too && fails(from)) {
        errno = disk.error;
        return -1;
    }
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    int64_t ns = t->tv_sec * NS_PER_S + t->tv_nsec + passed_ns;
    *t = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    return rc;
}

static void begin(struct spool_bed *b, unsigned n)
{
    memset(&disk, 0, sizeof disk);
    passed_ns = 0;
    bed_begin(b);
    bed_open(b, wide);
    for (unsigned i = 1; i <= n; i++) {
        bed_add(b, i);
        bed_written(b, i);
    }
}

static void check_kept(struct spool_bed *b, unsigned n, const char *what)
{
    struct spool_counters c = spool_counters(b->spool);
    bed_settle(b);
    CHECK_INT(n, c.waiting, what);
    CHECK_INT(0, c.dropped, what);
    CHECK_INT(0, c.set_aside, what);
    CHECK_INT(0, bed_files(b, "/bad"), what);
    CHECK_INT(n, bed_files(b, ""), what);
}

/* Seconds until the spool says by itself that there may be something. */
static void wait_ready(struct spool_bed *b, int seconds)
{
    b->ready = 0;
    for (int i = 0; i < seconds && b->ready == 0; i++) {
        passed_ns += NS_PER_S;
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    CHECK(b->ready > 0, "nothing was tried again within %d s", seconds);
}

/* ---- tests ---- */

static void all_fail_for_a_while(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOMEM, EACCES, ESTALE, ENXIO, ETIMEDOUT, EUCLEAN};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct spool_bed b;
        begin(&b, 5);
        disk.error = errors[i];
        for (int round = 0; round < 4; round++) {
            CHECK(bed_empty(&b), "%s: none can be read", strerror(errors[i]));
            check_kept(&b, 5, strerror(errors[i]));
            wait_ready(&b, 10);
        }
        disk.error = 0;
        for (unsigned n = 1; n <= 5; n++)
            CHECK_INT(n, bed_take(&b), "all of them, in order");
        bed_end(&b);
    }
}

/* A sector of one file is broken. */
static void one_fails(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 5);
    disk.error = EIO;
    disk.only = 2;
    static const unsigned others[] = {1, 3, 4, 5};
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(others[i], bed_take(&b), "the others, in order");
    CHECK(bed_empty(&b), "it cannot be read");
    check_kept(&b, 1, "it waits");
    wait_ready(&b, 400);
    CHECK(bed_empty(&b), "still not");
    bed_close(&b);
    bed_open(&b, wide);
    CHECK(bed_empty(&b), "nor after a restart");
    check_kept(&b, 1, "it waits");
    disk.error = 0;
    wait_ready(&b, 400);
    CHECK_INT(2, bed_take(&b), "when it can be read");
    bed_end(&b);
}

static void thousands_fail(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 0);
    bed_close(&b);
    for (unsigned i = 1; i <= 3000; i++) {
        char name[48];
        snprintf(name, sizeof name, "%020u-metrics.pb.gz", i);
        bed_put_batch(&b, name, i, 0);
    }
    bed_open(&b, wide);
    disk.error = EIO;
    for (int i = 0; i < 5; i++) {
        int64_t began = mono_now().ns;
        CHECK(bed_empty(&b), "none can be read");
        CHECK(mono_now().ns - began < 100 * NS_PER_MS, "the loop is held %.0f ms",
              (double)(mono_now().ns - began) / 1e6);
        wait_ready(&b, 400);
    }
    check_kept(&b, 3000, "all wait");
    disk.error = 0;
    passed_ns += 400 * NS_PER_S;
    for (unsigned i = 1; i <= 3000; i++)
        CHECK_INT(i, bed_take(&b), "all, in order");
    bed_end(&b);
}

static void short_reads(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 3);
    bed_close(&b);
    disk.most = 1;
    bed_open(&b, wide);
    CHECK_INT(0, spool_counters(b.spool).set_aside, "a byte at a time is no torn file");
    for (unsigned n = 1; n <= 3; n++)
        CHECK_INT(n, bed_take(&b), "in order");
    bed_end(&b);
}

/* What was read and is wrong is torn, whatever the disk did before. */
static void torn_after_all(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 2);
    bed_put_batch(&b, "00000000000000000001-metrics.pb.gz", 1, 3);
    disk.error = EIO;
    CHECK(bed_empty(&b), "cannot be read");
    check_kept(&b, 2, "so it may be whole");
    disk.error = 0;
    CHECK_INT(2, bed_take(&b), "over the torn one");
    bed_settle(&b);
    CHECK_INT(1, spool_counters(b.spool).set_aside, "which is set aside");
    CHECK_INT(1, bed_files(&b, "/bad"), "in bad/");
    bed_end(&b);
}

/* The folder is away for a while, as a mount may be. */
static void folder_away(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 3);
    bed_run(&b, "", "mv spool away");
    CHECK(bed_empty(&b), "none can be read");
    bed_run(&b, "", "mv away spool");
    check_kept(&b, 3, "all wait");
    for (unsigned n = 1; n <= 3; n++)
        CHECK_INT(n, bed_take(&b), "in order");
    bed_end(&b);
}

/* Somebody moves a file away and back: it is not removed in between. */
static void file_away(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b, 2);
    bed_run(&b, "spool", "mv *1-metrics.pb.gz ../away");
    CHECK_INT(2, bed_take(&b), "the other one");
    bed_run(&b, "", "mv away spool/00000000000000000001-metrics.pb.gz");
    bed_close(&b);
    bed_open(&b, wide);
    CHECK_INT(1, bed_take(&b), "found at the next start");
    bed_end(&b);
}

/* Reads and moves fail by chance: each is handed out in the end, none is lost. */
static void by_chance(void **state)
{
    (void)state;
    struct spool_bed b;
    enum { BATCHES = 60 };
    bool taken[BATCHES + 1] = {false};
    unsigned left = BATCHES;
    begin(&b, BATCHES);
    disk.random = random_from(check_seed());
    disk.error = EIO;
    disk.percent = 70;
    disk.rename_too = true;
    for (int i = 0; i < 5000 && left > 0; i++) {
        struct spooled first;
        passed_ns += NS_PER_S;
        uv_run(&b.loop, UV_RUN_NOWAIT);
        if (!spool_first(b.spool, &first))
            continue;
        unsigned number = number_of(first.bytes, first.len);
        free(first.bytes);
        CHECK(number <= BATCHES && !taken[number], "%u comes once", number);
        taken[number] = true;
        left--;
        spool_done(b.spool, first.id);
    }
    CHECK_INT(0, left, "all were handed out");
    CHECK_INT(0, spool_counters(b.spool).set_aside, "none set aside");
    disk.error = 0;
    bed_close(&b);
    CHECK_INT(0, bed_files(&b, ""), "none is left");
    CHECK_INT(BATCHES, bed_files(&b, "/../history"), "all are in the history");
    bed_open(&b, wide);
    bed_end(&b);
}

/* A report beside it: what cannot be read is not called torn, and nothing changes. */
static void history_cannot_be_read(void **state)
{
    (void)state;
    struct spool_bed b;
    struct history_reader *r;
    struct history_batch batch;
    int rc;
    begin(&b, 3);
    bed_put_batch(&b, "00000000000000000002-metrics.pb.gz", 2, 3);
    disk.error = EIO;
    disk.only = 1;
    CHECK_INT(0, history_read(&r, b.state, (int64_t[SIGNALS]){0}), "opened");
    CHECK(history_next(r, &batch), "the third");
    CHECK_INT(3, batch.id, "the third");
    free(batch.bytes);
    CHECK(!history_next(r, &batch), "the end");
    CHECK_INT(1, history_skipped(r), "one is torn");
    CHECK_INT(1, history_unreadable(r, &rc), "one cannot be read");
    CHECK_INT(-EIO, rc, "why");
    history_read_end(r);
    CHECK_INT(3, bed_files(&b, ""), "all are there");
    disk.error = 0;
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fail_for_a_while),
        cmocka_unit_test(one_fails),
        cmocka_unit_test(thousands_fail),
        cmocka_unit_test(short_reads),
        cmocka_unit_test(torn_after_all),
        cmocka_unit_test(folder_away),
        cmocka_unit_test(file_away),
        cmocka_unit_test(by_chance),
        cmocka_unit_test(history_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
