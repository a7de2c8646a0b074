#include "cmd/render.h"

#include "base/fit.h"
#include "base/json.h"
#include "core/loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char render_supported_note[] =
    "(in parentheses: too few samples for this percentile at 95 % confidence)\n";

const char *render_ms(char *out, int64_t ns)
{
    if (ns == DELAY_UNDEFINED)
        strcpy(out, "-");
    else
        snprintf(out, 24, "%.3f", (double)ns / 1e6);
    return out;
}

/* Keys common to results and summaries: target, kind, address, family, port. */
static void shown_json(struct json *j, const struct shown *of)
{
    char address[ADDRESS_TEXT_MAX];
    json_string(j, "target", of->target);
    json_string(j, "kind", of->kind->name);
    json_text(j, "address", endpoint_address(address, &of->to));
    json_string(j, "family", family_name(of->to.family));
    if (of->kind->uses & USES_PORT)
        json_integer(j, "port", of->to.port);
    else
        json_null(j, "port");
}

static void http_json(struct json *j, const struct http_facts *http)
{
    json_object(j, "http");
    if (http->status != 0)
        json_integer(j, "status", http->status);
    else
        json_null(j, "status");
    json_text(j, "version", http->version);
    json_text(j, "tls_version", http->tls_version);
    json_text(j, "issuer", http->issuer);
    if (http->issuer[0] != '\0')
        json_integer(j, "expires_days", http->expires_days);
    else
        json_null(j, "expires_days");
    json_text(j, "cache", http->cache);
    json_bool(j, "proxy", http->proxy);
    json_object_end(j);
}

/* Lower bounds of delays that the waiting time has cut off. */
static void longer_json(struct json *j, const struct kind *kind,
                        const struct result *result)
{
    bool any = false;
    for (size_t i = 0; i < kind_delays(kind); i++) {
        if (result->longer_than[i] == 0)
            continue;
        if (!any)
            json_object(j, "longer_than");
        any = true;
        delay_json(j, kind->delays[i], result->longer_than[i]);
    }
    if (any)
        json_object_end(j);
}

void render_mapped_json(struct json *j, const struct endpoint *mapped)
{
    char address[ADDRESS_TEXT_MAX];
    if (mapped->family == FAMILY_NONE)
        return;
    json_object(j, "mapped");
    json_string(j, "address", endpoint_address(address, mapped));
    json_integer(j, "port", mapped->port);
    json_object_end(j);
}

static void dns_json(struct json *j, const struct dns_facts *f)
{
    json_object(j, "dns");
    json_integer(j, "rcode", f->rcode);
    json_integer(j, "answers", f->answers);
    json_bool(j, "truncated", f->truncated);
    json_bool(j, "tcp", f->tcp);
    json_object_end(j);
}

void render_result_json(struct text *out, const struct shown *of,
                        const struct result *result)
{
    char time[WALL_TEXT_MAX];
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_string(&j, "time", wall_text(time, result->time));
    shown_json(&j, of);
    if (of->sequence > 0)
        json_unsigned(&j, "sequence", of->sequence);
    json_string(&j, "outcome", outcome_name(result->outcome));
    json_text(&j, "pop", result->pop);
    json_object(&j, "delays");
    for (size_t i = 0; i < kind_delays(of->kind); i++)
        delay_json(&j, of->kind->delays[i], result->delays[i]);
    json_object_end(&j);
    longer_json(&j, of->kind, result);
    if (result->foreign != NULL)
        json_string(&j, "foreign", result->foreign);
    if (result->cause[0] != '\0')
        json_string(&j, "cause", result->cause);
    if (result->lost_packets > 0)
        json_integer(&j, "lost_packets", result->lost_packets);
    render_mapped_json(&j, &result->stun.mapped);
    if (of->kind->uses & USES_QUERY && result->delays[0] != DELAY_UNDEFINED)
        dns_json(&j, &result->dns);
    if (result->http.status != 0 || result->http.proxy || result->http.issuer[0] != '\0')
        http_json(&j, &result->http);
    json_object_end(&j);
    text_add_bytes(out, "\n", 1);
}

static void add_endpoint(struct text *out, const struct endpoint *e)
{
    char address[ADDRESS_TEXT_MAX];
    text_add(out, e->family == FAMILY_IPV6 ? "[%s]:%u" : "%s:%u",
             endpoint_address(address, e), e->port);
}

