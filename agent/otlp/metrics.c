/*
 * Which metrics a batch is, and with which attributes; the table of the README.
 */
#include "otlp/metrics.h"

#include "base/mem.h"
#include "otlp/builder.h"
#include "otlp/gzip.h"
#include "otlp/names.h"
#include "otlp/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DELAY,
    QUANTILE,
    QUANTILE_LOW,
    QUANTILE_HIGH,
    VARIATION,
    RESULTS,
    ANOMALIES,
    LOSS_RATIO,
    LOSS_BURST,
    UP,
    RANK,
    INTERCEPTED,
    FOREIGN,
    RESPONSES,
    TLS,
    ADDRESSES,
    ADDRESS_UP,
    ADDRESS_DELAY,
    GAIN,
    GAIN_LOW,
    GAIN_HIGH,
    SUBOPTIMAL,
    PATH_LENGTH,
    PATH_AS_LENGTH,
    SEGMENT_DELAY,
    PATH_MTU,
    UPLINK_IS_UP,
    UPLINK_IS_USED,
    UPLINK_DIFFERENCE,
    UPLINK_LOW,
    UPLINK_HIGH,
    OURS
};

/* In longer windows all histograms are sent. */
#define TURNS_WINDOW_MAX_NS (120 * NS_PER_S)

