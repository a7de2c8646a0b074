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

/* The window `age` windows before the newest; `sent` is 0 where there is none. */
static struct window_stats window_of(const struct recent *e, size_t age)
{
    size_t i = (e->at + RECENT_WINDOWS - age) % RECENT_WINDOWS;
    if (age >= RECENT_WINDOWS)
        return (struct window_stats){0};
    return (struct window_stats){e->sent[i], e->lost[i], e->answered[i], e->min_ns[i]};
}

void recent_add(struct recent *e, const struct summary *summary, size_t distance)
{
    if (summary->sent == 0)
        return;
    struct window_stats newest = {0};
    struct window_stats seen = {
        .sent = (uint32_t)summary->sent,
        .lost = (uint32_t)outcomes_lost(summary->outcomes),
        .answered = (uint32_t)summary_answered(summary),
        .min_ns = summary->delays[distance].min_ns,
    };
    if (e->closed)
        e->at = (uint8_t)((e->at + 1) % RECENT_WINDOWS);
    else
        newest = window_of(e, 0);
    e->closed = false;
    add(&newest, &seen);
    e->sent[e->at] = newest.sent;
    e->lost[e->at] = newest.lost;
    e->answered[e->at] = newest.answered;
    e->min_ns[e->at] = newest.min_ns;
}

void recent_close(struct recent *e)
{
    e->closed = true;
}

static bool mostly_lost(struct window_stats w)
{
    return w.lost > w.answered;
}

/* Number of the newest windows whose loss counts: without an outage in the oldest windows
 * and the window in which it ended. The newest one always counts. */
static size_t windows_since_outage(const struct recent *e)
{
    size_t all = 1;
    while (window_of(e, all).sent > 0)
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
        struct window_stats seen = window_of(e, age);
        if (seen.sent == 0)
            continue;
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
