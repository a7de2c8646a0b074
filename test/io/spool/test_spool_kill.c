/* kill -9, 200 times at random moments: what was said to be written is there, whole. */
#include "spool/history.h"
#include "spool/spool.h"

#include "base/log.h"
#include "core/random.h"
#include "io/spool/spool_bed.h"

enum { ROUNDS = 20, KILLS = 10, AHEAD = 3, NUMBERS_MAX = 100000 };

/* ---- the one that is killed ---- */

struct note {
    unsigned begun, said; /* given to the spool, and said by it to be written */
};

struct writer {
    struct spool_bed *bed;
    uint64_t written;
    struct note note;
    int pipe;
};

static void tell(const struct writer *w)
{
    if (write(w->pipe, &w->note, sizeof w->note) < 0)
        _exit(1);
}

/* Each batch that is written is said, and the next is given, three ahead; when ten wait
 * a collector takes two. */
static void write_more(void *user)
{
    struct writer *w = user;
    struct spool *s = w->bed->spool;
    uint64_t written = spool_counters(s).written;
    w->note.said += (unsigned)(written - w->written);
    w->written = written;
    tell(w);
    while (w->note.begun < w->note.said + AHEAD) {
        w->note.begun++;
        tell(w);
        bed_add(w->bed, w->note.begun);
    }
    struct spooled one;
    for (int i = 0; i < 2 && spool_counters(s).waiting > 10; i++)
        if (spool_first(s, &one)) {
            free(one.bytes);
            spool_done(s, one.id);
        }
}

static void write_until_killed(struct spool_bed *b, unsigned begun, int pipe)
{
    struct writer w = {.bed = b, .note = {begun, begun}, .pipe = pipe};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_set_level(LOG_LEVEL_WARN);
    b->on_ready = write_more;
    b->user = &w;
    if (spool_open(&b->spool, &b->loop, b->state, wide, bed_ready, b) < 0)
        _exit(1);
    write_more(&w);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    _exit(1);
}

/* Lets one run for a while, with `said` from its first batch on; the last it said. */
static struct note run_and_kill(struct spool_bed *b, unsigned begun, bool said,
                                useconds_t us)
{
    int ends[2], status;
    struct note note = {begun, begun}, next;
    CHECK_INT(0, pipe(ends), "pipe");
    pid_t child = fork();
    if (child == 0)
        write_until_killed(b, begun, ends[1]);
    close(ends[1]);
    while (said && note.said == begun && read(ends[0], &next, sizeof next) == sizeof next)
        note = next;
    usleep(us);
    CHECK_INT(0, kill(child, SIGKILL), "it was running");
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status), "ended by itself: %d", status);
    while (read(ends[0], &next, sizeof next) == sizeof next)
        note = next;
    close(ends[0]);
    return note;
}

/* ---- what is there afterwards ---- */

static unsigned char seen[NUMBERS_MAX];

static unsigned read_all(const struct spool_bed *b)
{
    struct history_reader *r;
    struct history_batch h;
    unsigned n = 0, number;
    CHECK_INT(0, history_read(&r, b->state, (int64_t[SIGNALS]){0}), "read");
    while (history_next(r, &h)) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)h.len, (const char *)h.bytes);
        free(h.bytes);
        CHECK(sscanf(text, "batch %u", &number) == 1 && number < NUMBERS_MAX, "'%s'",
              text);
        CHECK_INT(0, seen[number], "each once");
        seen[number] = 1;
        n++;
    }
    CHECK_INT(0, history_skipped(r), "none is torn");
    history_read_end(r);
    return n;
}

static void killed(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    unsigned in_all = 0, unsaid = 0, taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct spool_bed b;
        unsigned char said[NUMBERS_MAX] = {0};
        struct note note = {0};
        bed_begin(&b);
        for (int i = 0; i < KILLS; i++) { /* each goes on with what the last one left */
            unsigned first = note.begun + 1;
            note = run_and_kill(&b, note.begun, i % 2 == 1,
                                (useconds_t)random_below(&r, 60000));
            for (unsigned n = first; n <= note.said; n++)
                said[n] = 1;
            CHECK(note.begun < NUMBERS_MAX, "too many");
        }
        memset(seen, 0, sizeof seen);
        unsigned there = read_all(&b), expected = 0;
        for (unsigned n = 1; n <= note.begun; n++) {
            CHECK(seen[n] || !said[n], "%u was said to be written", n);
            expected += said[n];
        }
        CHECK(there <= expected + KILLS * AHEAD, "%u, and %u said", there, expected);
        in_all += expected;
        unsaid += there - expected;

        bed_open(&b, wide);
        CHECK_INT(0, spool_counters(b.spool).set_aside, "no torn file under its name");
        taken += (unsigned)spool_counters(b.spool).history;
        for (unsigned last = 0; spool_counters(b.spool).waiting > 0;) {
            unsigned number = bed_take(&b);
            CHECK(number > last, "%u after %u", number, last);
            last = number;
        }
        bed_close(&b);
        CHECK_INT(0, bed_files(&b, ""), "nothing left over");
        bed_end(&b);
    }
    print_message("# %d kills, %u batches said to be written, %u there without a word, "
                  "%u in the history\n",
                  ROUNDS * KILLS, in_all, unsaid, taken);
    CHECK(in_all >= ROUNDS * KILLS / 2 && taken > 0, "only %u were written", in_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
