/*
 * The beginning of the page: the verdict, what happened, and what is the case at the end.
 */
#include "core/event_names.h"
#include "core/time.h"
#include "edge/doors.h"
#include "otlp/names.h"
#include "report/html.h"
#include "report/page.h"
#include "report/story.h"

#include <string.h>

/* ---- what happened ---- */

static void add_interval(struct text *out, const struct page *p, int64_t start_ns,
                         int64_t end_ns)
{
    char duration[HTML_TIME_MAX], first[HTML_TIME_MAX], last[HTML_TIME_MAX];
    enum when how = page_when(p->dataset);
    enum when clock = how == WHEN_DAY ? WHEN_CLOCK : WHEN_SECOND;
    bool same_day = strcmp(html_clock(first, start_ns, WHEN_DATE),
                           html_clock(last, end_ns, WHEN_DATE)) == 0;
    html_time(out, start_ns, how);
    text_add(out, " to ");
    if (end_ns >= p->dataset->until_ns)
        text_add(out, "the end");
    else
        html_time(out, end_ns, same_day ? clock : how);
    text_add(out, " (%s)", html_duration(duration, end_ns - start_ns));
}

static void add_targets(struct text *out, const struct page *p, const struct happening *h)
{
    enum { NAMED_MAX = 4 };
    for (size_t i = 0; i < h->n_targets && i < NAMED_MAX; i++) {
        text_add(out, i > 0 ? ", " : "");
        html_escape(out, p->ratings[h->targets[i]].target->name);
    }
    if (h->n_targets > NAMED_MAX)
        text_add(out, " and %zu more", h->n_targets - NAMED_MAX);
}

static const char *family_label(enum family family)
{
    return family == FAMILY_IPV6 ? "IPv6" : "IPv4";
}

static double times_slower(const struct happening *h)
{
    return (double)h->p50_ns / (double)h->usual_ns;
}

static void add_incident(struct text *out, const struct incident *s)
{
    if (s->because == NULL) {
        text_add(out, s->down ? "no probe was answered"
                              : "down or degraded since before this period");
        return;
    }
    html_escape(out, s->because->text);
    text_add(out, " (");
    html_escape(out, s->because->kind);
    text_add(out, ", ");
    html_escape(out, s->because->family);
    int more = __builtin_popcount(s->streams) - 1;
    text_add(out, more > 0 ? " and %d more)" : ")", more);
}

static void add_explanation(struct text *out, const struct page *p,
                            const struct happening *h)
{
    switch (h->kind) {
    case HAPPENING_LINE:
        text_add(out, "no target answered; not charged to the targets");
        if (h->metre != NULL) {
            text_add(out, "; ");
            html_escape(out, h->metre->text);
        }
        break;
    case HAPPENING_FAMILY:
        text_add(out,
                 "no target answered over it, but over %s; not charged to the targets",
                 family_label(h->family == FAMILY_IPV6 ? FAMILY_IPV4 : FAMILY_IPV6));
        break;
    case HAPPENING_METRE:
        html_escape(out, h->metre->text);
        text_add(out, "; not charged to the targets");
        break;
    case HAPPENING_POP:
        text_add(out, "served by ");
        page_pop(out, p, h->pop);
        text_add(out, " instead of ");
        page_pop(out, p, h->usual_pop);
        text_add(out, ": median %.1f ms instead of %.1f ms, %.1f times the delay",
                 (double)h->p50_ns / 1e6, (double)h->usual_ns / 1e6, times_slower(h));
        break;
    case HAPPENING_SUBOPTIMAL:
        text_add(out, "not through the nearest front door: ");
        html_escape(out, h->event->text);
        break;
    case HAPPENING_MEDIA:
        text_add(out,
                 "over Microsoft's limits for media in %zu of %zu bursts; the worst: ",
                 h->times, h->bursts);
        html_escape(out, h->media->text);
        break;
    case HAPPENING_INCIDENT:
        add_incident(out, h->incident);
        break;
    }
}

/* "Far front door: ", by the name for scripts. */
static void add_title(struct text *out, enum fault fault)
{
    if (fault != FAULT_NONE)
        text_add(out, "<span data-finding=\"%s\">%s</span>: ", fault_name(fault),
                 fault_title(fault));
}

