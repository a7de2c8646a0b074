/* What lies in the spool's folder and is no batch of ours, and what is closed to us. */
#include "spool/spool.h"

#include "core/random.h"
#include "io/spool/spool_bed.h"
#include "spool/store.h"

#define FIVE "00000000000000000005-metrics.pb.gz"

static const struct {
    const char *what, *command; /* in the spool, beside the batches 1, 2 and 3 */
    unsigned opened, read;      /* set aside by then */
    unsigned next;              /* the number of the next batch */
} entries[] = {
    {"nothing", ":", 0, 0, 4},
    {"torn", "truncate -s -3 *2-metrics.pb.gz && cp *1-metrics.pb.gz " FIVE, 0, 1, 6},
    {"a byte", "printf '\\037' > " FIVE, 1, 1, 6},
    {"two batches in one", "cat *1-m* *2-m* > " FIVE, 0, 1, 6},
    {"empty", ": > " FIVE, 1, 1, 6},
    {"zeros: the size came, the bytes did not", "truncate -s 100 " FIVE, 1, 1, 6},
    {"huge", "truncate -s 1G " FIVE, 1, 1, 6},
    {"a byte too large", "truncate -s 4194305 " FIVE, 1, 1, 6},
    {"link to a batch", "ln -s *3-metrics.pb.gz " FIVE, 1, 1, 6},
    {"link to nothing", "ln -s nothing " FIVE, 1, 1, 6},
    {"folder", "mkdir " FIVE, 1, 1, 6},
    {"folder with something in it", "mkdir " FIVE " && echo x > " FIVE "/x", 1, 1, 6},
    {"folder in the place of a temporary file",
     "mkdir 00000000000000000004-logs.pb.gz.tmp", 1, 1, 4},
    {"pipe", "mkfifo " FIVE, 1, 1, 6},
    {"temporary file", "echo x > " FIVE ".tmp", 0, 0, 4},
    {"temporary link", "ln -s nothing " FIVE ".tmp", 0, 0, 4},
    {"somebody's temporary file", "echo x > notes.tmp && echo x > .tmp", 2, 2, 4},
    {"number in other digits", "echo x > 6-metrics.pb.gz", 1, 1, 4},
    {"number 0", "echo x > 00000000000000000000-metrics.pb.gz", 1, 1, 4},
    {"number too large", "echo x > 99999999999999999999-metrics.pb.gz", 1, 1, 4},
    {"the last number", "echo x > 18446744073709551615-metrics.pb.gz", 1, 1, 4},
    {"a number before the last", "cp *1-m* 18446744073709551614-metrics.pb.gz", 1, 1, 4},
    {"numbers near the last",
     "cp *1-m* 18446744073709551613-logs.pb.gz && cp *1-m* 18446744073709551612-logs.pb.gz "
     "&& cp *1-m* 18446744073709551612-metrics.pb.gz",
     3, 3, 4},
    {"a number of 68 years",
     "cp *1-m* 00000000004294967296-metrics.pb.gz && rm *4294967296-m*", 0, 0, 4},
    {"a number of more than 68 years", "cp *1-m* 00000000004294967300-metrics.pb.gz", 1,
     1, 4},
    {"the last number in bad/ and history/",
     "mkdir -p bad ../history && cp *1-m* bad/18446744073709551614-metrics.pb.gz && "
     "cp *1-m* ../history/18446744073709551615-logs.pb.gz",
     0, 0, 4},
    {"a number in history/",
     "mkdir -p ../history && cp *1-m* "
     "../history/00000000000000000008-logs.pb.gz",
     0, 0, 9},
    {"negative number", "echo x > -0000000000000000006-metrics.pb.gz", 1, 1, 4},
    {"another signal", "cp *1-m* 00000000000000000005-traces.pb.gz", 1, 1, 4},
    {"the same number twice", "cp *1-m* 00000000000000000002-logs.pb.gz", 1, 1, 4},
    {"names of others", "echo x > core && echo x > .hidden && echo x > 'a b\n'", 3, 3, 4},
    {"a long name", "echo x > $(printf '%0255d' 1)", 1, 1, 4},
    {"of a disk", "mkdir lost+found", 0, 0, 4},
    {"of earlier versions", "echo x > lock", 0, 0, 4},
    {"`bad` is a file", "echo x > bad && : > " FIVE, 2, 2, 6},
};

