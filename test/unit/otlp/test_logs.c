#include "check.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "proto/otlp.pb-c.h"

static const struct peering peering = {.connection = "er-leeds",
                                       .primary = "London",
                                       .prefixes = "192.0.2.0/24 2001:db8::/32"};
static const struct otlp_resource resource = {.peering = &peering,
                                              .instance_id = "id",
                                              .version = "1.2.3",
                                              .host_name = "branch",
                                              .site = "Leeds"};

/* Unpacked; the batch has those of `events`. */
static Otlp__ExportLogsServiceRequest *encode(const struct events *events)
{
    struct batch batch = {
        .time = {1120 * NS_PER_S}, .events = events->list, .n_events = events->n};
    size_t len, plain_len;
    void *plain, *packed = otlp_logs(&batch, &resource, &len);
    CHECK(packed != NULL, "there is a request");
    CHECK_INT(0, gzip_unpack(packed, len, OTLP_BYTES_MAX, &plain, &plain_len),
              "it is gzip");
    Otlp__ExportLogsServiceRequest *request =
        otlp__export_logs_service_request__unpack(NULL, plain_len, plain);
    CHECK(request != NULL, "it is protobuf");
    free(plain);
    free(packed);
    return request;
}

static Otlp__ScopeLogs *scope_of(const Otlp__ExportLogsServiceRequest *request)
{
    CHECK_INT(1, request->n_resource_logs, "one resource");
    CHECK_INT(1, request->resource_logs[0]->n_scope_logs, "one scope");
    return request->resource_logs[0]->scope_logs[0];
}

/* "key=value key=value ...", in their order. */
static const char *listed(Otlp__KeyValue **list, size_t n)
{
    static char out[2048];
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const Otlp__AnyValue *v = list[i]->value;
        bool text = v->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        CHECK(text || v->value_case == OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE,
              "%s is a text or a number", list[i]->key);
        used +=
            (size_t)(text ? snprintf(out + used, sizeof out - used, "%s%s=%s",
                                     i > 0 ? " " : "", list[i]->key, v->string_value)
                          : snprintf(out + used, sizeof out - used, "%s%s=%g",
                                     i > 0 ? " " : "", list[i]->key, v->double_value));
    }
    return out;
}

static void an_event_is_a_log_record(void **state)
{
    (void)state;
    static struct events events;
    struct target teams = {
        .name = "teams", .service = "calls", .host = "teams.microsoft.com"};
    struct kind icmp = {.name = "icmp"};
    events.n = 0;
    struct event *e = events_add(&events, "edgelat.pop.changed", SEVERITY_WARN,
                                 (struct wall){1090 * NS_PER_S}, &teams);
    e->kind = &icmp;
    e->family = FAMILY_IPV6;
    event_change(e, "AMS", "LON");
    event_say(e, "%s moved", "teams");
    event_number(e, "edgelat.shift.ratio", 1.5);
    event_text(e, "edgelat.evidence", "x-msedge-ref");
    Otlp__ExportLogsServiceRequest *request = encode(&events);

    const Otlp__Resource *r = request->resource_logs[0]->resource;
    CHECK_TEXT("service.name=edgelat service.version=1.2.3 service.instance.id=id "
               "host.name=branch edgelat.site=Leeds edgelat.peering.connection=er-leeds "
               "edgelat.peering.primary=London "
               "edgelat.peering.prefixes=192.0.2.0/24 2001:db8::/32",
               listed(r->attributes, r->n_attributes), "resource");
    const Otlp__ScopeLogs *scope = scope_of(request);
    CHECK_TEXT("edgelat", scope->scope->name, "scope");
    CHECK_TEXT("1.2.3", scope->scope->version, "its version");
    CHECK_INT(1, scope->n_log_records, "one record");
    const Otlp__LogRecord *l = scope->log_records[0];
    CHECK_INT(1090 * NS_PER_S, l->time_unix_nano, "when it was found out");
    CHECK_INT(1090 * NS_PER_S, l->observed_time_unix_nano, "observed");
    CHECK_INT(13, l->severity_number, "SEVERITY_NUMBER_WARN");
    CHECK_TEXT("WARN", l->severity_text, "severity");
    CHECK_TEXT("edgelat.pop.changed", l->event_name, "event name");
    CHECK_TEXT("teams moved", l->body->string_value, "body");
    CHECK_TEXT("edgelat.target=teams edgelat.service=calls "
               "server.address=teams.microsoft.com event.name=edgelat.pop.changed "
               "network.type=ipv6 edgelat.probe.kind=icmp edgelat.before=AMS "
               "edgelat.after=LON edgelat.shift.ratio=1.5 edgelat.evidence=x-msedge-ref",
               listed(l->attributes, l->n_attributes), "attributes");
    otlp__export_logs_service_request__free_unpacked(request, NULL);
}

