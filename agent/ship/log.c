#include "ship/log.h"

#include "base/log.h"
#include "base/text.h"
#include "net/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_news(struct ship_log *log, enum signal signal, const struct verdict *v)
{
    struct ship_log_signal *s = &log->of[signal];
    bool accepted = v->kind == VERDICT_ACCEPTED;
    const char *why = accepted ? "" : v->why;
    int status = accepted ? 0 : v->status;
    bool changed = !s->begun || s->state != v->kind || s->status != status;
    bool reworded = strcmp(s->why, why) != 0;
    if (changed)
        s->wordings = 1;
    else if (reworded)
        s->wordings++;
    s->begun = true;
    s->state = v->kind;
    s->status = status;
    text_copy(s->why, sizeof s->why, why);
    log->last_answer = wall_now();
    log->signal = signal;
    s->step = v->step != NULL ? v->step : "";
    if (accepted)
        log->accepted = log->last_answer;
    return changed || (reworded && s->wordings <= SHIP_LOG_WORDINGS);
}

/* " again, after 12 refused batches of ... to ..." */
static const char *what_was(char *out, size_t room, struct ship_log_signal *s, bool first)
{
    char from[WALL_TEXT_MAX], to[WALL_TEXT_MAX];
    out[0] = '\0';
    if (s->refused == 1)
        snprintf(out, room, " again, after a refused batch of %s",
                 wall_text(from, s->refused_from));
    else if (s->refused > 0)
        snprintf(out, room, " again, after %" PRIu64 " refused batches of %s to %s",
                 s->refused, wall_text(from, s->refused_from),
                 wall_text(to, s->refused_to));
    else if (!first)
        text_copy(out, room, " again");
    s->refused = 0;
    return out;
}

void ship_log_accepted(struct ship_log *log, enum signal signal, const char *host,
                       const struct verdict *v, uint64_t waiting)
{
    struct ship_log_signal *s = &log->of[signal];
    char was[128];
    bool first = !s->begun;
    if (is_news(log, signal, v))
        log_info("shipper", "export of %s to %s works%s, %" PRIu64 " batches waiting",
                 signal_name(signal), host, what_was(was, sizeof was, s, first), waiting);
    if (v->rejected_points > 0 && s->rejected == 0)
        log_warn("shipper",
                 "export to %s: %" PRId64 " %s were not taken: %s; see the collector's "
                 "log",
                 host, v->rejected_points,
                 signal == SIGNAL_LOGS ? "log records" : "points", v->why);
    else if (v->why[0] != '\0')
        log_debug("shipper",
                  "export to %s: accepted, %" PRId64 " points not taken; it says: %s",
                  host, v->rejected_points, v->why);
    s->rejected = v->rejected_points;
    text_copy(s->reason, sizeof s->reason, v->why);
}

void ship_log_refused(struct ship_log *log, enum signal signal, const char *host,
                      const struct verdict *v, struct wall batch, uint64_t waiting)
{
    struct ship_log_signal *s = &log->of[signal];
    char time[WALL_TEXT_MAX];
    const char *form =
        "export to %s: the batch of %s of %s is refused: %s%s; set aside "
        "in bad/ (to send it again: edgelat(1)), %" PRIu64 " batches waiting";
    if (s->refused++ == 0)
        s->refused_from = batch;
    s->refused_to = batch;
    wall_text(time, batch);
    if (is_news(log, signal, v))
        log_warn("shipper", form, host, signal_name(signal), time, v->why, v->step,
                 waiting);
    else
        log_debug("shipper", form, host, signal_name(signal), time, v->why, v->step,
                  waiting);
}

void ship_log_failed(struct ship_log *log, enum signal signal, const char *host,
                     const struct verdict *v, const char *what_now, bool change,
                     uint64_t waiting)
{
    const char *form = "export to %s: %s%s; %s, %" PRIu64 " batches waiting";
    if (is_news(log, signal, v) || change)
        log_warn("shipper", form, host, v->why, v->step, what_now, waiting);
    else
        log_debug("shipper", form, host, v->why, v->step, what_now, waiting);
}
