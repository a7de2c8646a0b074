/*
 * Disks that fail: full, read-only, gone, slow, without descriptors. Each time the spool
 * goes on in bounded memory, and recovers by itself.
 */
#include "spool/spool.h"

#include "core/random.h"
#include "io/spool/spool_bed.h"

#include <errno.h>
#include <malloc.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* ---- fsync() as the tests want it; the spool's comes here too ---- */

static struct {
    int error; /* errno of the next `times` calls */
    int times;
    bool held; /* waits until it is let go, 10 s at most */
    sem_t go;
    bool too_long;
} sync_is;

int fsync(int fd)
{
    struct timespec until;
    if (sync_is.times > 0) {
        sync_is.times--;
        errno = sync_is.error;
        return -1;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    if (sync_is.held && sem_timedwait(&sync_is.go, &until) < 0)
        sync_is.too_long = true;
    return (int)syscall(SYS_fsync, fd);
}

static void wait_for_failure(struct spool_bed *b)
{
    uint64_t before = spool_counters(b->spool).write_errors;
    while (spool_counters(b->spool).write_errors == before)
        uv_run(&b->loop, UV_RUN_ONCE);
}

/* ---- a disk that fails for a while ---- */

static void put_file_in_place(struct spool_bed *b)
{
    bed_run(b, "", "mv spool spool.old && echo x > spool");
}

static void put_folder_back(struct spool_bed *b)
{
    bed_run(b, "", "rm spool && mv spool.old spool");
}

static void fill(struct spool_bed *b)
{
    bed_run(b, "", "dd if=/dev/zero of=big bs=1k 2>/dev/null; true");
}

static void empty(struct spool_bed *b)
{
    bed_run(b, "", "rm big");
}

static void make_read_only(struct spool_bed *b)
{
    CHECK_INT(0, mount("none", b->state, NULL, MS_REMOUNT | MS_RDONLY, NULL), "ro");
}

static void make_writable(struct spool_bed *b)
{
    CHECK_INT(0, mount("none", b->state, NULL, MS_REMOUNT, NULL), "rw");
}

static void lose_sync(struct spool_bed *b)
{
    (void)b;
    sync_is.error = EIO;
    sync_is.times = 1 << 30;
}

static void sync_again(struct spool_bed *b)
{
    (void)b;
    sync_is.times = 0;
}

static const struct {
    const char *what;
    bool on_disk;   /* of its own */
    bool by_itself; /* recovers without another batch: its timer takes 5 s */
    void (*breaks)(struct spool_bed *b);
    void (*mends)(struct spool_bed *b);
} faults[] = {
    {"a file in the place of the folder", false, true, put_file_in_place,
     put_folder_back},
    {"fsync fails", false, false, lose_sync, sync_again},
    {"full", true, false, fill, empty},
    {"read-only", true, false, make_read_only, make_writable},
};

/* 1 MiB with what gzip adds to what it cannot make smaller. */
static void add_big(struct spool_bed *b, struct random *r)
{
    enum { WORDS = (1 << 20) / 8 - 384 };
    uint64_t *noise = malloc(WORDS * sizeof *noise);
    size_t len;
    for (size_t i = 0; i < WORDS; i++)
        noise[i] = random_next(r);
    void *bytes = gzip_pack(noise, WORDS * sizeof *noise, &len);
    free(noise);
    CHECK(len > (1 << 20) - 1024 && len <= 1 << 20, "%zu bytes", len);
    spool_add(b->spool, SIGNAL_METRICS, realloc(bytes, len), len);
}

static size_t memory_in_use(void)
{
    return mallinfo2().uordblks; /* 0 under a sanitizer, which counts for itself */
}

/* Twelve windows of 1 MiB: eight are kept, and on disk when it is back. */
static void fails_for_a_while(struct spool_bed *b, size_t i)
{
    struct random r = random_from(i + 1);
    struct spooled one;
    struct spool_limits limits = wide;
    limits.history.bytes = 0; /* nothing that could give way */
    bed_open(b, limits);
    bed_add(b, 1);
    add_big(b, &r);
    bed_written(b, 2);
    bed_take(b);
    CHECK(spool_first(b->spool, &one), "%s", faults[i].what);
    free(one.bytes);
    spool_done(b->spool, one.id);
    bed_add(b, 2);
    bed_written(b, 3);
    size_t before = memory_in_use();

    faults[i].breaks(b);
    for (int n = 0; n < 12; n++) {
        add_big(b, &r);
        CHECK(memory_in_use() < before + (9u << 20) + (1u << 19), "%s: %zu KiB more",
              faults[i].what, (memory_in_use() - before) >> 10);
    }
    CHECK_INT(1 + 8, spool_counters(b->spool).waiting, faults[i].what);
    CHECK_INT(4, spool_counters(b->spool).dropped, faults[i].what);
    CHECK_INT(4, spool_counters(b->spool).dropped_by[SPOOL_NO_MEMORY], faults[i].what);
    if (spool_counters(b->spool).write_errors == 0)
        wait_for_failure(b);
    bed_settle(b); /* nothing is tried while it is mended */

    faults[i].mends(b);
    if (!faults[i].by_itself)
        bed_add(b, 3);
    bed_written(b, 3 + 8 + !faults[i].by_itself);
    CHECK_INT(2, bed_take(b), "in order");
    for (int n = 0; n < 8; n++) {
        CHECK(spool_first(b->spool, &one), "%s: %d of 8", faults[i].what, n);
        CHECK_INT(0, gzip_check(one.bytes, one.len, 1u << 21), "whole");
        free(one.bytes);
        spool_done(b->spool, one.id);
    }
    if (!faults[i].by_itself)
        CHECK_INT(3, bed_take(b), "the last");
    bed_settle(b);
    CHECK_INT(0, bed_files(b, ""), faults[i].what);
    CHECK(memory_in_use() < before + 64 * 1024, "%s: %zu KiB are not given back",
          faults[i].what, (memory_in_use() - before) >> 10);
}

static void failing_disks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct spool_bed b;
        if (faults[i].on_disk && !own_mounts) {
            print_message("# %s: not run as root\n", faults[i].what);
            continue;
        }
        if (faults[i].on_disk) {
            bed_begin_on_disk(&b, "32m");
            fails_for_a_while(&b, i);
            bed_end_on_disk(&b);
        } else {
            bed_begin(&b);
            fails_for_a_while(&b, i);
            bed_end(&b);
        }
    }
}

