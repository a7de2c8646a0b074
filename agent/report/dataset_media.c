/*
 * Adds the bursts like a call, which the agent reports as events, to the dataset.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NaN: absent, or not from 0 to `most`. */
static double number_of(const Otlp__LogRecord *r, const char *key, double most)
{
    for (size_t i = 0; i < r->n_attributes; i++) {
        const Otlp__KeyValue *a = r->attributes[i];
        if (strcmp(a->key, key) != 0 || a->value == NULL)
            continue;
        double is = a->value->value_case == OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE
                        ? a->value->double_value
                    : a->value->value_case == OTLP__ANY_VALUE__VALUE_INT_VALUE
                        ? (double)a->value->int_value
                        : NAN;
        return is >= 0 && is <= most ? is : NAN;
    }
    return NAN;
}

static bool is_known(const struct dataset *p, const struct dataset_media *m)
{
    for (size_t i = p->n_media;
         i-- > 0;) /* a batch that is added twice is a recent one */
        if (p->media[i].time_ns == m->time_ns &&
            strcmp(p->media[i].target, m->target) == 0 &&
            strcmp(p->media[i].family, m->family) == 0)
            return true;
    return false;
}

void dataset_add_media(struct dataset *p, const struct dataset_event *e,
                       const Otlp__LogRecord *r)
{
    struct dataset_media m = {
        .time_ns = e->time_ns,
        .mos = number_of(r, ATTR_MEDIA_MOS, 5),
        .longest_burst = number_of(r, ATTR_MEDIA_BURST, MEDIA_PACKETS),
        .values = {[MEDIA_DELAY] = number_of(r, ATTR_MEDIA_RTT, 60),
                   [MEDIA_LOSS] = number_of(r, ATTR_MEDIA_LOSS, 1),
                   [MEDIA_BURST_LOSS] = number_of(r, ATTR_MEDIA_BURST_LOSS, 1),
                   [MEDIA_VARIATION] = number_of(r, ATTR_MEDIA_VARIATION, 60),
                   [MEDIA_REORDERING] = number_of(r, ATTR_MEDIA_REORDERING, 1)}};
    text_copy(m.target, sizeof m.target, e->target);
    text_copy(m.family, sizeof m.family, e->family);
    text_copy(m.text, sizeof m.text, e->text);
    while (m.verdict < MEDIA_OVER &&
           strcmp(media_verdict_names[m.verdict], e->after) != 0)
        m.verdict++;
    if (strcmp(media_verdict_names[m.verdict], e->after) != 0)
        m.verdict = MEDIA_NOT_JUDGED;
    if (p->n_media == DATASET_MEDIA_MAX) {
        p->left_out++;
        return;
    }
    if (is_known(p, &m))
        return;
    p->media = mem_grow(p->media, &p->media_room, p->n_media + 1, sizeof *p->media);
    p->media[p->n_media++] = m;
}

static int by_time(const void *a, const void *b)
{
    const struct dataset_media *x = a, *y = b;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void dataset_end_media(struct dataset *p)
{
    if (p->n_media > 0)
        qsort(p->media, p->n_media, sizeof *p->media, by_time);
}

struct media_count dataset_media_of(const struct dataset *p, const char *target)
{
    struct media_count n = {0};
    for (size_t i = 0; i < p->n_media; i++)
        if (strcmp(p->media[i].target, target) == 0) {
            n.all++;
            n.of[p->media[i].verdict]++;
        }
    return n;
}
