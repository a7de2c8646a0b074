/*
 * Events as OTLP log records. The name stands twice: in `event_name`, where the data
 * model of 2025 has it, and as the attribute "event.name", where receivers before that
 * look for it. The time of a record is when what it reports began, its observed time when
 * that was detected.
 */
#include "otlp/builder.h"
#include "otlp/metrics.h"
#include "otlp/names.h"
#include "otlp/request.h"

static struct attributes of_event(struct builder *b, const struct event *e)
{
    struct attributes a = {.n = 0};
    if (e->target != NULL)
        a = attributes_of_target(b, e->target);
    attribute_text(b, &a, ATTR_EVENT_NAME, e->name);
    if (e->family != FAMILY_NONE)
        attribute_text(b, &a, ATTR_NETWORK_TYPE, family_name(e->family));
    if (e->kind != NULL)
        attribute_text(b, &a, ATTR_PROBE_KIND, e->kind->name);
    attribute_text_if(b, &a, ATTR_BEFORE, e->before);
    attribute_text_if(b, &a, ATTR_AFTER, e->after);
    attribute_time_if(b, &a, ATTR_SINCE, e->since);
    attribute_text_if(b, &a, ATTR_CAUSE, e->cause.name != NULL ? e->cause.name : "");
    attribute_time_if(b, &a, ATTR_CAUSE_SINCE, e->cause.since);
    for (size_t i = 0; i < e->n_facts; i++) {
        const struct fact *f = &e->facts[i];
        if (f->is_text)
            attribute_text(b, &a, f->name, f->text);
        else
            attribute_number(b, &a, f->name, f->number);
    }
    return a;
}

static Otlp__LogRecord *record(struct builder *b, const struct event *e)
{
    struct attributes a = of_event(b, e);
    Otlp__LogRecord *r = arena_take(&b->arena, sizeof *r);
    *r = (Otlp__LogRecord)OTLP__LOG_RECORD__INIT;
    r->time_unix_nano = (uint64_t)event_began(e).ns;
    r->observed_time_unix_nano = (uint64_t)e->time.ns;
    r->severity_number = (Otlp__SeverityNumber)e->severity;
    r->severity_text = (char *)severity_name(e->severity);
    r->event_name = (char *)e->name;
    if (e->text[0] != '\0')
        r->body = builder_text(b, e->text);
    attributes_attach(b, &a, &r->base, 6);
    return r;
}

void *otlp_logs(const struct batch *batch, const struct otlp_resource *resource,
                size_t *len)
{
    if (batch->n_events == 0)
        return NULL;
    struct builder b = {.time = batch->time};
    Otlp__LogRecord **list = arena_take(&b.arena, batch->n_events * sizeof *list);
    for (size_t i = 0; i < batch->n_events; i++)
        list[i] = record(&b, &batch->events[i]);

    struct otlp_request common;
    otlp_request_make(&common, &b, resource);
    Otlp__ScopeLogs scoped = OTLP__SCOPE_LOGS__INIT, *scopes[] = {&scoped};
    scoped.scope = &common.scope;
    scoped.log_records = list;
    scoped.n_log_records = batch->n_events;
    Otlp__ResourceLogs from = OTLP__RESOURCE_LOGS__INIT, *resources[] = {&from};
    from.resource = &common.resource;
    from.scope_logs = scopes;
    from.n_scope_logs = 1;
    Otlp__ExportLogsServiceRequest request = OTLP__EXPORT_LOGS_SERVICE_REQUEST__INIT;
    request.resource_logs = resources;
    request.n_resource_logs = 1;

    void *packed = otlp_request_pack(&request.base, len); /* events are few and short */
    builder_free(&b);
    return packed;
}
