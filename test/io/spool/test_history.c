#include "spool/history.h"

#include "io/spool/spool_bed.h"

static struct spool_limits limits_of(uint64_t bytes, int64_t age_ns)
{
    struct spool_limits limits = wide;
    limits.history = (struct history_limits){.bytes = bytes, .age_ns = age_ns};
    return limits;
}

/* All that waits is taken by a collector, and is where it belongs then. */
static void take_all(struct spool_bed *b)
{
    while (spool_counters(b->spool).waiting > 0)
        bed_take(b);
    bed_settle(b);
}

static void add_and_take(struct spool_bed *b, unsigned first, unsigned last)
{
    uint64_t written = spool_counters(b->spool).written;
    for (unsigned i = first; i <= last; i++)
        bed_add(b, i);
    bed_written(b, written + last - first + 1);
    take_all(b);
}

static void age(const struct spool_bed *b, const char *sub, unsigned id, int seconds)
{
    char path[256];
    struct timespec then = {.tv_sec = time(NULL) - seconds};
    struct timespec times[2] = {then, then};
    snprintf(path, sizeof path, "%s/%s/%020u-metrics.pb.gz", b->state, sub, id);
    CHECK_INT(0, utimensat(AT_FDCWD, path, times, 0), path);
}

static struct history_reader *reader(const struct spool_bed *b, int64_t since_ns)
{
    struct history_reader *r;
    CHECK_INT(0, history_read(&r, b->state, (int64_t[SIGNALS]){since_ns, since_ns}),
              "can be read");
    return r;
}

/* The next one's number, 0 at the end. */
static unsigned next(struct history_reader *r, struct history_batch *out)
{
    unsigned number;
    char text[64];
    if (!history_next(r, out))
        return 0;
    snprintf(text, sizeof text, "%.*s", (int)out->len, (const char *)out->bytes);
    free(out->bytes);
    CHECK(sscanf(text, "batch %u", &number) == 1, "unpacked");
    return number;
}

static void check_read(const struct spool_bed *b, int64_t since_ns, unsigned first,
                       unsigned last)
{
    struct history_batch h;
    struct history_reader *r = reader(b, since_ns);
    for (unsigned i = first; i <= last; i++) {
        CHECK_INT(i, next(r, &h), "in order");
        CHECK_INT(i, h.id, "id");
    }
    CHECK_INT(0, next(r, &h), "the end");
    CHECK_INT(0, next(r, &h), "still");
    CHECK_INT(0, history_skipped(r), "none skipped");
    history_read_end(r);
}

/* What was taken, then what waits; not what was refused. */
static void taken_and_waiting(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spooled first;
    struct history_batch h;
    bed_begin(&b);
    struct history_reader *r;
    CHECK_INT(-ENOENT, history_read(&r, b.state, (int64_t[SIGNALS]){0}),
              "nothing was ever there");
    history_read_end(NULL);
    bed_open(&b, wide);
    check_read(&b, 0, 1, 0);
    bed_add_as(&b, SIGNAL_LOGS, 1);
    bed_add(&b, 2);
    bed_add(&b, 3);
    bed_add(&b, 4);
    bed_written(&b, 4);
    bed_take(&b);
    bed_take(&b);
    CHECK(spool_first(b.spool, &first), "waits");
    free(first.bytes);
    spool_refused(b.spool, first.id);
    bed_settle(&b);
    CHECK_INT(2, bed_files(&b, "/../history"), "taken");
    CHECK_INT(1, bed_files(&b, ""), "waits");
    CHECK_INT(2, spool_counters(b.spool).history, "counted");

    age(&b, "history", 2, 3600);
    r = reader(&b, 0);
    CHECK(next(r, &h) == 1 && h.signal == SIGNAL_LOGS, "1, logs");
    CHECK(next(r, &h) == 2 && h.signal == SIGNAL_METRICS, "2, metrics");
    CHECK_NEAR((double)time(NULL) - 3600, (double)h.time_ns / 1e9, 60, "its time");
    CHECK_INT(4, next(r, &h), "without the refused one");
    CHECK_INT(0, next(r, &h), "the end");
    history_read_end(r);
    r = reader(&b, (time(NULL) - 1800) * NS_PER_S);
    CHECK_INT(1, next(r, &h), "since half an hour");
    CHECK_INT(4, next(r, &h), "since half an hour");
    history_read_end(r);
    bed_end(&b);
}

static void bounded_in_bytes(void **state)
{
    (void)state;
    struct spool_bed b;
    size_t size;
    free(gzip_pack("batch 10", 8, &size));
    bed_begin(&b);
    bed_open(&b, limits_of(7 * size, 0));
    add_and_take(&b, 10, 29);
    struct spool_counters c = spool_counters(b.spool);
    CHECK_INT(7, c.history, "so many fit");
    CHECK_INT(7 * size, c.history_bytes, "bytes");
    CHECK_INT(13, c.history_dropped, "the others are counted");
    CHECK_INT(0, c.dropped, "not as lost");
    CHECK_INT(7, bed_files(&b, "/../history"), "files");
    bed_close(&b);

    bed_open(&b, limits_of(4 * size, 0));
    CHECK_INT(4, bed_files(&b, "/../history"), "at a restart");
    add_and_take(&b, 30, 30);
    CHECK_INT(4, spool_counters(b.spool).history, "from there on");
    struct history_batch h;
    struct history_reader *r = reader(&b, 0);
    for (unsigned i = 27; i <= 30; i++)
        CHECK_INT(i, next(r, &h), "the youngest");
    history_read_end(r);
    bed_close(&b);

    bed_open(&b, limits_of(0, 0));
    CHECK_INT(0, bed_files(&b, "/../history"), "turned off");
    add_and_take(&b, 31, 33);
    CHECK_INT(0, bed_files(&b, "/../history"), "none is kept");
    CHECK_INT(0, bed_files(&b, ""), "nor in the spool");
    bed_end(&b);
}

