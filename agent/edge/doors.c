#include "edge/doors.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/result.h"

#include <stdlib.h>
#include <string.h>

/*
 * A door whose first handshake is at most MAY_BE_NEAREST may be the nearest: it gets
 * SAMPLES_FEW in all. Where their least is at most IS_NEAR, SAMPLES; and SAMPLES_CLOSE if
 * it is as near as the nearest but for noise. The first margin covers a handshake behind a
 * download on the uplink. In 200,000 random worlds (test/sim/test_doors.c) the nearest
 * door is then measured in all but 1; with 12 for all, and a margin of 20 ms, in all but
 * 27.
 */
#define SAMPLES_FEW                 3
#define SAMPLES                     12
#define SAMPLES_CLOSE               24
#define MAY_BE_NEAREST(shortest_ns) ((shortest_ns)*5 / 4 + 30 * NS_PER_MS)
#define IS_NEAR(shortest_ns)        ((shortest_ns)*5 / 4 + 10 * NS_PER_MS)
#define IS_CLOSE(shortest_ns)       ((shortest_ns)*21 / 20 + 2 * NS_PER_MS)

/* So many handshakes without an answer: the door does not answer. */
#define LOSSES_MAX 4

enum door_lookup { LOOKUP_DUE, LOOKUP_UNDER_WAY, LOOKUP_DONE, LOOKUP_FAILED };

struct door_state {  /* of a door, in the sweep */
    size_t workload; /* its number */
    enum door_lookup lookup[2];
    bool shaking;
    int64_t kept_ns; /* of what is measured again after doors_resume(), else undefined */
    uint8_t samples, losses;
    size_t same_as; /* the first door with this address: it is measured; else itself */
};

struct doors {
    struct door *all;
    struct door_state *states;
    size_t n, room, states_room;
    size_t workloads;
    int64_t shortest_ns[WORKLOADS_MAX]; /* handshake of each workload's doors */
    bool families[2], routes[2];
    size_t slot; /* of the family of the handshakes */
    int64_t gap_ns;
    bool sweeping;
    size_t lookups, handshakes;  /* under way */
    size_t answered, unanswered; /* lookups of this sweep */
    struct mono lookup_at, handshake_at;
};

/* ---- names ---- */

static void add_door(struct doors *d, const struct workload *w, const struct metro *m,
                     bool known)
{
    struct door door = {
        .workload = w, .metro = m, .known = known, .rtt_ns = DELAY_UNDEFINED};
    char host[HOST_TEXT_MAX];
    workload_door(host, w, m->code);
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->all[i].host, host) == 0)
            return;
    d->all = mem_grow(d->all, &d->room, d->n + 1, sizeof *d->all);
    d->states = mem_grow(d->states, &d->states_room, d->n + 1, sizeof *d->states);
    door.host = intern(host);
    d->states[d->n] = (struct door_state){.workload = d->workloads, .same_as = d->n};
    d->all[d->n++] = door;
}

static bool has_exchange_code(const struct catalogue *c, const struct metro *m)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->metros[i].family == POP_EXCHANGE && catalogue_same_metro(&c->metros[i], m))
            return true;
    return false;
}

/* Codes of Exchange are known names. Where a metro has none, a name is made of its Front
 * Door codes of three letters, as zones are airports. */
static void add_doors(struct doors *d, const struct catalogue *c,
                      const struct workload *w)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->metros[i].family == POP_EXCHANGE && strlen(c->metros[i].code) == 3)
            add_door(d, w, &c->metros[i], true);
    for (size_t i = 0; i < c->n; i++)
        if (c->metros[i].family == POP_FRONT_DOOR && strlen(c->metros[i].code) == 3 &&
            !has_exchange_code(c, &c->metros[i]))
            add_door(d, w, &c->metros[i], false);
}

