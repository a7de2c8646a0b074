#include "edge/candidates.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Adds the names that are made of a metro's codes of that family. */
static size_t add_doors(struct candidate_door *out, const struct catalogue *c,
                        const struct workload *w, const struct metro *of,
                        enum pop_family family)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n && n < DOORS_A_METRO; i++) {
        const struct metro *m = &c->metros[i];
        if (m->family != family || strlen(m->code) != 3 || !catalogue_same_metro(m, of))
            continue;
        out[n] = (struct candidate_door){.metro = m};
        workload_door(out[n].host, w, m->code);
        text_copy(out[n].server_name, sizeof out[n].server_name, w->host);
        n++;
    }
    return n;
}

static bool has_code(const struct catalogue *c, const struct workload *w,
                     const struct metro *of, enum pop_family family)
{
    struct candidate_door doors[DOORS_A_METRO];
    return add_doors(doors, c, w, of, family) > 0;
}

/* Marks up to `most` of the metros that have a code of one of the two families, the
 * nearest first; how many. */
static size_t take(bool *taken, const struct near_metro *near, size_t n_near,
                   const struct catalogue *c, const struct workload *w, bool known_only,
                   size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < n_near && n < most; i++) {
        if (taken[i] || (!has_code(c, w, near[i].metro, POP_EXCHANGE) &&
                         (known_only || !has_code(c, w, near[i].metro, POP_FRONT_DOOR))))
            continue;
        taken[i] = true;
        n++;
    }
    return n;
}

size_t candidates_by_metro(struct candidate_door *out, const struct catalogue *c,
                           const struct workload *w, struct position from, size_t metros)
{
    struct near_metro *near = mem_alloc(c->n * sizeof *near);
    bool *taken = mem_zalloc((c->n + 1) * sizeof *taken);
    size_t n_near = catalogue_nearest(c, from, near, c->n), n = 0, number = 0;
    size_t known =
        take(taken, near, n_near, c, w, true, metros > 1 ? metros - 1 : metros);
    take(taken, near, n_near, c, w, false, metros - known);
    for (size_t i = 0; i < n_near; i++) {
        if (!taken[i])
            continue;
        size_t added = add_doors(&out[n], c, w, near[i].metro, POP_EXCHANGE);
        if (added == 0)
            added = add_doors(&out[n], c, w, near[i].metro, POP_FRONT_DOOR);
        for (size_t end = n + added; n < end; n++) {
            out[n].metro_number = number;
            out[n].km = distance_km(from, out[n].metro->at);
        }
        number++;
    }
    free(taken);
    free(near);
    return n;
}