/* `titled`: with the title of its fault, if it has one. */
static void add_happening(struct text *out, const struct page *p,
                          const struct happening *h, bool titled)
{
    char all[HTML_TIME_MAX];
    text_add(out, "<li><strong>");
    if (h->kind == HAPPENING_LINE)
        text_add(out, "The site's line");
    else if (h->kind == HAPPENING_FAMILY)
        text_add(out, "%s", family_label(h->family));
    else if (h->kind == HAPPENING_METRE)
        text_add(out, "The site's own network");
    else
        add_targets(out, p, h);
    text_add(out, "</strong> ");
    if ((h->n_targets > 0 || h->kind == HAPPENING_METRE) && h->family != FAMILY_NONE)
        text_add(out, "(%s) ", family_label(h->family));
    add_interval(out, p, h->start_ns, h->end_ns);
    if (h->times > 1 && h->kind != HAPPENING_MEDIA)
        text_add(out, ", %zu times, %s in all", h->times,
                 html_duration(all, h->total_ns));
    text_add(out, ": ");
    if (titled)
        add_title(out, h->fault);
    add_explanation(out, p, h);
    text_add(out, "</li>\n");
}

/* The gap after covered interval `i`; false if it is no longer than two windows. */
static bool gap_after(const struct dataset *p, size_t i, struct interval *out)
{
    const struct intervals *covered = &p->covered;
    out->start_ns = covered->all[i].end_ns;
    out->end_ns = i + 1 < covered->n ? covered->all[i + 1].start_ns : p->until_ns;
    return out->end_ns - out->start_ns > 2 * p->window_ns;
}

static size_t count_gaps(const struct dataset *p)
{
    struct interval gap;
    size_t n = 0;
    for (size_t i = 0; i < p->covered.n; i++)
        n += gap_after(p, i, &gap);
    return n;
}

static void add_gaps(struct text *out, const struct page *p)
{
    enum { LISTED_MAX = 8 };
    struct interval gap;
    size_t n = 0;
    for (size_t i = 0; i < p->dataset->covered.n; i++) {
        if (!gap_after(p->dataset, i, &gap) || n++ >= LISTED_MAX)
            continue;
        text_add(out, "<li><strong>Nothing was measured</strong> ");
        add_interval(out, p, gap.start_ns, gap.end_ns);
        text_add(out, ": the agent was not running, or probing was stopped</li>\n");
    }
    if (n > LISTED_MAX)
        text_add(out, "<li>and %zu more gaps</li>\n", n - LISTED_MAX);
}

static void add_story(struct text *out, const struct page *p, const struct story *s)
{
    enum { LISTED_MAX = 15 };
    if (s->n == 0 && count_gaps(p->dataset) == 0)
        return;
    text_add(out, "<ul>\n");
    for (size_t i = 0; i < s->n && i < LISTED_MAX; i++)
        add_happening(out, p, &s->all[i],
                      i == 0 || s->all[i - 1].fault != s->all[i].fault);
    if (s->n > LISTED_MAX)
        text_add(out, "<li>and %zu more, listed with their targets</li>\n",
                 s->n - LISTED_MAX);
    add_gaps(out, p);
    text_add(out, "</ul>\n");
}

/* ---- what is the case at the end of the period ---- */

static bool is_own(const struct page *p, const char *target)
{
    for (size_t t = 0; t < p->n_own; t++)
        if (strcmp(p->ratings[t].target->name, target) == 0)
            return true;
    return false;
}

/* `name`: of the event, NULL: any. What concerns no target concerns this site; its last metre
 * is in the story. */
static bool is_open(const struct page *p, size_t i, enum event_leaves leaves,
                    const char *name)
{
    const struct dataset_open *open = &p->dataset->open[i];
    bool implicit = strcmp(open->event->name, EVENT_RESOLVER_FARTHER) == 0 ||
                    (open->event->target[0] == '\0' &&
                     strcmp(open->event->name, EVENT_LAST_METRE) != 0);
    return open->leaves == leaves && (implicit || is_own(p, open->event->target)) &&
           (name == NULL || strcmp(open->event->name, name) == 0);
}

static size_t count_open(const struct page *p, enum event_leaves leaves, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < p->dataset->n_open; i++)
        n += is_open(p, i, leaves, name);
    return n;
}

/* "<li><strong>exchange</strong> (ipv4) since 09:00: "; 0: since before this period. */
static void begin_open(struct text *out, const char *target, const char *family,
                       int64_t since_ns, enum fault fault)
{
    text_add(out, "<li><strong>");
    html_escape(out, target[0] != '\0' ? target : "This site");
    text_add(out, family[0] != '\0' ? "</strong> (" : "</strong>");
    html_escape(out, family);
    text_add(out, family[0] != '\0' ? ") since " : " since ");
    if (since_ns != 0)
        html_time(out, since_ns, WHEN_DAY);
    else
        text_add(out, "before this period");
    text_add(out, ": ");
    add_title(out, fault);
}