struct doors *doors_create(const struct catalogue *metros,
                           const struct workloads *workloads, bool ipv4, bool ipv6,
                           int64_t gap_ns)
{
    struct doors *d = mem_zalloc(sizeof *d);
    d->families[0] = ipv4;
    d->families[1] = ipv6;
    d->routes[0] = d->routes[1] = true;
    d->gap_ns = gap_ns;
    for (size_t w = 0; w < workloads->n; w++) {
        if (workloads->all[w].by_metro[0] == '\0')
            continue;
        add_doors(d, metros, &workloads->all[w]);
        d->workloads++;
    }
    return d;
}

void doors_destroy(struct doors *d)
{
    if (d == NULL)
        return;
    free(d->all);
    free(d->states);
    free(d);
}

size_t doors_count(const struct doors *d)
{
    return d->n;
}

const struct door *doors_at(const struct doors *d, size_t i)
{
    return &d->all[i];
}

size_t doors_workloads(const struct doors *d)
{
    return d->workloads;
}

/* ---- a sweep ---- */

static size_t wanted_slot(const struct doors *d)
{
    if (!d->families[SLOT_IPV4] || !d->families[SLOT_IPV6])
        return d->families[SLOT_IPV6] ? SLOT_IPV6 : SLOT_IPV4;
    if (!d->routes[SLOT_IPV4] && !d->routes[SLOT_IPV6])
        return d->slot;
    return d->routes[SLOT_IPV4] ? SLOT_IPV4 : SLOT_IPV6;
}

bool doors_set_routes(struct doors *d, bool ipv4, bool ipv6)
{
    d->routes[SLOT_IPV4] = ipv4;
    d->routes[SLOT_IPV6] = ipv6;
    return wanted_slot(d) != d->slot;
}

void doors_begin(struct doors *d, struct mono now)
{
    d->sweeping = true;
    d->slot = wanted_slot(d);
    d->lookup_at = d->handshake_at = now;
    d->lookups = d->handshakes = d->answered = d->unanswered = 0;
    for (size_t w = 0; w < d->workloads; w++)
        d->shortest_ns[w] = DELAY_UNDEFINED;
    for (size_t i = 0; i < d->n; i++) {
        d->all[i].rtt_ns = DELAY_UNDEFINED;
        d->states[i] = (struct door_state){
            .workload = d->states[i].workload, .kept_ns = DELAY_UNDEFINED, .same_as = i};
        for (size_t f = 0; f < 2; f++)
            d->states[i].lookup[f] = d->families[f] ? LOOKUP_DUE : LOOKUP_DONE;
    }
}

void doors_forget(struct doors *d)
{
    for (size_t i = 0; i < d->n; i++) {
        struct door *door = &d->all[i];
        door->to[0] = door->to[1] = (struct endpoint){.family = FAMILY_NONE};
        door->served = door->rejected = false;
        door->rtt_ns = DELAY_UNDEFINED;
    }
}

static bool is_resolved(const struct door_state *s)
{
    return s->lookup[0] >= LOOKUP_DONE && s->lookup[1] >= LOOKUP_DONE;
}

/* The address for the handshake. */
static const struct endpoint *address_of(const struct doors *d, size_t i)
{
    return &d->all[i].to[d->slot];
}

/* Handshakes that the door gets in all; one shows how far it is. */
static size_t samples_of(const struct doors *d, size_t i)
{
    int64_t least_ns = d->all[i].rtt_ns;
    int64_t shortest_ns = d->shortest_ns[d->states[i].workload];
    if (least_ns == DELAY_UNDEFINED || least_ns > MAY_BE_NEAREST(shortest_ns))
        return 1;
    return least_ns <= IS_CLOSE(shortest_ns)  ? SAMPLES_CLOSE
           : least_ns <= IS_NEAR(shortest_ns) ? SAMPLES
                                              : SAMPLES_FEW;
}

static bool wants_handshake(const struct doors *d, size_t i)
{
    const struct door_state *s = &d->states[i];
    return is_resolved(s) && s->same_as == i && !s->shaking && s->losses < LOSSES_MAX &&
           address_of(d, i)->family != FAMILY_NONE && s->samples < samples_of(d, i);
}

