#include "core/regime.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *regime_current(const struct regime *r)
{
    return r->n_values > 0 ? r->values[0].text : "";
}

bool regime_suspects(const struct regime *r)
{
    return r->candidate > 0 && r->sum >= REGIME_SUSPICIOUS;
}

size_t regime_append(struct regime *r, const char *value)
{
    assert(r->n_values < REGIME_VALUES);
    r->values = mem_resize(r->values, (r->n_values + 1) * sizeof *r->values);
    struct regime_value *v = &r->values[r->n_values];
    *v = (struct regime_value){.n = 0};
    text_copy(v->text, sizeof v->text, value);
    return r->n_values++;
}

void regime_free(struct regime *r)
{
    free(r->values);
    *r = (struct regime){.n = 0};
}

/* The place of a value. A new one takes that of the rarest, if all are taken. */
static size_t place_of(struct regime *r, const char *text)
{
    size_t rarest = 0;
    for (size_t i = 0; i < r->n_values; i++) {
        const struct regime_value *v = &r->values[i];
        if (strcmp(v->text, text) == 0)
            return i;
        if (i > 0 && i != r->candidate && (rarest == 0 || v->n < r->values[rarest].n))
            rarest = i;
    }
    if (r->n_values < REGIME_VALUES)
        return regime_append(r, text);
    r->n -= r->values[rarest].n;
    r->values[rarest] = (struct regime_value){.n = 0};
    text_copy(r->values[rarest].text, sizeof r->values[rarest].text, text);
    return rarest;
}

static double share_of(const struct regime *r, size_t i)
{
    double all = 2.0 + r->n, share = (1.0 + r->values[i].n) / all;
    if (r->values[i].n > 0)
        share += 2 * sqrt(share * (1 - share) / all);
    return share;
}

/* Ends the candidate: what came meanwhile belongs to the values' shares. */
static void drop_candidate(struct regime *r)
{
    r->candidate = 0;
    for (size_t i = 0; i < r->n_values; i++) {
        r->values[i].n += r->values[i].since;
        r->n += r->values[i].since;
        r->values[i].since = 0;
    }
    if (r->n >= REGIME_MEMORY) {
        r->n = 0;
        for (size_t i = 0; i < r->n_values; i++)
            r->n += r->values[i].n = (r->values[i].n + 1) / 2;
    }
    uint32_t factor = r->learned ? 2 : 1;
    for (size_t i = 1; i < r->n_values; i++)
        if (r->values[i].n > factor * r->values[0].n &&
            (!r->learned || r->n >= REGIME_MEMORY / 2)) {
            struct regime_value first = r->values[0];
            r->values[0] = r->values[i];
            r->values[i] = first;
        }
    r->learned |= r->n >= REGIME_LEARN;
}

static void accept_candidate(struct regime *r)
{
    r->values[0] = r->values[r->candidate];
    r->n = r->values[0].n = r->values[0].since;
    r->values[0].since = 0;
    r->n_values = 1;
    r->candidate = 0;
}

enum regime_news regime_add(struct regime *r, const char *value, struct wall now,
                            char before[PATH_WORD_MAX])
{
    size_t i = place_of(r, value);
    r->values[i].since++;
    if (r->candidate == 0 && i > 0 && r->learned && share_of(r, i) <= REGIME_TESTABLE) {
        r->candidate = i;
        r->share = share_of(r, i);
        r->sum = 0;
        r->since = now;
    }
    if (r->candidate > 0)
        r->sum += i == r->candidate ? log(REGIME_SHARE / r->share)
                                    : log((1 - REGIME_SHARE) / (1 - r->share));
    if (r->candidate == 0 || r->sum <= 0) {
        drop_candidate(r);
        return REGIME_SAME;
    }
    if (r->sum < REGIME_LIMIT)
        return regime_suspects(r) ? REGIME_SUSPECT : REGIME_SAME;
    text_copy(before, PATH_WORD_MAX, regime_current(r));
    accept_candidate(r);
    return REGIME_CHANGED;
}