static void add_open(struct text *out, const struct page *p, enum event_leaves leaves,
                     const char *name, const char *heading)
{
    enum { LISTED_MAX = 15 };
    size_t n = 0, all = count_open(p, leaves, name);
    if (all == 0)
        return;
    text_add(out, "<p>%s</p>\n<ul>\n", heading);
    for (size_t i = 0; i < p->dataset->n_open && n < LISTED_MAX; i++) {
        const struct dataset_event *e = p->dataset->open[i].event;
        if (!is_open(p, i, leaves, name))
            continue;
        n++;
        begin_open(out, e->target, e->family, e->time_ns,
                   fault_of_event(e->name, e->after));
        html_escape(out, e->text);
        text_add(out, "</li>\n");
    }
    if (all > n)
        text_add(out, "<li>and %zu more, listed with their targets</li>\n", all - n);
    text_add(out, "</ul>\n");
}

/* Adds a line for each name, unless `out` is NULL; returns how many there are. */
static size_t add_silent_addresses(struct text *out, const struct page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_own; i++)
        for (size_t f = 0; f < 2; f++) {
            const struct dataset_target *t = p->ratings[i].target;
            const struct dataset_addresses *a = &t->addresses[f];
            if (a->silent == 0 || (int64_t)a->time_ns < t->last_seen_ns)
                continue;
            n++;
            if (out == NULL)
                continue;
            bool before = a->since_ns < p->dataset->since_ns + p->dataset->window_ns;
            begin_open(out, t->name, family_name(f == 0 ? FAMILY_IPV4 : FAMILY_IPV6),
                       before ? 0 : a->since_ns, FAULT_SERVICE_ADDRESS);
            text_add(out, "%llu of %llu addresses of ", (unsigned long long)a->silent,
                     (unsigned long long)a->all);
            html_escape(out, t->host);
            text_add(out, a->silent == 1 ? " does not answer" : " do not answer");
            for (size_t k = 0; k < a->n_listed; k++) {
                text_add(out, k == 0 ? ": " : ", ");
                html_escape(out, a->list[k]);
            }
            text_add(out, "</li>\n");
        }
    return n;
}

/* DNS servers that are not configured as targets. Adds a line for each incident, unless
 * `out` is NULL; returns how many there are. */
static size_t add_dns_incidents(struct text *out, const struct page *p)
{
    size_t n = 0;
    for (size_t t = p->n_own; t < p->dataset->n_targets; t++) {
        const struct rating *r = &p->ratings[t];
        for (size_t i = 0;
             i < r->n_incidents && dataset_is_resolver(p->dataset, r->target); i++) {
            enum fault fault = incident_fault(&r->incidents[i]);
            struct happening h = {.kind = HAPPENING_INCIDENT,
                                  .fault =
                                      fault == FAULT_SERVICE_DOWN   ? FAULT_RESOLVER_DEAD
                                      : fault == FAULT_SERVICE_LOSS ? FAULT_RESOLVER_LOSS
                                                                    : FAULT_RESOLVER_SLOW,
                                  .start_ns = r->incidents[i].start_ns,
                                  .end_ns = r->incidents[i].end_ns,
                                  .times = 1,
                                  .targets = &t,
                                  .n_targets = 1,
                                  .incident = &r->incidents[i]};
            n++;
            if (out != NULL)
                add_happening(out, p, &h, true);
        }
    }
    return n;
}

/* ---- the verdict ---- */

/* The times and the length of all happenings of a kind and family. */
struct total {
    size_t times;
    int64_t ns;
};

enum { ANY_FAMILY = -1 };

static struct total total_of(const struct story *s, enum happening_kind kind, int family)
{
    struct total sum = {0, 0};
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].kind == kind &&
            (family == ANY_FAMILY || (int)s->all[i].family == family)) {
            sum.times += s->all[i].times;
            sum.ns += s->all[i].total_ns;
        }
    return sum;
}

