/*
 * Finds or adds the target, stream and series of a data point by its attributes.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <stdio.h>
#include <string.h>

const char *dataset_text(char *out, size_t room, struct decoded a, const char *key)
{
    return decoded_clean(out, room, decoded_text(a.list, a.n, key, ""), ' ');
}

struct dataset_target *dataset_target_of(struct dataset *p, struct decoded a)
{
    char name[TARGET_NAME_MAX], uplink[UPLINK_NAME_MAX];
    if (a.note->target != NULL)
        return a.note->target;
    if (dataset_text(name, sizeof name, a, ATTR_TARGET)[0] == '\0')
        return NULL;
    /* Over an uplink it is a target of its own: its delays are another path's. */
    if (dataset_text(uplink, sizeof uplink, a, ATTR_UPLINK)[0] != '\0') {
        size_t len = strlen(name);
        snprintf(name + len, sizeof name - len, " over %s", uplink);
    }
    for (size_t i = 0; i < p->n_targets; i++)
        if (strcmp(p->targets[i]->name, name) == 0)
            return a.note->target = p->targets[i];
    if (p->n_targets == DATASET_TARGETS_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_target *t = p->targets[p->n_targets++] = mem_zalloc(sizeof *t);
    text_copy(t->name, sizeof t->name, name);
    dataset_text(t->service, sizeof t->service, a, ATTR_SERVICE);
    dataset_text(t->host, sizeof t->host, a, ATTR_SERVER_ADDRESS);
    return a.note->target = t;
}

static struct dataset_stream *stream_of(struct dataset *p, struct dataset_target *t,
                                        struct decoded a)
{
    char kind[DATASET_WORD_MAX], family[DATASET_WORD_MAX];
    dataset_text(kind, sizeof kind, a, ATTR_PROBE_KIND);
    dataset_text(family, sizeof family, a, ATTR_NETWORK_TYPE);
    for (size_t i = 0; i < t->n_streams; i++)
        if (strcmp(t->streams[i].kind, kind) == 0 &&
            strcmp(t->streams[i].family, family) == 0)
            return &t->streams[i];
    if (t->n_streams == DATASET_STREAMS_MAX || kind[0] == '\0') {
        p->left_out++;
        return NULL;
    }
    struct dataset_stream *s = &t->streams[t->n_streams++];
    text_copy(s->kind, sizeof s->kind, kind);
    text_copy(s->family, sizeof s->family, family);
    return s;
}

static struct dataset_series *series_of(struct dataset *p, struct dataset_stream *s,
                                        struct decoded a)
{
    char pop[POP_TEXT_MAX], address[ADDRESS_TEXT_MAX];
    dataset_text(pop, sizeof pop, a, ATTR_POP);
    dataset_text(address, sizeof address, a, ATTR_PEER_ADDRESS);
    for (size_t i = 0; i < s->n_series; i++)
        if (strcmp(s->series[i]->pop, pop) == 0 &&
            strcmp(s->series[i]->address, address) == 0)
            return s->series[i];
    if (s->n_series == DATASET_SERIES_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_series *series = s->series[s->n_series++] = mem_zalloc(sizeof *series);
    text_copy(series->pop, sizeof series->pop, pop);
    text_copy(series->address, sizeof series->address, address);
    series->counters = mem_zalloc(sizeof *series->counters);
    return series;
}

bool dataset_lookup(struct dataset *p, struct decoded a, struct dataset_lookup *out)
{
    *out = (struct dataset_lookup){a.note->target, a.note->stream, a.note->series};
    if (out->series != NULL)
        return true;
    out->target = dataset_target_of(p, a);
    if (out->target != NULL)
        out->stream = stream_of(p, out->target, a);
    if (out->stream != NULL)
        out->series = series_of(p, out->stream, a);
    a.note->stream = out->stream;
    a.note->series = out->series;
    return out->series != NULL;
}

bool dataset_is_resolver(const struct dataset *p, const struct dataset_target *t)
{
    for (size_t s = 0; s < t->n_streams; s++) {
        size_t kind = kinds_find(p->kinds, t->streams[s].kind);
        if (kind == KIND_NONE || !p->kinds->list[kind]->of_resolver)
            return false;
    }
    return t->n_streams > 0;
}

size_t dataset_runs_until(const struct dataset *p, int64_t time_ns)
{
    size_t low = 0, high = p->n_runs;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->runs[middle] <= time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t dataset_run_end(const struct dataset *p, int64_t time_ns)
{
    size_t next = dataset_runs_until(p, time_ns);
    return next < p->n_runs && p->runs[next] < p->until_ns ? p->runs[next] : p->until_ns;
}