static void nothing_known_is_nothing_said(void **state)
{
    (void)state;
    static struct events events;
    events.n = 0;
    events_add(&events, "edgelat.agent.started", SEVERITY_INFO,
               (struct wall){1090 * NS_PER_S}, NULL);
    Otlp__ExportLogsServiceRequest *request = encode(&events);
    const Otlp__LogRecord *l = scope_of(request)->log_records[0];
    CHECK_TEXT("event.name=edgelat.agent.started", listed(l->attributes, l->n_attributes),
               "no target, no family, no kind, no facts");
    CHECK(l->body == NULL, "no text, no body");
    otlp__export_logs_service_request__free_unpacked(request, NULL);

    struct batch quiet = {.time = {1120 * NS_PER_S}};
    size_t len;
    CHECK(otlp_logs(&quiet, &resource, &len) == NULL, "no events, no request");
}

/* The largest event, as often as a window may have it; texts that are no UTF-8. */
static void bounded_and_sendable(void **state)
{
    (void)state;
    static struct events events;
    char name[TARGET_NAME_MAX] = "", host[HOST_TEXT_MAX] = "";
    struct target longest = {.name = name, .host = host};
    struct kind https = {.name = "https"};
    char word[2 * EVENT_TEXT_MAX];
    memset(word, 0xe9, sizeof word - 1);
    word[sizeof word - 1] = '\0';
    memset(name, 'n', sizeof name - 1);
    memset(longest.service, 's', sizeof longest.service - 1);
    memset(host, 'h', sizeof host - 1);
    events.n = 0;
    for (int i = 0; i < 2 * EVENTS_MAX; i++) {
        struct event *e = events_add(&events, "edgelat.path.changed", SEVERITY_ERROR,
                                     (struct wall){1090 * NS_PER_S}, &longest);
        e->kind = &https;
        e->family = FAMILY_IPV4;
        event_change(e, word, word);
        event_say(e, "%s", word);
        for (int f = 0; f < EVENT_FACTS_MAX; f++)
            event_text(e, "edgelat.fact", word);
    }
    Otlp__ExportLogsServiceRequest *request = encode(&events);
    const Otlp__ScopeLogs *scope = scope_of(request);
    CHECK_INT(EVENTS_MAX, scope->n_log_records, "no more than a window may have");
    const Otlp__LogRecord *l = scope->log_records[EVENTS_MAX - 1];
    CHECK_INT(8 + EVENT_FACTS_MAX, l->n_attributes, "all of them");
    CHECK_INT(EVENT_TEXT_MAX - 1, strspn(l->body->string_value, "?"), "no Latin-1");
    const Otlp__AnyValue *before =
        l->attributes[l->n_attributes - 2 - EVENT_FACTS_MAX]->value;
    CHECK_INT(EVENT_WORD_MAX - 1, strspn(before->string_value, "?"), "nor other bytes");
    CHECK(otlp__export_logs_service_request__get_packed_size(request) < 3 << 19,
          "well below what a receiver takes");
    otlp__export_logs_service_request__free_unpacked(request, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_a_log_record),
        cmocka_unit_test(nothing_known_is_nothing_said),
        cmocka_unit_test(bounded_and_sendable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