/* The happening of that kind that weighs most; NULL: none. `*others`: how many more. */
static const struct happening *worst_of(const struct story *s, enum happening_kind kind,
                                        size_t *others)
{
    const struct happening *worst = NULL;
    double most = -1;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct happening *h = &s->all[i];
        double extra_ns = kind == HAPPENING_POP ? (double)(h->p50_ns - h->usual_ns) : 1;
        double weight = (double)h->n_targets * (double)h->total_ns * extra_ns;
        if (h->kind != kind)
            continue;
        n++;
        worst = weight > most ? h : worst;
        most = weight > most ? weight : most;
    }
    *others = n > 0 ? n - 1 : 0;
    return worst;
}

/* "The site's line was down for 18 min"; the clauses are joined by "; ". */
static void add_sum(struct text *out, const char *what, struct total sum)
{
    char duration[HTML_TIME_MAX];
    if (sum.times == 0)
        return;
    text_add(out, "%s%s ", out->len > 0 ? "; " : "", what);
    if (sum.times > 1)
        text_add(out, "%zu times, %s in all", sum.times, html_duration(duration, sum.ns));
    else
        text_add(out, "for %s", html_duration(duration, sum.ns));
}

/* What the worst happening of a kind was: "served by Frankfurt (FRA)". */
static void add_what(struct text *out, const struct page *p, const struct happening *h)
{
    if (h->kind == HAPPENING_POP) {
        text_add(out, "served by ");
        page_pop(out, p, h->pop);
        text_add(out, " with %.1f times the delay", times_slower(h));
    } else if (h->kind == HAPPENING_SUBOPTIMAL) {
        text_add(out, "not served through the nearest front door");
    } else if (h->incident->because == NULL) {
        text_add(out, h->incident->down ? "down" : "down or degraded");
    } else if (h->incident->because->is.flaps) {
        text_add(out, "flapping");
    } else {
        html_escape(out, h->incident->because->after);
    }
}

static void add_worst(struct text *out, const struct page *p, const struct story *s,
                      enum happening_kind kind, const char *noun)
{
    char duration[HTML_TIME_MAX];
    size_t others;
    const struct happening *h = worst_of(s, kind, &others);
    if (h == NULL)
        return;
    text_add(out, out->len > 0 ? "; " : "");
    add_targets(out, p, h);
    text_add(out, h->n_targets > 1 ? " were " : " was ");
    add_what(out, p, h);
    text_add(out, " for %s", html_duration(duration, h->total_ns));
    if (others > 0)
        text_add(out, " (and %zu more %s%s)", others, noun, others > 1 ? "s" : "");
}

static void add_media(struct text *out, const struct page *p, const struct story *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct happening *h = &s->all[i];
        if (h->kind != HAPPENING_MEDIA)
            continue;
        text_add(out, out->len > 0 ? "; " : "");
        add_targets(out, p, h);
        text_add(out, " was over the limits for media in %zu of %zu bursts", h->times,
                 h->bursts);
    }
}

static void add_happened(struct text *out, const struct page *p, const struct story *s)
{
    add_sum(out, "The site's line was down", total_of(s, HAPPENING_LINE, FAMILY_NONE));
    add_sum(out, "IPv4 did not work", total_of(s, HAPPENING_FAMILY, FAMILY_IPV4));
    add_sum(out, "IPv6 did not work", total_of(s, HAPPENING_FAMILY, FAMILY_IPV6));
    add_sum(out, "The site's own network lost or delayed packets",
            total_of(s, HAPPENING_METRE, ANY_FAMILY));
    add_worst(out, p, s, HAPPENING_POP, "move");
    add_worst(out, p, s, HAPPENING_SUBOPTIMAL, "time");
    add_media(out, p, s);
    add_worst(out, p, s, HAPPENING_INCIDENT, "incident");
}

/* Lists "teams (icmp loss 0.53 %), ...": the targets over their limits for the period as
 * a whole. */