/* The door for the next handshake: each one's first before any one's second. */
static size_t find_handshake(const struct doors *d)
{
    size_t found = d->n;
    for (size_t i = 0; i < d->n; i++)
        if ((found == d->n || d->states[i].samples < d->states[found].samples) &&
            wants_handshake(d, i))
            found = i;
    return found;
}

static bool find_lookup(const struct doors *d, size_t *door, size_t *family)
{
    for (*door = 0; *door < d->n; ++*door)
        for (*family = 0; *family < 2; ++*family)
            if (d->states[*door].lookup[*family] == LOOKUP_DUE)
                return true;
    return false;
}

static bool may_look_up(const struct doors *d)
{
    size_t most = d->answered > 0 ? DOORS_UNDER_WAY_MAX : DOORS_UNANSWERED_MAX;
    return d->lookups < most && !doors_unanswered(d);
}

bool doors_next(const struct doors *d, struct mono *at)
{
    size_t door, family;
    bool found = false;
    if (!d->sweeping)
        return false;
    if (may_look_up(d) && find_lookup(d, &door, &family)) {
        *at = d->lookup_at;
        found = true;
    }
    if (d->handshakes < DOORS_UNDER_WAY_MAX && find_handshake(d) < d->n &&
        (!found || d->handshake_at.ns < at->ns)) {
        *at = d->handshake_at;
        found = true;
    }
    return found;
}

bool doors_take(struct doors *d, struct mono now, struct doors_step *out)
{
    size_t door, family;
    if (!d->sweeping)
        return false;
    if (now.ns >= d->lookup_at.ns && may_look_up(d) && find_lookup(d, &door, &family)) {
        d->states[door].lookup[family] = LOOKUP_UNDER_WAY;
        d->lookups++;
        d->lookup_at.ns = now.ns + d->gap_ns;
        *out = (struct doors_step){.what = DOORS_LOOKUP,
                                   .door = door,
                                   .family = family == 0 ? FAMILY_IPV4 : FAMILY_IPV6};
        return true;
    }
    if (now.ns >= d->handshake_at.ns && d->handshakes < DOORS_UNDER_WAY_MAX &&
        (door = find_handshake(d)) < d->n) {
        d->states[door].shaking = true;
        d->handshakes++;
        d->handshake_at.ns = now.ns + d->gap_ns;
        *out = (struct doors_step){.what = DOORS_HANDSHAKE,
                                   .door = door,
                                   .family = address_of(d, door)->family,
                                   .to = *address_of(d, door)};
        return true;
    }
    return false;
}

/* A resolver that answers every name with one address of its own costs one handshake. */
static size_t first_with_address(const struct doors *d, size_t of)
{
    const struct endpoint *to = address_of(d, of);
    for (size_t i = 0; i < of && to->family != FAMILY_NONE; i++)
        if (is_resolved(&d->states[i]) && d->all[i].workload == d->all[of].workload &&
            endpoint_same_address(address_of(d, i), to))
            return i;
    return of;
}

void doors_answer(struct doors *d, size_t door, enum family family,
                  const struct endpoint *to, bool failed)
{
    struct door_state *s = &d->states[door];
    size_t f = family == FAMILY_IPV6;
    if (s->lookup[f] != LOOKUP_UNDER_WAY) /* of a sweep before this one */
        return;
    d->lookups--;
    d->answered += !failed;
    d->unanswered += failed;
    s->lookup[f] = failed ? LOOKUP_FAILED : LOOKUP_DONE;
    static const struct endpoint nowhere = {.family = FAMILY_NONE};
    d->all[door].to[f] = failed ? nowhere : *to;
    if (is_resolved(s))
        s->same_as = first_with_address(d, door);
}

