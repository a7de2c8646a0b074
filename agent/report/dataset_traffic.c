/*
 * Adds the traffic of interfaces (edgelat.interface.*) and of Microsoft's services
 * (edgelat.traffic.*) to the dataset.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <stdlib.h>
#include <string.h>

static struct dataset_traffic *traffic_of(struct dataset *p, struct decoded a, bool link)
{
    char name[DATASET_WORD_MAX], source[DATASET_WORD_MAX], direction[DATASET_WORD_MAX];
    dataset_text(name, sizeof name, a, link ? ATTR_INTERFACE_NAME : ATTR_SERVICE);
    source[0] = '\0';
    if (!link)
        dataset_text(source, sizeof source, a, ATTR_TRAFFIC_SOURCE);
    dataset_text(direction, sizeof direction, a, ATTR_IO_DIRECTION);
    if (name[0] == '\0' || direction[0] == '\0')
        return NULL;
    for (size_t i = 0; i < p->n_traffic; i++) {
        struct dataset_traffic *t = p->traffic[i];
        if (t->link == link && strcmp(t->name, name) == 0 &&
            strcmp(t->source, source) == 0 && strcmp(t->direction, direction) == 0)
            return t;
    }
    if (p->n_traffic == DATASET_TRAFFIC_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_traffic *t = p->traffic[p->n_traffic++] = mem_zalloc(sizeof *t);
    t->link = link;
    text_copy(t->name, sizeof t->name, name);
    text_copy(t->source, sizeof t->source, source);
    text_copy(t->direction, sizeof t->direction, direction);
    return t;
}

/* Gauges do not tell when the window began: as with BGP sessions, at most the longest window
 * before, and after the window before. */
static void add_mean(struct dataset *p, struct dataset_traffic *t, int64_t end_ns,
                     double rate)
{
    int64_t start_ns = end_ns - p->window_ns;
    if (t->n > 0 && start_ns < t->windows[t->n - 1].end_ns)
        start_ns = t->windows[t->n - 1].end_ns;
    if (end_ns <= start_ns)
        return;
    if (p->n_samples == DATASET_SAMPLES_MAX) {
        p->left_out++;
        return;
    }
    p->n_samples++;
    t->windows = mem_grow(t->windows, &t->room, t->n + 1, sizeof *t->windows);
    t->windows[t->n++] = (struct traffic_window){start_ns, end_ns, rate, rate};
}

/* Comes behind the mean of the same window. */
static void add_highest(struct dataset_traffic *t, int64_t end_ns, double rate)
{
    if (t->n > 0 && t->windows[t->n - 1].end_ns == end_ns &&
        rate > t->windows[t->n - 1].highest)
        t->windows[t->n - 1].highest = rate;
}

static void add_gauge(struct dataset *p, const Otlp__Metric *m, bool link, bool highest)
{
    for (size_t i = 0; i < m->gauge->n_data_points; i++) {
        const Otlp__NumberDataPoint *point = m->gauge->data_points[i];
        double rate = decoded_number(point);
        struct dataset_traffic *t =
            dataset_in_period(p, point->time_unix_nano) && rate >= 0 && rate < 1e15
                ? traffic_of(p, attributes_of(point), link)
                : NULL;
        if (t != NULL && highest)
            add_highest(t, (int64_t)point->time_unix_nano, rate);
        else if (t != NULL)
            add_mean(p, t, (int64_t)point->time_unix_nano, rate);
    }
}

/* A point before the period only tells what the counter held. */
static void add_count(const struct dataset *p, struct traffic_count *c,
                      const Otlp__NumberDataPoint *point, bool delta)
{
    double value = decoded_number(point), more = value;
    uint64_t start = point->start_time_unix_nano, time = point->time_unix_nano;
    if (time > INT64_MAX || (int64_t)time > p->until_ns || time <= c->time_ns)
        return;
    if (!delta && start == c->start_ns)
        more = value - c->last;
    else if (!delta && (int64_t)start < p->since_ns)
        more = 0;
    if (dataset_in_period(p, time) && more > 0)
        c->sum += more;
    c->start_ns = start;
    c->time_ns = time;
    c->last = value;
}

static void add_sum(struct dataset *p, const Otlp__Metric *m, bool link, size_t count)
{
    bool delta = m->sum->aggregation_temporality ==
                 OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA;
    for (size_t i = 0; i < m->sum->n_data_points; i++) {
        const Otlp__NumberDataPoint *point = m->sum->data_points[i];
        struct dataset_traffic *t = traffic_of(p, attributes_of(point), link);
        if (t != NULL)
            add_count(p, &t->counts[count], point, delta);
    }
}

void dataset_add_traffic(struct dataset *p, const Otlp__Metric *m)
{
    static const struct {
        const char *name;
        bool link, highest, is_count;
        enum traffic_counts count;
    } known[] = {
        {METRIC_INTERFACE_RATE, .link = true},
        {METRIC_INTERFACE_RATE_MAX, .link = true, .highest = true},
        {METRIC_INTERFACE_IO, .link = true, .is_count = true, .count = TRAFFIC_BYTES},
        {METRIC_INTERFACE_ERRORS, .link = true, .is_count = true,
         .count = TRAFFIC_ERRORS},
        {METRIC_INTERFACE_DROPS, .link = true, .is_count = true, .count = TRAFFIC_DROPS},
        {METRIC_TRAFFIC_RATE},
        {METRIC_TRAFFIC_RATE_MAX, .highest = true},
        {METRIC_TRAFFIC_IO, .is_count = true, .count = TRAFFIC_BYTES},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, m->name) != 0)
            continue;
        if (known[i].is_count && m->data_case == OTLP__METRIC__DATA_SUM)
            add_sum(p, m, known[i].link, known[i].count);
        if (!known[i].is_count && m->data_case == OTLP__METRIC__DATA_GAUGE)
            add_gauge(p, m, known[i].link, known[i].highest);
    }
}

struct traffic_window dataset_traffic_all(const struct dataset_traffic *t)
{
    double bytes = 0, ns = 0;
    struct traffic_window all = {0};
    for (size_t i = 0; i < t->n; i++) {
        const struct traffic_window *w = &t->windows[i];
        double length = (double)(w->end_ns - w->start_ns);
        bytes += w->mean * length;
        ns += length;
        if (w->highest > all.highest || all.end_ns == 0) {
            all.highest = w->highest;
            all.start_ns = w->start_ns;
            all.end_ns = w->end_ns;
        }
    }
    all.mean = ns > 0 ? bytes / ns : 0;
    return all;
}

void dataset_free_traffic(struct dataset *p)
{
    for (size_t i = 0; i < p->n_traffic; i++) {
        free(p->traffic[i]->windows);
        free(p->traffic[i]);
    }
}
