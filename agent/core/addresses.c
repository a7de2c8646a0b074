#include "core/addresses.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void addresses_free(struct addresses *a)
{
    free(a->list);
    *a = (struct addresses){0};
}

struct address *addresses_find(const struct addresses *a, const struct endpoint *to)
{
    for (size_t i = 0; i < a->n; i++)
        if (endpoint_same_address(&a->list[i].to, to))
            return &a->list[i];
    return NULL;
}

/* Whether DNS has not returned the silent address for long enough. */
static bool has_left(const struct address *x, struct mono now)
{
    return x->flap.state == STATE_DOWN && x->missing >= ADDRESS_LEFT_ANSWERS &&
           now.ns - x->left_at.ns >= ADDRESS_LEFT_NS;
}

static void put(struct addresses *to, const struct addresses *from,
                const struct known_address *known, struct mono now)
{
    const struct address *before = addresses_find(from, &known->to);
    struct address *x = &to->list[to->n];
    if (before == NULL && !known->current)
        return; /* it has left */
    *x = before != NULL ? *before : (struct address){.probed = false};
    x->to = known->to;
    x->current = known->current;
    if (x->current)
        x->missing = 0;
    else if (x->missing++ == 0)
        x->left_at = now;
    to->n += !has_left(x, now);
}

bool addresses_set(struct addresses *a, const struct known_address *list, size_t n,
                   const struct endpoint *used, struct mono now)
{
    struct addresses to = *a;
    const struct known_address self = {*used, true};
    bool moved = a->n > 0 && !endpoint_same_address(&a->list[a->used].to, used) &&
                 addresses_find(a, used) != NULL;
    n = n < ADDRESSES_MAX ? n : ADDRESSES_MAX;
    bool listed = false;
    for (size_t i = 0; i < n; i++)
        listed |= endpoint_same_address(&list[i].to, used);
    to.list = mem_zalloc((n + !listed) * sizeof *to.list);
    to.n = 0;
    for (size_t i = 0; i < n; i++)
        put(&to, a, &list[i], now);
    if (addresses_find(&to, used) == NULL) {
        to.n -= to.n == ADDRESSES_MAX;
        put(&to, a, &self, now);
    }
    to.used = (size_t)(addresses_find(&to, used) - to.list);
    free(a->list);
    *a = to;
    return moved;
}

void addresses_forget(struct addresses *a)
{
    for (size_t i = 0; i < a->n; i++) {
        struct address *x = &a->list[i];
        *x = (struct address){.to = x->to, .current = x->current};
    }
}

bool address_slots_take(struct address_slots *s, const struct endpoint *to,
                        struct mono now)
{
    size_t take = s->n;
    for (size_t i = s->n; i-- > 0;)
        if (now.ns - s->all[i].seen.ns > ADDRESS_SLOT_NS)
            take = i;
    for (size_t i = 0; i < s->n; i++)
        if (endpoint_same_address(&s->all[i].to, to))
            take = i;
    if (take == ADDRESSES_MAX)
        return false;
    if (take == s->n)
        s->all = mem_resize(s->all, ++s->n * sizeof *s->all);
    s->all[take] = (struct address_slot){*to, now};
    return true;
}

void address_slots_free(struct address_slots *s)
{
    free(s->all);
    *s = (struct address_slots){0};
}

/* ---- whose turn it is ---- */

/* It may be silent: a few more probes decide. Another kind raises the suspicion where this
 * one was never answered: the silence of ICMP alone does not count. */
static bool is_suspect(const struct address *x, size_t kind)
{
    const struct address_kind *k = &x->kinds[kind];
    bool failed = k->failed > 0;
    for (size_t i = 0; i < KINDS_MAX; i++)
        failed |= x->kinds[i].failed > 0 && k->answered.ns == 0;
    return failed && k->failed < 2 * ADDRESS_SILENT && x->flap.state != STATE_DOWN;
}

enum wanted { WANT_ANY, WANT_NEW, WANT_SUSPECT };

static bool is_wanted(const struct address *x, size_t kind, enum wanted what)
{
    return what == WANT_NEW       ? !x->probed
           : what == WANT_SUSPECT ? is_suspect(x, kind)
                                  : true;
}

