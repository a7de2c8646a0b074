#include "traffic/exporters.h"

#include "base/mem.h"
#include "otlp/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the allow-list ---- */

static bool next_word(const char **at, char *word, size_t room)
{
    size_t len = strcspn(*at, " \t,");
    if (len == 0)
        return false;
    text_copy(word, len < room ? len + 1 : room, *at);
    *at += len + strspn(*at + len, " \t,");
    return true;
}

static size_t allowed_at(const struct exporters *x, const struct endpoint *address)
{
    size_t i = 0;
    while (i < x->n_allowed && !endpoint_same_address(&x->allowed[i], address))
        i++;
    return i;
}

static void read_sampling(struct exporters *x, const char *list)
{
    char word[ADDRESS_TEXT_MAX + 16];
    struct endpoint address;
    int64_t rate;
    for (const char *at = list; next_word(&at, word, sizeof word);) {
        char *equals = strchr(word, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        size_t i = endpoint_parse(&address, word, 0) ? allowed_at(x, &address)
                                                     : TRAFFIC_EXPORTERS_MAX;
        if (i < x->n_allowed && text_to_integer(equals + 1, 1, FLOW_SAMPLING_MAX, &rate))
            x->sampling[i] = (double)rate;
    }
}

void exporters_begin(struct exporters *x, const struct config *config,
                     const struct prefixes *prefixes, struct mono now)
{
    char word[ADDRESS_TEXT_MAX];
    const char *at = config->traffic_exporters;
    *x = (struct exporters){.began = now};
    while (x->n_allowed < TRAFFIC_EXPORTERS_MAX && next_word(&at, word, sizeof word))
        x->n_allowed += endpoint_parse(&x->allowed[x->n_allowed], word, 0);
    read_sampling(x, config->traffic_sampling);
    rates_begin(&x->rates, now);
    flow_meter_begin(&x->meter, prefixes, &x->rates);
}

/* ---- sessions ---- */

static bool is_ipfix(const struct exporter *e)
{
    return e->origin.format == FLOW_IPFIX || e->origin.format == FLOW_NETFLOW9;
}

static const struct flow_counters *session_counters(const struct exporter *e,
                                                    const struct exporter_session *s)
{
    return is_ipfix(e)                         ? &s->ipfix->counters
           : e->origin.format == FLOW_NETFLOW5 ? &s->netflow5->counters
                                               : &s->sflow->counters;
}

static void add_counters(struct flow_counters *to, const struct flow_counters *more)
{
    to->datagrams += more->datagrams;
    to->bad_datagrams += more->bad_datagrams;
    to->flows += more->flows;
    to->lost += more->lost;
    to->no_template += more->no_template;
    to->not_kept += more->not_kept;
    to->interfaces += more->interfaces;
}

static void session_end(struct exporter *e, struct exporter_session *s)
{
    add_counters(&e->ended, session_counters(e, s));
    if (is_ipfix(e))
        ipfix_free(s->ipfix);
    free(s->ipfix); /* all of the union are pointers */
}

/* The only session that a datagram from another port continues, or NULL. */
static struct exporter_session *
session_continued(struct exporter *e, const uint8_t *bytes, size_t len, struct mono now)
{
    struct exporter_session *found = NULL;
    size_t n = 0;
    for (size_t i = 0; is_ipfix(e) && i < e->n_sessions; i++)
        if (ipfix_continues(e->sessions[i].ipfix, bytes, len, now)) {
            found = &e->sessions[i];
            n++;
        }
    return n == 1 ? found : NULL;
}

static struct exporter_session *session_begin(struct exporter *e)
{
    struct exporter_session *s = &e->sessions[0];
    for (size_t i = 1; i < e->n_sessions; i++)
        s = e->sessions[i].last.ns < s->last.ns ? &e->sessions[i] : s;
    if (e->n_sessions < EXPORTER_SESSIONS_MAX)
        s = &e->sessions[e->n_sessions++];
    else
        session_end(e, s);
    s->number = ++e->last_number;
    s->n_taken = 0;
    s->ipfix = mem_zalloc(is_ipfix(e)                         ? sizeof *s->ipfix
                          : e->origin.format == FLOW_NETFLOW5 ? sizeof *s->netflow5
                                                              : sizeof *s->sflow);
    return s;
}

static struct exporter_session *session_find(struct exporter *e, uint16_t port,
                                             const uint8_t *bytes, size_t len,
                                             struct mono now)
{
    struct exporter_session *s = NULL;
    for (size_t i = 0; i < e->n_sessions && s == NULL; i++)
        if (e->sessions[i].port == port)
            s = &e->sessions[i];
    if (s == NULL)
        s = session_continued(e, bytes, len, now);
    if (s == NULL)
        s = session_begin(e);
    s->port = port;
    s->last = now;
    return s;
}

void exporters_free(struct exporters *x)
{
    for (size_t i = 0; i < x->n; i++) {
        for (size_t k = 0; k < x->list[i]->n_sessions; k++)
            session_end(x->list[i], &x->list[i]->sessions[k]);
        free(x->list[i]);
    }
    x->n = 0;
    rates_free(&x->rates);
    flow_meter_free(&x->meter);
}

/* ---- datagrams ---- */

static uint64_t hash_of(const uint8_t *bytes, size_t len)
{
    uint64_t hash = len, word;
    for (; len > 0; bytes += sizeof word) {
        size_t n = len < sizeof word ? len : sizeof word;
        word = 0;
        memcpy(&word, bytes, n);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
        len -= n;
    }
    return hash;
}

/* Whether it is one of the last; notes it. */
static bool came_before(struct exporter_session *s, const uint8_t *bytes, size_t len)
{
    uint64_t hash = hash_of(bytes, len);
    for (size_t i = 0; i < EXPORTER_REPEATS && i < s->n_taken; i++)
        if (s->hashes[i] == hash)
            return true;
    s->hashes[s->n_taken++ % EXPORTER_REPEATS] = hash;
    return false;
}

/* Returns NULL when there are too many. */
static struct exporter *exporter_find(struct exporters *x, size_t allowed,
                                      enum flow_format format, struct mono now)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->list[i]->origin.format == format &&
            endpoint_same_address(&x->list[i]->address, &x->allowed[allowed]))
            return x->list[i];
    if (x->n == EXPORTER_STATES_MAX)
        return NULL;
    struct exporter *e = mem_zalloc(sizeof *e);
    e->address = x->allowed[allowed];
    e->origin.exporter = (uint8_t)allowed;
    e->origin.format = format;
    e->origin.sampling = x->sampling[allowed];
    e->first = e->last = now;
    x->list[x->n++] = e;
    return e;
}

