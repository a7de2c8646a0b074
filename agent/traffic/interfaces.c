#include "traffic/interfaces.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct interface_traffic *interfaces_add(struct interfaces *x, const char *name)
{
    struct interface_traffic *to = NULL;
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->list[i]->name, name) == 0)
            return x->list[i];
    for (size_t i = 0; i < x->n && x->n == INTERFACES_MAX && to == NULL; i++)
        if (!x->list[i]->configured && !x->list[i]->routed && !x->list[i]->present)
            to = x->list[i];
    if (to == NULL && x->n == INTERFACES_MAX) {
        x->not_kept++;
        return NULL;
    }
    if (to == NULL)
        to = x->list[x->n++] = mem_alloc(sizeof *to);
    *to = (struct interface_traffic){.has_last = false};
    text_copy(to->name, sizeof to->name, name);
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        to->ways[d].labels[0] = (struct self_label){ATTR_INTERFACE_NAME, to->name};
        to->ways[d].labels[1] =
            (struct self_label){ATTR_IO_DIRECTION, rate_direction_name(d)};
    }
    return to;
}

void interfaces_free(struct interfaces *x)
{
    while (x->n > 0)
        free(x->list[--x->n]);
}

/* ---- readings ---- */

static const struct link_counters *counters_of(const struct link_state *s,
                                               enum rate_direction d)
{
    return d == RATE_RECEIVE ? &s->received : &s->sent;
}

static bool is_reset(const struct interface_traffic *i, const struct link_state *s,
                     int64_t elapsed_ns)
{
    /* Bytes that the link carries in that time, and in a second for counters read late. */
    double most = (double)i->modes.mbit_s * 1e6 / 8 * INTERFACE_JUMP *
                  ((double)elapsed_ns / 1e9 + 1);
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        const struct link_counters *now = counters_of(s, d), *last = &i->ways[d].last;
        if (now->bytes < last->bytes || now->packets < last->packets ||
            now->errors < last->errors || now->drops < last->drops)
            return true;
        if (i->modes.mbit_s > 0 && (double)(now->bytes - last->bytes) > most)
            return true;
    }
    return false;
}

static void add_growth(struct link_counters *to, const struct link_counters *now,
                       const struct link_counters *last)
{
    to->bytes += now->bytes - last->bytes;
    to->packets += now->packets - last->packets;
    to->errors += now->errors - last->errors;
    to->drops += now->drops - last->drops;
}

/* Ends a second, unless it has hardly begun: the window ends between two seconds. */
static void end_second(struct interface_traffic *i, struct mono now)
{
    int64_t ns = now.ns - i->second_at.ns;
    if (ns < 9 * NS_PER_S / 10)
        return;
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        struct interface_way *w = &i->ways[d];
        double rate = (double)w->second_bytes * 1e9 / (double)ns;
        if (rate > w->highest_second)
            w->highest_second = rate;
        w->second_bytes = 0;
    }
    i->second_at = now;
}

static void begin_counting(struct interface_traffic *i, const struct link_state *s,
                           struct mono now)
{
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        i->ways[d].last = *counters_of(s, d);
        i->ways[d].second_bytes = 0;
    }
    i->has_last = true;
    i->last_at = i->second_at = now;
}

void interface_take(struct interface_traffic *i, const struct link_state *s,
                    struct mono now)
{
    if (s == NULL) {
        i->present = i->up = i->has_last = false;
        i->modes = (struct link_modes){0};
        i->modem = (struct modem_link){.found = false};
        return;
    }
    bool same = i->present && i->index == s->index;
    i->present = true;
    i->up = s->up;
    i->index = s->index;
    i->seen = now;
    int64_t elapsed_ns = now.ns - i->last_at.ns;
    if (!i->has_last || !same || is_reset(i, s, elapsed_ns)) {
        i->resets += i->has_last;
        begin_counting(i, s, now);
        return;
    }
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        struct interface_way *w = &i->ways[d];
        const struct link_counters *is = counters_of(s, d);
        w->second_bytes += is->bytes - w->last.bytes;
        add_growth(&w->total, is, &w->last);
        add_growth(&w->window, is, &w->last);
        w->last = *is;
    }
    i->window_ns += elapsed_ns;
    i->last_at = now;
    end_second(i, now);
}

/* ---- metrics ---- */

enum { IO, PACKETS, ERRORS, DROPS, RATE, RATE_MAX, UTILIZATION, UTILIZATION_MAX, WAYS };

