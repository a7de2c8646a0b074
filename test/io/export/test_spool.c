#include "export/spool.h"

#include "io/export/spool_bed.h"

#include <sched.h>
#include <sys/mount.h>

static bool own_mounts; /* a small disk can be had */

/* Writes a file into the spool's folder; `len` of `bytes`, or as many zeros. */
static void put_file(const struct spool_bed *b, const char *name, const void *bytes,
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

static void put_batch(const struct spool_bed *b, const char *name, unsigned number,
                      size_t torn)
{
    char text[64];
    size_t len;
    int n = snprintf(text, sizeof text, "batch %u", number);
    void *bytes = gzip_pack(text, (size_t)n, &len);
    put_file(b, name, bytes, len - torn);
    free(bytes);
}

static void thousand_in_order(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    CHECK(bed_empty(&b), "a new spool is empty");
    for (unsigned i = 0; i < 500; i++)
        bed_add(&b, i);
    CHECK_INT(500, spool_counters(b.spool).waiting, "what is being written waits too");
    bed_written(&b, 500);
    CHECK_INT(500, b.ready, "on_ready for each");
    bed_close(&b);

    bed_open(&b, wide);
    CHECK_INT(500, spool_counters(b.spool).waiting, "found again");
    for (unsigned i = 500; i < 1000; i++)
        bed_add(&b, i);
    bed_close(&b); /* while they are being written */
    CHECK_INT(1000, bed_files(&b, ""), "nothing is lost at the end");

    bed_open(&b, wide);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_INT(i, bed_take(&b), "first in, first out");
    CHECK(bed_empty(&b), "all taken");
    CHECK_INT(0, spool_counters(b.spool).waiting_bytes, "no bytes left");
    bed_close(&b);
    CHECK_INT(0, bed_files(&b, ""), "and no files");
    bed_end(&b);
}

/* The first stays until it is done; what is not there is no harm. */
static void stays_until_done(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spooled one, again;
    bed_begin(&b);
    bed_open(&b, wide);
    bed_add(&b, 1);
    CHECK(!spool_first(b.spool, &one), "not before it is on disk");
    CHECK(spool_writing(b.spool), "it is being written");
    bed_written(&b, 1);
    CHECK(!spool_writing(b.spool), "written");
    CHECK(spool_first(b.spool, &one) && spool_first(b.spool, &again), "twice");
    CHECK_INT(one.id, again.id, "the same one");
    CHECK(one.len == again.len && memcmp(one.bytes, again.bytes, one.len) == 0, "bytes");
    spool_done(b.spool, one.id + 7);
    spool_refused(b.spool, one.id + 7);
    CHECK_INT(1, spool_counters(b.spool).waiting, "another id is no harm");
    spool_refused(b.spool, one.id);
    spool_done(b.spool, one.id);
    CHECK_INT(0, spool_counters(b.spool).waiting, "gone");
    CHECK_INT(1, spool_counters(b.spool).set_aside, "set aside");
    free(one.bytes);
    free(again.bytes);
    bed_close(&b);
    CHECK_INT(1, bed_files(&b, "/bad"), "in bad/");
    CHECK_INT(0, bed_files(&b, ""), "not in the spool");

    bed_open(&b, wide); /* its name is not given again */
    bed_add(&b, 2);
    bed_written(&b, 1);
    CHECK(spool_first(b.spool, &again) && again.id == one.id + 1, "the next number");
    free(again.bytes);
    bed_end(&b);
}

/* One queue for both; each comes out as what it went in, also after a restart. */
static void signals_in_one_queue(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spooled first;
    char path[256];
    bed_begin(&b);
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 6; i++)
        bed_add_as(&b, i % 3 == 0 ? SIGNAL_LOGS : SIGNAL_METRICS, i);
    bed_close(&b);
    snprintf(path, sizeof path, "%s/00000000000000000003-logs.pb.gz", b.dir);
    CHECK_INT(0, access(path, R_OK), "the signal is in the name");
    put_batch(&b, "00000000000000000003-metrics.pb.gz", 33, 0);
    put_batch(&b, "00000000000000000003-traces.pb.gz", 34, 0);

    bed_open(&b, wide);
    CHECK_INT(2, spool_counters(b.spool).set_aside, "a number twice, no signal of ours");
    for (unsigned i = 1; i <= 6; i++) {
        enum signal expected = i % 3 == 0 ? SIGNAL_LOGS : SIGNAL_METRICS;
        CHECK(spool_first(b.spool, &first), "waits");
        if (i == 3) { /* whose number is also that of a metrics file */
            CHECK_INT(SIGNAL_METRICS, first.signal, "one of the two is kept");
            CHECK_INT(33, number_of(first.bytes, first.len), "the other is set aside");
        } else {
            CHECK_INT(expected, first.signal, "signal");
            CHECK_INT(i, number_of(first.bytes, first.len), "in order");
        }
        free(first.bytes);
        if (i == 6)
            spool_refused(b.spool, first.id);
        else
            spool_done(b.spool, first.id);
    }
    bed_close(&b);
    CHECK_INT(0, bed_files(&b, ""), "none is left");
    snprintf(path, sizeof path, "%s/bad/00000000000000000006-logs.pb.gz", b.dir);
    CHECK_INT(0, access(path, R_OK), "refused, under its name");
    bed_end(&b);
}

