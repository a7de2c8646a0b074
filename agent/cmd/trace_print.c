#include "cmd/trace_print.h"

#include "base/json.h"
#include "cmd/render.h"
#include "core/result.h"
#include "probe/icmp/message.h"

#include <stdio.h>
#include <string.h>

enum { AS_TEXT_MAX = 16, NAME_WIDTH = 44 };

static const char *end_name(enum trace_end end)
{
    static const char *const names[] = {
        [TRACE_END_TARGET] = "reached",
        [TRACE_END_UNREACHABLE] = "unreachable",
        [TRACE_END_LOOP] = "loop",
        [TRACE_END_SILENT] = "silent",
    };
    return names[end];
}

static const char *answer_name(enum trace_kind kind)
{
    static const char *const names[] = {
        [TRACE_EXCEEDED] = "ttl_exceeded",
        [TRACE_TARGET] = "target",
        [TRACE_UNREACHABLE] = "unreachable",
    };
    return names[kind];
}

/* ---- JSON ---- */

/* Keys common to hops and the summary. */
static void target_json(struct json *j, const struct traced *t)
{
    json_string(j, "target", t->host);
    json_string(j, "kind", tracer_method_name(t->method));
}

static void delays_json(struct json *j, const struct trace_stats *s)
{
    json_object(j, "delays");
    if (s->answered > 0) {
        json_ms(j, "min", s->min_ns);
        json_ms(j, "median", s->median_ns);
    }
    json_object_end(j);
}

static void place_json(struct json *j, const struct segment_hop *hop)
{
    json_text(j, "metro", hop->pop.metro);
    json_text(j, "site", hop->pop.site);
    json_string(j, "city", hop->metro != NULL ? hop->metro->city : NULL);
    json_string(j, "country", hop->metro != NULL ? metro_country(hop->metro) : NULL);
}

static void answer_json(struct json *j, const struct trace_answer *a)
{
    json_array(j, "mpls");
    for (size_t i = 0; a != NULL && i < a->extension.n_labels; i++) {
        const struct mpls_label *l = &a->extension.labels[i];
        json_object(j, NULL);
        json_unsigned(j, "label", l->label);
        json_unsigned(j, "traffic_class", l->traffic_class);
        json_bool(j, "bottom", l->bottom);
        json_unsigned(j, "ttl", l->ttl);
        json_object_end(j);
    }
    json_array_end(j);
    json_string(j, "answer", a != NULL ? answer_name(a->kind) : NULL);
    if (a != NULL && a->reply_ttl >= 0)
        json_integer(j, "reply_ttl", a->reply_ttl);
    else
        json_null(j, "reply_ttl");
    unsigned back = a != NULL ? potato_hops_back(a->reply_ttl) : 0;
    if (back > 0)
        json_unsigned(j, "hops_back", back);
    else
        json_null(j, "hops_back");
}

static void as_json(struct json *j, const struct segment_hop *hop,
                    const struct as_answer *a)
{
    bool microsofts = hop->segment == SEGMENT_MICROSOFT && hop->basis[0] != '\0';
    if (a->origins.n > 0)
        json_unsigned(j, "as", a->origins.as[0]);
    else if (microsofts)
        json_integer(j, "as", AS_MICROSOFT);
    else
        json_null(j, "as");
    json_array(j, "other_as");
    for (size_t i = 1; i < a->origins.n; i++)
        json_unsigned(j, NULL, a->origins.as[i]);
    json_array_end(j);
    json_text(j, "as_name", a->name);
    json_string(j, "as_source",
                a->source != AS_SOURCE_NONE ? as_source_name(a->source)
                : microsofts                ? "segment"
                                            : NULL);
}

static void branches_json(struct json *j, const struct branches *b, size_t i)
{
    char address[ADDRESS_TEXT_MAX];
    json_array(j, "branches");
    for (size_t k = 0; k < b->hops[i].n; k++) {
        json_object(j, NULL);
        json_string(j, "address", endpoint_address(address, &b->hops[i].all[k].address));
        json_unsigned(j, "flows", b->hops[i].all[k].flows);
        json_object_end(j);
    }
    json_array_end(j);
}