static void begin_with_three(struct spool_bed *b)
{
    bed_begin(b);
    bed_open(b, wide);
    for (unsigned i = 1; i <= 3; i++)
        bed_add(b, i);
    bed_close(b);
}

/* All that can be had comes once, in order, and the spool goes on. */
static void foreign_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct spool_bed b;
        struct spooled one;
        unsigned last = 0;
        begin_with_three(&b);
        bed_run(&b, "spool", entries[i].command);
        bed_open(&b, wide);
        CHECK_INT(entries[i].opened, spool_counters(b.spool).set_aside, entries[i].what);
        bed_add_as(&b, SIGNAL_LOGS, 9);
        bed_written(&b, 1);
        while (spool_first(b.spool, &one)) {
            unsigned number = number_of(one.bytes, one.len);
            CHECK(number > last || number == 1, "%s: %u after %u", entries[i].what,
                  number, last);
            last = number;
            free(one.bytes);
            spool_done(b.spool, one.id);
        }
        CHECK_INT(9, last, entries[i].what);
        CHECK_INT(entries[i].next, one.id, entries[i].what);
        CHECK_INT(0, spool_counters(b.spool).waiting, entries[i].what);
        CHECK_INT(entries[i].read, spool_counters(b.spool).set_aside, entries[i].what);
        CHECK_INT(0, spool_counters(b.spool).write_errors, entries[i].what);
        CHECK_INT(0, spool_counters(b.spool).dropped, entries[i].what);
        bed_end(&b);
    }
}

/* ---- numbers ---- */

static size_t numbers_in(const struct spool_bed *b, uint64_t *out)
{
    static const char *const folders[] = {"", "/bad", "/../history"};
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        char path[192];
        snprintf(path, sizeof path, "%s%s", b->dir, folders[i]);
        DIR *dir = opendir(path);
        for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
            if (strchr(e->d_name, '-') != NULL)
                out[n++] = strtoull(e->d_name, NULL, 10);
        if (dir != NULL)
            closedir(dir);
    }
    return n;
}

/* Whatever numbers files have, in all three folders: the next batch gets one that no file
 * has, is found again by the next start and comes out whole. */
static void numbers_are_fresh(void **state)
{
    (void)state;
    static const char *const folders[] = {"", "bad/", "../history/"};
    static const uint64_t bases[] = {
        0, 1000, UINT64_C(1) << 32, UINT64_C(1) << 33, INT64_MAX, UINT64_MAX - 20};
    enum { FILES = 12, ROUNDS = 40 };
    struct random r = random_from(check_seed());
    for (int round = 0; round < ROUNDS; round++) {
        struct spool_bed b;
        uint64_t before[2 * FILES], after[2 * FILES + 2];
        bed_begin(&b);
        bed_open(&b, wide);
        bed_close(&b);
        bed_run(&b, "", "mkdir spool/bad history");
        for (int i = 0; i < FILES; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s%020" PRIu64 "-%s.pb.gz",
                     folders[random_below(&r, 3)],
                     bases[random_below(&r, 6)] + 1 + (uint64_t)random_below(&r, 20),
                     random_below(&r, 2) > 0 ? "logs" : "metrics");
            bed_put_batch(&b, name, 1, 0);
        }
        size_t n = numbers_in(&b, before);
        bed_open(&b, wide);
        uint64_t waited = spool_counters(b.spool).waiting;
        bed_add(&b, 7);
        bed_written(&b, 1);
        bed_close(&b);
        CHECK_INT(n + 1, numbers_in(&b, after), "one file more, none was replaced");
        bed_open(&b, wide);
        CHECK_INT(waited + 1, spool_counters(b.spool).waiting, "found again");
        CHECK_INT(0, spool_counters(b.spool).set_aside, "and not foreign");
        struct spooled one = {0};
        unsigned last = 0;
        while (spool_first(b.spool, &one)) {
            last = number_of(one.bytes, one.len);
            free(one.bytes);
            spool_done(b.spool, one.id);
        }
        CHECK_INT(7, last, "the new one comes last");
        for (size_t i = 0; i < n; i++)
            CHECK(before[i] != one.id, "%" PRIu64 " was there", one.id);
        bed_end(&b);
    }
}