static void foreign_and_torn(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    bed_close(&b);
    put_batch(&b, "00000000000000000003-metrics.pb.gz", 3, 0);
    put_batch(&b, "00000000000000000007-metrics.pb.gz", 7, 0);
    put_batch(&b, "00000000000000000001-metrics.pb.gz", 1, 3); /* torn: seen when read */
    put_batch(&b, "00000000000000000008-metrics.pb.gz.tmp", 8, 0);
    const struct {
        const char *name;
        size_t len;
    } foreign[] = {
        {"00000000000000000002-metrics.pb.gz", 0},
        {"00000000000000000004-metrics.pb.gz", 100}, /* of zeros: the size came, the
                                                        bytes did not */
        {"00000000000000000005-metrics.pb.gz", SPOOL_BATCH_MAX + 1},
        {"6-metrics.pb.gz", 10},
        {"00000000000000000000-metrics.pb.gz", 10},
        {"99999999999999999999-metrics.pb.gz", 10},
        {"-0000000000000000006-metrics.pb.gz", 10},
        {"core", 10},
    };
    size_t n = sizeof foreign / sizeof *foreign;
    for (size_t i = 0; i < n; i++)
        put_file(&b, foreign[i].name, NULL, foreign[i].len);

    bed_open(&b, wide);
    CHECK_INT(n, spool_counters(b.spool).set_aside, "foreign ones");
    CHECK_INT(3, spool_counters(b.spool).waiting, "batches");
    CHECK_INT(n, bed_files(&b, "/bad"), "in bad/");
    CHECK_INT(3, bed_files(&b, ""), "the temporary one is gone");
    bed_add(&b, 9);
    bed_written(&b, 1);
    CHECK_INT(3, bed_take(&b), "over the torn one");
    CHECK_INT(n + 1, spool_counters(b.spool).set_aside, "which is set aside");
    CHECK_INT(7, bed_take(&b), "by number");
    CHECK_INT(9, bed_take(&b), "the sequence goes on");
    bed_close(&b);
    CHECK_INT(n + 1, bed_files(&b, "/bad"), "all in bad/");
    bed_end(&b);
}

static void bad_is_bounded(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    bed_close(&b);
    for (int i = 0; i < 130; i++) {
        char name[32];
        snprintf(name, sizeof name, "foreign-%03d", i);
        put_file(&b, name, "x", 1);
    }
    bed_open(&b, wide);
    CHECK_INT(130, spool_counters(b.spool).set_aside, "all are counted");
    CHECK_INT(100, bed_files(&b, "/bad"), "100 are kept");
    bed_add(&b, 1);
    bed_written(&b, 1);
    struct spooled first;
    CHECK(spool_first(b.spool, &first), "waits");
    free(first.bytes);
    spool_refused(b.spool, first.id);
    bed_close(&b);
    CHECK_INT(100, bed_files(&b, "/bad"), "still 100");
    bed_end(&b);
}

static void bounds(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, (struct spool_limits){.bytes = 1u << 30, .count = 10});
    for (unsigned i = 0; i < 25; i++) {
        bed_add(&b, i);
        CHECK(spool_counters(b.spool).waiting <= 10, "always");
    }
    bed_close(&b);
    CHECK_INT(10, bed_files(&b, ""), "on disk too");

    size_t size;
    free(gzip_pack("batch 15", 8, &size));
    bed_open(&b, (struct spool_limits){.bytes = 4 * size, .count = 100});
    CHECK_INT(6, spool_counters(b.spool).dropped, "when opened");
    CHECK_INT(4 * size, spool_counters(b.spool).waiting_bytes, "bytes");
    bed_add(&b, 25);
    CHECK_INT(7, spool_counters(b.spool).dropped, "one more goes");
    bed_written(&b, 1);
    for (unsigned i = 22; i <= 25; i++)
        CHECK_INT(i, bed_take(&b), "the oldest have gone");
    CHECK(bed_empty(&b), "and no others");

    spool_add(b.spool, SIGNAL_METRICS, calloc(1, SPOOL_BATCH_MAX + 1),
              SPOOL_BATCH_MAX + 1);
    CHECK_INT(8, spool_counters(b.spool).dropped, "too large to be found again");
    CHECK_INT(0, spool_counters(b.spool).waiting, "it does not wait");
    bed_end(&b);
}