/* The address, with the port if the kind has one. */
static void add_where(struct text *out, const struct shown *of)
{
    char address[ADDRESS_TEXT_MAX];
    if (of->to.family == FAMILY_PROXY)
        text_add(out, "port %u", of->to.port);
    else if ((of->kind->uses & USES_PORT) == 0)
        text_add(out, "%s", endpoint_address(address, &of->to));
    else
        add_endpoint(out, &of->to);
}

/* "09:00:00.123+01:00", local time; "Z" for UTC. */
static void add_clock(struct text *out, struct wall at)
{
    time_t seconds = at.ns / NS_PER_S;
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL)
        return;
    text_add(out, "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec,
             (int)(at.ns % NS_PER_S / NS_PER_MS));
    long minutes = local.tm_gmtoff / 60, ahead = minutes < 0 ? -minutes : minutes;
    if (minutes == 0)
        text_add(out, "Z");
    else
        text_add(out, "%c%02ld:%02ld", minutes < 0 ? '-' : '+', ahead / 60, ahead % 60);
}

static const char *ns_text(char out[DELAY_TEXT_MAX], int64_t ns)
{
    return delay_text(out, ns == DELAY_UNDEFINED ? -1 : (double)ns / 1e6);
}

/* The last place of `gap` in the first `room` bytes of the line, or 0. */
static size_t last_gap(const char *line, size_t room, const char *gap)
{
    while (room > 0 && strncmp(line + room, gap, strlen(gap)) != 0)
        room--;
    return room;
}

/* Breaks a line that is too long, as by a long address, where it has two spaces, or one. */
static void add_broken(struct text *out, const struct shown *of, const char *line)
{
    const char *indent = "";
    while (of->columns > (int)strlen(indent) &&
           fit_width(line, strlen(line)) + strlen(indent) > (size_t)of->columns) {
        size_t columns = (size_t)of->columns - strlen(indent), skip = 2;
        size_t room = fit_bytes(line, strlen(line), columns);
        size_t len = last_gap(line, room, "  ");
        if (len == 0) {
            len = last_gap(line, room, " ");
            skip = len > 0;
        }
        if (len == 0)
            len = room;
        if (len == 0)
            break; /* a wide character in one column */
        text_add(out, "%s%.*s\n", indent, (int)len, line);
        line += len + skip;
        indent = "    ";
    }
    text_add(out, "%s%s\n", indent, line);
}

/* How much of a result fits into a line. */
struct detail {
    bool target, phases;
};

static void add_delays(struct text *out, const struct shown *of,
                       const struct result *result, bool phases)
{
    char ms[DELAY_TEXT_MAX];
    size_t n = kind_delays(of->kind);
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        int64_t longer_ns = result->longer_than[i];
        if ((result->delays[i] == DELAY_UNDEFINED && longer_ns == 0) ||
            (!phases && i > 0 && i != of->kind->main_delay))
            continue;
        text_add(out, "  %s %s%s", of->kind->delays[i], longer_ns > 0 ? ">" : "",
                 ns_text(ms, longer_ns > 0 ? longer_ns : result->delays[i]));
        any = true;
    }
    if (any)
        text_add(out, " ms");
    else if (result->outcome == OUTCOME_REPLY)
        text_add(out, "  reply, delay undefined");
}

static void add_result_line(struct text *out, const struct shown *of,
                            const struct result *result, struct detail detail)
{
    if (of->unix_time)
        text_add(out, "[%.6f]", (double)result->time.ns / 1e9);
    else
        add_clock(out, result->time);
    if (detail.target)
        text_add(out, "  %s", of->target);
    text_add(out, "  %s  ", of->kind->name);
    add_where(out, of);
    if (of->sequence > 0)
        text_add(out, "  #%u", of->sequence);
    if (result->outcome != OUTCOME_REPLY)
        text_add(out, "  %s", outcome_name(result->outcome));
    add_delays(out, of, result, detail.phases);
    if (result->http.status != 0)
        text_add(out, "  HTTP %d", result->http.status);
    if (result->http.proxy)
        text_add(out, "  via a proxy");
    if (result->stun.mapped.family != FAMILY_NONE) {
        text_add(out, "  seen as ");
        add_endpoint(out, &result->stun.mapped);
    }
    if (result->dns.answers > 0)
        text_add(out, "  %u record%s%s", result->dns.answers,
                 result->dns.answers == 1 ? "" : "s",
                 result->dns.truncated ? ", truncated: by TCP"
                 : result->dns.tcp     ? " by TCP"
                                       : "");
    if (result->pop[0] != '\0')
        text_add(out, "  PoP %s", result->pop);
    if (result->foreign != NULL)
        text_add(out, "  not Microsoft's edge: %s", result->foreign);
    if (result->lost_packets > 0)
        text_add(out, "  %d lost packet%s retransmitted", result->lost_packets,
                 result->lost_packets == 1 ? "" : "s");
    if (result->cause[0] != '\0')
        text_add(out, "  (%s)", result->cause);
}

