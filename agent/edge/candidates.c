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

size_t candidates_by_metro(struct candidate_door *out, const struct catalogue *c,
                           const struct workload *w, struct position from, size_t metros)
{
    struct near_metro *near = mem_alloc(c->n * sizeof *near);
    size_t n_near = catalogue_nearest(c, from, near, c->n), n = 0, number = 0;
    for (size_t i = 0; i < n_near && number < metros; i++) {
        size_t added = add_doors(&out[n], c, w, near[i].metro, POP_EXCHANGE);
        if (added == 0)
            added = add_doors(&out[n], c, w, near[i].metro, POP_FRONT_DOOR);
        for (size_t end = n + added; n < end; n++) {
            out[n].metro_number = number;
            out[n].km = distance_km(from, out[n].metro->at);
        }
        number += added > 0;
    }
    free(near);
    return n;
}