/* The one of the others whose last probe of the kind is the oldest. */
static size_t oldest(const struct addresses *a, size_t kind, enum wanted what)
{
    size_t best = ADDRESS_NONE;
    for (size_t i = 0; i < a->n; i++)
        if (i != a->used && is_wanted(&a->list[i], kind, what) &&
            (best == ADDRESS_NONE ||
             a->list[i].kinds[kind].turn < a->list[best].kinds[kind].turn))
            best = i;
    return best;
}

static size_t take_other(struct addresses *a, size_t kind, bool survey)
{
    size_t unprobed = oldest(a, kind, WANT_NEW);
    size_t suspect = oldest(a, kind, WANT_SUSPECT);
    const struct address *used = &a->list[a->used];
    bool often = survey || suspect != ADDRESS_NONE || used->kinds[kind].failed > 0;
    if (!used->probed)
        return a->used;
    if (unprobed != ADDRESS_NONE)
        return unprobed;
    if (often ? a->last[kind] != a->used : a->turns[kind] % ADDRESS_TURN != 0)
        return a->used;
    return suspect != ADDRESS_NONE ? suspect : oldest(a, kind, WANT_ANY);
}

size_t addresses_take(struct addresses *a, size_t kind, bool survey)
{
    if (a->n < 2)
        return a->used;
    a->turns[kind]++;
    size_t i = take_other(a, kind, survey);
    a->last[kind] = (uint8_t)i;
    a->list[i].probed = true;
    a->list[i].kinds[kind].turn = ++a->turn;
    return i;
}

/* ---- evidence ---- */

static bool connects(enum outcome outcome)
{
    return outcome != OUTCOME_REFUSED && !outcome_is_lost(outcome);
}

/* `x` has answered a probe sent at `sent`: what others did not answer before then was not
 * an outage of the path. */
static void confirm(struct addresses *a, const struct address *x, size_t kind,
                    struct wall sent)
{
    for (size_t i = 0; i < a->n; i++) {
        struct address_kind *k = &a->list[i].kinds[kind];
        if (&a->list[i] == x || !k->unconfirmed || sent.ns < k->last.ns)
            continue;
        k->unconfirmed = false;
        if (k->confirmed++ == 0)
            k->since = k->last;
    }
}

void addresses_add(struct addresses *a, struct address *x, size_t kind,
                   const struct result *result, int64_t value_ns)
{
    struct address_kind *k = &x->kinds[kind];
    if (result->outcome == OUTCOME_NOT_MEASURED)
        return;
    if (value_ns != DELAY_UNDEFINED)
        x->values[x->n_values++ % ADDRESS_VALUES] = value_ns;
    if (connects(result->outcome)) {
        x->answered_in_window = true;
        k->failed = k->confirmed = 0;
        k->unconfirmed = false;
        if (result->time.ns > k->answered.ns)
            k->answered = result->time;
        confirm(a, x, kind, result->time);
        return;
    }
    if (result->time.ns < k->answered.ns)
        return; /* a loss is known later than the reply to the next probe */
    if (k->failed++ == 0)
        k->failing = result->time;
    k->last = result->time;
    k->unconfirmed = k->failed_in_window = true;
}

static size_t count_of(const struct address *x)
{
    return x->n_values < ADDRESS_VALUES ? x->n_values : ADDRESS_VALUES;
}

int64_t address_min(const struct address *x)
{
    int64_t min = DELAY_UNDEFINED;
    for (size_t i = 0; i < count_of(x); i++)
        if (min == DELAY_UNDEFINED || x->values[i] < min)
            min = x->values[i];
    return min;
}

int64_t address_median(const struct address *x)
{
    int64_t values[ADDRESS_VALUES];
    size_t n = count_of(x);
    if (n == 0)
        return DELAY_UNDEFINED;
    memcpy(values, x->values, n * sizeof *values);
    qsort(values, n, sizeof *values, ns_compare);
    return values[(n - 1) / 2];
}

/* ---- verdicts ---- */