static void hop_json(struct text *out, const struct traced *t, size_t i)
{
    char address[ADDRESS_TEXT_MAX];
    const struct segment_hop *hop = &t->hops[i];
    struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
    struct endpoint others[TRACE_QUERIES - 1];
    size_t n_others =
        s.answered > 0 ? trace_others(t->trace, (uint8_t)(i + 1), others) : 0;
    struct json j = json_to(out);
    json_object(&j, NULL);
    target_json(&j, t);
    json_integer(&j, "hop", (int64_t)i + 1);
    json_text(&j, "address", endpoint_address(address, &hop->address));
    json_text(&j, "name", hop->name);
    json_array(&j, "other_addresses");
    for (size_t k = 0; k < n_others; k++)
        json_string(&j, NULL, endpoint_address(address, &others[k]));
    json_array_end(&j);
    json_string(&j, "segment", segment_name(hop->segment));
    as_json(&j, hop, &t->as[i]);
    place_json(&j, hop);
    json_text(&j, "basis", hop->basis);
    json_integer(&j, "sent", s.sent);
    json_integer(&j, "answered", s.answered);
    delays_json(&j, &s);
    answer_json(&j, s.answer);
    if (s.answer != NULL && s.answer->kind == TRACE_UNREACHABLE)
        json_string(
            &j, "cause",
            icmp_error_text((enum family)t->to.family, s.answer->type, s.answer->code));
    if (t->branches != NULL)
        branches_json(&j, t->branches, i);
    json_object_end(&j);
    text_add_bytes(out, "\n", 1);
}

static void hop_number_json(struct json *j, const char *key, size_t i)
{
    if (i == SEGMENT_NO_HOP)
        json_null(j, key);
    else
        json_integer(j, key, (int64_t)i + 1);
}

static void entry_json(struct json *j, const struct traced *t)
{
    static const struct segment_hop nowhere = {.min_ns = DELAY_UNDEFINED};
    const struct entry *e = &t->entry;
    const struct segment_hop *first =
        e->first != SEGMENT_NO_HOP ? &t->hops[e->first] : &nowhere;
    json_object(j, "entry");
    json_string(j, "state", entry_state_name(e->state));
    hop_number_json(j, "hop", e->first);
    hop_number_json(j, "behind_hop", e->before);
    hop_number_json(j, "metro_hop", e->metro);
    place_json(j, e->state == ENTRY_FOUND ? first : &nowhere);
    json_text(j, "basis", first->basis);
    if (first->min_ns != DELAY_UNDEFINED)
        json_ms(j, "delay", first->min_ns);
    else
        json_null(j, "delay");
    json_object_end(j);
}

static void as_path_json(struct json *j, const char *key, const struct as_path *p)
{
    static const char *const states[] = {[AS_HOPS_UNKNOWN] = "unknown",
                                         [AS_HOPS_AT_LEAST] = "at_least",
                                         [AS_HOPS_EXACT] = "exact"};
    json_object(j, key);
    json_string(j, "state", states[p->state]);
    if (p->state != AS_HOPS_UNKNOWN)
        json_unsigned(j, "hops", p->hops);
    else
        json_null(j, "hops");
    json_array(j, "path"); /* null: an AS may be hidden there */
    for (size_t i = 0; i <= p->n; i++) {
        if (p->gap[i])
            json_null(j, NULL);
        if (i < p->n)
            json_unsigned(j, NULL, p->as[i]);
    }
    json_array_end(j);
}