static void bounded_in_age(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, limits_of(1 << 20, 3600 * NS_PER_S));
    add_and_take(&b, 1, 5);
    bed_close(&b);
    age(&b, "history", 1, 7200);
    age(&b, "history", 2, 3660);
    age(&b, "history", 3, 3500);
    bed_open(&b, limits_of(1 << 20, 3600 * NS_PER_S));
    CHECK_INT(5, spool_counters(b.spool).history, "the clock may be wrong");
    spool_trust_clock(b.spool);
    bed_add(&b, 6);
    bed_written(&b, 1);
    CHECK_INT(3, spool_counters(b.spool).history, "the younger ones");
    CHECK_INT(2, spool_counters(b.spool).history_dropped, "the older ones");
    bed_take(&b);
    bed_settle(&b);
    check_read(&b, 0, 3, 6);
    bed_end(&b);
}

/* Numbers go on over what is in the history alone. */
static void numbers_go_on(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    add_and_take(&b, 1, 3);
    bed_close(&b);
    bed_run(&b, "", "rm -r spool");
    bed_open(&b, wide);
    add_and_take(&b, 4, 5);
    check_read(&b, 0, 1, 5);
    bed_end(&b);
}

static void foreign_and_torn(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    add_and_take(&b, 1, 6);
    bed_close(&b);
    bed_run(&b, "history",
            "truncate -s -3 *1-metrics.pb.gz && "
            "head -c 100 /dev/zero > 00000000000000000002-metrics.pb.gz && "
            ": > 00000000000000000003-metrics.pb.gz && "
            "ln -s 00000000000000000005-metrics.pb.gz "
            "00000000000000000007-metrics.pb.gz && "
            "mkdir 00000000000000000008-metrics.pb.gz && "
            "mkfifo 00000000000000000009-metrics.pb.gz && "
            "truncate -s 1G 00000000000000000010-metrics.pb.gz && "
            "echo x > note && echo x > 11-metrics.pb.gz && mkdir folder");
    bed_open(&b, wide);
    CHECK_INT(5, spool_counters(b.spool).history, "by name and size");
    CHECK_INT(0, spool_counters(b.spool).set_aside, "the others are left");
    struct history_batch h;
    struct history_reader *r = reader(&b, 0);
    for (unsigned i = 4; i <= 6; i++)
        CHECK_INT(i, next(r, &h), "whole ones");
    CHECK_INT(0, next(r, &h), "and no others");
    CHECK_INT(2, history_skipped(r), "1 and 2 are torn");
    history_read_end(r);
    bed_add(&b, 11);
    bed_written(&b, 1);
    bed_take(&b);
    bed_settle(&b);
    bed_run(&b, "history", "test -f 00000000000000000011-metrics.pb.gz");
    bed_end(&b);
}

/* Beside a running agent: what moves is read, what is dropped is passed over. */
static void moved_while_read(void **state)
{
    (void)state;
    struct spool_bed b;
    struct history_batch h;
    size_t size;
    free(gzip_pack("batch 1", 7, &size));
    bed_begin(&b);
    bed_open(&b, limits_of(4 * size, 0));
    for (unsigned i = 1; i <= 6; i++)
        bed_add(&b, i);
    bed_written(&b, 6);
    struct history_reader *r = reader(&b, 0);
    CHECK_INT(1, next(r, &h), "from the spool");
    take_all(&b);
    CHECK_INT(2, spool_counters(b.spool).history_dropped, "1 and 2");
    for (unsigned i = 3; i <= 6; i++)
        CHECK_INT(i, next(r, &h), "from the history");
    CHECK_INT(0, next(r, &h), "the end");
    CHECK_INT(0, history_skipped(r), "dropped is not torn");
    history_read_end(r);
    bed_end(&b);
}

/* Without a history nothing is sent twice. */
static void cannot_be_kept(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    bed_run(&b, "", "echo x > history");
    add_and_take(&b, 1, 3);
    CHECK_INT(0, bed_files(&b, ""), "they have left");
    CHECK_INT(0, spool_counters(b.spool).history, "none is kept");
    bed_run(&b, "", "rm history");
    add_and_take(&b, 4, 6);
    check_read(&b, 0, 4, 6);
    bed_run(&b, "", "rm -r history");
    add_and_take(&b, 7, 8);
    check_read(&b, 0, 7, 8);
    bed_end(&b);
}

static void gives_way_on_a_full_disk(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin_on_disk(&b, "256k");
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 200; i++) /* a page each: three times what fits */
        add_and_take(&b, i, i);
    struct spool_counters c = spool_counters(b.spool);
    CHECK_INT(0, c.write_errors, "the spool has never failed");
    CHECK_INT(0, c.dropped, "nor lost one");
    CHECK(c.history > 0 && c.history + c.history_dropped == 200, "%u kept",
          (unsigned)c.history);
    check_read(&b, 0, 200 - (unsigned)c.history + 1, 200);
    bed_end_on_disk(&b);
}

int main(void)
{
    bed_own_mounts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_and_waiting), cmocka_unit_test(bounded_in_bytes),
        cmocka_unit_test(bounded_in_age),    cmocka_unit_test(numbers_go_on),
        cmocka_unit_test(foreign_and_torn),  cmocka_unit_test(moved_while_read),
        cmocka_unit_test(cannot_be_kept),    cmocka_unit_test(gives_way_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