static const struct {
    const char *name, *unit, *description;
    bool sum;
} metrics[WAYS] = {
    [IO] = {METRIC_INTERFACE_IO, "By", "Bytes of the network interface", true},
    [PACKETS] = {METRIC_INTERFACE_PACKETS, "{packet}", "Packets of the interface", true},
    [ERRORS] = {METRIC_INTERFACE_ERRORS, "{error}", "Damaged packets, by the driver",
                true},
    [DROPS] = {METRIC_INTERFACE_DROPS, "{packet}",
               "Packets that driver or kernel dropped at the interface", true},
    [RATE] = {METRIC_INTERFACE_RATE, "By/s", "Mean rate in the window", false},
    [RATE_MAX] = {METRIC_INTERFACE_RATE_MAX, "By/s",
                  "Rate in the highest second of the window", false},
    [UTILIZATION] = {METRIC_INTERFACE_UTILIZATION, "1",
                     "Mean rate in the window, as part of the speed", false},
    [UTILIZATION_MAX] = {METRIC_INTERFACE_UTILIZATION_MAX, "1",
                         "Rate in the highest second of the window, as part of the speed",
                         false},
};

static double sum(bool delta, uint64_t total, uint64_t *reported)
{
    double value = (double)(delta ? total - *reported : total);
    *reported = total;
    return value;
}

static double value_of(const struct interface_traffic *i, struct interface_way *w,
                       bool delta, size_t metric)
{
    double speed = (double)i->modes.mbit_s * 1e6 / 8;
    switch (metric) {
    case IO:
        return sum(delta, w->total.bytes, &w->reported.bytes);
    case PACKETS:
        return sum(delta, w->total.packets, &w->reported.packets);
    case ERRORS:
        return sum(delta, w->total.errors, &w->reported.errors);
    case DROPS:
        return sum(delta, w->total.drops, &w->reported.drops);
    case RATE:
        return w->mean;
    case RATE_MAX:
        return w->highest;
    case UTILIZATION:
        return w->mean / speed;
    default:
        return w->highest / speed;
    }
}

static bool has_value(const struct interface_traffic *i, size_t metric)
{
    if (metrics[metric].sum) /* of an interface that is away, too: it has no gap */
        return i->begun || i->window_ns > 0;
    bool of_speed = metric == UTILIZATION || metric == UTILIZATION_MAX;
    return i->window_ns > 0 && (!of_speed || i->modes.mbit_s > 0);
}

static bool is_trouble(const struct interface_way *w, bool received, int64_t window_ns)
{
    double drops = (double)w->window.drops, s = (double)window_ns / 1e9;
    bool many = !received || (drops > INTERFACE_DROPS_A_SECOND * s &&
                              drops > INTERFACE_DROPS_RATIO * (double)w->window.packets);
    return w->window.errors > 0 || (drops > 0 && many);
}

static void close_window(struct interface_traffic *i, struct mono now)
{
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        struct interface_way *w = &i->ways[d];
        w->mean =
            i->window_ns > 0 ? (double)w->window.bytes * 1e9 / (double)i->window_ns : 0;
        /* A short window may have no second of its own. */
        w->highest = w->highest_second > w->mean ? w->highest_second : w->mean;
        if (!is_trouble(w, d == RATE_RECEIVE, i->window_ns))
            continue;
        w->grown = w->window;
        w->grown_window_ns = i->window_ns;
        w->grown_at = now;
    }
}

static void begin_window(struct interface_traffic *i)
{
    i->begun = i->begun || i->window_ns > 0;
    i->window_ns = 0;
    for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
        i->ways[d].window = (struct link_counters){0};
        i->ways[d].highest_second = 0;
    }
}

