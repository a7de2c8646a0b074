/*
 * Where a point belongs by its attributes: a target, its stream, and the place of that.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/decoded.h"

#include <string.h>

const char *past_text(char *out, size_t room, struct decoded a, const char *key)
{
    return decoded_clean(out, room, decoded_text(a.list, a.n, key, ""), ' ');
}

struct past_target *past_target_of(struct past *p, struct decoded a)
{
    char name[TARGET_NAME_MAX];
    if (past_text(name, sizeof name, a, "edgelat.target")[0] == '\0')
        return NULL;
    for (size_t i = 0; i < p->n_targets; i++)
        if (strcmp(p->targets[i]->name, name) == 0)
            return p->targets[i];
    if (p->n_targets == PAST_TARGETS_MAX) {
        p->left_out++;
        return NULL;
    }
    struct past_target *t = p->targets[p->n_targets++] = mem_zalloc(sizeof *t);
    text_copy(t->name, sizeof t->name, name);
    past_text(t->service, sizeof t->service, a, "edgelat.service");
    past_text(t->host, sizeof t->host, a, "server.address");
    return t;
}

static struct stream *stream_of(struct past *p, struct past_target *t, struct decoded a)
{
    char kind[PAST_WORD_MAX], family[PAST_WORD_MAX];
    past_text(kind, sizeof kind, a, "edgelat.probe.kind");
    past_text(family, sizeof family, a, "network.type");
    for (size_t i = 0; i < t->n_streams; i++)
        if (strcmp(t->streams[i].kind, kind) == 0 &&
            strcmp(t->streams[i].family, family) == 0)
            return &t->streams[i];
    if (t->n_streams == PAST_STREAMS_MAX || kind[0] == '\0') {
        p->left_out++;
        return NULL;
    }
    struct stream *s = &t->streams[t->n_streams++];
    text_copy(s->kind, sizeof s->kind, kind);
    text_copy(s->family, sizeof s->family, family);
    return s;
}

static struct place *place_of(struct past *p, struct stream *s, struct decoded a)
{
    char pop[POP_TEXT_MAX], address[ADDRESS_TEXT_MAX];
    past_text(pop, sizeof pop, a, "edgelat.pop");
    past_text(address, sizeof address, a, "network.peer.address");
    for (size_t i = 0; i < s->n_places; i++)
        if (strcmp(s->places[i]->pop, pop) == 0 &&
            strcmp(s->places[i]->address, address) == 0)
            return s->places[i];
    if (s->n_places == PAST_PLACES_MAX) {
        p->left_out++;
        return NULL;
    }
    struct place *place = s->places[s->n_places++] = mem_zalloc(sizeof *place);
    text_copy(place->pop, sizeof place->pop, pop);
    text_copy(place->address, sizeof place->address, address);
    place->tally = mem_zalloc(sizeof *place->tally);
    return place;
}

bool past_find(struct past *p, struct decoded a, struct spot *out)
{
    *out = (struct spot){.target = past_target_of(p, a)};
    if (out->target != NULL)
        out->stream = stream_of(p, out->target, a);
    if (out->stream != NULL)
        out->place = place_of(p, out->stream, a);
    return out->place != NULL;
}
