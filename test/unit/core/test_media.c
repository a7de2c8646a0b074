#include "check.h"

#include "core/media.h"
#include "core/time.h"

#define MS NS_PER_MS

static struct media_packet packets[MEDIA_PACKETS];

/* A burst without any fault: 20 ms there and back. */
static void even(void)
{
    for (size_t i = 0; i < MEDIA_PACKETS; i++)
        packets[i] = (struct media_packet){
            .measured = true, .sent_ns = (int64_t)i * MEDIA_PACE_NS, .rtt_ns = 20 * MS};
}

static struct media_quality judged(void)
{
    struct media_quality q;
    for (size_t i = 0; i < MEDIA_PACKETS; i++)
        packets[i].arrival = packets[i].sent_ns + packets[i].rtt_ns;
    media_quality_of(&q, packets, MEDIA_PACKETS);
    return q;
}

/* Customer edge to Microsoft edge, as in thresholds.csv. */
static const struct media_limits limits = {{
    [MEDIA_DELAY] = {60e6, "x"},
    [MEDIA_LOSS] = {0.001, "x"},
    [MEDIA_BURST_LOSS] = {0.01, "x"},
    [MEDIA_VARIATION] = {15e6, "x"},
    [MEDIA_REORDERING] = {0.0001, "x"},
}};

static void a_good_path(void **unused)
{
    (void)unused;
    even();
    struct media_quality q = judged();
    CHECK_INT(750, q.sent, "sent");
    CHECK_INT(750, q.received, "received");
    CHECK_INT(75, q.windows, "windows of 200 ms");
    CHECK_INT(20 * MS, q.median_ns, "median");
    CHECK_INT(0, q.variation_ns, "variation");
    CHECK_INT(20 * MS, q.buffer_ns, "the shortest buffer");
    CHECK_INT(50 * MS, q.mouth_to_ear_ns, "packet, half a round trip, buffer");
    CHECK_NEAR(91.7562, q.rating, 0.001, "rating of 50 ms");
    for (int m = 0; m < MEDIA_MEASURES; m++)
        CHECK_INT(MEDIA_WITHIN, media_judge(&q, (enum media_measure)m, &limits),
                  media_measure_names[m].key);
}

static void lose(size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        packets[i].rtt_ns = DELAY_UNDEFINED;
}

/*
 * Chances by the binomial distribution, of 750 packets at 0.2 %: 4 or more 6.6 %, 5 or
 * more 1.8 %. Of 10 packets at 2 %, in one of 75 windows: 3 or more 6.5 %, 4 or more 0.2 %.
 */
static const struct {
    const char *what;
    size_t lost, apart;
    enum media_verdict loss, burst;
} losses[] = {
    {"one", 1, 1, MEDIA_UNSURE, MEDIA_UNSURE},
    {"four, each alone", 4, 100, MEDIA_UNSURE, MEDIA_UNSURE},
    {"five, each alone", 5, 100, MEDIA_OVER, MEDIA_UNSURE},
    {"three in a row", 3, 1, MEDIA_UNSURE, MEDIA_UNSURE},
    {"four in a row", 4, 1, MEDIA_UNSURE, MEDIA_OVER},
    {"thirty in a row", 30, 1, MEDIA_OVER, MEDIA_OVER},
};

static void verdicts_on_loss(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        even();
        for (size_t k = 0; k < losses[i].lost; k++)
            lose(100 + k * losses[i].apart, 1);
        struct media_quality q = judged();
        CHECK_INT(losses[i].lost, q.lost, losses[i].what);
        CHECK_INT(losses[i].apart == 1 ? losses[i].lost : 1, q.longest_burst,
                  losses[i].what);
        CHECK_INT(losses[i].loss, media_judge(&q, MEDIA_LOSS, &limits), losses[i].what);
        CHECK_INT(losses[i].burst, media_judge(&q, MEDIA_BURST_LOSS, &limits),
                  losses[i].what);
        CHECK_INT(MEDIA_WITHIN, media_judge(&q, MEDIA_DELAY, &limits), losses[i].what);
    }
}