static const struct {
    const char *name, *unit, *description;
    Otlp__Metric__DataCase type;
} metrics[OURS] = {
    [DELAY] = {METRIC_PROBE_DELAY, "s", "Delays of answered probes",
               OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM},
    [QUANTILE] = {METRIC_PROBE_DELAY_QUANTILE, "s",
                  "Percentiles of a period, where the results suffice",
                  OTLP__METRIC__DATA_GAUGE},
    [QUANTILE_LOW] = {METRIC_PROBE_DELAY_LOW, "s", "Lower end of its 95 % interval",
                      OTLP__METRIC__DATA_GAUGE},
    [QUANTILE_HIGH] = {METRIC_PROBE_DELAY_HIGH, "s", "Upper end of its 95 % interval",
                       OTLP__METRIC__DATA_GAUGE},
    [VARIATION] = {METRIC_PROBE_DELAY_VARIATION, "s",
                   "Differences of consecutive delays (RFC 3393)",
                   OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM},
    [RESULTS] = {METRIC_PROBE_RESULTS, "{probe}", "Probes by what came of them",
                 OTLP__METRIC__DATA_SUM},
    [ANOMALIES] =
        {METRIC_PROBE_ANOMALIES, "{anomaly}",
         "Late, duplicate and reordered answers, packets sent again, probes missed",
         OTLP__METRIC__DATA_SUM},
    [LOSS_RATIO] = {METRIC_PROBE_LOSS_RATIO, "1", "Lost of the probes sent in the window",
                    OTLP__METRIC__DATA_GAUGE},
    [LOSS_BURST] = {METRIC_PROBE_LOSS_BURST, "{probe}",
                    "Most lost one after the other in the window",
                    OTLP__METRIC__DATA_GAUGE},
    [UP] = {METRIC_TARGET_UP, "", "Whether anything answered in the window",
            OTLP__METRIC__DATA_GAUGE},
    [RANK] = {METRIC_TARGET_RANK, "{rank}", "1 is the nearest; absent while not eligible",
              OTLP__METRIC__DATA_GAUGE},
    [INTERCEPTED] = {METRIC_TARGET_INTERCEPTED, "",
                     "Whether a middlebox answers the TCP handshakes",
                     OTLP__METRIC__DATA_GAUGE},
    [RESPONSES] = {METRIC_HTTP_RESPONSES, "{response}", "HTTP responses by status",
                   OTLP__METRIC__DATA_SUM},
    [TLS] = {METRIC_TARGET_TLS, "",
             "Whether the certificate's issuer is none that the service uses",
             OTLP__METRIC__DATA_GAUGE},
    [ADDRESSES] = {METRIC_TARGET_ADDRESSES, "{address}",
                   "Addresses of a name that has several; down: silent while others "
                   "answer",
                   OTLP__METRIC__DATA_GAUGE},
    [ADDRESS_UP] = {METRIC_ADDRESS_UP, "",
                    "Whether an address of a name that has several answers; 0: silent "
                    "while others answer",
                    OTLP__METRIC__DATA_GAUGE},
    [ADDRESS_DELAY] = {METRIC_ADDRESS_DELAY, "s",
                       "Median of the last round trips of an address of a name that has "
                       "several",
                       OTLP__METRIC__DATA_GAUGE},
    [GAIN] = {METRIC_EDGE_GAIN, "s",
              "Delay that the serving PoP costs against the nearest front door of the "
              "same service; below 0: that is slower",
              OTLP__METRIC__DATA_GAUGE},
    [GAIN_LOW] = {METRIC_EDGE_GAIN_LOW, "s", "Lower end of its 95 % interval",
                  OTLP__METRIC__DATA_GAUGE},
    [GAIN_HIGH] = {METRIC_EDGE_GAIN_HIGH, "s", "Upper end of its 95 % interval",
                   OTLP__METRIC__DATA_GAUGE},
    [SUBOPTIMAL] = {METRIC_TARGET_SUBOPTIMAL, "",
                    "Whether a nearer front door of the same service is a finding",
                    OTLP__METRIC__DATA_GAUGE},
    [PATH_LENGTH] = {METRIC_PATH_HOPS, "{hop}",
                     "Hops of the path to the target; absent if it was not reached",
                     OTLP__METRIC__DATA_GAUGE},
    [PATH_AS_LENGTH] = {METRIC_PATH_AS_HOPS, "{hop}",
                        "AS hops to Microsoft's network; absent where it cannot be told",
                        OTLP__METRIC__DATA_GAUGE},
    [SEGMENT_DELAY] = {METRIC_PATH_SEGMENT_DELAY, "s",
                       "Round-trip delay that a segment of the path adds; absent where "
                       "it cannot be told",
                       OTLP__METRIC__DATA_GAUGE},
    [PATH_MTU] =
        {METRIC_PATH_MTU, "By",
         "Largest IP packet that passes to the target, up to 1500; absent where it "
         "cannot be told",
         OTLP__METRIC__DATA_GAUGE},
    [UPLINK_IS_UP] = {METRIC_UPLINK_UP, "",
                      "Whether probes over the uplink are answered; absent while unknown",
                      OTLP__METRIC__DATA_GAUGE},
    [UPLINK_IS_USED] = {METRIC_UPLINK_USED, "",
                        "Whether the system's routes to the targets use the uplink",
                        OTLP__METRIC__DATA_GAUGE},
    [UPLINK_DIFFERENCE] =
        {METRIC_UPLINK_DIFFERENCE, "s",
         "Median of the differences of round trips over the uplink and the first one, of "
         "pairs of the last hour",
         OTLP__METRIC__DATA_GAUGE},
    [UPLINK_LOW] = {METRIC_UPLINK_LOW, "s", "Lower end of its 95 % interval",
                    OTLP__METRIC__DATA_GAUGE},
    [UPLINK_HIGH] = {METRIC_UPLINK_HIGH, "s", "Upper end of its 95 % interval",
                     OTLP__METRIC__DATA_GAUGE},
    [FOREIGN] = {METRIC_TARGET_FOREIGN, "",
                 "1: another network than Microsoft's edge answers; else absent",
                 OTLP__METRIC__DATA_GAUGE},
};

static struct attributes of_target(struct builder *b, const struct target *t,
                                   const char *pop)
{
    struct attributes a = attributes_of_target(b, t);
    attribute_text(b, &a, ATTR_POP, pop[0] != '\0' ? pop : "unknown");
    return a;
}