/* "09:00:00.123Z  teams.microsoft.com  icmp  203.0.113.10  rtt 3.12 ms  PoP AMS". Phases,
 * then the name drop out where a line does not fit. */
void render_result_line(struct text *out, const struct shown *of,
                        const struct result *result)
{
    static const struct detail details[] = {{true, true}, {true, false}, {false, false}};
    struct text line = {0};
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        text_clear(&line);
        struct detail detail = details[i];
        detail.target &= !(of->alone && of->columns > 0);
        add_result_line(&line, of, result, detail);
        if (of->columns == 0 || line.len <= (size_t)of->columns)
            break;
    }
    add_broken(out, of, text_string(&line));
    text_free(&line);
}

static void delay_summary_json(struct json *j, const char *name,
                               const struct delay_summary *d)
{
    json_object(j, name);
    delay_json(j, "min", d->min_ns);
    for (size_t p = 0; p < PERCENTILES; p++)
        delay_json(j, percentile_name[p],
                   d->is_over[p] ? DELAY_UNDEFINED : d->percentile_ns[p]);
    delay_json(j, "max", d->over > 0 ? DELAY_UNDEFINED : d->max_ns);
    delay_json(j, "mean", d->over > 0 ? DELAY_UNDEFINED : d->mean_ns);
    if (d->over > 0) {
        json_object(j, "longer_than");
        for (size_t p = 0; p < PERCENTILES; p++)
            if (d->is_over[p])
                delay_json(j, percentile_name[p], d->percentile_ns[p]);
        delay_json(j, "max", d->over_ns);
        json_object_end(j);
    }
    json_array(j, "unsupported");
    for (size_t p = 0; p < PERCENTILES; p++)
        if (d->count > 0 && !d->supported[p])
            json_string(j, NULL, percentile_name[p]);
    json_array_end(j);
    json_object_end(j);
}

/* Packet delay variation (RFC 5481): each delay minus the smallest. A difference is not
 * computed from a percentile that is approximate, as its error may exceed the result. */
static struct delay_summary above_minimum(const struct delay_summary *d)
{
    struct delay_summary above = *d;
    if (d->count == 0)
        return above;
    above.min_ns = 0;
    above.max_ns -= d->min_ns;
    above.mean_ns -= d->min_ns;
    for (size_t p = 0; p < PERCENTILES; p++)
        above.percentile_ns[p] =
            d->exact ? d->percentile_ns[p] - d->min_ns : DELAY_UNDEFINED;
    return above;
}

static void addresses_json(struct json *j, const struct shown *of)
{
    json_array(j, "addresses");
    for (size_t i = 0; i < of->n_addresses; i++) {
        const struct shown_address *a = &of->addresses[i];
        const struct delay_summary *d = &a->summary.delays[0];
        char text[ADDRESS_TEXT_MAX];
        json_object(j, NULL);
        json_string(j, "address", endpoint_address(text, &a->to));
        json_unsigned(j, "sent", a->summary.sent + a->waiting);
        json_unsigned(j, "received", a->summary.received);
        json_bool(j, "silent", a->silent);
        delay_json(j, "min", d->min_ns);
        delay_json(j, "p50", d->percentile_ns[P50]);
        json_object_end(j);
    }
    json_array_end(j);
}

