/*
 * What core/path_loss.h makes of paths that lose: how often it is wrong, how soon it is
 * right, how well it holds what it found. The truth is the simulator's. The figures are
 * printed; those in the header are from here.
 *
 * Two streams of six probes a minute, an echo and a SYN, each with a random phase. A lost
 * SYN is sent again after a second (RFC 6298), which is a packet of its own; after two
 * seconds the probe is over.
 */
#include "check.h"
#include "core/flap.h"
#include "core/path_loss.h"
#include "core/random.h"

#define MINUTE_NS (60 * NS_PER_S)
#define DAY       1440 /* minutes */
#define MONTH     (30 * DAY)
#define PROBE_NS  (10 * NS_PER_S)

enum { ECHO, SYN, KINDS };

/*
 * A path at a time: in a bad spell it loses with `bad`, else with `good`. Spells and the
 * times between them are exponential (Gilbert 1960, Elliott 1963), heavy-tailed (Pareto),
 * or regular. `echo_only`: a limit on ICMP, the path itself is fine.
 */
struct losses {
    const char *what;
    double good, bad;
    double spell_s, apart_s; /* means; 0: no spells */
    enum { EXPONENTIAL, PARETO, REGULAR } times;
    bool echo_only;
};

struct path {
    struct random random;
    const struct losses *losses;
    int64_t now_ns, next[KINDS], turn_ns;
    bool in_spell, with_echo;
    struct path_loss test;
    struct flap flap;
    bool level, bursts; /* as the last minute had it, of any kind */
    int64_t lost_ns;    /* the first of the last losses in a row; 0: none */
    uint64_t sent, lost;
};

static int64_t time_of(struct path *p, double mean_s)
{
    double u = 1 - random_unit(&p->random);
    double s = p->losses->times == EXPONENTIAL ? -mean_s * log(u)
               : p->losses->times == PARETO    ? mean_s / 3 * pow(u, -1 / 1.5)
                                               : mean_s;
    return (int64_t)(s * 1e9);
}

static bool loses(struct path *p, size_t kind, int64_t at_ns)
{
    const struct losses *l = p->losses;
    while (l->spell_s > 0 && p->turn_ns <= at_ns) {
        p->in_spell = !p->in_spell;
        p->turn_ns += time_of(p, p->in_spell ? l->spell_s : l->apart_s);
    }
    if (l->echo_only && kind == SYN)
        return false;
    return random_unit(&p->random) < (p->in_spell ? l->bad : l->good);
}

static void set_losses(struct path *p, const struct losses *l)
{
    p->losses = l;
    p->in_spell = false;
    p->turn_ns = p->now_ns + (l->spell_s > 0 ? time_of(p, l->apart_s) : 0);
}

static struct path path_of(uint64_t seed, const struct losses *losses, double limit,
                           bool with_echo)
{
    struct path p = {.random = random_from(seed), .with_echo = with_echo};
    p.now_ns = INT64_C(20780) * DAY * MINUTE_NS;
    set_losses(&p, losses);
    for (size_t k = 0; k < KINDS; k++)
        p.next[k] = p.now_ns + random_below(&p.random, PROBE_NS);
    path_loss_set(&p.test, limit, with_echo ? 0.2 : 0.1);
    return p;
}

static void packet(struct path *p, size_t kind, int64_t at_ns, bool lost)
{
    p->sent++;
    p->lost += lost;
    if (p->lost_ns > 0 && at_ns - p->lost_ns >= 2 * MINUTE_NS)
        path_loss_outage(&p->test); /* it is down by now */
    p->lost_ns = !lost ? 0 : p->lost_ns > 0 ? p->lost_ns : at_ns;
    path_loss_add(&p->test, kind, (struct wall){at_ns}, lost);
}

static void probe(struct path *p, size_t kind)
{
    int64_t at_ns = p->next[kind];
    bool lost = loses(p, kind, at_ns);
    packet(p, kind, at_ns, lost);
    if (kind == SYN && lost)
        packet(p, kind, at_ns + NS_PER_S, loses(p, kind, at_ns + NS_PER_S));
    p->next[kind] += PROBE_NS;
}