/* What was sent while the disk was read-only leaves it when it is not any more; a batch
 * that comes wakes it. */
static void sent_while_read_only(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin_on_disk(&b, "1m");
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 3; i++)
        bed_add(&b, i);
    bed_written(&b, 3);
    make_read_only(&b);
    for (unsigned i = 1; i <= 2; i++)
        CHECK_INT(i, bed_take(&b), "can be read");
    bed_settle(&b);
    bed_add(&b, 4);
    wait_for_failure(&b);
    CHECK_INT(3, bed_take(&b), "from disk");
    CHECK_INT(4, bed_take(&b), "from memory");
    bed_settle(&b);
    CHECK_INT(3, bed_files(&b, ""), "they cannot leave");
    make_writable(&b);
    bed_add(&b, 5);
    bed_written(&b, 4);
    bed_settle(&b);
    CHECK_INT(1, bed_files(&b, ""), "they have left");
    CHECK_INT(3, bed_files(&b, "/../history"), "for the history");
    CHECK_INT(5, bed_take(&b), "and nothing is sent twice");
    bed_end_on_disk(&b);
}

/* Not even the folder can be made: it begins in memory. */
static void begins_on_a_bad_disk(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        struct spool_bed b;
        bed_begin_on_disk(&b, "64k");
        if (full)
            bed_run(&b, "",
                    "i=0; while mkdir d$i 2>/dev/null || : > f$i; do "
                    "i=$((i + 1)); dd if=/dev/zero of=f$i bs=1k 2>/dev/null; "
                    "[ $i -lt 30 ] || break; done");
        else
            make_read_only(&b);
        bed_open(&b, wide);
        bed_add(&b, 1);
        if (!full)
            wait_for_failure(&b);
        CHECK_INT(1, spool_counters(b.spool).waiting, "it waits in memory");
        if (full)
            bed_run(&b, "", "rm -r f* d*");
        else
            make_writable(&b);
        bed_add(&b, 2);
        bed_written(&b, 2);
        CHECK_INT(1, bed_take(&b), "in order");
        CHECK_INT(2, bed_take(&b), "in order");
        bed_end_on_disk(&b);
    }
}

