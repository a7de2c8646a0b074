/*
 * What collectors and lines do to a batch, from the spool to the account of what arrived:
 * every batch that was added is there once, or visibly counted as not.
 */
#include "base/log.h"
#include "io/ship/shipping_bed.h"

#include <malloc.h>

static size_t memory_in_use(void)
{
    return mallinfo2().uordblks; /* 0 under a sanitizer, which counts for itself */
}

/* Down at first, with 1,000 batches waiting; all of them when it is up. */
static void thousand_caught_up(void **state)
{
    (void)state;
    struct shipping_bed *b = shipping_begin(wide);
    collector_down(&b->collector);
    size_t before = memory_in_use();
    for (unsigned i = 0; i < 1000; i++)
        shipping_add(b, 2000);
    bed_written(&b->spool, 1000);
    CHECK(memory_in_use() < before + (256 << 10), "%zu KiB for what is on disk",
          (memory_in_use() - before) >> 10);
    shipping_start(b);
    SHIP_UNTIL(b, 10, shipper_counters(b->shipper).failed > 0);
    collector_up(&b->collector);
    SHIP_UNTIL(b, 60, shipping_waits(b) == 0);
    shipping_account(b, 0, 0);
    CHECK(b->collector.calls <= 2, "%u connections", b->collector.calls);
    bed_settle(&b->spool);
    CHECK_INT(1000, spool_counters(b->spool.spool).history, "all are in the history");
    CHECK_INT(0, bed_files(&b->spool, ""), "and none in the spool");
    shipping_end(b);
}

/* More than the spool may hold: the youngest arrive, the others are counted. */
static void more_than_fits(void **state)
{
    (void)state;
    struct spool_limits limits = wide;
    limits.count = 50;
    struct shipping_bed *b = shipping_begin(limits);
    collector_down(&b->collector);
    shipping_start(b);
    for (unsigned i = 0; i < 200; i++)
        shipping_add(b, 100);
    CHECK_INT(150, spool_counters(b->spool.spool).dropped, "counted at once");
    collector_up(&b->collector);
    SHIP_UNTIL(b, 20, shipping_waits(b) == 0);
    shipping_account(b, 0, 150);
    for (unsigned i = 151; i <= 200; i++)
        CHECK_INT(1, b->collector.all[i].accepted, "the youngest");
    shipping_end(b);
}

/* ---- while 60 batches are on their way ---- */

static enum conduct storm_of_500(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request >= 10 && request < 12 ? SAY_500 : TAKE;
}

static enum conduct storm_of_503(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request >= 10 && request < 12 ? SAY_503 : TAKE;
}

static enum conduct cuts_bodies(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request % 16 == 5 ? CUT_BODY : TAKE;
}

static enum conduct cuts_replies(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request % 16 == 5 ? CUT_REPLY : TAKE;
}

static enum conduct drips(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request == 5 ? DRIP : TAKE;
}

static enum conduct huge(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request == 20 ? HUGE_503 : TAKE;
}

static enum conduct endless_head(struct fake_collector *c, unsigned request)
{
    (void)c;
    return request == 5 ? ENDLESS_HEAD : TAKE;
}

static const struct {
    const char *what;
    enum conduct (*conduct_of)(struct fake_collector *c, unsigned request);
    size_t bytes;     /* of a batch */
    unsigned refused; /* of 60 */
    unsigned again;   /* requests more than batches, some of them libcurl's */
    unsigned twice;   /* of which came whole before */
} trouble[] = {
    {"500", storm_of_500, 100, 0, 2, 2},
    {"503", storm_of_503, 100, 0, 2, 2},
    {"reset in the middle of a body", cuts_bodies, 300000, 0, 4, 0},
    {"reset before the reply", cuts_replies, 100, 0, 4, 4},
    {"a reply of one byte a second", drips, 100, 0, 1, 1},
    {"a reply of 1 GiB", huge, 100, 0, 1, 1},
    {"headers without an end", endless_head, 100, 0, 1, 1},
};

static void trouble_on_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trouble / sizeof *trouble; i++) {
        struct shipping_bed *b = shipping_begin(wide);
        unsigned twice = 0;
        b->collector.conduct_of = trouble[i].conduct_of;
        for (unsigned n = 1; n <= 60; n++) {
            shipping_add(b, trouble[i].bytes);
            bed_written(&b->spool, n);
        }
        size_t before = memory_in_use();
        shipping_start(b);
        SHIP_UNTIL(b, 30, shipping_waits(b) == 0);
        print_message("# %s\n", trouble[i].what);
        shipping_account(b, trouble[i].refused, 0);
        CHECK_INT(60 + trouble[i].again, b->collector.requests, trouble[i].what);
        for (unsigned n = 1; n <= 60; n++)
            twice += b->collector.all[n].whole - 1;
        CHECK_INT(trouble[i].twice, twice, trouble[i].what);
        CHECK(b->collector.reply_bytes < 32u << 20, "%s: %u MiB of a reply were read",
              trouble[i].what, (unsigned)(b->collector.reply_bytes >> 20));
        bed_settle(&b->spool);
        size_t kept = 60 * (trouble[i].bytes + 256); /* in this very process */
        CHECK(memory_in_use() < before + kept + (1u << 20), "%s: %zu KiB more",
              trouble[i].what, (memory_in_use() - before) >> 10);
        shipping_end(b);
    }
}

