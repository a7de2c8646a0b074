/* The prober with a kind that does what the test says. */
#include "io/probe/bed.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum behaviour { NEVER_ANSWERS, ANSWERS, CANNOT_SEND, ANSWERS_TOO_LATE, SENDS_LATER };

static enum behaviour behaviour;
static struct exchange *under_way[BED_RESULTS_MAX];
static size_t n_under_way, opened, closed, aborted;
static int open_error;

static int fake_open(void **state, const struct probe_tools *tools, char *why,
                     size_t why_size)
{
    if (open_error != 0) {
        snprintf(why, why_size, "not today");
        return open_error;
    }
    opened++;
    *state = (void *)tools;
    return 0;
}

static void fake_start(struct exchange *x)
{
    if (behaviour == CANNOT_SEND) {
        snprintf(x->result.cause, sizeof x->result.cause, "no way out");
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    if (behaviour == SENDS_LATER)
        x->sent.ns += 30 * NS_PER_MS;
    under_way[n_under_way++] = x;
}

static void fake_abort(struct exchange *x)
{
    (void)x;
    aborted++;
}

static void fake_close(void *state)
{
    (void)state;
    closed++;
}

static const struct probe_kind fake = {
    .kind = {.name = "fake", .delays = {"rtt", "more", NULL}},
    .open = fake_open,
    .start = fake_start,
    .abort = fake_abort,
    .close = fake_close,
};
static const struct probe_kind *const kinds[] = {&fake};

/* The same, read in slots. */
static size_t reads, sends, sent_by_then;
static bool arrived; /* the answers to all that was sent wait to be read */

static void fake_send(void *state)
{
    (void)state;
    sends++;
    sent_by_then = n_under_way;
}

static void fake_read(void *state)
{
    (void)state;
    reads++;
    size_t n = arrived ? n_under_way : 0;
    int64_t delays[] = {NS_PER_MS, DELAY_UNDEFINED};
    for (size_t i = 0; i < n && closed == 0; i++)
        exchange_done(under_way[i], OUTCOME_REPLY, delays);
    n_under_way -= n;
    memmove(under_way, under_way + n, n_under_way * sizeof *under_way);
}

static const struct probe_kind slotted = {
    .kind = {.name = "slotted", .delays = {"rtt", "more", NULL}},
    .open = fake_open,
    .start = fake_start,
    .read = fake_read,
    .send = fake_send,
    .abort = fake_abort,
    .close = fake_close,
};
static const struct probe_kind *const slotted_kinds[] = {&slotted};

static struct bed *make(enum behaviour b)
{
    behaviour = b;
    n_under_way = opened = closed = aborted = 0;
    open_error = 0;
    return bed_make(kinds);
}

static struct bed *make_slotted(void (*on_result)(const struct result *, void *))
{
    struct bed *b = make(ANSWERS);
    reads = sends = 0;
    arrived = false;
    prober_destroy(b->prober);
    b->prober =
        prober_create(&b->loop, slotted_kinds, 1, NULL, NULL,
                      (struct prober_events){
                          .on_result = on_result, .user = b, .reading = PROBER_IN_SLOTS});
    return b;
}

static void answers(void **unused)
{
    (void)unused;
    struct bed *b = make(ANSWERS);
    struct endpoint to = bed_to("192.0.2.1", 443);
    struct wall before = wall_now();
    bed_send(b, 7, &to);
    CHECK_INT(1, prober_under_way(b->prober), "under way");
    int64_t delays[] = {5 * NS_PER_MS, DELAY_UNDEFINED};
    exchange_done(under_way[0], OUTCOME_REPLY, delays);
    CHECK_INT(1, b->n, "results");
    CHECK_INT(7, b->results[0].stream, "stream");
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, "outcome");
    CHECK_INT(5 * NS_PER_MS, b->results[0].delays[0], "first delay");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[1], "second delay");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[2], "a delay that the kind has not");
    CHECK(b->results[0].time.ns >= before.ns && b->results[0].time.ns <= wall_now().ns,
          "the time is that of sending");
    CHECK_INT(0, prober_under_way(b->prober), "under way afterwards");
    struct prober_counters c = prober_counters(b->prober);
    CHECK_INT(1, c.sent, "sent");
    CHECK_INT(1, c.answered, "answered");
    bed_end(b);
    CHECK_INT(1, opened, "opened once");
    CHECK_INT(1, closed, "closed once");
    CHECK_INT(0, aborted, "nothing to abort");
}