static void too_old(void **state)
{
    (void)state;
    struct spool_bed b;
    char path[256];
    struct timespec times[2] = {{.tv_sec = time(NULL) - 7200},
                                {.tv_sec = time(NULL) - 7200}};
    struct spool_limits limits = wide;
    limits.age_ns = 3600 * NS_PER_S;
    bed_begin(&b);
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 3; i++)
        bed_add(&b, i);
    bed_close(&b);
    for (int i = 1; i <= 2; i++) {
        snprintf(path, sizeof path, "%s/%020d-metrics.pb.gz", b.dir, i);
        CHECK_INT(0, utimensat(AT_FDCWD, path, times, 0), "aged");
    }
    bed_open(&b, limits);
    CHECK_INT(2, spool_counters(b.spool).dropped, "older than the bound");
    CHECK_INT(3, bed_take(&b), "the younger one");
    bed_end(&b);
}

/* A file stands where the folder was: as a disk that fails. */
static void unwritable(void **state)
{
    (void)state;
    struct spool_bed b;
    char command[400];
    bed_begin(&b);
    bed_open(&b, wide);
    bed_add(&b, 1);
    bed_written(&b, 1);
    snprintf(command, sizeof command, "rm -r %s && touch %s", b.dir, b.dir);
    child_run(command);
    bed_add(&b, 2);
    bed_add(&b, 3);
    while (spool_counters(b.spool).write_errors == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    CHECK_INT(2, bed_take(&b), "from memory; 1 is lost with the folder");
    CHECK_INT(1, spool_counters(b.spool).dropped, "which is counted");
    CHECK_INT(3, spool_counters(b.spool).waiting + 2, "3 waits");

    snprintf(command, sizeof command, "rm %s", b.dir);
    child_run(command);
    uint64_t written = spool_counters(b.spool).written;
    bed_add(&b, 4); /* does not wait for the next try */
    bed_written(&b, written + 2);
    CHECK_INT(2, bed_files(&b, ""), "the folder is made again");
    CHECK_INT(3, bed_take(&b), "in order");
    CHECK_INT(4, bed_take(&b), "in order");
    bed_end(&b);
}

/* While the disk fails: tries every 5 s, and no more than 8 MiB in memory. */
static void tries_again_by_itself(void **state)
{
    (void)state;
    struct spool_bed b;
    char command[400];
    bed_begin(&b);
    bed_open(&b, wide);
    snprintf(command, sizeof command, "rm -r %s && touch %s", b.dir, b.dir);
    child_run(command);
    for (int i = 0; i < 12; i++)
        spool_add(b.spool, SIGNAL_METRICS, calloc(1, 1u << 20), 1u << 20);
    CHECK_INT(8, spool_counters(b.spool).waiting, "8 MiB");
    CHECK_INT(4, spool_counters(b.spool).dropped, "the oldest have gone");
    while (spool_counters(b.spool).write_errors == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    snprintf(command, sizeof command, "rm %s", b.dir);
    child_run(command);
    uint64_t begun = uv_hrtime();
    bed_written(&b, 8);
    double took = (double)(uv_hrtime() - begun) / 1e9;
    CHECK(took > 4 && took < 8, "after %.1f s", took);
    CHECK_INT(8, bed_files(&b, ""), "on disk");
    bed_end(&b);
}

static void full_disk(void **state)
{
    (void)state;
    if (!own_mounts) {
        print_message("# no mount namespace: not run as root\n");
        skip();
    }
    struct spool_bed b;
    char state_dir[128];
    bed_begin(&b);
    snprintf(state_dir, sizeof state_dir, "%s/state", b.folder.path);
    CHECK_INT(0, mkdir(state_dir, 0700), "made");
    CHECK_INT(0, mount("none", state_dir, "tmpfs", 0, "size=64k"), "a small disk");
    bed_open(&b, wide);
    put_file(&b, "big.tmp", NULL, 0);
    char big[256];
    snprintf(big, sizeof big, "dd if=/dev/zero of=%s/big bs=1k count=100 2>/dev/null",
             state_dir);
    CHECK(system(big) != 0, "it is full");
    bed_add(&b, 1);
    while (spool_counters(b.spool).write_errors == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    CHECK_INT(1, bed_files(&b, ""), "no half file: big.tmp alone");
    snprintf(big, sizeof big, "%s/big", state_dir);
    unlink(big);
    bed_add(&b, 2);
    bed_written(&b, 2);

    CHECK_INT(0, mount("none", state_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), "ro");
    bed_add(&b, 3);
    while (spool_counters(b.spool).write_errors < 2)
        uv_run(&b.loop, UV_RUN_ONCE);
    bed_close(&b);
    bed_open(&b, wide); /* read-only, and what is there can be read */
    CHECK_INT(1, bed_take(&b), "1");
    CHECK_INT(2, bed_take(&b), "2");
    CHECK(bed_empty(&b), "3 could not be written");
    bed_close(&b);
    umount2(state_dir, MNT_DETACH);
    bed_end(&b);
}

static void one_at_a_time(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spool *second;
    bed_begin(&b);
    bed_open(&b, wide);
    CHECK_INT(-EWOULDBLOCK, spool_open(&second, &b.loop, b.state, wide, NULL, NULL),
              "locked");
    bed_close(&b);
    bed_open(&b, wide);
    bed_end(&b);

    struct child_folder f;
    char path[128];
    child_folder(&f);
    child_write(f.path, "file", "");
    snprintf(path, sizeof path, "%s/file/state", f.path);
    CHECK(spool_open(&second, &b.loop, path, wide, NULL, NULL) < 0, "below a file");
    spool_close(NULL);
    child_folder_remove(&f);
}

/* ---- kill -9 ---- */

struct writer {
    struct spool_bed *bed;
    unsigned begun, said;
    int pipe;
};

/* Each batch that is written is said; then the next is given, three ahead. */
static void write_more(void *user)
{
    struct writer *w = user;
    for (uint64_t n = spool_counters(w->bed->spool).written; n-- > 0 && w->said < n + 1;)
        w->said = (unsigned)(n + 1);
    if (write(w->pipe, &w->said, sizeof w->said) < 0)
        _exit(1);
    while (w->begun < w->said + 3)
        bed_add(w->bed, w->begun++);
}

static void write_until_killed(struct spool_bed *b, int pipe)
{
    struct writer w = {.bed = b, .pipe = pipe};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    b->on_ready = write_more;
    b->user = &w;
    if (spool_open(&b->spool, &b->loop, b->state, wide, bed_ready, b) < 0)
        _exit(1);
    write_more(&w);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    _exit(1);
}

static void killed_while_writing(void **state)
{
    (void)state;
    srand((unsigned)check_seed());
    unsigned in_all = 0;
    for (int round = 0; round < 20; round++) {
        struct spool_bed b;
        int ends[2];
        unsigned said = 0;
        bed_begin(&b);
        CHECK_INT(0, pipe(ends), "pipe");
        pid_t child = fork();
        if (child == 0)
            write_until_killed(&b, ends[1]);
        close(ends[1]);
        usleep((useconds_t)(5000 + rand() % 60000));
        CHECK_INT(0, kill(child, SIGKILL), "it was running");
        int status;
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status), "ended by itself: %d", status);
        while (read(ends[0], &said, sizeof said) == sizeof said)
            ;
        close(ends[0]);

        bed_open(&b, wide);
        uint64_t waiting = spool_counters(b.spool).waiting;
        CHECK(waiting >= said && waiting <= said + 3, "%u said, %u there", said,
              (unsigned)waiting);
        for (unsigned i = 0; i < waiting; i++)
            CHECK_INT(i, bed_take(&b), "each exactly once, in order");
        CHECK_INT(0, spool_counters(b.spool).set_aside, "no torn file under its name");
        bed_close(&b);
        CHECK_INT(0, bed_files(&b, ""), "nothing left over");
        in_all += said;
        bed_end(&b);
    }
    print_message("# %u batches said to be written\n", in_all);
    CHECK(in_all > 20, "only %u batches were written", in_all);
}

int main(void)
{
    /* before there are threads, which would stay outside */
    own_mounts = unshare(CLONE_NEWNS) == 0 &&
                 mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_in_order),
        cmocka_unit_test(stays_until_done),
        cmocka_unit_test(signals_in_one_queue),
        cmocka_unit_test(foreign_and_torn),
        cmocka_unit_test(bad_is_bounded),
        cmocka_unit_test(bounds),
        cmocka_unit_test(too_old),
        cmocka_unit_test(unwritable),
        cmocka_unit_test(tries_again_by_itself),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(killed_while_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
