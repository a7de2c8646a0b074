#include "collector/records.h"

#include "check.h"

#define TEXT(value_)                                                                     \
    &(Otlp__AnyValue)                                                                    \
    {                                                                                    \
        .base = PROTOBUF_C_MESSAGE_INIT(&otlp__any_value__descriptor),                   \
        .value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE,                               \
        .string_value = (char *)(value_)                                                 \
    }
#define PAIR(key_, value_)                                                               \
    &(Otlp__KeyValue)                                                                    \
    {                                                                                    \
        .base = PROTOBUF_C_MESSAGE_INIT(&otlp__key_value__descriptor),                   \
        .key = (char *)(key_), .value = TEXT(value_)                                     \
    }

/* The line of a record; `attributes` ends with NULL. */
static void check(const char *expected, Otlp__LogRecord record,
                  Otlp__KeyValue **attributes, const char *what)
{
    struct text out = {0};
    record.attributes = attributes;
    while (attributes[record.n_attributes] != NULL)
        record.n_attributes++;
    Otlp__LogRecord *records[] = {&record};
    Otlp__ScopeLogs scope = OTLP__SCOPE_LOGS__INIT, *scopes[] = {&scope};
    scope.n_log_records = 1;
    scope.log_records = records;
    Otlp__ResourceLogs from = OTLP__RESOURCE_LOGS__INIT, *resources[] = {&from};
    from.n_scope_logs = 1;
    from.scope_logs = scopes;
    Otlp__ExportLogsServiceRequest request = OTLP__EXPORT_LOGS_SERVICE_REQUEST__INIT;
    request.n_resource_logs = 1;
    request.resource_logs = resources;
    records_render(&out, &request, true);
    CHECK_TEXT(expected, text_string(&out), what);
    text_free(&out);
}

static void a_line_each(void **state)
{
    (void)state;
    Otlp__LogRecord r = OTLP__LOG_RECORD__INIT;
    check("1970-01-01T00:00:00.000000Z  -  -\n", r, (Otlp__KeyValue *[]){NULL},
          "nothing at all");
    r.time_unix_nano = 1795424400000000000; /* 2026-11-23T09:00:00Z */
    r.severity_text = (char *)"WARN";
    check("2026-11-23T09:00:00.000000Z  WARN  a.b\n", r,
          (Otlp__KeyValue *[]){PAIR("event.name", "a.b"), NULL}, "name as attribute");
    r.event_name = (char *)"edgelat.pop.changed";
    r.body = TEXT("moved, and is farther now");
    check("2026-11-23T09:00:00.000000Z  WARN  edgelat.pop.changed  teams  AMS -> LON  "
          "moved, and is farther now\n",
          r,
          (Otlp__KeyValue *[]){PAIR("edgelat.target", "teams"),
                               PAIR("edgelat.before", "AMS"),
                               PAIR("edgelat.after", "LON"), NULL},
          "all of it");
    r.body = NULL;
    check("2026-11-23T09:00:00.000000Z  WARN  edgelat.pop.changed  - -> London_2\n", r,
          (Otlp__KeyValue *[]){PAIR("edgelat.after", "London 2"), NULL},
          "unknown before");
}

/* Anybody may have sent it. */
static void what_is_shown_is_clean(void **state)
{
    (void)state;
    char huge[2000], expected[1024];
    Otlp__LogRecord r = OTLP__LOG_RECORD__INIT;
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    r.time_unix_nano = UINT64_MAX;
    r.severity_text = (char *)"A B\n";
    r.event_name = (char *)"\x1b[31m\xff";
    r.body = TEXT(huge);
    snprintf(expected, sizeof expected,
             "1970-01-01T00:00:00.000000Z  A_B?  ?[31m?  %.511s\n", huge);
    check(expected, r, (Otlp__KeyValue *[]){NULL}, "cut and cleaned");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_each),
        cmocka_unit_test(what_is_shown_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
