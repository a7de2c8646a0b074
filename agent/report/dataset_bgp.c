/*
 * Adds the BGP sessions that the BMP station reported to the dataset.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <string.h>

static struct dataset_session *session_of(struct dataset *p, struct decoded a)
{
    char router[DATASET_WORD_MAX], peer[DATASET_WORD_MAX];
    dataset_text(router, sizeof router, a, ATTR_BGP_ROUTER);
    if (dataset_text(peer, sizeof peer, a, ATTR_PEER_ADDRESS)[0] == '\0')
        return NULL;
    for (size_t i = 0; i < p->n_sessions; i++)
        if (strcmp(p->sessions[i]->router, router) == 0 &&
            strcmp(p->sessions[i]->peer, peer) == 0)
            return p->sessions[i];
    if (p->n_sessions == DATASET_SESSIONS_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_session *s = p->sessions[p->n_sessions++] = mem_zalloc(sizeof *s);
    text_copy(s->router, sizeof s->router, router);
    text_copy(s->peer, sizeof s->peer, peer);
    return s;
}

/* Gauges of the agent do not tell when the window began: no earlier than the longest one
 * would have, and after the window before. */
static void add_availability(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    struct decoded a = attributes_of(point);
    int64_t end = (int64_t)point->time_unix_nano, start = end - p->window_ns;
    double up = decoded_number(point);
    if (!dataset_in_period(p, point->time_unix_nano) || up < 0 || up > 1)
        return;
    struct dataset_session *s = session_of(p, a);
    if (s != NULL && s->n > 0 && start < s->windows[s->n - 1].end_ns)
        start = s->windows[s->n - 1].end_ns;
    if (s == NULL || end <= start)
        return;
    if (p->n_samples == DATASET_SAMPLES_MAX) {
        p->left_out++;
        return;
    }
    p->n_samples++;
    dataset_text(s->as, sizeof s->as, a, ATTR_BGP_PEER_AS);
    dataset_text(s->location, sizeof s->location, a, ATTR_BGP_LOCATION);
    s->windows = mem_grow(s->windows, &s->room, s->n + 1, sizeof *s->windows);
    s->windows[s->n++] = (struct availability){start, end, up};
}

/* A point before the period only tells what the counter held. */
static void add_flaps(struct dataset *p, const Otlp__NumberDataPoint *point, bool delta)
{
    double value = decoded_number(point), more = value;
    uint64_t start = point->start_time_unix_nano, time = point->time_unix_nano;
    if (time > INT64_MAX || (int64_t)time > p->until_ns)
        return;
    struct dataset_session *s = session_of(p, attributes_of(point));
    if (s == NULL || time <= s->flaps_time_ns)
        return;
    if (!delta && start == s->flaps_start_ns)
        more = value - s->flaps_last;
    else if (!delta && (int64_t)start < p->since_ns)
        more = 0;
    if (dataset_in_period(p, time) && more > 0)
        s->flaps += more;
    s->flaps_start_ns = start;
    s->flaps_time_ns = time;
    s->flaps_last = value;
}

void dataset_add_session(struct dataset *p, const Otlp__Metric *m)
{
    if (m->data_case == OTLP__METRIC__DATA_GAUGE &&
        strcmp(m->name, METRIC_BGP_AVAILABILITY) == 0)
        for (size_t i = 0; i < m->gauge->n_data_points; i++)
            add_availability(p, m->gauge->data_points[i]);
    if (m->data_case == OTLP__METRIC__DATA_SUM && strcmp(m->name, METRIC_BGP_FLAPS) == 0)
        for (size_t i = 0; i < m->sum->n_data_points; i++)
            add_flaps(p, m->sum->data_points[i],
                      m->sum->aggregation_temporality ==
                          OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA);
}

static struct dataset_prefix *prefix_of(struct dataset *p, const char *prefix)
{
    for (size_t i = 0; i < p->n_prefixes; i++)
        if (strcmp(p->prefixes[i].prefix, prefix) == 0)
            return &p->prefixes[i];
    if (p->n_prefixes == DATASET_PREFIXES_MAX) {
        p->left_out++;
        return NULL;
    }
    p->prefixes =
        mem_grow(p->prefixes, &p->prefixes_room, p->n_prefixes + 1, sizeof *p->prefixes);
    struct dataset_prefix *x = &p->prefixes[p->n_prefixes++];
    *x = (struct dataset_prefix){.from_start = true};
    text_copy(x->prefix, sizeof x->prefix, prefix);
    return x;
}

void dataset_add_prefix(struct dataset *p, const Otlp__NumberDataPoint *point)
{
    char prefix[DATASET_WORD_MAX], state[sizeof p->prefixes->state];
    struct decoded a = attributes_of(point);
    double origin = decoded_number(point);
    if (!dataset_in_period(p, point->time_unix_nano) ||
        dataset_text(prefix, sizeof prefix, a, ATTR_PREFIX)[0] == '\0' ||
        dataset_text(state, sizeof state, a, ATTR_ORIGIN_VALIDATION)[0] == '\0')
        return;
    struct dataset_prefix *x = prefix_of(p, prefix);
    int64_t time_ns = (int64_t)point->time_unix_nano;
    if (x == NULL || time_ns <= x->time_ns)
        return;
    dataset_text(x->service, sizeof x->service, a, ATTR_SERVICE);
    if (strcmp(x->state, state) != 0) {
        x->from_start = x->state[0] == '\0';
        x->since_ns = time_ns;
        text_copy(x->state, sizeof x->state, state);
    }
    x->time_ns = time_ns;
    x->origin_as = origin >= 0 && origin <= UINT32_MAX ? (uint32_t)origin : 0;
}

int64_t dataset_session_known(const struct dataset_session *s, int64_t *down_ns)
{
    int64_t known_ns = 0;
    *down_ns = 0;
    for (size_t i = 0; i < s->n; i++) {
        int64_t ns = s->windows[i].end_ns - s->windows[i].start_ns;
        known_ns += ns;
        *down_ns += (int64_t)((double)ns * (1 - s->windows[i].up));
    }
    return known_ns;
}