static void bad_is_bounded(void **state)
{
    (void)state;
    enum { MOST = 100, MORE = MOST + 30 };
    struct spool_limits limits = wide;
    limits.count = MOST;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, limits);
    bed_close(&b);
    for (int i = 0; i < MORE; i++) {
        char name[32];
        snprintf(name, sizeof name, "foreign-%04d", i);
        bed_put(&b, name, "x", 1);
    }
    bed_open(&b, limits);
    CHECK_INT(MORE, spool_counters(b.spool).set_aside, "all are counted");
    CHECK_INT(MOST, bed_files(&b, "/bad"), "so many are kept");
    bed_add(&b, 1);
    bed_written(&b, 1);
    struct spooled first;
    CHECK(spool_first(b.spool, &first), "waits");
    free(first.bytes);
    spool_refused(b.spool, first.id);
    bed_close(&b);
    CHECK_INT(MOST, bed_files(&b, "/bad"), "still so many");
    bed_end(&b);
}

/* The oldest of the large ones go; one that is no batch for its size is not counted. */
static void bad_is_bounded_in_bytes(void **state)
{
    (void)state;
    struct spool_limits limits = wide;
    limits.bytes = 16u << 20;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, limits);
    bed_close(&b);
    bed_run(&b, "spool",
            "for i in 1 2 3 4 5 6 7; do truncate -s 3M torn-$i; "
            "touch -d @$i torn-$i; done; truncate -s 1G huge; touch -d @9 huge");
    bed_open(&b, limits);
    CHECK_INT(8, spool_counters(b.spool).set_aside, "all are counted");
    CHECK_INT(6, bed_files(&b, "/bad"), "15 of 21 MiB, and the huge one");
    bed_run(&b, "spool/bad", "test -e huge && test -e torn-7 && test ! -e torn-2");
    bed_end(&b);
}

/* As edgelat(1) says: they come again, before all others, as the same bytes. */
static void what_was_set_aside_is_sent_again(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spooled one;
    bed_begin(&b);
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 4; i++)
        bed_add_as(&b, i == 2 ? SIGNAL_LOGS : SIGNAL_METRICS, i);
    bed_written(&b, 4);
    for (unsigned i = 1; i <= 3; i++) {
        CHECK(spool_first(b.spool, &one), "waits");
        free(one.bytes);
        if (i == 3)
            spool_done(b.spool, one.id);
        else
            spool_refused(b.spool, one.id);
    }
    bed_close(&b);
    CHECK_INT(2, bed_files(&b, "/bad"), "1 and 2");
    bed_run(&b, "spool", "mv bad/*.pb.gz .");
    bed_open(&b, wide);
    bed_add(&b, 5);
    bed_written(&b, 1);
    CHECK_INT(1, bed_take(&b), "the oldest first");
    CHECK(spool_first(b.spool, &one), "waits");
    CHECK_INT(SIGNAL_LOGS, one.signal, "as what it was");
    CHECK_INT(2, number_of(one.bytes, one.len), "then the other");
    free(one.bytes);
    spool_done(b.spool, one.id);
    CHECK_INT(4, bed_take(&b), "what had waited");
    CHECK_INT(5, bed_take(&b), "and what is new");
    CHECK_INT(0, spool_counters(b.spool).set_aside, "none is set aside");
    bed_close(&b);
    CHECK_INT(5, bed_files(&b, "/../history"), "all have been taken");
    bed_end(&b);
}

