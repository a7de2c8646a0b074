/*
 * A spool, a shipper and a collector that misbehaves, and the account that must come out:
 * every batch that was added is at the collector once, or visibly counted as not.
 */
#ifndef EDGELAT_TEST_SHIPPING_BED_H
#define EDGELAT_TEST_SHIPPING_BED_H

#include "io/ship/collector.h"
#include "io/spool/spool_bed.h"
#include "ship/shipper.h"

struct shipping_bed {
    struct spool_bed spool;
    struct fake_collector collector;
    struct config config;
    struct http *http;
    struct shipper *shipper;
    uv_timer_t limit;
    uint64_t until;
    bool too_long;
    unsigned added;
};

static inline void shipping_wake(void *user)
{
    struct shipping_bed *b = user;
    if (b->shipper != NULL)
        shipper_wake(b->shipper);
}

static inline struct shipping_bed *shipping_begin(struct spool_limits limits)
{
    struct shipping_bed *b = calloc(1, sizeof *b);
    bed_begin(&b->spool);
    b->spool.on_ready = shipping_wake;
    b->spool.user = b;
    bed_open(&b->spool, limits);
    collector_begin(&b->collector, &b->spool.loop);
    b->config = config_default();
    b->config.shipping.catch_up = 0;
    b->config.collectors[0].timeout_ns = 2 * NS_PER_S;
    snprintf(b->config.collectors[0].url, sizeof b->config.collectors[0].url,
             "http://127.0.0.1:%u", b->collector.port);
    uv_timer_init(&b->spool.loop, &b->limit);
    b->limit.data = b;
    CHECK_INT(0, http_create(&b->http, &b->spool.loop), "http");
    return b;
}

static inline void shipping_start(struct shipping_bed *b)
{
    CHECK_INT(0,
              shipper_create(&b->shipper, &b->spool.loop, b->http, b->spool.spool,
                             &b->config, check_seed()),
              "created");
    shipper_wake(b->shipper);
}

/* The next batch, of about `bytes` bytes: its number and noise. */
static inline void shipping_add(struct shipping_bed *b, size_t bytes)
{
    size_t len;
    char *text = calloc(1, bytes + 32);
    snprintf(text, 32, "batch %u\n", ++b->added);
    for (size_t i = 20; i < bytes; i++)
        text[i] = (char)rand();
    void *packed = gzip_pack(text, bytes > 20 ? bytes : 20, &len);
    free(text);
    spool_add(b->spool.spool, SIGNAL_METRICS, realloc(packed, len), len);
}

/* Ticks: uv_run() may call back from a timer and then still wait for something else. */
static inline void shipping_tick(uv_timer_t *timer)
{
    struct shipping_bed *b = timer->data;
    b->too_long = uv_hrtime() > b->until;
}

static inline void shipping_limit(struct shipping_bed *b, uint64_t s)
{
    b->too_long = false;
    b->until = uv_hrtime() + s * NS_PER_S;
    uv_timer_start(&b->limit, shipping_tick, 10, 10);
}

#define SHIP_UNTIL(b, s, condition)                                                      \
    do {                                                                                 \
        shipping_limit((b), (s));                                                        \
        while (!(condition) && !(b)->too_long)                                           \
            uv_run(&(b)->spool.loop, UV_RUN_ONCE);                                       \
        uv_timer_stop(&(b)->limit);                                                      \
        CHECK((condition), "%d s and not yet: %s", (s), #condition);                     \
    } while (0)

static inline uint64_t shipping_waits(const struct shipping_bed *b)
{
    return spool_counters(b->spool.spool).waiting;
}

/* The account, when nothing waits any more. `lost` were dropped for a bound. */
static inline void shipping_account(const struct shipping_bed *b, unsigned refused,
                                    unsigned lost)
{
    struct spool_counters spool = spool_counters(b->spool.spool);
    struct shipper_counters ship = shipper_counters(b->shipper);
    unsigned accepted = 0;
    for (unsigned i = 1; i <= b->added; i++) {
        CHECK(b->collector.all[i].accepted <= 1, "%u was accepted %u times", i,
              b->collector.all[i].accepted);
        accepted += b->collector.all[i].accepted;
    }
    CHECK_INT(0, spool.waiting, "waiting");
    CHECK_INT(b->added, accepted + refused + lost, "every batch is accounted for");
    CHECK_INT(accepted, ship.accepted, "the shipper counts as the collector");
    CHECK_INT(refused, ship.refused, "refused");
    CHECK_INT(refused, spool.set_aside, "and set aside");
    CHECK_INT(lost, spool.dropped, "dropped");
    CHECK(!b->collector.out_of_order, "oldest first");
}

static inline void shipping_end(struct shipping_bed *b)
{
    shipper_destroy(b->shipper);
    b->shipper = NULL;
    http_destroy(b->http);
    uv_close((uv_handle_t *)&b->limit, NULL);
    collector_end(&b->collector);
    bed_end(&b->spool);
    free(b);
}

#endif
