#include "core/clock_watch.h"

#include "core/event_names.h"

#include <stdlib.h>
#include <string.h>

/* A Date has whole seconds. */
#define LIMIT_NS (CLOCK_WRONG_NS + NS_PER_S)

void clock_watch_date(struct clock_watch *w, int64_t ahead_ns)
{
    if (w->n > 0 && w->dates_ns[(w->n - 1) % CLOCK_DATES] == ahead_ns)
        return;
    w->dates_ns[w->n++ % CLOCK_DATES] = ahead_ns;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int64_t clock_watch_behind_ns(const struct clock_watch *w)
{
    int64_t sorted[CLOCK_DATES];
    size_t n = w->n < CLOCK_DATES ? w->n : CLOCK_DATES;
    if (n < CLOCK_DATES_LEAST)
        return 0;
    memcpy(sorted, w->dates_ns, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[n / 2] > LIMIT_NS    ? sorted[n / 2]
           : sorted[n - 1] < -LIMIT_NS ? sorted[n - 1]
                                       : 0;
}

void clock_watch_window(struct clock_watch *w, struct wall at, struct events *events)
{
    int64_t behind_ns = clock_watch_behind_ns(w);
    bool before = w->wrong;
    w->wrong = behind_ns != 0;
    if (w->wrong == before)
        return;
    struct event *e = events_add(events, EVENT_CLOCK_CHANGED,
                                 w->wrong ? SEVERITY_WARN : SEVERITY_INFO, at, NULL);
    text_copy(e->before, sizeof e->before, before ? "wrong" : "right");
    text_copy(e->after, sizeof e->after, w->wrong ? "wrong" : "right");
    if (!w->wrong)
        event_say(e, "the clock of this host is right again");
    else
        event_say(
            e,
            "the clock of this host is %lld s %s, by the Date of HTTP replies; from "
            "300 s on sign-in fails (Kerberos, tokens); set it by NTP: timedatectl "
            "set-ntp true",
            llabs((long long)behind_ns) / NS_PER_S, behind_ns > 0 ? "behind" : "ahead");
}