/* The BGP table comes first: routers of a trace may answer with addresses of others. */
static void as_hops_json(struct json *j, const struct traced *t)
{
    char prefix[BGP_PREFIX_TEXT_MAX];
    json_object(j, "as_hops");
    if (t->route != NULL) {
        as_path_json(j, "bgp", &t->by_route);
        json_string(j, "prefix", bgp_prefix_text(prefix, &t->route->prefix));
        json_text(j, "router", t->route->router);
        json_object_end(j);
    } else {
        json_null(j, "bgp");
    }
    as_path_json(j, "trace", &t->by_hops);
    json_text(j, "source", t->as_about);
    json_object_end(j);
    json_object_end(j);
}

/* "Microsoft's network is one AS hop away, AS64500 > AS8075 (BGP table of r1)." */
static void add_as_hops(struct text *out, const struct traced *t)
{
    static const char capital = 'M' - 'm';
    const struct as_path *p = t->route != NULL ? &t->by_route : &t->by_hops;
    if (t->route == NULL && t->as_about[0] == '\0')
        return;
    text_add(out, " ");
    size_t at = out->len;
    as_path_clause(out, p);
    if (out->bytes[at] >= 'a')
        out->bytes[at] = (char)(out->bytes[at] + capital);
    if (t->route != NULL)
        text_add(out, " (BGP table of %s).",
                 t->route->router[0] != '\0' ? t->route->router : "the router");
    else
        text_add(out, " (AS of the hops by %s).", t->as_about);
    if (p->hops > 1)
        text_add(out, " With Peering Service it is one.");
    if (t->route != NULL && t->by_hops.state != AS_HOPS_UNKNOWN &&
        t->by_hops.hops > p->hops) {
        text_add(out, " The hops of the trace belong to more networks: ");
        as_path_text(out, &t->by_hops);
        text_add(out, ".");
    }
}

static void grade_json(struct json *j, const char *key, enum potato_grade g)
{
    json_string(j, key, g != POTATO_CANNOT_TELL ? potato_grade_name(g) : "cannot_tell");
}

static void potato_json(struct json *j, const struct potato *p)
{
    struct text sentence = {0};
    json_object(j, "potato");
    grade_json(j, "grade", p->grade);
    grade_json(j, "forward", p->forward);
    grade_json(j, "back", p->back);
    if (p->beyond_ns != DELAY_UNDEFINED)
        json_ms(j, "behind_entry", p->beyond_ns);
    else
        json_null(j, "behind_entry");
    json_unsigned(j, "compared", p->compared);
    if (p->compared > 0)
        json_integer(j, "asymmetry", p->difference);
    else
        json_null(j, "asymmetry");
    json_number(j, "stretch", p->stretch);
    potato_sentence(&sentence, p);
    json_string(j, "evidence", text_string(&sentence));
    json_object_end(j);
    text_free(&sentence);
}

static const char *mtu_verdict_name(enum mtu_verdict v)
{
    static const char *const names[] = {[MTU_UNKNOWN] = "unknown",
                                        [MTU_FOUND] = "limited",
                                        [MTU_UNLIMITED] = "unlimited",
                                        [MTU_SILENT] = "silent",
                                        [MTU_LOSSY] = "lossy"};
    return names[v];
}

static void mtu_json(struct json *j, const struct traced *t)
{
    char address[ADDRESS_TEXT_MAX];
    struct text sentence = {0};
    const struct mtu_search *s = t->mtu;
    json_object(j, "mtu");
    json_string(j, "state", mtu_verdict_name(s->verdict));
    if (s->mtu > 0)
        json_unsigned(j, "bytes", s->mtu);
    else
        json_null(j, "bytes");
    json_string(j, "limit", mtu_limit_name(s->limit));
    json_text(j, "reported_by", endpoint_address(address, &s->by));
    json_unsigned(j, "packets", s->packets);
    mtu_sentence(&sentence, s, (enum family)t->to.family);
    json_string(j, "verdict", text_string(&sentence));
    json_object_end(j);
    text_free(&sentence);
}

static void add_verdict(struct text *out, const struct traced *t)
{
    segments_verdict(out, t->hops, t->n, &t->entry, t->end, t->end_ttl);
    add_as_hops(out, t);
}

