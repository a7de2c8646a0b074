#include "daemon/load_watch.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/clock.h"
#include "otlp/names.h"
#include "probe/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load_watch {
    struct load_curve curve;
    char interface[INTERFACE_NAME_MAX];
    uint64_t bytes[RATE_DIRECTIONS]; /* as last read, ... */
    struct mono read_at;             /* ... then; 0: not yet */
    struct self_label labels[LOAD_ROWS_MAX][3];
    char shares[LOAD_BINS][8]; /* "0.9" */
};

struct load_watch *load_watch_create(const struct config *config)
{
    struct load_watch *w = mem_zalloc(sizeof *w);
    double rates[LOAD_DIRECTIONS] = {(double)config->line_rate_down * 1e6 / 8,
                                     (double)config->line_rate_up * 1e6 / 8};
    load_curve_begin(&w->curve, rates);
    for (int i = 0; i < LOAD_BINS; i++)
        snprintf(w->shares[i], sizeof w->shares[i], "0.%d", i);
    return w;
}

void load_watch_destroy(struct load_watch *w)
{
    free(w);
}

void load_watch_result(struct load_watch *w, const struct target *target,
                       const struct result *result)
{
    bool round_trip = false;
    const struct kinds *kinds = probe_kind_words();
    for (size_t k = 0; k < kinds->n; k++)
        round_trip |= target->kinds[k] && (kinds->list[k]->roles[0] == DELAY_ROUND_TRIP ||
                                           kinds->list[k]->roles[0] == DELAY_HANDSHAKE);
    if (!target->gateway && round_trip)
        load_curve_delay(&w->curve, target, result, mono_now());
}

static const struct interface_traffic *find(const struct interfaces *all,
                                            const char *name)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->list[i]->name, name) == 0 && all->list[i]->present)
            return all->list[i];
    return NULL;
}

void load_watch_second(struct load_watch *w, const struct measurer *m,
                       const struct interfaces *all)
{
    char name[INTERFACE_NAME_MAX];
    double rates[LOAD_DIRECTIONS];
    if (!measurer_uplink(m, name))
        return;
    const struct interface_traffic *i = find(all, name);
    bool same = strcmp(name, w->interface) == 0;
    if (!same && w->interface[0] != '\0')
        load_curve_forget(&w->curve);
    text_copy(w->interface, sizeof w->interface, name);
    if (i == NULL || i->last_at.ns == w->read_at.ns)
        return;
    int64_t ns = i->last_at.ns - w->read_at.ns;
    bool known = same && w->read_at.ns != 0 && ns < 3 * NS_PER_S;
    for (size_t d = 0; d < RATE_DIRECTIONS; d++) {
        uint64_t total = i->ways[d].total.bytes;
        rates[d] = (double)(total - w->bytes[d]) * 1e9 / (double)ns;
        known &= total >= w->bytes[d];
        w->bytes[d] = total;
    }
    w->read_at = i->last_at;
    if (known)
        load_curve_second(&w->curve, rates, mono_now());
}

size_t load_watch_window(struct load_watch *w, struct wall at, struct events *events,
                         struct self_value values[LOAD_ROWS_MAX])
{
    size_t n = 0;
    load_curve_window(&w->curve, w->interface, at, events);
    for (size_t d = 0; d < LOAD_DIRECTIONS; d++)
        for (size_t i = 0; i < LOAD_BINS; i++) {
            int64_t rise_ns = load_bin_median_ns(&w->curve.ways[d].bins[i]);
            struct self_label *labels = w->labels[n];
            if (rise_ns == DELAY_UNDEFINED)
                continue;
            labels[0] = (struct self_label){ATTR_INTERFACE_NAME, w->interface};
            labels[1] = (struct self_label){ATTR_IO_DIRECTION,
                                            rate_direction_name((enum rate_direction)d)};
            labels[2] = (struct self_label){ATTR_UPLINK_LOAD, w->shares[i]};
            values[n++] = (struct self_value){
                .name = METRIC_UPLINK_LOAD_RISE,
                .unit = "s",
                .description = "Median rise of round trips above their lowest, by the "
                               "utilization of the uplink",
                .value = (double)rise_ns / 1e9,
                .labels = labels,
                .n_labels = 3};
        }
    return n;
}

void load_watch_text(const struct load_watch *w, struct text *out)
{
    if (w->interface[0] != '\0')
        load_curve_text(&w->curve, w->interface, out);
}
