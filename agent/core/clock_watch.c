#include "core/clock_watch.h"

#include "base/text.h"
#include "core/event_names.h"

#include <stdlib.h>
#include <string.h>

/* A Date has whole seconds. */
#define LIMIT_NS (CLOCK_WRONG_NS + NS_PER_S)

static void take_off(struct clock_watch *w, size_t i)
{
    w->n--;
    memmove(&w->dates[i], &w->dates[i + 1], (w->n - i) * sizeof *w->dates);
}

void clock_watch_date(struct clock_watch *w, const char *server, int64_t ahead_ns)
{
    if (w->n > 0 && w->dates[w->n - 1].ahead_ns == ahead_ns)
        return;
    w->came++;
    while (w->n > 0 && w->came - w->dates[0].number > CLOCK_DATES_MEMORY)
        take_off(w, 0);
    size_t its = 0, oldest = 0;
    for (size_t i = w->n; i-- > 0;)
        if (strcmp(w->dates[i].server, server) == 0 && ++its == CLOCK_DATES_OF_ONE)
            oldest = i;
    if (its == CLOCK_DATES_OF_ONE || w->n == CLOCK_DATES)
        take_off(w, oldest);
    struct clock_date *d = &w->dates[w->n++];
    text_copy(d->server, sizeof d->server, server);
    d->ahead_ns = ahead_ns;
    d->number = w->came;
}

/* The Dates wrong in the direction of `behind_ns` are not all of one server. */
static bool several_say(const struct clock_watch *w, int64_t behind_ns)
{
    const char *first = NULL;
    for (size_t i = 0; i < w->n; i++) {
        int64_t ahead_ns = w->dates[i].ahead_ns;
        if (behind_ns > 0 ? ahead_ns <= LIMIT_NS : ahead_ns >= -LIMIT_NS)
            continue;
        if (first != NULL && strcmp(first, w->dates[i].server) != 0)
            return true;
        first = w->dates[i].server;
    }
    return false;
}

int64_t clock_watch_behind_ns(const struct clock_watch *w)
{
    int64_t sorted[CLOCK_DATES];
    size_t n = w->n;
    if (n < CLOCK_DATES_LEAST)
        return 0;
    for (size_t i = 0; i < n; i++)
        sorted[i] = w->dates[i].ahead_ns;
    qsort(sorted, n, sizeof *sorted, ns_compare);
    int64_t behind_ns = sorted[n / 2] > LIMIT_NS    ? sorted[n / 2]
                        : sorted[n - 1] < -LIMIT_NS ? sorted[n - 1]
                                                    : 0;
    return several_say(w, behind_ns) ? behind_ns : 0;
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
    event_change(e, before ? "wrong" : "right", w->wrong ? "wrong" : "right");
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
