#include "core/recent.h"

static int64_t lower(int64_t a_ns, int64_t b_ns)
{
    if (a_ns == DELAY_UNDEFINED || b_ns == DELAY_UNDEFINED)
        return a_ns == DELAY_UNDEFINED ? b_ns : a_ns;
    return a_ns < b_ns ? a_ns : b_ns;
}

static void add(struct window_stats *to, const struct window_stats *from)
{
    to->min_ns = to->sent == 0 ? from->min_ns : lower(to->min_ns, from->min_ns);
    to->sent += from->sent;
    to->lost += from->lost;
    to->answered += from->answered;
}

void recent_add(struct recent *e, const struct summary *summary, size_t distance)
{
    if (summary->sent == 0)
        return;
    if (e->closed) {
        e->at = (uint8_t)((e->at + 1) % RECENT_WINDOWS);
        e->windows[e->at] = (struct window_stats){0};
        e->closed = false;
    }
    struct window_stats seen = {
        .sent = (uint32_t)summary->sent,
        .lost = (uint32_t)outcomes_lost(summary->outcomes),
        .answered = (uint32_t)summary_answered(summary),
        .min_ns = summary->delays[distance].min_ns,
    };
    add(&e->windows[e->at], &seen);
}

void recent_close(struct recent *e)
{
    e->closed = true;
}

/* The window `age` windows before the newest, or NULL. */
static const struct window_stats *window_of(const struct recent *e, size_t age)
{
    const struct window_stats *w =
        &e->windows[(e->at + RECENT_WINDOWS - age) % RECENT_WINDOWS];
    return age < RECENT_WINDOWS && w->sent > 0 ? w : NULL;
}

static bool mostly_lost(const struct window_stats *w)
{
    return w != NULL && w->lost > w->answered;
}

/* Number of the newest windows whose loss counts: without an outage in the oldest windows
 * and the window in which it ended. The newest one always counts. */
static size_t windows_since_outage(const struct recent *e)
{
    size_t all = 1;
    while (window_of(e, all) != NULL)
        all++;
    size_t n = all;
    while (n > 1 && mostly_lost(window_of(e, n - 1)))
        n--;
    return n < all && n > 1 ? n - 1 : n;
}

struct window_stats recent_sum(const struct recent *e)
{
    struct window_stats sum = {.min_ns = DELAY_UNDEFINED};
    size_t counting = windows_since_outage(e);
    for (size_t age = 0; age < RECENT_WINDOWS; age++) {
        const struct window_stats *w = window_of(e, age);
        if (w == NULL)
            continue;
        struct window_stats seen = *w;
        if (age >= counting)
            seen.sent = seen.lost = 0;
        add(&sum, &seen);
    }
    return sum;
}

struct candidate recent_candidate(const struct window_stats *streams, size_t n)
{
    struct window_stats all = {.min_ns = DELAY_UNDEFINED}, answering = all;
    for (size_t i = 0; i < n; i++) {
        if (streams[i].sent > 0)
            add(&all, &streams[i]);
        if (streams[i].answered > 0)
            add(&answering, &streams[i]);
    }
    const struct window_stats *s = answering.sent > 0 ? &answering : &all;
    return (struct candidate){
        .min_ns = all.min_ns,
        .sent = s->sent,
        .lost = s->lost,
    };
}