/* Different waiting times, sent in the worst order: each is loss at its own time, and
 * never before it. */
static void loss_at_the_waiting_time(void **unused)
{
    (void)unused;
    struct bed *b = make(NEVER_ANSWERS);
    struct endpoint to = bed_to("192.0.2.1", 443);
    static const int64_t waits_us[] = {90300, 20700, 60001, 40999, 20700};
    static struct target targets[5];
    int64_t sent_ns[5];
    for (uint32_t i = 0; i < 5; i++) {
        targets[i] = b->target;
        target_wait(&targets[i], waits_us[i] * NS_PER_US);
        sent_ns[i] = mono_now().ns - b->began_ns;
        prober_send(b->prober, i, 0, &targets[i], &to);
    }
    bed_wait(b, 5);
    int64_t previous = 0;
    for (size_t i = 0; i < 5; i++) {
        const struct result *r = &b->results[i];
        int64_t waited = b->after_ns[i] - sent_ns[r->stream];
        CHECK_INT(OUTCOME_LOSS, r->outcome, "outcome");
        CHECK_INT(DELAY_UNDEFINED, r->delays[0], "loss has no delay");
        CHECK(waited >= targets[r->stream].waiting_ns[0], "%d waited only %lld ns",
              (int)i, (long long)waited);
        CHECK(targets[r->stream].waiting_ns[0] >= previous, "the shortest first");
        previous = targets[r->stream].waiting_ns[0];
    }
    CHECK_TEXT("no answer within 90300us", b->results[4].cause, "cause");
    CHECK_INT(5, aborted, "the kind is told to forget each");
    CHECK_INT(5, prober_counters(b->prober).lost, "lost");
    bed_end(b);
}

static void waiting_time_counts_from_sending(void **unused)
{
    (void)unused;
    struct bed *b = make(SENDS_LATER);
    struct endpoint to = bed_to("192.0.2.1", 443);
    target_wait(&b->target, 20 * NS_PER_MS);
    int64_t began = mono_now().ns - b->began_ns;
    bed_send(b, 0, &to);
    bed_wait(b, 1);
    CHECK(b->after_ns[0] - began >= 50 * NS_PER_MS, "20 ms after it was really sent");
    bed_end(b);
}

static void cannot_send(void **unused)
{
    (void)unused;
    struct bed *b = make(CANNOT_SEND);
    struct endpoint to = bed_to("192.0.2.1", 443);
    bed_send(b, 0, &to);
    bed_send(b, 1, &to);
    CHECK_INT(0, b->n, "nothing from inside");
    CHECK_INT(2, prober_under_way(b->prober), "under way");
    bed_wait(b, 2);
    CHECK_INT(OUTCOME_NOT_MEASURED, b->results[1].outcome, "outcome");
    CHECK_TEXT("no way out", b->results[1].cause, "cause");
    CHECK_INT(2, prober_counters(b->prober).not_measured, "counted");
    CHECK_INT(0, prober_counters(b->prober).sent, "not sent");
    bed_send(b, 2, &to);
    bed_end(b); /* with one deferred */
    CHECK_INT(0, aborted, "what was deferred is not aborted");
}

static void cannot_open(void **unused)
{
    (void)unused;
    struct bed *b = make(ANSWERS);
    struct endpoint to = bed_to("192.0.2.1", 443);
    open_error = -EPERM;
    char why[64];
    CHECK_INT(-EPERM, prober_open(b->prober, 0, why, sizeof why), "says so");
    CHECK_TEXT("not today", why, "why");
    bed_send(b, 0, &to);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_NOT_MEASURED, b->results[0].outcome, "outcome");
    CHECK_TEXT("not today", b->results[0].cause, "cause");
    open_error = 0; /* and it heals */
    bed_send(b, 0, &to);
    CHECK_INT(1, n_under_way, "sent");
    bed_end(b);
    CHECK_INT(1, closed, "closed once");
    CHECK_INT(1, aborted, "aborted at the end");
}