static void add_exceeded(struct text *out, const struct page *p)
{
    const char *comma = "";
    size_t n_lossy = 0;
    for (size_t i = 0; i < p->n_own; i++)
        n_lossy += p->ratings[i].lossy;
    for (size_t i = 0; i < p->n_own; i++) {
        const struct rating *r = &p->ratings[i];
        char loss[HTML_TIME_MAX];
        if (!r->slow && !r->lossy && !r->failing)
            continue;
        text_add(out, "%s", comma);
        add_title(out, r->failing ? FAULT_SERVICE_ERRORS
                       : r->lossy && 2 * n_lossy > p->n_own && n_lossy > 1
                           ? FAULT_PATH_LOSS
                       : r->lossy ? FAULT_SERVICE_LOSS
                                  : FAULT_SERVICE_SLOW);
        html_escape(out, r->target->name);
        text_add(out, " (");
        if (r->slow)
            text_add(out, "median %.1f ms", (double)r->p50_ns / 1e6);
        bool first = !r->slow;
        for (size_t k = 0; k < r->n_losses; k++) {
            const struct rating_loss *l = &r->losses[k];
            if (l->lossy || l->failing) {
                text_add(out, first ? "" : ", ");
                html_escape(out, l->kind);
                first = false;
            }
            if (l->lossy)
                text_add(out, " loss %s",
                         html_percent(loss, l->count.lost, l->count.sent));
            if (l->failing)
                text_add(out, "%s errors in %s", l->lossy ? "," : "",
                         html_percent(loss, l->errors, l->probes));
        }
        text_add(out, ")");
        comma = ", ";
    }
}