void render_summary_json(struct text *out, const struct shown *of,
                         const struct summary *summary)
{
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_bool(&j, "summary", true);
    shown_json(&j, of);
    json_bool(&j, "intercepted", of->intercepted);
    json_text(&j, "interception", of->interception);
    json_unsigned(&j, "sent", summary->sent + of->waiting);
    json_unsigned(&j, "received", summary->received);
    json_unsigned(&j, "waiting", of->waiting);
    json_unsigned(&j, "lost", outcomes_lost(summary->outcomes));
    json_unsigned(&j, "failed", outcomes_failed(summary->outcomes));
    json_number(&j, "loss_ratio", summary->loss_ratio);
    json_unsigned(&j, "longest_loss_burst", summary->longest_burst);
    for (size_t i = 0; i < COUNTERS; i++)
        json_unsigned(&j, counter_names[i].key, summary->counters[i]);
    json_bool(&j, "busy", summary->busy);
    json_object(&j, "outcomes");
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if (summary->outcomes[i] > 0)
            json_unsigned(&j, outcome_name((enum outcome)i), summary->outcomes[i]);
    json_object_end(&j);
    json_object(&j, "delays");
    for (size_t i = 0; i < kind_delays(of->kind); i++)
        delay_summary_json(&j, of->kind->delays[i], &summary->delays[i]);
    json_object_end(&j);
    delay_summary_json(&j, "delay_variation", &summary->variation);
    struct delay_summary above = above_minimum(&summary->delays[0]);
    delay_summary_json(&j, "delay_above_minimum", &above);
    addresses_json(&j, of);
    json_object_end(&j);
    text_add_bytes(out, "\n", 1);
}

/* ---- the summary ---- */

enum { SUMMARY_COLUMNS = 80, NAME_WIDTH = 15, CELL_WIDTH = 8, CELL_MAX = 32 };

/* The columns in the order of the table, with the order in which they drop out. */
enum {
    CELL_MIN,
    CELL_PERCENTILE,
    CELL_LAST = CELL_PERCENTILE + PERCENTILES - 1,
    CELL_MOST,
    CELL_MEAN,
    CELL_SPREAD,
    CELLS
};

/* Whether a column fits: of the narrowest tables p50 and the extremes are left. */
static bool has_column(const struct shown *of, int cell)
{
    static const int rank[CELLS] = {[CELL_MIN] = 1,
                                    [CELL_PERCENTILE + P50] = 0,
                                    [CELL_PERCENTILE + P90] = 6,
                                    [CELL_PERCENTILE + P95] = 3,
                                    [CELL_PERCENTILE + P99] = 7,
                                    [CELL_MOST] = 2,
                                    [CELL_MEAN] = 4,
                                    [CELL_SPREAD] = 5};
    int columns =
        of->columns > 0 && of->columns < SUMMARY_COLUMNS ? of->columns : SUMMARY_COLUMNS;
    return 1 + NAME_WIDTH + CELL_WIDTH * (rank[cell] + 1) <= columns;
}

/* Folds a line at its spaces. */
static void add_folded(struct text *out, const struct shown *of, const char *line)
{
    size_t columns = of->columns > 20 ? (size_t)of->columns : SUMMARY_COLUMNS;
    while (*line != '\0') {
        size_t len = strlen(line);
        if (len + 2 > columns) {
            len = columns - 2;
            while (len > 0 && line[len] != ' ')
                len--;
            if (len == 0)
                len = strcspn(line, " ");
        }
        text_add(out, "  %.*s\n", (int)len, line);
        line += len;
        line += strspn(line, " ");
    }
}

static void add_delay_head(struct text *out, const struct shown *of)
{
    static const char *const names[CELLS] = {[CELL_MIN] = "min",
                                             [CELL_MOST] = "max",
                                             [CELL_MEAN] = "avg",
                                             [CELL_SPREAD] = "dev"};
    text_add(out, " %-*s", NAME_WIDTH, "ms");
    for (int i = 0; i < CELLS; i++) {
        bool percentile = i >= CELL_PERCENTILE && i <= CELL_LAST;
        if (has_column(of, i))
            text_add(out, "%*s", CELL_WIDTH,
                     percentile ? percentile_name[i - CELL_PERCENTILE] : names[i]);
    }
    text_add(out, "\n");
}