void trace_print_json(struct text *out, const struct traced *t)
{
    char address[ADDRESS_TEXT_MAX], time[WALL_TEXT_MAX];
    struct text verdict = {0};
    for (size_t i = 0; i < t->n; i++)
        hop_json(out, t, i);
    add_verdict(&verdict, t);
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_bool(&j, "summary", true);
    json_string(&j, "time", wall_text(time, t->time));
    target_json(&j, t);
    json_string(&j, "address", endpoint_address(address, &t->to));
    json_string(&j, "family", family_name(t->to.family));
    if (t->to.port != 0)
        json_integer(&j, "port", t->to.port);
    else
        json_null(&j, "port");
    json_string(&j, "end", end_name(t->end));
    json_integer(&j, "end_hop", t->end_ttl);
    json_integer(&j, "hops", (int64_t)t->n);
    json_integer(&j, "packets", t->trace->packets);
    json_ms(&j, "took", t->took_ns);
    if (t->branches != NULL)
        json_unsigned(&j, "flows", t->branches->flows);
    entry_json(&j, t);
    as_hops_json(&j, t);
    potato_json(&j, &t->potato);
    if (t->mtu != NULL)
        mtu_json(&j, t);
    json_string(&j, "verdict", text_string(&verdict));
    json_object_end(&j);
    text_add_bytes(out, "\n", 1);
    text_free(&verdict);
}

/* ---- text ---- */

static const char *address_text(char out[ADDRESS_TEXT_MAX], const struct segment_hop *hop)
{
    if (hop->address.family == FAMILY_NONE)
        strcpy(out, "no answer");
    else
        endpoint_address(out, &hop->address);
    return out;
}

/* A long name is cut at its left, as its domain tells more than its interface. */
static const char *name_text(char out[NAME_WIDTH + 1], const char *name)
{
    size_t len = strlen(name);
    if (len <= NAME_WIDTH)
        text_copy(out, NAME_WIDTH + 1, name[0] != '\0' ? name : "-");
    else
        snprintf(out, NAME_WIDTH + 1, "...%s", name + len - (NAME_WIDTH - 3));
    return out;
}

static void add_head(struct text *out, const struct traced *t)
{
    char address[ADDRESS_TEXT_MAX];
    endpoint_address(address, &t->to);
    text_add(out, "Path to %s", t->host);
    if (strcmp(t->host, address) != 0)
        text_add(out, " (%s)", address);
    switch (t->method) {
    case TRACER_ICMP:
        text_add(out, " by ICMP");
        break;
    case TRACER_TCP:
        text_add(out, " by TCP, port %u", t->to.port);
        break;
    case TRACER_UDP:
        text_add(out, " by UDP, port %u", t->to.port);
        break;
    }
    text_add(out, "; delays in ms\n\n");
}

/* The first one is that of the row. */
static void add_branches(struct text *out, const struct branches *b, size_t i)
{
    char address[ADDRESS_TEXT_MAX];
    for (size_t k = 0; b->hops[i].n > 1 && k < b->hops[i].n; k++)
        text_add(out, "\t\t%s: %u of %u flows\n",
                 endpoint_address(address, &b->hops[i].all[k].address),
                 b->hops[i].all[k].flows, b->flows);
}

static void add_extras(struct text *out, const struct traced *t, size_t i)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint others[TRACE_QUERIES - 1];
    struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
    if (t->branches != NULL)
        add_branches(out, t->branches, i);
    if (s.answer == NULL)
        return;
    size_t n = trace_others(t->trace, (uint8_t)(i + 1), others);
    for (size_t k = 0; k < n; k++)
        text_add(out, "\t\talso answered by %s\n", endpoint_address(address, &others[k]));
    if (s.answer->kind == TRACE_UNREACHABLE)
        text_add(
            out, "\t\t%s\n",
            icmp_error_text((enum family)t->to.family, s.answer->type, s.answer->code));
    const struct icmp_extension *e = &s.answer->extension;
    if (e->n_labels == 0)
        return;
    text_add(out, "\t\tMPLS");
    for (size_t k = 0; k < e->n_labels; k++)
        text_add(out, "%s label %u (class %u, TTL %u)", k > 0 ? "," : "",
                 e->labels[k].label, e->labels[k].traffic_class, e->labels[k].ttl);
    text_add(out, "\n");
}