/* By the version; FLOW_FORMATS: another one. sFlow's has 32 bits. */
static enum flow_format format_of(const uint8_t *bytes, size_t len)
{
    if (len < 4 || bytes[0] != 0)
        return FLOW_FORMATS;
    switch (bytes[1]) {
    case 10:
        return FLOW_IPFIX;
    case 9:
        return FLOW_NETFLOW9;
    case 5:
        return FLOW_NETFLOW5;
    default:
        return bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 5 ? FLOW_SFLOW
                                                               : FLOW_FORMATS;
    }
}

struct taking {
    struct exporters *x;
    struct exporter *exporter;
    struct mono now;
};

static void on_flow(const struct flow_record *f, void *user)
{
    const struct taking *t = user;
    if (f->sampling > 0)
        t->exporter->sampling = f->sampling;
    flow_meter_take(&t->x->meter, &t->exporter->origin, f, t->now);
}

static int take(struct exporters *x, struct exporter *e, struct exporter_session *s,
                const uint8_t *bytes, size_t len, struct mono now)
{
    struct taking t = {x, e, now};
    e->origin.session = s->number;
    if (is_ipfix(e))
        return ipfix_take(s->ipfix, bytes, len, now, on_flow, &t);
    return e->origin.format == FLOW_NETFLOW5
               ? netflow5_take(s->netflow5, bytes, len, on_flow, &t)
               : sflow_take(s->sflow, bytes, len, on_flow, &t);
}

void troubled_set(struct troubled *t, uint64_t total, struct mono now)
{
    if (total > t->total)
        t->last = now;
    t->total = total;
}

static int64_t silent_after_ns(const struct exporter *e)
{
    int64_t ns = 3 * e->pauses_ns[1];
    return ns < EXPORTER_SILENT_NS        ? EXPORTER_SILENT_NS
           : ns > EXPORTER_SILENT_MOST_NS ? EXPORTER_SILENT_MOST_NS
                                          : ns;
}