static struct attributes of_series(struct builder *b, const struct series *s)
{
    struct attributes a = of_target(b, s->target, s->pop);
    if (s->kind->uses & USES_PORT)
        attribute_integer(b, &a, ATTR_SERVER_PORT, target_port(s->target, s->kind));
    attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(s->family));
    if (s->overflow) {
        attribute_bool(b, &a, ATTR_OVERFLOW, true);
    } else if (s->pop[0] == '\0' && s->family != FAMILY_PROXY) {
        /* then the address tells two places apart */
        char *address = arena_take(&b->arena, ADDRESS_TEXT_MAX);
        attribute_text(b, &a, ATTR_PEER_ADDRESS, endpoint_address(address, &s->to));
    }
    attribute_text(b, &a, ATTR_PROBE_KIND, s->kind->name);
    return a;
}

/*
 * Prometheus' rate() and increase() see differences between points only, so the first
 * value of a cumulative series would be lost to them. Where all that a series has counted
 * is of this window, a point of 0 at the window's start precedes it; of a new series that
 * is its start time, a point of zero duration (OTLP data model, "Resets and gaps").
 */
static bool begins_now(const struct builder *b, const struct series *s, uint64_t count,
                       uint64_t in_window)
{
    return !b->delta && s->in_window && count == in_window;
}

static void add_count(struct builder *b, size_t metric, const struct attributes *a,
                      const struct series *s, uint64_t count, bool begins)
{
    struct wall time = b->time;
    if (begins) {
        b->time = s->window.start;
        point_count(b, metric, a, s->start, 0);
        b->time = time;
    }
    point_count(b, metric, a, s->start, count);
}

/*
 * The extremes are sent with the window that brings a new one, turn or not, and repeated with
 * the percentiles of a day, for a receiver that began later: of a cumulative histogram they
 * seldom change.
 */
static void add_histogram(struct builder *b, size_t metric, const struct attributes *a,
                          const struct series *s, size_t i, bool turn)
{
    const struct histogram *h = i == SERIES_VARIATION ? &s->variation : &s->delays[i];
    bool begins = !b->delta && s->in_window && (s->begun >> i & 1) != 0;
    bool extreme = s->in_window && (s->extreme >> i & 1) != 0;
    bool extremes = extreme || s->due[PERIOD_DAY];
    if (!turn && !begins && !extremes && !s->histograms_end)
        return;

    struct wall time = b->time;
    if (begins) {
        struct histogram none = {.scale = h->scale, .zero = h->zero};
        b->time = s->window.start;
        point_histogram(b, metric, a, s->histograms_start, &none, false);
        b->time = time;
    }
    point_histogram(b, metric, a, s->histograms_start, h, extremes);
}

/*
 * Whether it is the turn of a series' histograms other than of the main delay: every other
 * window, so rate() over five minutes has two points or more. They are cumulative, so nothing
 * is lost, unless an agent ends: a window that is not whole, as its last one, has all. A whole
 * one closes a little after a multiple of its length, as a timer is never early.
 */
static bool is_turn(const struct batch *batch, size_t series)
{
    int64_t length_ns = batch->window_ns;
    return batch->delta || length_ns <= 0 || length_ns > TURNS_WINDOW_MAX_NS ||
           batch->time.ns % length_ns > length_ns / 8 ||
           batch->time.ns - batch->window_start.ns < length_ns / 2 ||
           ((size_t)(batch->time.ns / length_ns) + series) % 2 == 0;
}

/* Those that cannot be stated are not sent. */
static void add_quantiles(struct builder *b, const struct attributes *of,
                          const char *period, struct wall start,
                          const struct delay_summary *d)
{
    static const char *const quantiles[PERCENTILES] = {"0.5", "0.9", "0.95", "0.99"};
    for (size_t p = 0; p < PERCENTILES; p++) {
        struct attributes a = *of;
        if (!d->supported[p])
            continue;
        attribute_text(b, &a, ATTR_PERIOD, period);
        attribute_text(b, &a, ATTR_QUANTILE, quantiles[p]);
        point_value(b, QUANTILE, &a, start, (double)d->percentile_ns[p] / 1e9);
        point_value(b, QUANTILE_LOW, &a, start, (double)d->low_ns[p] / 1e9);
        point_value(b, QUANTILE_HIGH, &a, start, (double)d->high_ns[p] / 1e9);
    }
}