/* A window: its probes in the order of time, then the verdict and the state. */
static void minute(struct path *p)
{
    int64_t end_ns = p->now_ns + MINUTE_NS;
    for (;;) {
        size_t k = !p->with_echo || p->next[SYN] < p->next[ECHO] ? SYN : ECHO;
        if (p->next[k] >= end_ns)
            break;
        probe(p, k);
    }
    p->now_ns = end_ns;
    p->level = p->bursts = false;
    for (size_t k = p->with_echo ? ECHO : SYN; k < KINDS; k++) {
        struct path_loss_verdict v =
            path_loss_verdict(&p->test, k, (struct wall){end_ns});
        p->level |= v.is == PATH_LOSS_LEVEL;
        p->bursts |= v.is == PATH_LOSS_IN_BURSTS;
    }
    flap_window(&p->flap, p->level ? STATE_DEGRADED : STATE_UP, (struct mono){end_ns});
}

/* ---- false alarms ---- */

static void less_than_one_false_alarm_a_month(void **state)
{
    (void)state;
    static const struct {
        double limit;
        bool with_echo;
    } paths[] = {{0.02, true}, {0.02, false}, {0.001, true}, {0.005, true},
                 {0.05, true}, {0.1, true},   {0.3, true}};
    const int months = check_quick() ? 4 : 24;
    struct random seeds = random_from(check_seed());
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct losses l = {.good = paths[i].limit / 2};
        int alarms = 0, bursts = 0;
        struct path p =
            path_of(random_next(&seeds), &l, paths[i].limit, paths[i].with_echo);
        for (int m = 0; m < months * MONTH; m++) {
            bool level = p.level, before = p.bursts;
            minute(&p);
            alarms += p.level && !level;
            bursts += p.bursts && !before;
        }
        printf("# limit %g %%, loss %g %%, %s: %d false levels, %d false bursts in %d "
               "months\n",
               100 * paths[i].limit, 50 * paths[i].limit,
               paths[i].with_echo ? "icmp and tcp" : "tcp alone", alarms, bursts, months);
        CHECK(alarms < months && bursts <= months * 0.3, "less than one a month");
    }
}

/* ---- detection ---- */

struct times {
    double mean, p50, p95, worst; /* minutes */
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From the beginning of the loss, after a time at a fifth of the limit, to the state. */
static struct times detection(struct random *seeds, const struct losses *l, double limit,
                              bool with_echo)
{
    enum { N = 400 };
    static double minutes[N];
    struct losses before = {.good = limit / 5};
    struct times t = {0};
    for (int i = 0; i < N; i++) {
        struct path p = path_of(random_next(seeds), &before, limit, with_echo);
        for (int m = 0; m < 120; m++)
            minute(&p);
        set_losses(&p, l);
        for (minutes[i] = 0; p.flap.state != STATE_DEGRADED && minutes[i] < 2 * DAY;
             minutes[i]++)
            minute(&p);
        t.mean += minutes[i] / N;
    }
    qsort(minutes, N, sizeof *minutes, by_value);
    t.p50 = minutes[N / 2];
    t.p95 = minutes[N * 95 / 100];
    t.worst = minutes[N - 1];
    return t;
}

static void loss_is_told_in_time(void **state)
{
    (void)state;
    static const struct {
        double limit, loss;
        bool with_echo;
        double mean; /* minutes at most; 0: printed only */
    } cases[] = {
        {0.02, 0.03, true, 0},   {0.02, 0.05, true, 25},  {0.02, 0.10, true, 10},
        {0.02, 0.20, true, 6},   {0.02, 0.05, false, 45}, {0.02, 0.10, false, 18},
        {0.02, 0.20, false, 10}, {0.001, 0.01, true, 45}, {0.005, 0.02, true, 60},
        {0.1, 0.25, true, 30},
    };
    struct random seeds = random_from(check_seed());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct losses l = {.good = cases[i].loss};
        struct times t = detection(&seeds, &l, cases[i].limit, cases[i].with_echo);
        printf("# limit %g %%, loss %g %%, %s: reported after %.1f minutes (median %.0f, "
               "95 %% within %.0f, worst %.0f)\n",
               100 * cases[i].limit, 100 * cases[i].loss,
               cases[i].with_echo ? "icmp and tcp" : "tcp alone", t.mean, t.p50, t.p95,
               t.worst);
        CHECK(cases[i].mean == 0 || t.mean <= cases[i].mean, "too late");
    }
}

