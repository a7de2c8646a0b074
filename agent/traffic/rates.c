#include "traffic/rates.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/names.h"

#include <stdlib.h>
#include <string.h>

/* By second, a ring: by how much the rate changes. */
struct rate_slot {
    uint64_t bytes_change, packets_change; /* modulo 2^64 */
};

struct rate_spread {
    struct rate_slot slots[RATES_SPREAD_S + 1];
    uint64_t bytes_rate, packets_rate;
};

const char *rate_direction_name(enum rate_direction direction)
{
    return direction == RATE_RECEIVE ? "receive" : "transmit";
}

void rates_begin(struct rates *r, struct mono now)
{
    *r = (struct rates){.second = now.ns / NS_PER_S};
}

void rates_free(struct rates *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->rows[i].spread);
    r->n = 0;
}

struct rate_row *rates_row(struct rates *r, const char *service,
                           enum rate_direction direction, const char *source)
{
    for (size_t i = 0; i < r->n; i++) {
        struct rate_row *row = &r->rows[i];
        if (row->direction == direction && strcmp(row->source, source) == 0 &&
            strcmp(row->service, service) == 0)
            return row;
    }
    if (r->n == RATES_MAX) {
        r->not_kept++;
        return NULL;
    }
    struct rate_row *row = &r->rows[r->n++];
    *row = (struct rate_row){.direction = direction, .source = source};
    text_copy(row->service, sizeof row->service, service);
    row->labels[0] = (struct self_label){ATTR_SERVICE, row->service};
    row->labels[1] =
        (struct self_label){ATTR_IO_DIRECTION, rate_direction_name(direction)};
    row->labels[2] = (struct self_label){ATTR_TRAFFIC_SOURCE, source};
    return row;
}

static struct rate_slot *slot_at(struct rate_spread *s, int64_t second)
{
    return &s->slots[second % (RATES_SPREAD_S + 1)];
}

void rates_add(struct rates *r, struct rate_row *row, const struct rate_amount *amount,
               int64_t duration_ns)
{
    int64_t n = (duration_ns + NS_PER_S - 1) / NS_PER_S;
    row->due.flows += amount->flows;
    if (n <= 1) {
        row->due.bytes += amount->bytes;
        row->due.packets += amount->packets;
        return;
    }
    n = n < RATES_SPREAD_S ? n : RATES_SPREAD_S;
    if (row->spread == NULL)
        row->spread = mem_zalloc(sizeof *row->spread);
    uint64_t parts = (uint64_t)n, bytes = amount->bytes / parts,
             packets = amount->packets / parts;
    /* The first second is the one that is not over; what does not divide goes there. */
    row->due.bytes += bytes + amount->bytes % parts;
    row->due.packets += packets + amount->packets % parts;
    struct rate_slot *from = slot_at(row->spread, r->second + 1),
                     *to = slot_at(row->spread, r->second + n);
    from->bytes_change += bytes;
    from->packets_change += packets;
    to->bytes_change -= bytes;
    to->packets_change -= packets;
}

/* What the spread has due in the second, which is then over for it. */
static void take_slot(struct rate_spread *s, int64_t second, struct rate_amount *due)
{
    struct rate_slot *slot = slot_at(s, second);
    s->bytes_rate += slot->bytes_change;
    s->packets_rate += slot->packets_change;
    due->bytes += s->bytes_rate;
    due->packets += s->packets_rate;
    *slot = (struct rate_slot){0};
}

static void count_due(struct rate_row *row)
{
    row->total.bytes += row->due.bytes;
    row->total.packets += row->due.packets;
    row->total.flows += row->due.flows;
    row->window_bytes += row->due.bytes;
    if (row->due.bytes > row->highest_second)
        row->highest_second = row->due.bytes;
    row->due = (struct rate_amount){0};
}

void rates_turn(struct rates *r, struct mono now)
{
    int64_t second = now.ns / NS_PER_S;
    for (; r->second < second; r->window_s++) {
        r->second++;
        for (size_t i = 0; i < r->n; i++) {
            count_due(&r->rows[i]);
            if (r->rows[i].spread != NULL)
                take_slot(r->rows[i].spread, r->second, &r->rows[i].due);
        }
    }
}

void rates_flush(struct rates *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct rate_row *row = &r->rows[i];
        for (int64_t ahead = 1; row->spread != NULL && ahead <= RATES_SPREAD_S; ahead++)
            take_slot(row->spread, r->second + ahead, &row->due);
        uint64_t highest = row->highest_second;
        count_due(row);
        row->highest_second = highest; /* it is no second */
    }
}

/* ---- metrics ---- */

static uint64_t increase(bool delta, uint64_t total, uint64_t *reported)
{
    uint64_t value = delta ? total - *reported : total;
    *reported = total;
    return value;
}

enum { IO, PACKETS, FLOWS, MEAN, HIGHEST };

static const struct {
    const char *name, *unit, *description;
    bool sum;
} metrics[RATES_VALUES] = {
    [IO] = {METRIC_TRAFFIC_IO, "By", "Bytes to and from Microsoft, by service", true},
    [PACKETS] = {METRIC_TRAFFIC_PACKETS, "{packet}",
                 "Packets to and from Microsoft, by service", true},
    [FLOWS] = {METRIC_TRAFFIC_FLOWS, "{flow}",
               "Flow records to and from Microsoft, by service", true},
    [MEAN] = {METRIC_TRAFFIC_RATE, "By/s",
              "Mean rate to and from Microsoft in the window", false},
    [HIGHEST] = {METRIC_TRAFFIC_RATE_MAX, "By/s",
                 "Rate to and from Microsoft in the highest second of the window", false},
};

static double value_of(const struct rates *r, struct rate_row *row, bool delta,
                       size_t metric)
{
    switch (metric) {
    case IO:
        return (double)increase(delta, row->total.bytes, &row->reported.bytes);
    case PACKETS:
        return (double)increase(delta, row->total.packets, &row->reported.packets);
    case FLOWS:
        return (double)increase(delta, row->total.flows, &row->reported.flows);
    case MEAN:
        return (double)row->window_bytes / (r->window_s > 0 ? (double)r->window_s : 1);
    default:
        return (double)row->highest_second;
    }
}

size_t rates_window(struct rates *r, bool delta, struct mono now,
                    struct self_value values[RATES_VALUES_MAX])
{
    size_t n = 0;
    rates_turn(r, now);
    for (size_t m = 0; m < RATES_VALUES; m++) /* the rows of a metric are adjacent */
        for (size_t i = 0; i < r->n; i++) {
            struct rate_row *row = &r->rows[i];
            if (row->bytes_only && (m == PACKETS || m == FLOWS))
                continue;
            values[n++] = (struct self_value){.name = metrics[m].name,
                                              .unit = metrics[m].unit,
                                              .description = metrics[m].description,
                                              .monotonic = metrics[m].sum,
                                              .begins = metrics[m].sum && !row->begun,
                                              .value = value_of(r, row, delta, m),
                                              .labels = row->labels,
                                              .n_labels = 3};
        }
    for (size_t i = 0; i < r->n; i++) {
        r->rows[i].last_rate = value_of(r, &r->rows[i], delta, MEAN);
        r->rows[i].begun = true;
        r->rows[i].window_bytes = r->rows[i].highest_second = 0;
    }
    r->window_s = 0;
    return n;
}