static void add_periods(struct builder *b, const struct attributes *of,
                        const struct series *s, size_t delay)
{
    const struct delay_summary *window = series_window(s, delay);
    if (s->in_window && window != NULL)
        add_quantiles(b, of, PERIOD_WINDOW_NAME, s->window.start, window);
    for (size_t i = 0; i < PERIODS; i++) {
        const struct period_summary *period = series_period(s, i, delay);
        if (!s->due[i] || period == NULL)
            continue;
        struct wall start = {period->end.ns - period->age_ns};
        add_quantiles(b, of, period_name[i], start, &period->delay);
    }
}

static void add_delays(struct builder *b, const struct series *s,
                       const struct attributes *of, const struct metric_choice *choice,
                       bool turn)
{
    for (size_t i = 0; i < kind_delays(s->kind); i++) {
        struct attributes a = *of;
        attribute_text(b, &a, ATTR_DELAY, s->kind->delays[i]);
        if (choice->histograms && s->delays[i].count > 0)
            add_histogram(b, DELAY, &a, s, i, turn || i == s->kind->main_delay);
        if (choice->quantiles == QUANTILES_ALL ||
            (choice->quantiles == QUANTILES_MAIN && i == s->kind->main_delay))
            add_periods(b, &a, s, i);
    }
    if (choice->variation && s->variation.count > 0) {
        struct attributes a = *of;
        attribute_text(b, &a, ATTR_DELAY, s->kind->delays[0]);
        add_histogram(b, VARIATION, &a, s, SERIES_VARIATION, turn);
    }
}

/* Counts that stand at 0 are left out, but for the two that ratios are made of. */
static void add_counts(struct builder *b, const struct series *s,
                       const struct attributes *of)
{
    const struct summary *w = &s->window;
    bool is_new = s->start.ns == w->start.ns;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        bool always = i == OUTCOME_REPLY || i == OUTCOME_LOSS;
        if (s->outcomes[i] == 0 && (!always || s->brief))
            continue;
        struct attributes a = *of;
        attribute_text(b, &a, ATTR_OUTCOME, outcome_name((enum outcome)i));
        add_count(b, RESULTS, &a, s, s->outcomes[i],
                  begins_now(b, s, s->outcomes[i], w->outcomes[i]) &&
                      (is_new || s->outcomes[i] > 0));
    }
    for (size_t i = 0; i < COUNTERS; i++) {
        if (s->counters[i] == 0)
            continue;
        struct attributes a = *of;
        attribute_text(b, &a, ATTR_ANOMALY, counter_names[i].attribute);
        add_count(b, ANOMALIES, &a, s, s->counters[i],
                  begins_now(b, s, s->counters[i], w->counters[i]));
    }
    if (s->in_window && s->silent_while == NULL && !isnan(w->loss_ratio)) {
        point_value(b, LOSS_RATIO, of, w->start, w->loss_ratio);
        if (!s->brief || !s->lossless)
            point_count(b, LOSS_BURST, of, w->start, w->longest_burst);
    }
}

static void add_responses(struct builder *b, const struct target_address_state *address,
                          enum family family, const struct attributes *of,
                          struct wall window_start, struct wall start)
{
    struct wall time = b->time;
    for (size_t i = 0; address->statuses != NULL && i < STATUSES_MAX; i++) {
        const struct status_count *count = &address->statuses[i];
        struct attributes a = *of;
        if (count->n == 0)
            continue;
        attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(family));
        if (count->status != 0)
            attribute_integer(b, &a, ATTR_HTTP_STATUS, count->status);
        else
            attribute_bool(b, &a, ATTR_OVERFLOW, true);
        if (!b->delta && count->before == 0) { /* as add_count() */
            b->time = window_start;
            point_count(b, RESPONSES, &a, start, 0);
            b->time = time;
        }
        point_count(b, RESPONSES, &a, start, count->n);
    }
}