/* The access line loses, so all paths of a site do. The first path is looked at. */
static void loss_of_the_access_line_is_told_sooner(void **state)
{
    (void)state;
    static const struct {
        double loss;
        size_t paths;
        double p95; /* minutes */
    } cases[] = {{0.05, 2, 30}, {0.05, 4, 25}, {0.05, 10, 20},
                 {0.1, 2, 13},  {0.1, 4, 10},  {0.1, 10, 9}};
    enum { N = 200, PATHS_MAX = 10 };
    static struct path paths[PATHS_MAX];
    struct random seeds = random_from(check_seed());
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        static double minutes[N];
        struct losses l = {.good = cases[c].loss}, before = {.good = 0.004};
        double mean = 0;
        for (int i = 0; i < N; i++) {
            struct path_loss_site site = {0};
            for (size_t p = 0; p < cases[c].paths; p++)
                paths[p] = path_of(random_next(&seeds), &before, 0.02, true);
            for (int m = -120; minutes[i] = m, paths[0].flap.state != STATE_DEGRADED;
                 m++) {
                double news = 0;
                for (size_t p = 0; p < cases[c].paths; p++) {
                    if (m == 0)
                        set_losses(&paths[p], &l);
                    minute(&paths[p]);
                    news += path_loss_take_news(&paths[p].test);
                }
                bool loses = path_loss_site_window(&site, news);
                for (size_t p = 0; p < cases[c].paths; p++)
                    path_loss_expect(&paths[p].test, loses);
            }
            mean += minutes[i] / N;
        }
        qsort(minutes, N, sizeof *minutes, by_value);
        printf(
            "# %zu paths of a site lose %g %%: reported after %.1f minutes (median %.0f, "
            "95 %% within %.0f)\n",
            cases[c].paths, 100 * cases[c].loss, mean, minutes[N / 2],
            minutes[N * 95 / 100]);
        CHECK(minutes[N * 95 / 100] <= cases[c].p95, "too late");
    }
}

/* ---- holding, and taking back ---- */

static void it_is_held_while_it_lasts_and_then_taken_back(void **state)
{
    (void)state;
    static const struct losses none = {.good = 0}, little = {.good = 0.005};
    static const double losses[] = {0.05, 0.1, 0.2, 0.5};
    const int lines = check_quick() ? 6 : 20;
    struct random seeds = random_from(check_seed());
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        for (int echo = 0; echo < 2; echo++) {
            enum { DAYS = 5 };
            struct losses l = {.good = losses[i]};
            int held = 0, changes = 0, back[2] = {0};
            for (int n = 0; n < lines; n++) {
                struct path p = path_of(random_next(&seeds), &l, 0.02, echo);
                while (p.flap.state != STATE_DEGRADED)
                    minute(&p);
                uint64_t before = p.flap.changes;
                for (int m = 0; m < DAYS * DAY; m++) {
                    minute(&p);
                    held += p.flap.state == STATE_DEGRADED;
                }
                changes += (int)(p.flap.changes - before);
                set_losses(&p, n % 2 ? &little : &none);
                int m = 0;
                for (; p.flap.state == STATE_DEGRADED && m < DAY; m++)
                    minute(&p);
                back[n % 2] += m;
            }
            double share = 100.0 * held / (lines * DAYS * DAY);
            printf(
                "# %g %% of loss, %s: held %.2f %% of the time, %d changes in %d days; "
                "taken back in %.0f minutes without loss, %.0f at 0.5 %%\n",
                100 * losses[i], echo ? "icmp and tcp" : "tcp alone", share, changes,
                lines * DAYS, back[0] / (lines / 2.0), back[1] / (lines / 2.0));
            CHECK(share > (losses[i] > 0.05 ? 99.5 : 97), "held");
            CHECK(back[0] / (lines / 2) < 60, "taken back");
        }
}

