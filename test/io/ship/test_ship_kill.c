/*
 * kill -9, 200 times at random moments, while batches are written, sent and taken out:
 * each that was said to be written is at the collector, and comes again, if at all, as
 * the same bytes.
 */
#include "base/log.h"
#include "core/random.h"
#include "io/ship/shipping_bed.h"

enum { KILLS = 200, AHEAD = 3 };

struct note {
    unsigned begun, said; /* given to the spool, and said by it to be written */
};

/* ---- the one that is killed: a window closes with each turn ---- */

struct agent {
    struct shipping_bed bed;
    uv_timer_t window;
    uint64_t written;
    struct note note;
    int pipe;
};

static void tell(const struct agent *a)
{
    if (write(a->pipe, &a->note, sizeof a->note) < 0)
        _exit(1);
}

static void on_ready(void *user)
{
    struct agent *a = user;
    uint64_t written = spool_counters(a->bed.spool.spool).written;
    a->note.said += (unsigned)(written - a->written);
    a->written = written;
    tell(a);
    if (a->bed.shipper != NULL)
        shipper_wake(a->bed.shipper);
}

static void close_window(uv_timer_t *timer)
{
    struct agent *a = timer->data;
    if (a->note.begun >= a->note.said + AHEAD)
        return;
    a->note.begun++;
    tell(a);
    bed_add(&a->bed.spool, a->note.begun);
}

static void run_until_killed(const struct shipping_bed *b, unsigned begun, int pipe)
{
    struct agent *a = calloc(1, sizeof *a);
    a->bed.spool = b->spool;
    a->bed.config = b->config;
    a->note = (struct note){begun, begun};
    a->pipe = pipe;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uv_loop_init(&a->bed.spool.loop);
    a->bed.spool.on_ready = on_ready;
    a->bed.spool.user = a;
    if (spool_open(&a->bed.spool.spool, &a->bed.spool.loop, a->bed.spool.state, wide,
                   bed_ready, &a->bed.spool) < 0 ||
        http_create(&a->bed.http, &a->bed.spool.loop) < 0)
        _exit(1);
    shipping_start(&a->bed);
    uv_timer_init(&a->bed.spool.loop, &a->window);
    a->window.data = a;
    uv_timer_start(&a->window, close_window, 0, 3);
    uv_run(&a->bed.spool.loop, UV_RUN_DEFAULT);
    _exit(1);
}

/* ---- the one that kills ---- */

static void kill_it(uv_timer_t *timer)
{
    pid_t *child = timer->data;
    CHECK_INT(0, kill(*child, SIGKILL), "it was running");
}

/* Lets one run for a while, with the collector on our loop; the last it said. */
static struct note run_and_kill(struct shipping_bed *b, uv_timer_t *timer, unsigned begun,
                                uint64_t ms)
{
    int ends[2], status;
    struct note note = {begun, begun}, next;
    CHECK_INT(0, pipe(ends), "pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t child = fork();
    if (child == 0)
        run_until_killed(b, begun, ends[1]);
    close(ends[1]);
    timer->data = &child;
    uv_timer_start(timer, kill_it, ms, 5); /* again: the loop is to turn */
    while (waitpid(child, &status, WNOHANG) == 0) {
        uv_run(&b->spool.loop, UV_RUN_ONCE);
        while (read(ends[0], &next, sizeof next) == sizeof next)
            note = next;
    }
    uv_timer_stop(timer);
    CHECK(WIFSIGNALED(status), "ended by itself: %d", status);
    while (read(ends[0], &next, sizeof next) == sizeof next)
        note = next;
    close(ends[0]);
    return note;
}

static void killed_while_shipping(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    struct shipping_bed *b = shipping_begin(wide);
    bool *said = calloc(NUMBERS_MAX, sizeof *said);
    struct note note = {0};
    unsigned written = 0, there = 0, again = 0;
    uv_timer_t timer;
    collector_down(&b->collector);
    bed_close(&b->spool); /* the children have it */
    collector_up(&b->collector);
    uv_timer_init(&b->spool.loop, &timer);
    for (int i = 0; i < KILLS; i++) {
        unsigned first = note.begun + 1;
        note = run_and_kill(b, &timer, note.begun, (uint64_t)random_below(&r, 100));
        CHECK(note.begun < NUMBERS_MAX, "more than there is room for");
        for (unsigned n = first; n <= note.said; n++)
            said[n] = true;
    }

    bed_open(&b->spool, wide);
    b->collector.last = 0;
    shipping_start(b);
    SHIP_UNTIL(b, 20, shipping_waits(b) == 0);
    CHECK_INT(0, spool_counters(b->spool.spool).set_aside, "none was torn");
    for (unsigned n = 1; n <= note.begun; n++) {
        const struct collected *one = &b->collector.all[n];
        CHECK(one->accepted > 0 || !said[n], "%u was said to be written", n);
        written += said[n];
        there += one->accepted > 0;
        again += one->accepted > 1;
    }
    print_message("# %d kills, %u batches said to be written, %u at the collector, "
                  "%u of them twice\n",
                  KILLS, written, there, again);
    CHECK(written > KILLS / 4, "only %u were written", written);
    CHECK(there <= written + KILLS * AHEAD, "%u, and %u said", there, written);
    CHECK(again <= 3 * KILLS, "%u came again", again);
    free(said);
    uv_close((uv_handle_t *)&timer, NULL);
    shipping_end(b);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_while_shipping),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