/* The state folder, with all that waits, is removed: that is lost, and counted. */
static void folder_removed(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 4; i++)
        bed_add(&b, i);
    bed_written(&b, 4);
    CHECK_INT(1, bed_take(&b), "1");
    bed_settle(&b);
    bed_run(&b, "..", "rm -r state");
    bed_add(&b, 5);
    bed_written(&b, 5);
    CHECK_INT(0, spool_counters(b.spool).write_errors, "made again at once");
    CHECK_INT(5, bed_take(&b), "what came after it");
    CHECK_INT(3, spool_counters(b.spool).dropped, "2, 3 and 4 are counted");
    CHECK_INT(3, spool_counters(b.spool).dropped_by[SPOOL_REMOVED], "as removed");
    bed_settle(&b);
    CHECK_INT(1, bed_files(&b, "/../history"), "the history goes on too");
    struct spool *second;
    CHECK_INT(-EWOULDBLOCK, spool_open(&second, &b.loop, b.state, wide, NULL, NULL),
              "the new folder is locked too");
    bed_end(&b);
}

/* ---- no descriptor left ---- */

static void no_descriptors(void **state)
{
    (void)state;
    struct spool_bed b;
    struct rlimit all, few;
    bed_begin(&b);
    bed_open(&b, wide);
    bed_add(&b, 1);
    bed_written(&b, 1);
    int lowest = dup(0);
    close(lowest);
    CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &all), "limit");
    few = (struct rlimit){.rlim_cur = (rlim_t)lowest, .rlim_max = all.rlim_max};
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &few), "limit");
    for (unsigned i = 2; i <= 5; i++) {
        bed_add(&b, i);
        CHECK(bed_empty(&b), "it cannot be read, and is not lost");
    }
    wait_for_failure(&b);
    CHECK_INT(5, spool_counters(b.spool).waiting, "all wait");
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &all), "limit");
    bed_add(&b, 6);
    bed_written(&b, 6);
    for (unsigned i = 1; i <= 6; i++)
        CHECK_INT(i, bed_take(&b), "in order");
    CHECK_INT(0, spool_counters(b.spool).dropped, "none is lost");
    CHECK_INT(0, spool_counters(b.spool).set_aside, "none is set aside");
    bed_end(&b);
}

/* ---- a slow disk ---- */

struct turning {
    struct spool_bed *bed;
    unsigned ticks;
};

/* The loop turns, and does the spool's work, as long as the disk is in its fsync(). */
static void on_tick(uv_timer_t *timer)
{
    struct turning *t = timer->data;
    if (++t->ticks < 100)
        bed_add(t->bed, 2 + t->ticks);
    if (t->ticks == 50)
        CHECK_INT(1, bed_take(t->bed), "what is on disk is handed out");
    if (t->ticks != 100)
        return;
    sync_is.held = false;
    sem_post(&sync_is.go);
    uv_close((uv_handle_t *)timer, NULL);
}

static void slow_disk(void **state)
{
    (void)state;
    struct spool_bed b;
    uv_timer_t timer;
    struct turning t = {.bed = &b};
    sem_init(&sync_is.go, 0, 0);
    bed_begin(&b);
    bed_open(&b, wide);
    bed_add(&b, 1);
    bed_written(&b, 1);
    sync_is.held = true;
    bed_add(&b, 2);
    uv_timer_init(&b.loop, &timer);
    timer.data = &t;
    uv_timer_start(&timer, on_tick, 1, 1);
    bed_written(&b, 101);
    CHECK_INT(100, t.ticks, "turns of the loop within one fsync()");
    CHECK(!sync_is.too_long, "the loop waited for the disk");
    for (unsigned i = 2; i <= 101; i++)
        CHECK_INT(i, bed_take(&b), "in order");
    bed_end(&b);
}

int main(void)
{
    bed_own_mounts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_disks),        cmocka_unit_test(sent_while_read_only),
        cmocka_unit_test(begins_on_a_bad_disk), cmocka_unit_test(folder_removed),
        cmocka_unit_test(no_descriptors),       cmocka_unit_test(slow_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