/* ---- bursts are no level ---- */

static void bursts_and_level_are_kept_apart(void **state)
{
    (void)state;
    static const struct {
        struct losses l;
        double level_most, bursts_least, bursts_most, told_least; /* shares of the time */
    } cases[] = {
        {{"no loss", 0, 0, 0, 0}, 0, 0, 0, 0},
        {{"Gilbert: outages of 20 s, two an hour", 0, 1, 20, 1800}, 0.001, 0, 0.6, 0},
        {{"Gilbert: outages of 20 s, four an hour", 0, 1, 20, 900}, 0.002, 0.4, 1, 0.4},
        {{"Gilbert: outages of 30 s, ten an hour (8 %)", 0, 1, 30, 360},
         0.02,
         0.97,
         1,
         0.97},
        {{"Gilbert: outages of 2 s, ten an hour", 0, 1, 2, 360}, 0.01, 0, 0.5, 0},
        {{"Elliott: 60 % for 30 s, two an hour, 0.1 % else", 0.001, 0.6, 30, 1800},
         0.05,
         0,
         0.6,
         0},
        {{"Elliott: 50 % for 5 minutes, four a day", 0.001, 0.5, 300, 21600},
         0.05,
         0,
         0.1,
         0},
        {{"outages with heavy tails, one an hour", 0.001, 1, 30, 3600, PARETO},
         0.005,
         0,
         0.5,
         0},
        {{"a regular outage of 40 s, each 10 minutes", 0, 1, 40, 560, REGULAR},
         0.002,
         0.9,
         1,
         0.9},
        {{"0.3 % and a burst of 3 s each minute (5 %)", 0.003, 1, 3, 57, REGULAR},
         1,
         0,
         1,
         0},
        {{"a line with 5 % and outages", 0.05, 1, 20, 1800}, 1, 0, 1, 0.95},
        {{"ICMP limited to 90 %", 0.1, 0, 0, 0, EXPONENTIAL, true}, 1, 0, 1, 0.95},
    };
    const int days = check_quick() ? 20 : 60;
    struct random seeds = random_from(check_seed());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct path p = path_of(random_next(&seeds), &cases[i].l, 0.02, true);
        int level = 0, bursts = 0, syn = 0;
        for (int m = 0; m < days * DAY; m++) {
            minute(&p);
            level += p.level;
            bursts += p.bursts;
            syn += path_loss_verdict(&p.test, SYN, (struct wall){p.now_ns}).is ==
                   PATH_LOSS_LEVEL;
        }
        double n = days * DAY;
        printf(
            "# %s: %.1f %% of packets lost; a level %.2f %% of the time, bursts %.2f %% "
            "(tcp a level %.2f %%)\n",
            cases[i].l.what, 100.0 * (double)p.lost / (double)p.sent, 100 * level / n,
            100 * bursts / n, 100 * syn / n);
        CHECK(level / n <= cases[i].level_most, "%s: no level", cases[i].l.what);
        CHECK(bursts / n >= cases[i].bursts_least && bursts / n <= cases[i].bursts_most,
              "%s: bursts", cases[i].l.what);
        CHECK((level + bursts) / n >= cases[i].told_least, "%s: reported",
              cases[i].l.what);
        if (cases[i].l.echo_only)
            CHECK(syn / n < 0.001, "tcp is fine");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_than_one_false_alarm_a_month),
        cmocka_unit_test(loss_is_told_in_time),
        cmocka_unit_test(loss_of_the_access_line_is_told_sooner),
        cmocka_unit_test(it_is_held_while_it_lasts_and_then_taken_back),
        cmocka_unit_test(bursts_and_level_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
