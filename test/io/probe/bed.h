/*
 * The test bed of the prober's tests: a loop, a prober, and what it gave back. Tests of a kind
 * that is read in slots run twice, see bed_run_in_slots().
 */
#ifndef EDGELAT_TEST_IO_PROBE_BED_H
#define EDGELAT_TEST_IO_PROBE_BED_H

#include "check.h"

#include "base/mem.h"
#include "net/clock.h"
#include "probe/prober.h"

#include <time.h>
#include <uv.h>

#define BED_RESULTS_MAX 20000
#define BED_STREAMS     8

static enum prober_reading bed_reading; /* of the next beds */

struct bed {
    uv_loop_t loop;
    struct prober *prober;
    struct result *results;
    int64_t *after_ns; /* since the loop began, when the result came */
    size_t n;
    size_t late[BED_STREAMS], duplicates[BED_STREAMS];
    size_t busy;  /* how often the host was said to be */
    bool sending; /* inside prober_send(): nothing may come now */
    int64_t began_ns;
    struct target target;
};

static inline void bed_on_result(const struct result *result, void *user)
{
    struct bed *b = user;
    CHECK(!b->sending, "no callback from inside prober_send()");
    CHECK(b->n < BED_RESULTS_MAX, "no more results than probes");
    b->after_ns[b->n] = mono_now().ns - b->began_ns;
    b->results[b->n++] = *result;
}

static inline void bed_on_after(uint32_t stream, enum counter what, void *user)
{
    struct bed *b = user;
    CHECK(stream < BED_STREAMS, "a stream that was sent");
    if (what == COUNTER_LATE)
        b->late[stream]++;
    else
        b->duplicates[stream]++;
}

static inline void bed_on_busy(void *user)
{
    struct bed *b = user;
    b->busy++;
}

static inline struct bed *bed_make(const struct probe_kind *const *kind)
{
    struct bed *b = mem_zalloc(sizeof *b);
    CHECK_INT(0, uv_loop_init(&b->loop), "loop");
    b->results = mem_zalloc(BED_RESULTS_MAX * sizeof *b->results);
    b->after_ns = mem_zalloc(BED_RESULTS_MAX * sizeof *b->after_ns);
    b->began_ns = mono_now().ns;
    struct prober_events events = {bed_on_result, bed_on_after, b, bed_on_busy,
                                   bed_reading};
    b->prober = prober_create(&b->loop, kind, 1, NULL, NULL, events);
    b->target = (struct target){.name = "t", .payload_bytes = 56};
    target_wait(&b->target, NS_PER_S);
    return b;
}

static inline struct endpoint bed_to(const char *address, uint16_t port)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, address, port), "%s is an address", address);
    return e;
}

static inline void bed_send(struct bed *b, uint32_t stream, const struct endpoint *to)
{
    b->sending = true;
    prober_send(b->prober, stream, 0, &b->target, to);
    b->sending = false;
}

static inline void bed_stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Turns the loop for `ms`, or until `until` results have come; in slots what is unread then
 * is read. */
static inline void bed_turn(struct bed *b, size_t until, uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&b->loop, &timer);
    uv_update_time(&b->loop);
    uv_timer_start(&timer, bed_stop, ms, 0);
    while (b->n < until && uv_is_active((uv_handle_t *)&timer))
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    if (b->n < until && b->prober != NULL)
        prober_read(b->prober);
}

static inline void bed_wait(struct bed *b, size_t results)
{
    bed_turn(b, results, 10000);
    CHECK_INT(results, b->n, "results");
}

/* The process stands still. */
static inline void bed_stand_still(int ms)
{
    struct timespec still = {.tv_nsec = ms * NS_PER_MS};
    nanosleep(&still, NULL);
}

/* Runs the same tests again, in slots. */
#define bed_run_in_slots(tests)                                                          \
    (printf("# again, read in slots\n"), bed_reading = PROBER_IN_SLOTS,                  \
     cmocka_run_group_tests(tests, NULL, NULL))

/* Ends it: every handle must be closed. */
static inline void bed_end(struct bed *b)
{
    prober_destroy(b->prober);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    free(b->results);
    free(b->after_ns);
    free(b);
}

#endif