static bool answers_since(const struct address *x, size_t kind, struct wall since)
{
    return x->kinds[kind].failed == 0 && x->kinds[kind].answered.ns > since.ns;
}

bool addresses_sibling_answers(const struct addresses *a, size_t i, size_t kind)
{
    const struct address_kind *k = &a->list[i].kinds[kind];
    for (size_t o = 0; k->failed > 0 && o < a->n; o++)
        if (o != i && a->list[o].current && answers_since(&a->list[o], kind, k->failing))
            return true;
    return false;
}

/* The first kind that the address does not answer while a sibling does. */
static size_t silent_kind(const struct addresses *a, size_t i,
                          const bool counts[KINDS_MAX])
{
    for (size_t k = 0; k < KINDS_MAX; k++)
        if (counts[k] && a->list[i].kinds[k].confirmed >= ADDRESS_SILENT &&
            addresses_sibling_answers(a, i, k))
            return k;
    return KIND_NONE;
}

uint32_t addresses_unanswered(const struct addresses *a, size_t i,
                              const bool counts[KINDS_MAX])
{
    uint32_t most = 0;
    for (size_t k = 0; k < KINDS_MAX; k++) {
        const struct address_kind *x = &a->list[i].kinds[k];
        if (counts[k] && x->answered.ns == 0 && x->failed > most &&
            addresses_sibling_answers(a, i, k))
            most = x->failed;
    }
    return most;
}

static int64_t distance(const struct address *x)
{
    int64_t ns = address_min(x);
    return ns != DELAY_UNDEFINED ? ns : INT64_MAX;
}

static bool is_nearer(const struct address *x, const struct address *than)
{
    int64_t a = distance(x), b = distance(than);
    return a < b && b - a > ADDRESS_NEARER_NS &&
           (double)(b - a) > ADDRESS_NEARER_RATIO * (double)b;
}

static bool all_are_probed(const struct addresses *a)
{
    for (size_t i = 0; i < a->n; i++) {
        bool known = a->list[i].n_values > 0;
        for (size_t k = 0; k < KINDS_MAX; k++)
            known |= a->list[i].kinds[k].failed > 0;
        if (a->list[i].current && !known)
            return false;
    }
    return true;
}

/* Whether a client that has the choice would take it. */
static bool is_usable(const struct address *x, const bool counts[KINDS_MAX])
{
    bool answered = false;
    for (size_t k = 0; k < KINDS_MAX; k++) {
        if (counts[k] && x->kinds[k].failed > 0)
            return false;
        answered |= x->kinds[k].answered.ns != 0;
    }
    return x->current && answered;
}

size_t addresses_prefer(const struct addresses *a, const bool counts[KINDS_MAX],
                        bool survey)
{
    if (a->n < 2)
        return ADDRESS_NONE;
    size_t best = ADDRESS_NONE, silent = silent_kind(a, a->used, counts);
    if (silent == KIND_NONE && !(survey && all_are_probed(a)))
        return ADDRESS_NONE;
    for (size_t i = 0; i < a->n; i++) {
        const struct address *x = &a->list[i];
        bool would = silent == KIND_NONE
                         ? is_nearer(x, &a->list[a->used])
                         : answers_since(x, silent, a->list[a->used].kinds[silent].since);
        if (i == a->used || !would || !is_usable(x, counts))
            continue;
        if (best == ADDRESS_NONE || distance(x) < distance(&a->list[best]))
            best = i;
    }
    return best;
}

struct flap_news addresses_window(struct addresses *a, size_t i,
                                  const bool counts[KINDS_MAX], struct mono now,
                                  size_t *kind)
{
    struct address *x = &a->list[i];
    *kind = a->n > 1 ? silent_kind(a, i, counts) : KIND_NONE;
    bool down = *kind != KIND_NONE;
    enum state observed = down && x->kinds[*kind].failed_in_window ? STATE_DOWN
                          : !down && x->answered_in_window         ? STATE_UP
                                                                   : STATE_UNKNOWN;
    x->answered_in_window = false;
    for (size_t k = 0; k < KINDS_MAX; k++)
        x->kinds[k].failed_in_window = false;
    return flap_window(&x->flap, observed, now);
}