static bool is_quiet(const struct exporter *e, struct mono now)
{
    return now.ns - e->last.ns > silent_after_ns(e);
}

/* Not if the router sends another format since then, or never sent this one: a malformed
 * datagram was taken for it. */
static bool is_silent(const struct exporters *x, const struct exporter *e,
                      struct mono now)
{
    if (e->counters.datagrams == e->counters.bad_datagrams)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct exporter *other = x->list[i];
        if (other != e && endpoint_same_address(&other->address, &e->address) &&
            other->counters.flows > 0 && other->first.ns >= e->last.ns &&
            !is_quiet(other, now))
            return false;
    }
    return is_quiet(e, now);
}

static void note_pause(struct exporter *e, int64_t ns)
{
    bool longest = ns > e->pauses_ns[0];
    if (longest || ns > e->pauses_ns[1])
        e->pauses_ns[1] = longest ? e->pauses_ns[0] : ns;
    if (longest)
        e->pauses_ns[0] = ns;
}

enum exporters_taken exporters_take(struct exporters *x, const struct endpoint *from,
                                    const uint8_t *bytes, size_t len, struct mono now)
{
    size_t allowed = allowed_at(x, from);
    enum flow_format format = format_of(bytes, len);
    if (allowed == x->n_allowed) {
        x->counters.refused++;
        return EXPORTERS_REFUSED;
    }
    x->counters.datagrams++;
    struct exporter *e =
        format < FLOW_FORMATS ? exporter_find(x, allowed, format, now) : NULL;
    if (e == NULL) {
        x->counters.unknown_format++;
        return EXPORTERS_BAD;
    }
    note_pause(e, now.ns - e->last.ns);
    e->last = now;
    struct exporter_session *s = session_find(e, from->port, bytes, len, now);
    if (came_before(s, bytes, len)) {
        x->counters.repeated++;
        return EXPORTERS_TAKEN;
    }
    const struct flow_meter_counters *c = &x->meter.counters, before = *c;
    rates_turn(&x->rates, now);
    int rc = take(x, e, s, bytes, len, now);
    troubled_set(&e->no_sampler,
                 e->no_sampler.total + c->sampler_unknown - before.sampler_unknown, now);
    troubled_set(
        &e->sampling_refused,
        e->sampling_refused.total + c->sampling_refused - before.sampling_refused, now);
    return rc == 0 ? EXPORTERS_TAKEN : EXPORTERS_BAD;
}

void exporters_turn(struct exporters *x, struct mono now)
{
    rates_turn(&x->rates, now);
    flow_meter_turn(&x->meter, now);
    for (size_t i = 0; i < x->n; i++) {
        struct exporter *e = x->list[i];
        e->counters = e->ended;
        for (size_t k = 0; k < e->n_sessions; k++) {
            if (is_ipfix(e))
                ipfix_turn(e->sessions[k].ipfix, now);
            add_counters(&e->counters, session_counters(e, &e->sessions[k]));
        }
        troubled_set(&e->lost, e->counters.lost, now);
        troubled_set(&e->bad, e->counters.bad_datagrams, now);
    }
    for (size_t i = 0; i < x->n; i++)
        x->list[i]->silent = is_silent(x, x->list[i], now);
}

/* ---- metrics ---- */