/* "AS64500", "AS64500?" if there are others; "-": not known */
static const char *as_text(char out[AS_TEXT_MAX], const struct segment_hop *hop,
                           const struct as_answer *a)
{
    if (a->origins.n > 0)
        snprintf(out, AS_TEXT_MAX, "AS%u%s", a->origins.as[0],
                 a->origins.n > 1 ? "?" : "");
    else
        strcpy(out, hop->segment == SEGMENT_MICROSOFT && hop->basis[0] != '\0' ? "AS8075"
                                                                               : "-");
    return out;
}

static const char *back_text(char out[12], const struct trace_stats *s)
{
    unsigned back = s->answer != NULL ? potato_hops_back(s->answer->reply_ttl) : 0;
    snprintf(out, 12, back > 0 ? "%u" : "-", back);
    return out;
}

static void add_rows(struct text *out, const struct traced *t)
{
    char address[ADDRESS_TEXT_MAX], name[NAME_WIDTH + 1], min[24], median[24],
        as[AS_TEXT_MAX], back[12];
    text_add(out, "\t>hop\taddress\t+name\tnetwork\tAS\tmetro\t>min\t>median\t-1>back"
                  "\tanswered\n");
    for (size_t i = 0; i < t->n; i++) {
        const struct segment_hop *hop = &t->hops[i];
        struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
        text_add(
            out, "\t%zu\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%u of %u\n", i + 1,
            address_text(address, hop), name_text(name, hop->name),
            hop->segment == SEGMENT_MICROSOFT ? "Microsoft" : segment_name(hop->segment),
            as_text(as, hop, &t->as[i]), hop->pop.metro[0] != '\0' ? hop->pop.metro : "-",
            render_ms(min, s.min_ns), render_ms(median, s.median_ns), back_text(back, &s),
            s.answered, s.sent);
        add_extras(out, t, i);
    }
}

/* Whether a hop answered some queries only and a hop behind it answered. */
static bool is_limited(const struct traced *t)
{
    for (size_t i = 0; i + 1 < t->n; i++) {
        struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
        if (s.answered < s.sent)
            return true;
    }
    return false;
}

void trace_print_text(struct text *out, const struct traced *t)
{
    add_head(out, t);
    if (t->n > 0)
        add_rows(out, t);
    if (is_limited(t))
        text_add(out,
                 "(Routers limit or refuse such answers: missing answers of a hop in the "
                 "middle are not packet loss.)\n");
    if (t->branches != NULL && t->method == TRACER_ICMP)
        text_add(out,
                 "(Most routers send all ICMP along one of several equal-cost paths: "
                 "--paths finds them with --tcp or --udp.)\n");
    text_add(out, "%s", t->n > 0 ? "\n" : "");
    add_verdict(out, t);
    if (t->end != TRACE_END_TARGET && *t->proxy != '\0')
        text_add(out, " %s.", t->proxy);
    else if (t->end == TRACE_END_SILENT && t->method != TRACER_TCP)
        text_add(out, " Firewalls may drop %s: try --tcp.",
                 t->method == TRACER_ICMP ? "ICMP echo" : "UDP");
    else if (t->n == 0)
        text_add(out, " Check the firewalls of this host and of the site.");
    text_add(out, "\n");
    if (t->entry.state != ENTRY_NONE) {
        potato_sentence(out, &t->potato);
        text_add(out, "\n");
    }
    if (t->mtu != NULL) {
        mtu_sentence(out, t->mtu, (enum family)t->to.family);
        text_add(out, "\n");
    }
}