size_t interfaces_window(struct interfaces *x, bool delta, struct mono now,
                         struct self_value values[INTERFACES_VALUES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        close_window(x->list[i], now);
    for (size_t m = 0; m < WAYS; m++)
        for (size_t i = 0; i < x->n; i++)
            for (enum rate_direction d = 0; d < RATE_DIRECTIONS; d++) {
                struct interface_traffic *at = x->list[i];
                if (!has_value(at, m))
                    continue;
                values[n++] =
                    (struct self_value){.name = metrics[m].name,
                                        .unit = metrics[m].unit,
                                        .description = metrics[m].description,
                                        .monotonic = metrics[m].sum,
                                        .begins = metrics[m].sum && !at->begun,
                                        .value = value_of(at, &at->ways[d], delta, m),
                                        .labels = at->ways[d].labels,
                                        .n_labels = 2};
            }
    for (size_t i = 0; i < x->n; i++)
        if (x->list[i]->present && x->list[i]->modes.mbit_s > 0)
            values[n++] =
                (struct self_value){.name = METRIC_INTERFACE_SPEED,
                                    .unit = "bit/s",
                                    .description = "Speed of the network interface",
                                    .value = (double)x->list[i]->modes.mbit_s * 1e6,
                                    .labels = x->list[i]->ways[0].labels,
                                    .n_labels = 1};
    for (size_t i = 0; i < x->n; i++) {
        struct interface_traffic *at = x->list[i];
        const struct self_label *labels[2] = {at->ways[RATE_RECEIVE].labels,
                                              at->ways[RATE_TRANSMIT].labels};
        n += wifi_values(&at->wifi, delta, labels, values + n);
        mobile_take(&at->mobile, &at->modem);
        n += mobile_values(&at->mobile, labels[0], values + n);
        begin_window(at);
    }
    return n;
}

/* ---- for people ---- */

static void add_rate(struct text *out, double bytes_s)
{
    double bit_s = 8 * bytes_s;
    if (bit_s >= 1e9)
        text_add(out, "%.2f Gbit/s", bit_s / 1e9);
    else if (bit_s >= 1e6)
        text_add(out, "%.1f Mbit/s", bit_s / 1e6);
    else
        text_add(out, "%.0f kbit/s", bit_s / 1e3);
}

static void add_way(struct text *out, const char *title, const struct interface_way *w)
{
    text_add(out, ", %s ", title);
    add_rate(out, w->mean);
    text_add(out, " (highest second ");
    add_rate(out, w->highest);
    text_add(out, ")");
    if (w->total.errors > 0)
        text_add(out, ", %" PRIu64 " errors", w->total.errors);
    if (w->total.drops > 0)
        text_add(out, ", %" PRIu64 " drops", w->total.drops);
}

void interfaces_text(const struct interfaces *x, struct text *out)
{
    char name[INTERFACE_NAME_MAX];
    for (size_t k = 0; k < x->n; k++) {
        const struct interface_traffic *i = x->list[k];
        if (!i->configured && !i->present)
            continue;
        text_copy(name, sizeof name, i->name);
        text_visible(name);
        text_add(out, "interface %s: ", name);
        if (!i->present) {
            text_add(out, "not there\n");
            continue;
        }
        text_add(out, "%s", i->up ? "up" : "down");
        if (i->modes.mbit_s > 0)
            text_add(out, ", %" PRIu32 " Mbit/s", i->modes.mbit_s);
        if (i->modes.duplex != DUPLEX_NOT_KNOWN)
            text_add(out, " %s duplex", link_duplex_name(i->modes.duplex));
        wifi_text(&i->wifi, out);
        mobile_text(&i->mobile, out);
        add_way(out, "received", &i->ways[RATE_RECEIVE]);
        add_way(out, "sent", &i->ways[RATE_TRANSMIT]);
        text_add(out, "\n");
    }
}

static void add_count(struct text *out, uint64_t n, const char *what, uint64_t packets)
{
    text_add(out, "%" PRIu64 " %s (%.2g %% of %" PRIu64 " packets)", n, what,
             100 * (double)n / (double)(packets + n), packets + n);
}

static size_t add_trouble(struct text *out, const char *name,
                          const struct interface_way *w, bool received, struct mono now)
{
    const struct link_counters *g = &w->grown;
    char window[DURATION_TEXT_MAX];
    if (w->grown_at.ns == 0 || now.ns - w->grown_at.ns >= INTERFACE_RECENT_NS)
        return 0;
    text_add(out, "interface %s: ", name);
    if (g->errors > 0)
        add_count(out, g->errors, received ? "receive errors" : "transmit errors",
                  g->packets);
    if (g->drops > 0) {
        text_add(out, "%s", g->errors > 0 ? ", " : "");
        add_count(out, g->drops, received ? "receive drops" : "transmit drops",
                  g->packets);
    }
    text_add(
        out, " in %s, %.0f s ago; ",
        duration_text(window, (w->grown_window_ns + NS_PER_S / 2) / NS_PER_S * NS_PER_S),
        (double)(now.ns - w->grown_at.ns) / 1e9);
    text_add(out, "%s\n",
             g->errors > 0 ? "check cable, port and duplex on both ends"
             : received ? "this host does not take the packets fast enough, or does not "
                          "know their protocol: see `ip -s -s link show`"
                        : "the link is too slow for what this host sends, or its "
                          "queue is too short: see `tc -s qdisc`");
    return 1;
}

size_t interfaces_problems(const struct interfaces *x, struct mono now, struct text *out)
{
    char name[INTERFACE_NAME_MAX];
    size_t n = 0;
    for (size_t k = 0; k < x->n; k++) {
        const struct interface_traffic *i = x->list[k];
        text_copy(name, sizeof name, i->name);
        text_visible(name);
        if (i->configured && !i->present) {
            text_add(out,
                     "interface %s: there is no such interface; correct interfaces in "
                     "[traffic], or see `ip link`\n",
                     name);
            n++;
        }
        if (i->present && i->up && i->modes.duplex == DUPLEX_IS_HALF) {
            text_add(out,
                     "interface %s: half duplex at %" PRIu32
                     " Mbit/s, so collisions delay and lose packets; set "
                     "autonegotiation on both ends of the cable\n",
                     name, i->modes.mbit_s);
            n++;
        }
        n += wifi_problem(&i->wifi, name, out);
        n += mobile_problem(&i->mobile, name, out);
        n += add_trouble(out, name, &i->ways[RATE_RECEIVE], true, now);
        n += add_trouble(out, name, &i->ways[RATE_TRANSMIT], false, now);
    }
    return n;
}
