#include "edge/path_delays.h"

static int64_t least(int64_t a, int64_t b)
{
    return a == DELAY_UNDEFINED ? b : b == DELAY_UNDEFINED || a < b ? a : b;
}

static struct path_mark mark_at(const struct path_sample *s, size_t hop)
{
    struct path_mark m = {s->hops[hop].min_ns, DELAY_UNDEFINED};
    for (size_t i = hop + 1; i < s->n; i++)
        m.behind_ns = least(m.behind_ns, s->hops[i].min_ns);
    return m;
}

static const struct path_mark unmarked = {DELAY_UNDEFINED, DELAY_UNDEFINED};

/* The last hop of the local network. It is not known if the next one is not. */
static struct path_mark local_mark(const struct path_sample *s)
{
    size_t last = s->n;
    for (size_t i = 0; i < s->n && s->hops[i].segment == SEGMENT_LOCAL; i++)
        last = i;
    bool next_known = last + 1 < s->n && s->hops[last + 1].segment != SEGMENT_UNKNOWN;
    return next_known ? mark_at(s, last) : unmarked;
}

void path_delays_add(struct path_delays *d, const struct path_sample *s)
{
    size_t at = d->n++ % PATH_DELAYS_TRACES;
    d->traces[at].local = local_mark(s);
    d->traces[at].entry = path_entry_is_exact(s) ? mark_at(s, s->first) : unmarked;
    d->traces[at].target_ns =
        s->end == PATH_REACHED && s->n > 0 ? s->hops[s->n - 1].min_ns : DELAY_UNDEFINED;
}

static size_t kept(const struct path_delays *d)
{
    return d->n < PATH_DELAYS_TRACES ? d->n : PATH_DELAYS_TRACES;
}

/* DELAY_UNDEFINED: there is none, or its router answers too slowly. */
static int64_t boundary(struct path_mark m)
{
    int64_t most_ns = (int64_t)((double)m.behind_ns * (1 + PATH_SLOW_RATIO));
    if (most_ns < m.behind_ns + PATH_SLOW_NS)
        most_ns = m.behind_ns + PATH_SLOW_NS;
    if (m.own_ns == DELAY_UNDEFINED || m.behind_ns == DELAY_UNDEFINED)
        return m.own_ns;
    return m.own_ns > most_ns ? DELAY_UNDEFINED : least(m.own_ns, m.behind_ns);
}

static void merge(struct path_mark *to, struct path_mark m)
{
    to->own_ns = least(to->own_ns, m.own_ns);
    to->behind_ns = least(to->behind_ns, m.behind_ns);
}

static int64_t between(int64_t from_ns, int64_t to_ns)
{
    if (from_ns == DELAY_UNDEFINED || to_ns == DELAY_UNDEFINED)
        return DELAY_UNDEFINED;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

void path_delays_segments(const struct path_delays *d, int64_t out[SEGMENTS])
{
    struct path_mark local = unmarked, entry = unmarked;
    int64_t target_ns = DELAY_UNDEFINED;
    for (size_t i = 0; i < kept(d); i++) {
        merge(&local, d->traces[i].local);
        merge(&entry, d->traces[i].entry);
        target_ns = least(target_ns, d->traces[i].target_ns);
    }
    int64_t local_ns = boundary(local), entry_ns = boundary(entry);
    out[SEGMENT_UNKNOWN] = DELAY_UNDEFINED;
    out[SEGMENT_LOCAL] = local_ns;
    out[SEGMENT_PROVIDER] = between(local_ns, entry_ns);
    out[SEGMENT_MICROSOFT] = between(entry_ns, target_ns);
}

int64_t path_delays_total(const struct path_delays *d)
{
    int64_t target_ns = DELAY_UNDEFINED, entry_ns = DELAY_UNDEFINED;
    for (size_t i = 0; i < kept(d); i++) {
        target_ns = least(target_ns, d->traces[i].target_ns);
        entry_ns = least(entry_ns, d->traces[i].entry.own_ns);
    }
    return target_ns != DELAY_UNDEFINED ? target_ns : entry_ns;
}