static void add_delay_line(struct text *out, const struct shown *of, const char *name,
                           const struct delay_summary *d, int64_t spread_ns)
{
    char ms[DELAY_TEXT_MAX], cells[CELLS][CELL_MAX];
    bool over = d->over > 0;
    int64_t most_ns = d->max_ns > d->over_ns || !over ? d->max_ns : d->over_ns;
    snprintf(cells[CELL_MIN], CELL_MAX, "%s", ns_text(ms, d->min_ns));
    for (size_t p = 0; p < PERCENTILES; p++)
        snprintf(cells[CELL_PERCENTILE + p], CELL_MAX,
                 d->is_over[p]                      ? ">%s"
                 : d->count > 0 && !d->supported[p] ? "(%s)"
                                                    : "%s",
                 ns_text(ms, d->percentile_ns[p]));
    snprintf(cells[CELL_MOST], CELL_MAX, over ? ">%s" : "%s", ns_text(ms, most_ns));
    snprintf(cells[CELL_MEAN], CELL_MAX, "%s",
             over ? "-"
                  : ns_text(ms, d->mean_ns)); /* too small by those that were longer */
    snprintf(cells[CELL_SPREAD], CELL_MAX, "%s",
             over || d->count < 2 ? "-" : ns_text(ms, spread_ns));
    text_add(out, " %-*s", NAME_WIDTH, name);
    for (int i = 0; i < CELLS; i++)
        if (has_column(of, i))
            text_add(out, "%*s", CELL_WIDTH, cells[i]);
    text_add(out, "\n");
}

/* "10 sent, 9 replies, loss 10.0 %" */
static void add_sent(struct text *out, const struct summary *summary, uint64_t waiting)
{
    char loss[LOSS_TEXT_MAX];
    text_add(out, "%llu sent, %llu %s, loss %s",
             (unsigned long long)(summary->sent + waiting),
             (unsigned long long)summary->received,
             summary->received == 1 ? "reply" : "replies",
             loss_text(loss, outcomes_lost(summary->outcomes),
                       outcomes_failed(summary->outcomes), summary->sent));
}

static void add_count(struct text *out, const char *name, uint64_t count)
{
    if (count > 0)
        text_add(out, ", %llu %s", (unsigned long long)count, name);
}

/* Adds the counts of other outcomes and anomalies; nothing if all are 0. */
static void add_counts(struct text *out, const struct shown *of,
                       const struct summary *summary)
{
    static const struct {
        const char *name;
        enum outcome outcome;
        const char *many;
    } outcomes[] = {
        {"refused", OUTCOME_REFUSED},
        {"unreachable", OUTCOME_UNREACHABLE},
        {"TLS error", OUTCOME_TLS_ERROR, "TLS errors"},
        {"HTTP error", OUTCOME_HTTP_ERROR, "HTTP errors"},
        {"slow", OUTCOME_SLOW},
        {"not measured", OUTCOME_NOT_MEASURED},
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        uint64_t n = summary->outcomes[outcomes[i].outcome];
        bool many = n != 1 && outcomes[i].many != NULL;
        add_count(out, many ? outcomes[i].many : outcomes[i].name, n);
    }
    add_count(out, "still waiting", of->waiting);
    for (size_t i = 0; i < COUNTERS; i++)
        if (counter_names[i].text != NULL)
            add_count(out, counter_names[i].text, summary->counters[i]);
    add_count(out, "lost in a row",
              summary->longest_burst > 1 ? summary->longest_burst : 0);
    uint64_t failed = outcomes_failed(summary->outcomes);
    if (failed > 0)
        text_add(out, " (%.1f %% failed)", 100 * (double)failed / (double)summary->sent);
}

/* A line for each address, and what was left out above. */
static void add_addresses(struct text *out, const struct shown *of)
{
    char text[ADDRESS_TEXT_MAX], least[DELAY_TEXT_MAX], median[DELAY_TEXT_MAX];
    struct text line = {0};
    size_t silent = 0;
    for (size_t i = 0; i < of->n_addresses; i++) {
        const struct shown_address *a = &of->addresses[i];
        const struct delay_summary *d = &a->summary.delays[0];
        text_clear(&line);
        text_add(&line, "%s: ", endpoint_address(text, &a->to));
        add_sent(&line, &a->summary, a->waiting);
        text_add(&line, ", min %s, p50 %s ms", ns_text(least, d->min_ns),
                 ns_text(median, d->percentile_ns[P50]));
        add_folded(out, of, text_string(&line));
        silent += a->silent;
    }
    text_clear(&line);
    if (silent > 0)
        text_add(
            &line,
            "%zu of %zu addresses %s not answer and %s left out above: a client that "
            "tries such an address first takes the next one after 250 ms (RFC 8305)",
            silent, of->n_addresses, silent == 1 ? "does" : "do",
            silent == 1 ? "is" : "are");
    add_folded(out, of, text_string(&line));
    text_free(&line);
}