/* Down and up in the middle of it, again and again. */
static void down_and_up(void **state)
{
    (void)state;
    struct shipping_bed *b = shipping_begin(wide);
    shipping_start(b);
    for (unsigned round = 0; round < 4; round++) {
        unsigned before = collector_accepted(&b->collector);
        for (unsigned n = 0; n < 100; n++)
            shipping_add(b, 1000);
        SHIP_UNTIL(b, 20, collector_accepted(&b->collector) >= before + 20);
        collector_down(&b->collector);
        uint64_t failed = shipper_counters(b->shipper).failed;
        SHIP_UNTIL(b, 20, shipper_counters(b->shipper).failed > failed);
        collector_up(&b->collector);
        SHIP_UNTIL(b, 20, collector_accepted(&b->collector) > before + 20);
    }
    SHIP_UNTIL(b, 30, shipping_waits(b) == 0);
    shipping_account(b, 0, 0);
    shipping_end(b);
}

/* ---- the name is gone, and comes back ---- */

static void dns_gone(void **state)
{
    (void)state;
    if (!own_mounts) {
        print_message("# no mount namespace: not run as root\n");
        skip();
    }
    struct shipping_bed *b = shipping_begin(wide);
    char path[128];
    child_write(b->spool.folder.path, "hosts", "127.0.0.1 localhost\n");
    child_write(b->spool.folder.path, "resolv.conf",
                "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    snprintf(path, sizeof path, "%s/hosts", b->spool.folder.path);
    CHECK_INT(0, mount(path, "/etc/hosts", NULL, MS_BIND, NULL), "hosts");
    snprintf(path, sizeof path, "%s/resolv.conf", b->spool.folder.path);
    CHECK_INT(0, mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), "resolv.conf");
    snprintf(b->config.collectors[0].url, sizeof b->config.collectors[0].url,
             "http://collector.invalid:%u", b->collector.port);
    for (unsigned n = 0; n < 20; n++)
        shipping_add(b, 100);
    shipping_start(b);
    SHIP_UNTIL(b, 20, shipper_counters(b->shipper).failed >= 2);
    CHECK_INT(20, shipping_waits(b), "nothing is lost");
    child_write(b->spool.folder.path, "hosts", "127.0.0.1 collector.invalid\n");
    SHIP_UNTIL(b, 30, shipping_waits(b) == 0);
    shipping_account(b, 0, 0);
    umount2("/etc/hosts", MNT_DETACH);
    umount2("/etc/resolv.conf", MNT_DETACH);
    shipping_end(b);
}

/* ---- a name server that never answers ---- */

struct turning { /* the longest that the loop did not turn */
    uint64_t last, longest;
};

static void on_turn(uv_timer_t *timer)
{
    struct turning *t = timer->data;
    uint64_t now = uv_hrtime();
    if (now - t->last > t->longest)
        t->longest = now - t->last;
    t->last = now;
}

/* By its resolv.conf it would take 10 s: nothing waits for it, not even the end. */
static void dns_silent(void **state)
{
    (void)state;
    struct sockaddr_in a;
    uv_udp_t deaf;
    uv_timer_t timer;
    struct turning t = {.last = uv_hrtime()};
    char path[128];
    if (!own_mounts) {
        print_message("# no mount namespace: not run as root\n");
        skip();
    }
    struct shipping_bed *b = shipping_begin(wide);
    uv_udp_init(&b->spool.loop, &deaf);
    uv_ip4_addr("127.0.0.22", 53, &a);
    CHECK_INT(0, uv_udp_bind(&deaf, (struct sockaddr *)&a, 0), "bound");
    child_write(b->spool.folder.path, "resolv.conf", "nameserver 127.0.0.22\n");
    snprintf(path, sizeof path, "%s/resolv.conf", b->spool.folder.path);
    CHECK_INT(0, mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL), "resolv.conf");
    snprintf(b->config.collectors[0].url, sizeof b->config.collectors[0].url,
             "http://collector.invalid:%u", b->collector.port);
    shipping_add(b, 100);
    uv_timer_init(&b->spool.loop, &timer);
    timer.data = &t;
    uv_timer_start(&timer, on_turn, 10, 10);
    shipping_start(b);
    SHIP_UNTIL(b, 20, shipper_counters(b->shipper).failed >= 1);
    shipper_flush(b->shipper, NULL, NULL); /* the next try is under way at the end */
    for (unsigned i = 0; i < 10; i++)
        uv_run(&b->spool.loop, UV_RUN_ONCE);
    t.last = uv_hrtime();
    shipper_destroy(b->shipper);
    b->shipper = NULL;
    http_destroy(b->http);
    b->http = NULL;
    on_turn(&timer);
    CHECK(t.longest < 4 * NS_PER_S, "the loop stood for %.1f s", (double)t.longest / 1e9);
    CHECK_INT(1, shipping_waits(b), "nothing is lost");
    umount2("/etc/resolv.conf", MNT_DETACH);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&deaf, NULL);
    shipping_end(b);
}

int main(void)
{
    bed_own_mounts();
    log_set_level(LOG_LEVEL_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousand_caught_up), cmocka_unit_test(more_than_fits),
        cmocka_unit_test(trouble_on_the_way), cmocka_unit_test(down_and_up),
        cmocka_unit_test(dns_gone),           cmocka_unit_test(dns_silent),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