/* Of a name with several addresses: core/addresses.h. */
static void add_addresses(struct builder *b, const struct target_address_state *address,
                          const struct attributes *of, struct wall window_start)
{
    size_t counts[STATE_COUNT] = {0};
    struct attributes family = *of;
    if (address->n_all < 2)
        return;
    attribute_text(b, &family, ATTR_NETWORK_TYPE, family_name(address->to.family));
    for (size_t i = 0; i < address->n_all; i++) {
        const struct address_state *x = &address->all[i];
        struct attributes a = family;
        char *text = arena_take(&b->arena, ADDRESS_TEXT_MAX);
        counts[x->state]++;
        attribute_text(b, &a, ATTR_PEER_ADDRESS, endpoint_address(text, &x->to));
        if (x->has_slot && x->state != STATE_UNKNOWN)
            point_count(b, ADDRESS_UP, &a, window_start, x->state != STATE_DOWN);
        if (x->has_slot && x->median_ns != DELAY_UNDEFINED)
            point_value(b, ADDRESS_DELAY, &a, window_start, (double)x->median_ns / 1e9);
    }
    for (size_t i = 0; i < STATE_COUNT; i++) {
        struct attributes a = family;
        if (counts[i] == 0 && i != STATE_UP && i != STATE_DOWN)
            continue;
        attribute_text(b, &a, ATTR_ADDRESS_STATE, state_name((enum state)i));
        point_count(b, ADDRESSES, &a, window_start, counts[i]);
    }
}

static void add_target(struct builder *b, const struct target_state *t,
                       struct wall window_start, struct wall start)
{
    struct attributes a = of_target(b, t->target, t->pop);
    attributes_share(b, &a);
    if (t->measured) {
        point_count(b, UP, &a, window_start, t->up);
        point_count(b, INTERCEPTED, &a, window_start, t->intercepted);
    }
    struct attributes no_pop = attributes_of_target(b, t->target);
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6, FAMILY_PROXY};
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct target_address_state *address = &t->addresses[f];
        struct attributes tls = a;
        add_responses(b, address, families[f], &no_pop, window_start, start);
        if (t->measured)
            add_addresses(b, address, &no_pop, window_start);
        if (!t->measured || target_issuer(address)[0] == '\0' ||
            address->to.family == FAMILY_NONE)
            continue;
        attribute_text(b, &tls, ATTR_NETWORK_TYPE, family_name(address->to.family));
        attribute_text(b, &tls, ATTR_TLS_ISSUER, address->issuer);
        point_count(b, TLS, &tls, window_start, address->issuer_foreign);
    }
    if (target_verdict(t)->type == OWNER_FOREIGN && t->measured)
        point_count(b, FOREIGN, &a, window_start, 1);
    if (t->rank > 0) /* a receiver that looks for the lowest must not find the worst */
        point_count(b, RANK, &a, window_start, t->rank);
}

static void add_gain(struct builder *b, const struct edge_gain *g,
                     struct wall window_start)
{
    struct attributes a = attributes_of_target(b, g->target);
    attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(g->family));
    if (g->known) {
        point_value(b, GAIN, &a, window_start, (double)g->ns / 1e9);
        point_value(b, GAIN_LOW, &a, window_start, (double)g->low_ns / 1e9);
        point_value(b, GAIN_HIGH, &a, window_start, (double)g->high_ns / 1e9);
    }
    point_count(b, SUBOPTIMAL, &a, window_start, g->suboptimal);
}