static void silence(void **unused)
{
    (void)unused;
    even();
    lose(0, MEDIA_PACKETS);
    struct media_quality q = judged();
    CHECK_INT(750, q.longest_burst, "all");
    CHECK_INT(DELAY_UNDEFINED, q.median_ns, "no delay");
    CHECK(q.mos == 0, "no MOS");
    CHECK_INT(MEDIA_NOT_JUDGED, media_judge(&q, MEDIA_DELAY, &limits), "delay");
    CHECK_INT(MEDIA_OVER, media_judge(&q, MEDIA_LOSS, &limits), "loss");
    for (size_t i = 0; i < MEDIA_PACKETS; i++)
        packets[i].measured = false;
    q = judged();
    CHECK_INT(0, q.sent, "this host sent nothing");
    CHECK_INT(MEDIA_NOT_JUDGED, media_judge(&q, MEDIA_LOSS, &limits), "loss");
    CHECK_INT(MEDIA_NOT_JUDGED, media_judge(&q, MEDIA_BURST_LOSS, &limits), "in 200 ms");
}

static void delays(void **unused)
{
    (void)unused;
    even();
    for (size_t i = 0; i < MEDIA_PACKETS; i += 2)
        packets[i].rtt_ns +=
            20 * MS; /* the mean difference of successive ones is 20 ms */
    struct media_quality q = judged();
    CHECK_INT(20 * MS, q.variation_ns, "variation");
    CHECK_INT(MEDIA_UNSURE, media_judge(&q, MEDIA_VARIATION, &limits),
              "10 ms each way would be within 15");
    CHECK_INT(20 * MS, q.buffer_ns, "the buffer holds it");
    CHECK_INT(0, q.discarded, "in time");
    for (size_t i = 0; i < MEDIA_PACKETS; i += 2)
        packets[i].rtt_ns += 20 * MS;
    q = judged();
    CHECK_INT(MEDIA_OVER, media_judge(&q, MEDIA_VARIATION, &limits), "40 ms");
    CHECK_INT(40 * MS, q.buffer_ns, "a longer buffer");

    even();
    packets[300].rtt_ns +=
        150 * MS; /* one late packet costs less than 150 ms of buffer */
    q = judged();
    CHECK_INT(20 * MS, q.buffer_ns, "buffer");
    CHECK_INT(1, q.discarded, "one is discarded");
    CHECK_INT(1, q.reordered, "seven that were sent later came before it");
    CHECK_INT(20 * MS, q.median_ns, "median");
    CHECK_INT(170 * MS, q.max_ns, "maximum");

    even();
    for (size_t i = 0; i < MEDIA_PACKETS; i++)
        packets[i].rtt_ns = 61 * MS;
    q = judged();
    CHECK_INT(MEDIA_OVER, media_judge(&q, MEDIA_DELAY, &limits), "61 ms");
}

/* ---- random bursts against a plain count ---- */

static uint64_t state;