/* We looked late, the answer itself was later than the waiting time. */
static void answer_after_the_waiting_time(void **unused)
{
    (void)unused;
    struct bed *b = make(ANSWERS_TOO_LATE);
    struct endpoint to = bed_to("192.0.2.1", 443);
    bed_send(b, 3, &to);
    int64_t delays[] = {NS_PER_S + 1, NS_PER_S + 1};
    exchange_done(under_way[0], OUTCOME_REPLY, delays);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "loss");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "which has no delay");
    CHECK_INT(1, b->late[3], "and is late");
    bed_end(b);
}

static void answer_now(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    uv_poll_stop(poll);
    int64_t delays[] = {NS_PER_MS, DELAY_UNDEFINED};
    exchange_done(under_way[0], OUTCOME_REPLY, delays);
}

/* The process stood still for longer than the waiting time while the answer lay in the
 * socket: it was in time, so it is no loss. */
static void answer_while_we_stood_still(void **unused)
{
    (void)unused;
    struct bed *b = make(ANSWERS);
    struct endpoint to = bed_to("192.0.2.1", 443);
    target_wait(&b->target, 10 * NS_PER_MS);
    int ends[2];
    CHECK_INT(0, pipe(ends), "a pipe");
    uv_poll_t poll;
    uv_poll_init(&b->loop, &poll, ends[0]);
    uv_poll_start(&poll, UV_READABLE, answer_now);
    bed_send(b, 0, &to);
    CHECK_INT(1, write(ends[1], "x", 1), "the answer arrives");
    struct timespec still = {.tv_nsec = 50 * NS_PER_MS};
    nanosleep(&still, NULL);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, "outcome");
    uv_close((uv_handle_t *)&poll, NULL);
    bed_end(b);
    close(ends[0]);
    close(ends[1]);
}

static struct bed *suicidal;

static void destroy_on_result(const struct result *result, void *user)
{
    (void)result, (void)user;
    suicidal->n++;
    prober_destroy(suicidal->prober);
    suicidal->prober = NULL;
}

static void destroyed_in_a_callback(void **unused)
{
    (void)unused;
    struct bed *b = suicidal = make(NEVER_ANSWERS);
    struct endpoint to = bed_to("192.0.2.1", 443);
    prober_destroy(b->prober);
    b->prober = prober_create(&b->loop, kinds, 1, NULL, NULL,
                              (struct prober_events){.on_result = destroy_on_result});
    target_wait(&b->target, 5 * NS_PER_MS);
    for (int i = 0; i < 3; i++)
        bed_send(b, 0, &to);
    bed_turn(b, SIZE_MAX, 50);
    CHECK_INT(1, b->n, "no callback after it is destroyed");
    CHECK_INT(3, aborted, "all are forgotten");
    bed_end(b);
}

/* ---- in slots ---- */