void doors_handshake(struct doors *d, size_t door, int64_t rtt_ns)
{
    struct door_state *s = &d->states[door];
    int64_t *least_ns = &d->all[door].rtt_ns;
    int64_t *shortest_ns = &d->shortest_ns[s->workload];
    if (!s->shaking)
        return;
    s->shaking = false;
    d->handshakes--;
    if (rtt_ns == DELAY_UNDEFINED) {
        if (++s->losses == LOSSES_MAX && s->samples == 0)
            *least_ns = DELAY_UNDEFINED; /* a kept delay */
        return;
    }
    if (s->samples++ == 0 || rtt_ns < *least_ns)
        *least_ns = rtt_ns;
    if (*shortest_ns == DELAY_UNDEFINED || rtt_ns < *shortest_ns)
        *shortest_ns = rtt_ns;
}

bool doors_unanswered(const struct doors *d)
{
    return d->sweeping && d->answered == 0 && d->unanswered >= DOORS_UNANSWERED_MAX;
}

bool doors_answered(const struct doors *d)
{
    return d->answered > 0;
}

bool doors_swept(const struct doors *d)
{
    size_t door, family;
    return d->sweeping && d->lookups == 0 && d->handshakes == 0 &&
           !find_lookup(d, &door, &family) && find_handshake(d) == d->n;
}

bool doors_found(const struct doors *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->all[i].rtt_ns != DELAY_UNDEFINED)
            return true;
    return false;
}

void doors_set_served(struct doors *d, size_t door, bool served)
{
    d->all[door].served = served;
}

void doors_reject(struct doors *d, size_t door)
{
    d->all[door].rejected = true;
}

/* ---- across a restart ---- */

bool doors_keep(const struct doors *d, struct kept_doors *out)
{
    memcpy(out->families, d->families, sizeof out->families);
    for (size_t i = 0; i < d->n; i++) {
        const struct door *door = &d->all[i];
        const struct door_state *s = &d->states[i];
        if (s->lookup[0] != LOOKUP_DONE || s->lookup[1] != LOOKUP_DONE || door->rejected)
            continue;
        struct kept_door kept = {.to = {door->to[0], door->to[1]},
                                 .rtt_ns = door->rtt_ns};
        text_copy(kept.host, sizeof kept.host, door->host);
        kept_doors_add(out, &kept);
    }
    return doors_found(d);
}

static void resume_door(struct doors *d, const struct kept_door *kept)
{
    for (size_t i = 0; i < d->n; i++) {
        struct door *door = &d->all[i];
        int64_t *shortest_ns = &d->shortest_ns[d->states[i].workload];
        if (strcmp(door->host, kept->host) != 0)
            continue;
        memcpy(door->to, kept->to, sizeof door->to);
        if (address_of(d, i)->family != FAMILY_NONE)
            door->rtt_ns = kept->rtt_ns;
        d->states[i].lookup[0] = d->states[i].lookup[1] = LOOKUP_DONE;
        if (door->rtt_ns != DELAY_UNDEFINED &&
            (*shortest_ns == DELAY_UNDEFINED || door->rtt_ns < *shortest_ns))
            *shortest_ns = door->rtt_ns;
    }
}

bool doors_resume(struct doors *d, const struct kept_doors *kept, struct mono now)
{
    if (memcmp(d->families, kept->families, sizeof d->families) != 0)
        return false;
    doors_begin(d, now);
    for (size_t i = 0; i < kept->n; i++)
        resume_door(d, &kept->all[i]);
    for (size_t i = 0; i < d->n; i++) {
        struct door_state *s = &d->states[i];
        if (is_resolved(s))
            s->same_as = first_with_address(d, i);
        int64_t rtt_ns = d->all[i].rtt_ns;
        if (rtt_ns == DELAY_UNDEFINED)
            continue;
        if (rtt_ns <= MAY_BE_NEAREST(d->shortest_ns[s->workload]))
            s->kept_ns = rtt_ns;
        else
            s->samples = 1; /* none is due */
    }
    return true;
}

/* One handshake may come behind a download; a dozen are as exact as the kept ones. */
static bool is_another_delay(const struct door_state *s, int64_t rtt_ns)
{
    int64_t less_ns = rtt_ns < s->kept_ns ? rtt_ns : s->kept_ns;
    int64_t more_ns = rtt_ns < s->kept_ns ? s->kept_ns : rtt_ns;
    return more_ns > (s->samples >= SAMPLES ? less_ns * 6 / 5 + 3 * NS_PER_MS
                                            : MAY_BE_NEAREST(less_ns));
}