/* "limit 60 ms for the median (Microsoft's ...): 3.12 ms is within; usual here: 3.0 ms" */
static void add_judgement(struct text *out, const struct shown *of,
                          const struct summary *summary)
{
    const struct delay_summary *d = &summary->delays[0];
    char median[DELAY_TEXT_MAX], other[DELAY_TEXT_MAX];
    struct text line = {0};
    ns_text(median, d->percentile_ns[P50]);
    if (of->limit_ns > 0)
        text_add(&line, "limit %s ms for p50%s%.*s%s: %s%s", ns_text(other, of->limit_ns),
                 of->limit_source[0] != '\0' ? " (" : "",
                 (int)strcspn(of->limit_source, ":"), of->limit_source, /* the file */
                 of->limit_source[0] != '\0' ? ")" : "", median,
                 d->count == 0                          ? ", cannot tell"
                 : d->percentile_ns[P50] > of->limit_ns ? " ms is ABOVE it"
                                                        : " ms is within");
    if (of->usual_ns > 0)
        text_add(&line, "%susual here: %s ms", line.len > 0 ? "; " : "",
                 ns_text(other, of->usual_ns));
    add_folded(out, of, text_string(&line));
    text_free(&line);
}

void render_summary_lines(struct text *out, const struct shown *of,
                          const struct summary *summary)
{
    bool any = false; /* of the delays; skips phases that never occurred */
    struct text line = {0};
    text_add(&line, "%s  %s %s  ", of->target, of->kind->name,
             family_name(of->to.family));
    add_where(&line, of);
    if (of->pop != NULL && of->pop[0] != '\0')
        text_add(&line, "  PoP %s", of->pop);
    add_broken(out, of, text_string(&line));
    text_clear(&line);
    add_sent(&line, summary, of->waiting);
    add_counts(&line, of, summary);
    add_folded(out, of, text_string(&line));
    text_free(&line);
    for (size_t i = 1; i < kind_delays(of->kind); i++)
        any |= summary->delays[i].count + summary->delays[i].over > 0;
    if (any || summary->delays[0].count + summary->delays[0].over > 0)
        add_delay_head(out, of);
    for (size_t i = 0; i < kind_delays(of->kind); i++)
        if (summary->delays[i].count + summary->delays[i].over > 0)
            add_delay_line(out, of, of->kind->delays[i], &summary->delays[i],
                           of->spread_ns[i]);
    if (summary->variation.count > 0)
        add_delay_line(out, of, "variation", &summary->variation, DELAY_UNDEFINED);
    add_judgement(out, of, summary);
    if (summary->busy)
        text_add(
            out,
            "  this host was too busy to measure accurately: probes were sent late, %llu "
            "not at all\n",
            (unsigned long long)summary->counters[COUNTER_MISSED]);
    if (of->interception != NULL && of->interception[0] != '\0')
        text_add(out, "  %s%s\n", of->interception,
                 of->intercepted ? "; their delays are left out" : "");
    if (of->n_addresses > 1)
        add_addresses(out, of);
}

void render_status_line(struct text *out, const struct shown *of,
                        const struct summary *summary)
{
    char ms[24], loss[LOSS_TEXT_MAX];
    text_add(out, "%s %s %s: %llu sent, %llu replies, %llu waiting, loss %s, p50 %s ms\n",
             of->target, of->kind->name, family_name(of->to.family),
             (unsigned long long)(summary->sent + of->waiting),
             (unsigned long long)summary->received, (unsigned long long)of->waiting,
             loss_text(loss, outcomes_lost(summary->outcomes),
                       outcomes_failed(summary->outcomes), summary->sent),
             ns_text(ms, summary->delays[0].percentile_ns[P50]));
}