static double chance(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* Losses of a two-state chain (Gilbert 1960), delays that overtake each other. */
static void draw(void)
{
    bool bad = false;
    double enter = chance() * 0.05, leave = 0.2 + chance() * 0.8;
    for (size_t i = 0; i < MEDIA_PACKETS; i++) {
        bad = bad ? chance() >= leave : chance() < enter;
        packets[i] = (struct media_packet){
            .measured = chance() > 0.01,
            .sent_ns = (int64_t)i * MEDIA_PACE_NS,
            .rtt_ns = bad ? DELAY_UNDEFINED : (int64_t)(chance() * 70e6) + 5 * MS};
    }
}

static bool came(size_t i)
{
    return packets[i].measured && packets[i].rtt_ns != DELAY_UNDEFINED;
}

static void compare(const struct media_quality *q)
{
    uint32_t lost = 0, sent = 0, reordered = 0, longest = 0;
    double worst = 0;
    for (size_t i = 0; i < MEDIA_PACKETS; i++) {
        uint32_t run = 0;
        sent += packets[i].measured;
        lost += packets[i].measured && !came(i);
        for (size_t k = i; k < MEDIA_PACKETS && !came(k); k++)
            run += packets[k].measured;
        longest = run > longest ? run : longest;
        bool overtaken = false;
        for (size_t k = i + 1; k < MEDIA_PACKETS && came(i); k++)
            overtaken |= came(k) && packets[k].sent_ns + packets[k].rtt_ns <
                                        packets[i].sent_ns + packets[i].rtt_ns;
        reordered += overtaken;
    }
    for (size_t w = 0; w < MEDIA_WINDOWS; w++) {
        int in = 0, out = 0;
        for (size_t i = 10 * w; i < 10 * w + 10; i++) {
            in += packets[i].measured;
            out += packets[i].measured && !came(i);
        }
        if (in > 0 && (double)out / in > worst)
            worst = (double)out / in;
    }
    CHECK_INT(sent, q->sent, "sent");
    CHECK_INT(lost, q->lost, "lost");
    CHECK_INT(longest, q->longest_burst, "longest burst");
    CHECK_INT(reordered, q->reordered, "reordered");
    CHECK_NEAR(worst, media_value(q, MEDIA_BURST_LOSS), 1e-9, "worst window");
}

static void random_bursts(void **unused)
{
    (void)unused;
    state = check_seed();
    for (int i = 0; i < 200; i++) {
        draw();
        struct media_quality q = judged();
        compare(&q);
        CHECK(q.burst_ratio >= 1 && q.mos >= 1 && q.mos < 4.5, "MOS %g", q.mos);
    }
}

/* How often a path exactly at the limit in both directions is called over it. */
static void false_alarms(void **unused)
{
    (void)unused;
    int loss = 0, burst = 0, runs = 2000;
    state = check_seed();
    for (int i = 0; i < runs; i++) {
        even();
        for (size_t k = 0; k < MEDIA_PACKETS; k++)
            if (chance() < 0.002)
                lose(k, 1);
        struct media_quality q = judged();
        loss += media_judge(&q, MEDIA_LOSS, &limits) == MEDIA_OVER;
        even();
        for (size_t k = 0; k < MEDIA_PACKETS; k++)
            if (chance() < 0.02)
                lose(k, 1);
        q = judged();
        burst += media_judge(&q, MEDIA_BURST_LOSS, &limits) == MEDIA_OVER;
    }
    printf("# false alarms at the limit: loss %.1f %%, loss in 200 ms %.1f %%\n",
           100. * loss / runs, 100. * burst / runs);
    CHECK(loss < 0.05 * runs && burst < 0.05 * runs, "at most 5 %%");
}

/* Whatever the number a day: never more in a day, none near the end of a slot, no two at
 * once, and different from agent to agent. */
static void bursts_of_a_day(void **unused)
{
    (void)unused;
    const int64_t day = 86400 * NS_PER_S, days = 20000 * day;
    for (uint32_t n = 1; n <= MEDIA_BURSTS_MAX; n++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            uint32_t seen = 0;
            int64_t last = 0, slot = media_slot_over(seed, n, (struct wall){days});
            for (;;) {
                int64_t at = media_slot_time(seed, n, ++slot).ns;
                if (at >= days + day)
                    break;
                seen += at >= days;
                CHECK(at - last >= 20 * NS_PER_S, "%u a day: apart", n);
                CHECK_INT(slot, media_slot_over(seed, n, (struct wall){at}), "slot");
                CHECK_INT(slot - 1, media_slot_over(seed, n, (struct wall){at - 1}),
                          "slot before");
                last = at;
            }
            CHECK_INT(n, seen, "in a day");
        }
    CHECK(media_slot_time(1, 4, 80000).ns != media_slot_time(2, 4, 80000).ns, "agents");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_path),     cmocka_unit_test(verdicts_on_loss),
        cmocka_unit_test(silence),         cmocka_unit_test(delays),
        cmocka_unit_test(random_bursts),   cmocka_unit_test(false_alarms),
        cmocka_unit_test(bursts_of_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