static void add_path(struct builder *b, const struct path_state *p,
                     struct wall window_start)
{
    struct attributes a = attributes_of_target(b, p->target);
    attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(p->family));
    attribute_text(b, &a, ATTR_PATH_ENTRY,
                   p->entry[0] != '\0'              ? p->entry
                   : p->entry_state == ENTRY_HIDDEN ? "hidden"
                                                    : "unknown");
    attributes_share(b, &a);
    if (p->hops > 0)
        point_count(b, PATH_LENGTH, &a, window_start, p->hops);
    if (p->as_hops > 0) {
        struct attributes of = a;
        attribute_text(b, &of, ATTR_PATH_AS_SOURCE,
                       as_hops_source_name(p->as_hops_source));
        point_count(b, PATH_AS_LENGTH, &of, window_start, p->as_hops);
    }
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct attributes of = a;
        if (p->segment_ns[i] == DELAY_UNDEFINED)
            continue;
        attribute_text(b, &of, ATTR_PATH_SEGMENT, segment_name((enum segment)i));
        point_value(b, SEGMENT_DELAY, &of, window_start, (double)p->segment_ns[i] / 1e9);
    }
}

static void add_mtu(struct builder *b, const struct path_mtu *m, struct wall window_start)
{
    struct attributes a = attributes_of_target(b, m->target);
    if (m->bytes == 0)
        return;
    attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(m->family));
    attribute_text(b, &a, ATTR_PATH_MTU_LIMIT, mtu_limit_name(m->limit));
    point_count(b, PATH_MTU, &a, window_start, m->bytes);
}

static void add_uplinks(struct builder *b, const struct uplinks_report *u,
                        struct wall window_start)
{
    for (size_t i = 0; i < u->n; i++) {
        struct attributes a = {.n = 0};
        attribute_text(b, &a, ATTR_UPLINK, u->states[i].uplink->name);
        if (u->states[i].condition != UPLINK_UNKNOWN)
            point_count(b, UPLINK_IS_UP, &a, window_start,
                        u->states[i].condition == UPLINK_UP);
        for (size_t f = 0; f < 2; f++) {
            struct attributes of = a;
            attribute_text(b, &of, ATTR_NETWORK_TYPE,
                           family_name(f == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4));
            point_count(b, UPLINK_IS_USED, &of, window_start, u->states[i].used[f]);
        }
    }
    for (size_t i = 0; i < u->n_differences; i++) {
        const struct uplink_difference *d = &u->differences[i];
        struct attributes a = attributes_of_target(b, d->target);
        if (!d->interval.known)
            continue;
        attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(d->family));
        attribute_text(b, &a, ATTR_PROBE_KIND, d->kind->name);
        attribute_text(b, &a, ATTR_UPLINK_BASE, d->base->name);
        point_value(b, UPLINK_DIFFERENCE, &a, window_start, (double)d->interval.ns / 1e9);
        point_value(b, UPLINK_LOW, &a, window_start, (double)d->interval.low_ns / 1e9);
        point_value(b, UPLINK_HIGH, &a, window_start, (double)d->interval.high_ns / 1e9);
    }
}

/* The agent's own values bring their names. */
static void add_self(struct builder *b, const struct self_value *v,
                     struct wall window_start, struct wall start, bool begins)
{
    struct wall time = b->time;
    size_t at = b->n_metrics;
    while (at > 0 && strcmp(b->metrics[at - 1].name, v->name) != 0)
        at--;
    if (at == 0) {
        if (b->n_metrics == METRICS_MAX)
            return;
        at = ++b->n_metrics;
        b->metrics[at - 1] = (struct metric){
            .name = v->name,
            .unit = v->unit,
            .description = v->description,
            .type = v->histogram != NULL ? OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM
                    : v->monotonic       ? OTLP__METRIC__DATA_SUM
                                         : OTLP__METRIC__DATA_GAUGE,
        };
    }
    struct attributes a = {.n = 0};
    if (v->attribute != NULL)
        attribute_text(b, &a, v->attribute, v->attribute_value);
    for (size_t i = 0; i < v->n_labels; i++)
        attribute_text(b, &a, v->labels[i].name, v->labels[i].value);
    if (v->histogram != NULL) {
        struct histogram none = histogram_empty();
        b->time = window_start;
        if (begins)
            point_histogram(b, at - 1, &a, start, &none, false);
        b->time = time;
        point_histogram(b, at - 1, &a, start, v->histogram, true);
        return;
    }
    if (begins && v->monotonic) {
        b->time = window_start;
        point_value(b, at - 1, &a, start, 0);
        b->time = time;
    }
    point_value(b, at - 1, &a, start, v->value);
}