static void slots_are_stretched(void **unused)
{
    (void)unused;
    static const struct {
        size_t n;
        int64_t slot_ms;
    } cases[] = {/* a second */
                 {0, 10},   {1, 10},   {24, 10},  {25, 40},  {100, 40},  {200, 40},
                 {210, 40}, {270, 30}, {400, 20}, {800, 10}, {60000, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(prober_slot_ns(cases[i].n, NS_PER_S) == cases[i].slot_ms * NS_PER_MS,
              "%zu/s: slots of %" PRId64 " ms", cases[i].n, cases[i].slot_ms);
}

static void slot_ends(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    static const int64_t cases[][2] = {{0, 0},
                                       {1, 10000000},
                                       {9999999, 10000000},
                                       {10000000, 10000000},
                                       {10000001, 20000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i][1], prober_slot_end(b->prober, (struct mono){cases[i][0]}).ns,
                  "slot end");
    bed_end(b);
}

static void one_turn_for_all(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    for (int i = 0; i < 10; i++)
        bed_send(b, 0, &to);
    CHECK_INT(0, sends, "not from inside prober_send()");
    uv_run(&b->loop, UV_RUN_NOWAIT);
    CHECK_INT(1, sends, "one turn");
    CHECK_INT(10, sent_by_then, "for all that was sent");
    CHECK_INT(0, reads, "nothing can have come");
    bed_end(b);
}

static void read_together(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    for (int i = 0; i < 3; i++)
        bed_send(b, 0, &to);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    arrived = true;
    bed_wait(b, 3);
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome,
              "long before its waiting time is over");
    CHECK_INT(1, reads, "by one look");
    arrived = false;
    bed_send(b, 0, &to);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    arrived = true;
    prober_read(b->prober);
    CHECK_INT(4, b->n, "or when it is asked for");
    CHECK_INT(2, reads, "by another");
    bed_end(b);
}

/* The buffers of the kernel hold so many, however small they are. */
static void read_sooner_when_there_are_many(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    for (int i = 0; i < PROBER_UNREAD_MAX; i++)
        bed_send(b, 0, &to);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    size_t before = reads;
    bed_send(b, 0, &to);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    CHECK_INT(before + 1, reads, "with the next probe");
    bed_end(b);
}

/* A lost probe is looked for ever more rarely. */
static void few_looks_for_a_lost_probe(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    bed_send(b, 0, &to);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "outcome");
    CHECK(reads <= 4, "%zu looks", reads); /* after 150, 450 and 1000 ms */
    bed_end(b);
}

static void read_before_the_verdict(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(bed_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    target_wait(&b->target, 10 * NS_PER_MS);
    bed_send(b, 0, &to);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    arrived = true;
    bed_stand_still(50);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, "it came in time");
    bed_end(b);
}

static void send_on_result(const struct result *result, void *user)
{
    struct bed *b = user;
    struct endpoint to = result->to;
    b->results[b->n++] = *result;
    if (b->n == 1)
        bed_send(b, 0, &to);
}

/* The loop does not wait in between, though the turn was the last thing before it would. */
static void sent_in_a_turn(void **unused)
{
    (void)unused;
    struct bed *b = make_slotted(send_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    bed_send(b, 0, &to);
    arrived = true;
    while (b->n == 0)
        uv_run(&b->loop, UV_RUN_ONCE);
    CHECK_INT(1, sends, "the first");
    uv_run(&b->loop, UV_RUN_ONCE);
    CHECK_INT(2, sends, "and the one that the result led to");
    bed_end(b);
}

static void destroyed_in_a_turn(void **unused)
{
    (void)unused;
    struct bed *b = suicidal = make_slotted(destroy_on_result);
    struct endpoint to = bed_to("192.0.2.1", 443);
    for (int i = 0; i < 3; i++)
        bed_send(b, 0, &to);
    arrived = true;
    bed_turn(b, SIZE_MAX, 100);
    CHECK_INT(1, b->n, "no callback after it is destroyed");
    CHECK_INT(2, aborted, "the others are forgotten");
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest slot_tests[] = {
        cmocka_unit_test(slots_are_stretched),
        cmocka_unit_test(slot_ends),
        cmocka_unit_test(one_turn_for_all),
        cmocka_unit_test(read_together),
        cmocka_unit_test(read_sooner_when_there_are_many),
        cmocka_unit_test(few_looks_for_a_lost_probe),
        cmocka_unit_test(read_before_the_verdict),
        cmocka_unit_test(sent_in_a_turn),
        cmocka_unit_test(destroyed_in_a_turn),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(loss_at_the_waiting_time),
        cmocka_unit_test(waiting_time_counts_from_sending),
        cmocka_unit_test(cannot_send),
        cmocka_unit_test(cannot_open),
        cmocka_unit_test(answer_after_the_waiting_time),
        cmocka_unit_test(answer_while_we_stood_still),
        cmocka_unit_test(destroyed_in_a_callback),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += cmocka_run_group_tests(slot_tests, NULL, NULL);
    return failed + bed_run_in_slots(tests); /* of a kind that the loop watches */
}
