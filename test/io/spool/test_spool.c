#include "spool/spool.h"

#include "io/spool/spool_bed.h"

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
    bed_put_batch(&b, "00000000000000000003-metrics.pb.gz", 33, 0);
    bed_put_batch(&b, "00000000000000000003-traces.pb.gz", 34, 0);

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
    CHECK_INT(7, spool_counters(b.spool).dropped_by[SPOOL_FULL], "of a full spool");
    CHECK_INT(1, spool_counters(b.spool).dropped_by[SPOOL_TOO_LARGE], "too large");
    bed_end(&b);
}

/* One that is handed out, and dropped before its end, counts as what it comes to. */
static void dropped_while_handed_out(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*end)(struct spool *s, uint64_t id); /* NULL: it is asked for the next */
        uint64_t dropped;
    } cases[] = {
        {"taken all the same", spool_done, 5},
        {"refused", spool_refused, 5},
        {"not taken", NULL, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct spool_bed b;
        struct spooled one, next;
        bed_begin(&b);
        bed_open(&b, (struct spool_limits){.bytes = 1u << 30, .count = 4});
        for (unsigned n = 1; n <= 4; n++)
            bed_add(&b, n);
        bed_written(&b, 4);
        CHECK(spool_first(b.spool, &one), "the first");
        for (unsigned n = 5; n <= 10; n++)
            bed_add(&b, n);
        CHECK_INT(4, spool_counters(b.spool).waiting, "the bound holds");
        CHECK_INT(5, spool_counters(b.spool).dropped, "2 to 6; of 1 nobody knows");
        if (cases[i].end != NULL)
            cases[i].end(b.spool, one.id);
        bed_written(&b, 8);
        CHECK(spool_first(b.spool, &next), "another");
        CHECK_INT(7, number_of(next.bytes, next.len), "the oldest that is left");
        CHECK_INT(cases[i].dropped, spool_counters(b.spool).dropped, cases[i].what);
        CHECK_INT(cases[i].dropped, spool_counters(b.spool).dropped_by[SPOOL_FULL],
                  "by their number");
        free(one.bytes);
        free(next.bytes);
        bed_end(&b);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_in_order),        cmocka_unit_test(stays_until_done),
        cmocka_unit_test(signals_in_one_queue),     cmocka_unit_test(bounds),
        cmocka_unit_test(dropped_while_handed_out), cmocka_unit_test(one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