/* `bad` cannot be made: what is refused leaves all the same. */
static void refused_without_bad(void **state)
{
    (void)state;
    struct spool_bed b;
    struct spooled first;
    begin_with_three(&b);
    bed_run(&b, "spool", "echo x > bad");
    bed_open(&b, wide);
    CHECK(spool_first(b.spool, &first), "waits");
    free(first.bytes);
    spool_refused(b.spool, first.id);
    CHECK_INT(2, bed_take(&b), "the next one");
    bed_settle(&b);
    CHECK_INT(2, bed_files(&b, ""), "3, and `bad`");
    bed_end(&b);
}

/* ---- closed to us: as somebody who is not root ---- */

static void become_nobody(const struct spool_bed *b)
{
    char command[256];
    if (geteuid() != 0)
        return;
    snprintf(command, sizeof command, "chown -R 65534 %s", b->folder.path);
    child_run(command);
    CHECK_INT(0, seteuid(65534), "nobody");
}

static void become_root(void)
{
    if (getuid() == 0)
        CHECK_INT(0, seteuid(0), "root again");
    prctl(PR_SET_DUMPABLE, 1); /* the sanitizer looks at us at the end */
}

/* Such a file stays, and does not stop the ones behind it. */
static void closed_file(void **state)
{
    (void)state;
    struct spool_bed b;
    begin_with_three(&b);
    become_nobody(&b);
    bed_run(&b, "spool", "chmod 000 *1-metrics.pb.gz");
    bed_open(&b, wide);
    CHECK_INT(3, spool_counters(b.spool).waiting, "it has the form of a batch");
    CHECK_INT(2, bed_take(&b), "over it");
    CHECK_INT(0, spool_counters(b.spool).set_aside, "not set aside");
    CHECK_INT(3, bed_take(&b), "and on");
    CHECK(bed_empty(&b), "it cannot be read");
    bed_settle(&b);
    CHECK_INT(0, bed_files(&b, "/bad"), "nothing in bad/");
    bed_run(&b, "spool", "chmod 600 *1-metrics.pb.gz");
    while (bed_empty(&b))
        uv_run(&b.loop, UV_RUN_ONCE);
    CHECK_INT(1, bed_take(&b), "tried again by itself");
    bed_close(&b);
    become_root();
    bed_end(&b);
}

/* A folder may be opened again: nothing is lost by it, and what is in memory is sent. */
static void closed_folder(void **state)
{
    (void)state;
    struct spool_bed b;
    begin_with_three(&b);
    become_nobody(&b);
    bed_open(&b, wide);
    bed_run(&b, "", "chmod 000 spool");
    bed_add(&b, 4);
    while (spool_counters(b.spool).write_errors == 0)
        uv_run(&b.loop, UV_RUN_ONCE);
    struct spooled first;
    CHECK(spool_first(b.spool, &first), "from memory");
    CHECK_INT(4, number_of(first.bytes, first.len), "others cannot be read");
    free(first.bytes);
    CHECK_INT(4, spool_counters(b.spool).waiting, "all wait");
    bed_run(&b, "", "chmod 700 spool");
    bed_add(&b, 5);
    bed_written(&b, 2);
    while (spool_first(b.spool, &first) && number_of(first.bytes, first.len) != 1) {
        free(first.bytes);
        uv_run(&b.loop, UV_RUN_ONCE); /* the old ones are tried again after a second */
    }
    free(first.bytes);
    for (unsigned i = 1; i <= 5; i++)
        CHECK_INT(i, bed_take(&b), "in order");
    CHECK_INT(0, spool_counters(b.spool).dropped, "none is lost");
    bed_close(&b);
    become_root();
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_entries),
        cmocka_unit_test(numbers_are_fresh),
        cmocka_unit_test(bad_is_bounded),
        cmocka_unit_test(bad_is_bounded_in_bytes),
        cmocka_unit_test(what_was_set_aside_is_sent_again),
        cmocka_unit_test(refused_without_bad),
        cmocka_unit_test(closed_file),
        cmocka_unit_test(closed_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