/* What is the case of such an event, as a clause; NULL: nothing. */
static const char *open_of(const struct page *p)
{
    static const struct {
        const char *name, *clause;
    } all[] = {
        {EVENT_UDP_BLOCKED, "UDP is blocked"},
        {EVENT_RESOLVER_FARTHER, "a DNS server leads farther than another one"},
        {EVENT_EDGE_SUBOPTIMAL, "not through the nearest front door"},
        {EVENT_CLOCK_CHANGED, "the clock of the host was wrong"},
        {EVENT_BLOAT_TRANSMIT, "delay grows with the load of the uplink"},
        {EVENT_BLOAT_RECEIVE, "delay grows with the load of the uplink"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (count_open(p, EVENT_LEAVES_FINDING, all[i].name) > 0)
            return all[i].clause;
    return NULL;
}

/* What is wrong although the limits are kept; NULL: nothing. */
static const char *but_of(const struct page *p)
{
    size_t others = 0;
    for (size_t i = 0; i < p->n_own; i++)
        others +=
            p->ratings[i].target->foreign || p->ratings[i].target->tls_by[0] != '\0';
    return others > 0 ? "not all was measured to Microsoft's edge"
           : page_routing_problems(NULL, p) > 0 ? "BGP had problems"
           : count_open(p, EVENT_LEAVES_FINDING, EVENT_PATH_BLACK_HOLE) > 0
               ? "large packets vanish"
           : add_dns_incidents(NULL, p) > 0    ? "a DNS server had problems"
           : open_of(p) != NULL                ? open_of(p)
           : add_silent_addresses(NULL, p) > 0 ? "not every address of a name answers"
                                               : NULL;
}

/* What happened, then the limits for the period as a whole. */
static void add_verdict(struct text *out, const struct page *p, const struct story *s)
{
    struct text happened = {0};
    const char *but = but_of(p);
    size_t beyond = 0;
    for (size_t i = 0; i < p->n_own; i++)
        beyond += p->ratings[i].slow || p->ratings[i].lossy || p->ratings[i].failing;
    bool fair = s->n > 0 || but != NULL;
    bool notes = count_open(p, EVENT_LEAVES_NOTE, NULL) > 0;
    add_happened(&happened, p, s);
    text_add(out, "<p class=\"verdict %s\">%s%s",
             beyond > 0 ? "bad"
             : fair     ? "fair"
                        : "good",
             text_string(&happened), happened.len > 0 ? ". " : "");
    if (beyond > 0) {
        text_add(
            out,
            "%zu of %zu targets over their limits or failing for the period as a whole: ",
            beyond, p->n_own);
        add_exceeded(out, p);
    } else {
        text_add(out, "%sithin the limits%s",
                 happened.len > 0 ? "Apart from that w"
                 : fair || notes  ? "W"
                                  : "Good: w",
                 but != NULL                  ? ", but "
                 : count_gaps(p->dataset) > 0 ? " throughout the measured time"
                                              : " throughout");
        text_add(out, "%s", but != NULL ? but : "");
    }
    text_add(out, ".</p>\n");
    text_free(&happened);
}

/* ---- who serves ---- */

/* Groups targets by their main PoP: "LON for exchange, teams; AMS for bing". */
static void add_served(struct text *out, const struct page *p)
{
    size_t n = p->n_own, n_listed = 0;
    bool done[DATASET_TARGETS_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        const char *pop = p->ratings[i].n_pops > 0 ? p->ratings[i].pops[0].pop : NULL;
        if (done[i] || pop == NULL)
            continue;
        text_add(out, n_listed++ == 0 ? "<p>Served by <strong>" : "; <strong>");
        page_pop(out, p, pop);
        text_add(out, "</strong> for ");
        for (size_t k = i; k < n; k++) {
            const struct rating *r = &p->ratings[k];
            if (r->n_pops == 0 || strcmp(r->pops[0].pop, pop) != 0)
                continue;
            done[k] = true;
            text_add(out, k > i ? ", " : "");
            html_escape(out, r->target->name);
        }
    }
    text_add(out, n_listed > 0 ? ".</p>\n" : "");
}

static size_t count_of(const struct dataset_self *self)
{
    return self->last > 0 && self->last < 1e6 ? (size_t)self->last : 0;
}

/* What the last sweep of front doors stated. */
static void add_doors(struct text *out, const struct page *p)
{
    const struct dataset_self *answering =
        dataset_self(p->dataset, METRIC_AGENT_FRONT_DOORS, "answering");
    const struct dataset_self *left =
        dataset_self(p->dataset, METRIC_AGENT_FRONT_DOORS, "left");
    if (answering == NULL || left == NULL)
        return;
    struct doors_summary s = {.answering = count_of(answering), .left = count_of(left)};
    text_add(out, s.answering > 0 ? "<p>The best measured front door is the "
                                  : "<p>Front doors: ");
    doors_summary_text(out, &s);
    text_add(out, ".</p>\n");
}

/* The figures of these targets do not describe the edge. */
static void add_foreign(struct text *out, const struct page *p)
{
    for (size_t i = 0; i < p->n_own; i++) {
        const struct dataset_target *t = p->ratings[i].target;
        if (!t->foreign)
            continue;
        text_add(out, "<p><strong>");
        html_escape(out, t->name);
        text_add(out, "</strong>: ");
        html_escape(out, t->host);
        text_add(out, " was not on Microsoft's edge here: another network answered; "
                      "configure another name of the service.</p>\n");
    }
}

static void add_intercepted_tls(struct text *out, const struct page *p)
{
    for (size_t i = 0; i < p->n_own; i++) {
        const struct dataset_target *t = p->ratings[i].target;
        if (t->tls_by[0] == '\0')
            continue;
        text_add(out, "<p><strong>");
        html_escape(out, t->name);
        text_add(out, "</strong>: ");
        add_title(out, FAULT_INTERCEPTED);
        text_add(out, "TLS was intercepted by ");
        html_escape(out, t->tls_by);
        text_add(out, ", the issuer of the certificate of ");
        html_escape(out, t->host);
        text_add(out, "; exempt the name from TLS inspection.</p>\n");
    }
}

void page_headline(struct text *out, const struct page *p)
{
    struct story story = story_make(p->dataset, p->ratings, p->n_own);
    add_verdict(out, p, &story);
    add_story(out, p, &story);
    story_free(&story);
    add_served(out, p);
    add_doors(out, p);
    add_foreign(out, p);
    add_intercepted_tls(out, p);
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_UDP_BLOCKED,
             "UDP is blocked on the path; calls fall back to TCP, or fail:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_CLOCK_CHANGED,
             "The clock of the host was wrong, so the times on this page are, too:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_BLOAT_TRANSMIT,
             "Delay grows with the load of the uplink, when sending:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_BLOAT_RECEIVE,
             "Delay grows with the load of the uplink, when receiving:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_PATH_BLACK_HOLE,
             "Large packets vanish on the path, connections hang:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_EDGE_SUBOPTIMAL,
             "Not through the nearest front door:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_RESOLVER_FARTHER,
             "DNS servers that lead farther than the others of this host:");
    if (add_dns_incidents(NULL, p) > 0) {
        text_add(out, "<p>DNS servers of this host:</p>\n<ul>\n");
        add_dns_incidents(out, p);
        text_add(out, "</ul>\n");
    }
    add_open(out, p, EVENT_LEAVES_NOTE, NULL, "Worth knowing, no problem by itself:");
    if (add_silent_addresses(NULL, p) > 0) {
        text_add(out, "<p>Addresses that do not answer while others of the name do; a "
                      "client that tries one first takes the next after 250 ms (RFC "
                      "8305):</p>\n<ul>\n");
        add_silent_addresses(out, p);
        text_add(out, "</ul>\n");
    }
    if (page_routing_problems(NULL, p) > 0) {
        text_add(out, "<p>BGP:</p>\n<ul>\n");
        page_routing_problems(out, p);
        text_add(out, "</ul>\n");
    }
}