size_t exporters_window(struct exporters *x, bool delta, struct mono now,
                        struct self_value values[EXPORTERS_VALUES_MAX])
{
    struct flow_counters sum = {0};
    const struct flow_meter_counters *m = &x->meter.counters;
    exporters_turn(x, now);
    for (size_t i = 0; i < x->n; i++)
        add_counters(&sum, &x->list[i]->counters);
    const struct {
        const char *name, *unit, *description, *record;
        uint64_t total;
    } all[] = {
        {METRIC_AGENT_FLOW_DATAGRAMS, "{datagram}", "Datagrams of flow exporters", NULL,
         x->counters.datagrams},
        {METRIC_AGENT_FLOW_BAD, "{datagram}", "Malformed datagrams of flow exporters",
         NULL, sum.bad_datagrams + x->counters.unknown_format},
        {METRIC_AGENT_FLOW_REFUSED, "{datagram}",
         "Datagrams from addresses that may not export", NULL, x->counters.refused},
        {METRIC_AGENT_FLOW_DROPPED, "{datagram}",
         "Datagrams that the kernel dropped: the receive buffer was full", NULL,
         x->dropped.total},
        {METRIC_AGENT_FLOW_LOST, "{record}",
         "Flow records (NetFlow v9, sFlow: datagrams) missing in the exporters' sequences",
         NULL, sum.lost},
        {METRIC_AGENT_FLOW_REPEATED, "{datagram}",
         "Datagrams of flow exporters that came twice", NULL, x->counters.repeated},
        {METRIC_AGENT_FLOW_NO_TEMPLATE, "{set}", "Data sets whose template is not known",
         NULL, sum.no_template},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "counted", m->counted},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "other", m->other},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "inside", m->inside},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "duplicate", m->duplicates},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "no_sampler", m->sampler_unknown},
        {METRIC_AGENT_FLOW_RECORDS, "{record}", "Flow records by what was done with them",
         "sampling_refused", m->sampling_refused},
    };
    enum { N = sizeof all / sizeof *all };
    _Static_assert(N <= sizeof x->reported / sizeof *x->reported, "room for all");
    size_t n = rates_window(&x->rates, delta, now, values);
    for (size_t i = 0; i < N; i++) {
        values[n++] = (struct self_value){
            .name = all[i].name,
            .unit = all[i].unit,
            .description = all[i].description,
            .monotonic = true,
            .attribute = all[i].record != NULL ? ATTR_FLOW_RECORD : NULL,
            .attribute_value = all[i].record,
            .value = (double)(delta ? all[i].total - x->reported[i] : all[i].total)};
        x->reported[i] = all[i].total;
    }
    return n;
}

/* ---- for people ---- */

size_t exporter_templates(const struct exporter *e)
{
    size_t n = 0;
    for (size_t i = 0; is_ipfix(e) && i < e->n_sessions; i++)
        n += e->sessions[i].ipfix->n_templates;
    return n;
}

double exporter_sampling(const struct exporter *e)
{
    return e->origin.sampling > 0 ? e->origin.sampling : e->sampling;
}

static void add_ago(struct text *out, int64_t ns)
{
    int64_t s = ns / NS_PER_S;
    text_add(out, s < 120 ? "%" PRId64 " s" : "%" PRId64 " min", s < 120 ? s : s / 60);
}

/* "1,204" */
static void add_grouped(struct text *out, uint64_t n)
{
    if (n >= 1000) {
        add_grouped(out, n / 1000);
        text_add(out, ",%03u", (unsigned)(n % 1000));
    } else {
        text_add(out, "%u", (unsigned)n);
    }
}

static bool is_heard(const struct exporters *x, const struct endpoint *address)
{
    for (size_t i = 0; i < x->n; i++)
        if (endpoint_same_address(&x->list[i]->address, address))
            return true;
    return false;
}

static void add_exporter(const struct exporter *e, struct mono now, struct text *out)
{
    char address[ADDRESS_TEXT_MAX];
    double sampling = exporter_sampling(e);
    size_t templates = exporter_templates(e);
    const struct flow_counters *c = &e->counters;
    text_add(out, "exporter %s: %s, ", endpoint_address(address, &e->address),
             flow_format_title(e->origin.format));
    add_grouped(out, c->flows);
    text_add(out, " %s%s, last ", e->origin.format == FLOW_SFLOW ? "sample" : "flow",
             c->flows == 1 ? "" : "s");
    add_ago(out, now.ns - e->last.ns);
    if (sampling > 1)
        text_add(out, " ago, sampling 1:%.10g", sampling);
    else
        text_add(out, " ago, no sampling%s", sampling > 0 ? "" : " announced");
    if (is_ipfix(e))
        text_add(out, ", %zu template%s", templates, templates == 1 ? "" : "s");
    if (c->no_template > 0)
        text_add(out, ", %" PRIu64 " data set%s without template", c->no_template,
                 c->no_template == 1 ? "" : "s");
    if (c->lost > 0)
        text_add(out, ", %" PRIu64 " lost", c->lost);
    text_add(out, "\n");
}