/* ---- requests ---- */

/*
 * A batch of many series is encoded in pieces, each with the resource and the metrics that
 * have points in it. The pieces of a request are one message, as protobuf joins the lists of
 * messages that follow each other.
 */
enum {
    PIECE_BYTES = 128 << 10,
    HEADS_BYTES = 8 << 10, /* of the resource and metrics, usually less */
    /* Of a piece, compressed or not, that the limits of a request must have room for. */
    PIECE_BYTES_MAX = 512 << 10,
};

struct plain_piece { /* plain */
    uint8_t *bytes;
    size_t len, room;
};

struct otlp_work {
    /* Of it the series, paths and MTUs are not encoded yet; the latter two are copies, a
     * third of what their points are. */
    struct batch batch;
    struct path_state *paths;
    struct path_mtu *mtus;
    struct otlp_resource resource;
    struct metric_choice choice;
    struct builder b;
    struct plain_piece *pieces; /* whole ones; the points of the next are in `b` */
    size_t n_pieces, room;

    struct gzip *gzip; /* the request, NULL: none yet */
    size_t plain_len;  /* of it */
    bool large;        /* there are several pieces */
    otlp_part_cb *on_part;
    void *user;
};

static void end_request(struct otlp_work *w)
{
    size_t len;
    if (w->gzip == NULL)
        return;
    void *bytes = gzip_end(w->gzip, &len);
    w->gzip = NULL;
    w->plain_len = 0;
    w->on_part(bytes, len, w->user);
}

static void begin_in_request(struct otlp_work *w)
{
    if (w->gzip != NULL && (w->plain_len > OTLP_PART_PLAIN_MAX - PIECE_BYTES_MAX ||
                            gzip_len(w->gzip) > OTLP_PART_MAX - PIECE_BYTES_MAX))
        end_request(w);
    if (w->gzip == NULL)
        w->gzip = gzip_begin(w->large);
}

static void compress(const void *bytes, size_t len, void *user)
{
    struct otlp_work *w = user;
    gzip_add(w->gzip, bytes, len);
    w->plain_len += len;
}

static void gather(const void *bytes, size_t len, void *user)
{
    struct plain_piece *p = user;
    p->bytes = mem_grow(p->bytes, &p->room, p->len + len, 1);
    if (len > 0) /* `bytes` may be NULL */
        memcpy(p->bytes + p->len, bytes, len);
    p->len += len;
}

static void write_piece(struct otlp_work *w, builder_write_cb *write, void *user)
{
    struct otlp_request common;
    otlp_request_make(&common, &w->b, &w->resource);
    builder_write(&w->b, &common.resource, &common.scope, write, user);
    builder_clear(&w->b);
}

static void keep_piece(struct otlp_work *w)
{
    w->pieces = mem_grow(w->pieces, &w->room, w->n_pieces + 1, sizeof *w->pieces);
    struct plain_piece *p = &w->pieces[w->n_pieces++];
    *p = (struct plain_piece){.room = 0};
    p->bytes = mem_grow(NULL, &p->room, w->b.bytes + HEADS_BYTES, 1);
    write_piece(w, gather, p);
}

static void compress_piece(struct otlp_work *w)
{
    begin_in_request(w);
    write_piece(w, compress, w);
}

static bool is_whole(const struct otlp_work *w)
{
    return w->b.bytes > PIECE_BYTES;
}

