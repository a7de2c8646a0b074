/*
 * Whatever is compressed where, the spool has the batches in the order in which they came.
 */
#include "daemon/packer.h"

#include "io/spool/spool_bed.h"

enum { WINDOWS = 6, THREADS = 4 };

static const struct otlp_resource resource = {
    .instance_id = "id", .version = "1", .host_name = "h", .site = ""};

/* Metrics and logs of each window; the length of the logs tells its number. */
static void add_windows(struct packer *p, unsigned from, unsigned to)
{
    for (unsigned w = from; w < to; w++) {
        struct batch batch = {.time = {(w + 1) * 60 * NS_PER_S}};
        size_t len;
        char text[WINDOWS + 1] = "xxxxxx";
        void *bytes = gzip_pack(text, w + 1, &len);
        packer_metrics(p, &batch, &resource, &METRIC_CHOICE_DEFAULT);
        packer_add(p, SIGNAL_LOGS, bytes, len);
    }
}

static void check_order(struct spool_bed *b)
{
    for (unsigned i = 0; i < 2 * WINDOWS; i++) {
        struct spooled s;
        void *plain;
        size_t len;
        while (spool_writing(b->spool))
            uv_run(&b->loop, UV_RUN_ONCE);
        CHECK(spool_first(b->spool, &s), "batch %u", i);
        CHECK_INT(i % 2 == 0 ? SIGNAL_METRICS : SIGNAL_LOGS, s.signal, "signal");
        CHECK_INT(0, gzip_unpack(s.bytes, s.len, OTLP_BYTES_MAX, &plain, &len), "whole");
        if (s.signal == SIGNAL_LOGS)
            CHECK_INT(i / 2 + 1, len, "of this window");
        free(plain);
        free(s.bytes);
        spool_done(b->spool, s.id);
    }
    CHECK_INT(0, spool_counters(b->spool).waiting, "and no more");
}

static void in_the_pool(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    struct packer *p = packer_create(&b.loop, b.spool);
    for (unsigned w = 0; w < WINDOWS; w++) {
        add_windows(p, w, w + 1);
        while (spool_counters(b.spool).waiting < 2 * (w + 1))
            uv_run(&b.loop, UV_RUN_ONCE);
    }
    check_order(&b);
    packer_destroy(p);
    bed_end(&b);
}

/* The loop does not run: each call does what waits. */
static void without_the_loop(void **state)
{
    (void)state;
    struct spool_bed b;
    bed_begin(&b);
    bed_open(&b, wide);
    struct packer *p = packer_create(&b.loop, b.spool);
    add_windows(p, 0, WINDOWS);
    CHECK_INT(2 * (WINDOWS - 1), spool_counters(b.spool).waiting, "the last ones wait");
    packer_destroy(p);
    CHECK_INT(2 * WINDOWS, spool_counters(b.spool).waiting, "all are in the spool");
    check_order(&b);
    bed_end(&b);
}

static uv_sem_t release;

static void block(uv_work_t *request)
{
    (void)request;
    uv_sem_wait(&release);
}

/* All threads of the pool are busy, as with a disk that hangs. */
static void with_a_busy_pool(void **state)
{
    (void)state;
    struct spool_bed b;
    uv_work_t busy[THREADS];
    bed_begin(&b);
    bed_open(&b, wide);
    uv_sem_init(&release, 0);
    for (unsigned i = 0; i < THREADS; i++)
        uv_queue_work(&b.loop, &busy[i], block, NULL);
    struct packer *p = packer_create(&b.loop, b.spool);
    add_windows(p, 0, 1);
    CHECK_INT(0, spool_counters(b.spool).waiting, "not yet");
    packer_flush(p);
    CHECK_INT(2, spool_counters(b.spool).waiting, "flushed");
    for (unsigned i = 0; i < THREADS; i++)
        uv_sem_post(&release);
    add_windows(p, 1, WINDOWS);
    packer_destroy(p);
    check_order(&b);
    bed_end(&b);
    uv_sem_destroy(&release);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_pool),
        cmocka_unit_test(without_the_loop),
        cmocka_unit_test(with_a_busy_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