void exporters_text(const struct exporters *x, struct mono now, struct text *out)
{
    char address[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < x->n; i++)
        add_exporter(x->list[i], now, out);
    for (size_t i = 0; i < x->n_allowed; i++)
        if (!is_heard(x, &x->allowed[i]))
            text_add(out, "exporter %s: nothing received yet\n",
                     endpoint_address(address, &x->allowed[i]));
    const struct flow_shared *shared = &x->meter.shared;
    if (shared->last.ns == 0 || now.ns - shared->last.ns > EXPORTER_RECENT_NS)
        return;
    text_add(out, "exporters %s and ",
             endpoint_address(address, &x->allowed[shared->exporters[0]]));
    text_add(out,
             "%s sample traffic of the same networks: it is counted from one of them; if "
             "they share the traffic, it is counted too low: cannot tell yet\n",
             endpoint_address(address, &x->allowed[shared->exporters[1]]));
}

static bool is_recent(const struct troubled *t, struct mono now)
{
    return t->total > 0 && now.ns - t->last.ns < EXPORTER_RECENT_NS;
}

static const char *were(uint64_t n)
{
    return n == 1 ? " was" : "s were";
}

static size_t add_problems(const struct exporters *x, const struct exporter *e,
                           const char *listen, struct mono now, struct text *out)
{
    char address[ADDRESS_TEXT_MAX];
    const char *title = flow_format_title(e->origin.format);
    bool by_datagram =
        e->origin.format == FLOW_NETFLOW9 || e->origin.format == FLOW_SFLOW;
    size_t n = 0;
    endpoint_address(address, &e->address);
    if (is_silent(x, e, now)) {
        text_add(out, "exporter %s (%s) is silent: its last datagram came ", address,
                 title);
        add_ago(out, now.ns - e->last.ns);
        text_add(out,
                 " ago, so its traffic is not counted; check that it still exports to %s "
                 "(UDP)\n",
                 listen);
        n++;
    }
    if (is_recent(&e->lost, now)) {
        text_add(
            out,
            "exporter %s (%s): %" PRIu64 " %s%s lost on the way to this host, so its "
            "traffic is counted too low; check the path for loss, or let it sample\n",
            address, title, e->lost.total, by_datagram ? "datagram" : "flow record",
            were(e->lost.total));
        n++;
    }
    if (is_recent(&e->no_sampler, now)) {
        text_add(out,
                 "exporter %s (%s): %" PRIu64 " flow record%s left out, as it has not "
                 "announced their sampler; let it export its sampler options, or set "
                 "sampling = %s=N in [traffic]\n",
                 address, title, e->no_sampler.total, were(e->no_sampler.total), address);
        n++;
    }
    if (is_recent(&e->sampling_refused, now)) {
        text_add(out,
                 "exporter %s (%s): %" PRIu64 " flow record%s left out, as the sampling "
                 "rate that it announces is above 1:%d (1:%.10g at last); correct it on "
                 "the router, or set sampling = %s=N in [traffic]\n",
                 address, title, e->sampling_refused.total,
                 were(e->sampling_refused.total), FLOW_SAMPLING_MAX, e->sampling,
                 address);
        n++;
    }
    if (is_recent(&e->bad, now)) {
        text_add(out,
                 "exporter %s (%s): %" PRIu64 " datagram%s malformed; check the version "
                 "and the size of the datagrams that it exports\n",
                 address, title, e->bad.total, were(e->bad.total));
        n++;
    }
    return n;
}

size_t exporters_problems(const struct exporters *x, const char *listen, struct mono now,
                          struct text *out)
{
    char address[ADDRESS_TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        n += add_problems(x, x->list[i], listen, now, out);
    for (size_t i = 0; i < x->n_allowed; i++) {
        if (is_heard(x, &x->allowed[i]) || now.ns - x->began.ns < EXPORTER_RECENT_NS)
            continue;
        text_add(
            out,
            "exporter %s: nothing received yet; let it export IPFIX, NetFlow or sFlow to "
            "%s (UDP), and let the firewall pass it\n",
            endpoint_address(address, &x->allowed[i]), listen);
        n++;
    }
    if (is_recent(&x->dropped, now)) {
        text_add(
            out,
            "the kernel dropped %" PRIu64
            " datagram%s of exporters, so traffic is counted "
            "too low; raise net.core.rmem_max and restart edgelat, or let the routers "
            "sample\n",
            x->dropped.total, x->dropped.total == 1 ? "" : "s");
        n++;
    }
    return n;
}