/* What may change before the second step. */
static void add_rest(struct otlp_work *w)
{
    const struct batch *batch = &w->batch;
    struct builder *b = &w->b;
    struct wall start = batch->delta ? batch->window_start : batch->agent_start;
    for (size_t i = 0; i < batch->n_targets; i++) {
        add_target(b, &batch->targets[i], batch->window_start, start);
        builder_forget(b);
        if (is_whole(w))
            keep_piece(w);
    }
    for (size_t i = 0; i < batch->n_gains; i++)
        add_gain(b, &batch->gains[i], batch->window_start);
    if (batch->uplinks != NULL)
        add_uplinks(b, batch->uplinks, batch->window_start);
    for (size_t i = 0; i < batch->n_self; i++)
        add_self(b, &batch->self[i], batch->first ? start : batch->window_start, start,
                 (batch->first || batch->self[i].begins) && !batch->delta);
    builder_forget(b);
}

struct otlp_work *otlp_metrics_begin(const struct batch *batch,
                                     const struct otlp_resource *resource,
                                     const struct metric_choice *choice)
{
    struct otlp_work *w = mem_zalloc(sizeof *w);
    w->batch = *batch;
    w->paths = mem_alloc(batch->n_paths * sizeof *w->paths);
    for (size_t i = 0; i < batch->n_paths; i++)
        w->paths[i] = *batch->paths[i];
    w->mtus = mem_copy(batch->mtus, batch->n_mtus * sizeof *w->mtus);
    w->resource = *resource;
    w->choice = *choice;
    w->b.time = batch->time;
    w->b.delta = batch->delta;
    for (size_t i = 0; i < OURS; i++)
        w->b.metrics[w->b.n_metrics++] = (struct metric){
            .name = metrics[i].name,
            .unit = metrics[i].unit,
            .description = metrics[i].description,
            .type = metrics[i].type,
        };
    add_rest(w);
    return w;
}

static void compress_kept(struct otlp_work *w)
{
    for (size_t i = 0; i < w->n_pieces; i++) {
        begin_in_request(w);
        compress(w->pieces[i].bytes, w->pieces[i].len, w);
        free(w->pieces[i].bytes);
    }
    free(w->pieces);
}

/* `more` follow. */
static void end_item(struct otlp_work *w, bool more)
{
    builder_forget(&w->b);
    w->large |= is_whole(w) && more;
    if (is_whole(w))
        compress_piece(w);
}

void otlp_metrics_end(struct otlp_work *w, otlp_part_cb *on_part, void *user)
{
    const struct batch *batch = &w->batch;
    w->on_part = on_part;
    w->user = user;
    w->large = w->n_pieces > 0;
    compress_kept(w);
    for (size_t i = 0; i < batch->n_paths; i++) {
        add_path(&w->b, &w->paths[i], batch->window_start);
        end_item(w, true);
    }
    for (size_t i = 0; i < batch->n_mtus; i++) {
        add_mtu(&w->b, &w->mtus[i], batch->window_start);
        end_item(w, true);
    }
    for (size_t i = 0; i < batch->n_series; i++) {
        struct attributes a = of_series(&w->b, batch->series[i]);
        attributes_share(&w->b, &a);
        add_delays(&w->b, batch->series[i], &a, &w->choice, is_turn(batch, i));
        add_counts(&w->b, batch->series[i], &a);
        end_item(w, i + 1 < batch->n_series);
    }
    if (w->gzip == NULL || w->b.bytes > 0)
        compress_piece(w);
    end_request(w);
    builder_free(&w->b);
    free(w->paths);
    free(w->mtus);
    free(w);
}

void otlp_metrics(const struct batch *batch, const struct otlp_resource *resource,
                  const struct metric_choice *choice, otlp_part_cb *on_part, void *user)
{
    otlp_metrics_end(otlp_metrics_begin(batch, resource, choice), on_part, user);
}