bool doors_contradict(const struct doors *d)
{
    bool any = false, awaited = false, answered = false;
    for (size_t i = 0; d->sweeping && i < d->n; i++) {
        const struct door_state *s = &d->states[i];
        if (s->kept_ns == DELAY_UNDEFINED || s->same_as != i)
            continue;
        any = true;
        awaited |= s->samples == 0 && s->losses < LOSSES_MAX;
        answered |= s->samples > 0;
        if (s->samples > 0 && is_another_delay(s, d->all[i].rtt_ns))
            return true;
    }
    return any && !awaited && !answered;
}

/* ---- what it found ---- */

static bool may_be_chosen(const struct doors *d, size_t i, const struct workload *w)
{
    const struct door *door = &d->all[i];
    return door->workload == w && door->rtt_ns != DELAY_UNDEFINED && !door->served &&
           !door->rejected;
}

static bool has_metro(const struct doors *d, const size_t *chosen, size_t n,
                      const struct metro *m)
{
    for (size_t i = 0; i < n; i++)
        if (catalogue_same_metro(d->all[chosen[i]].metro, m))
            return true;
    return false;
}

/* What the doors are ordered by. */
static double rank_of(const struct door *door, const struct position *around)
{
    return around != NULL ? distance_km(*around, door->metro->at) : (double)door->rtt_ns;
}

static size_t choose_of(const struct doors *d, const struct workload *w,
                        const struct position *around, size_t most, size_t *out)
{
    size_t n = 0;
    while (n < most) {
        size_t best = d->n;
        for (size_t i = 0; i < d->n; i++)
            if (may_be_chosen(d, i, w) && !has_metro(d, out, n, d->all[i].metro) &&
                (best == d->n ||
                 rank_of(&d->all[i], around) < rank_of(&d->all[best], around)))
                best = i;
        if (best == d->n)
            break;
        out[n++] = best;
    }
    return n;
}

size_t doors_choose(const struct doors *d, const struct position *around, size_t most,
                    size_t *out)
{
    size_t n = 0;
    const struct workload *last = NULL;
    for (size_t i = 0; i < d->n; i++) /* those of a workload stand together */
        if (d->all[i].workload != last) {
            last = d->all[i].workload;
            n += choose_of(d, last, around, most, &out[n]);
        }
    return n;
}

struct doors_summary doors_summary(const struct doors *d, const struct workload *w,
                                   struct position best, int64_t best_ns)
{
    struct doors_summary s = {.workload = w};
    for (size_t i = 0; i < d->n; i++) {
        const struct door *door = &d->all[i];
        const struct door_state *state = &d->states[i];
        if (door->workload != w)
            continue;
        bool failed =
            state->lookup[0] == LOOKUP_FAILED || state->lookup[1] == LOOKUP_FAILED;
        bool ended = is_resolved(state) && !failed;
        bool exists = address_of(d, i)->family != FAMILY_NONE;
        bool answers = d->all[state->same_as].rtt_ns != DELAY_UNDEFINED;
        s.names++;
        s.exist += exists;
        s.answering += exists && answers;
        bool unknown = !ended || (exists && !answers);
        s.left +=
            unknown && !door->served &&
            distance_rtt_bound_ns(distance_km(best, door->metro->at)) <= 2 * best_ns;
    }
    return s;
}

void doors_summary_text(struct text *out, const struct doors_summary *s)
{
    if (s->answering == 0) {
        text_add(out, "no front door answered; cannot tell whether one is nearer");
        return;
    }
    text_add(out, "nearest of %zu front door%s that answered; ", s->answering,
             s->answering == 1 ? "" : "s");
    if (s->left == 0)
        text_add(out, "no other could be nearer");
    else
        text_add(out, "%zu that did not answer could be nearer (by the speed of light)",
                 s->left);
}
