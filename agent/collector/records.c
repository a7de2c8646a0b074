#include "collector/records.h"

#include "core/event.h"
#include "core/time.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

enum { CELL_MAX = TARGET_NAME_MAX, SENTENCE_MAX = EVENT_TEXT_MAX }; /* bytes shown */

static const char *attribute(const Otlp__LogRecord *r, const char *key)
{
    return decoded_text(r->attributes, r->n_attributes, key, "");
}

/* One cell behind the others; nothing where there is nothing. */
static void add_cell(struct text *out, const char *text)
{
    char clean[SENTENCE_MAX];
    if (text[0] != '\0')
        text_add(out, "  %s", decoded_clean(clean, sizeof clean, text, ' '));
}

static const char *name_of(const Otlp__LogRecord *r)
{
    return r->event_name[0] != '\0' ? r->event_name : attribute(r, ATTR_EVENT_NAME);
}

static const char *word(char out[CELL_MAX], const char *text)
{
    return decoded_clean(out, CELL_MAX, text[0] != '\0' ? text : "-", '_');
}

static void add_change(struct text *out, const Otlp__LogRecord *r)
{
    const char *before = attribute(r, ATTR_BEFORE);
    const char *after = attribute(r, ATTR_AFTER);
    char from[CELL_MAX], to[CELL_MAX];
    if (before[0] != '\0' || after[0] != '\0')
        text_add(out, "  %s -> %s", word(from, before), word(to, after));
}

static void render_record(struct text *out, const Otlp__LogRecord *r)
{
    char time[WALL_TEXT_MAX], severity[CELL_MAX], name[CELL_MAX];
    uint64_t ns = r->time_unix_nano <= INT64_MAX ? r->time_unix_nano : 0;
    text_add(out, "%s  %s  %s", wall_text(time, (struct wall){(int64_t)ns}),
             word(severity, r->severity_text), word(name, name_of(r)));
    add_cell(out, attribute(r, ATTR_TARGET));
    add_change(out, r);
    if (r->body != NULL && r->body->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
        add_cell(out, r->body->string_value);
    text_add(out, "\n");
}

void records_render(struct text *out, const Otlp__ExportLogsServiceRequest *request,
                    bool routine)
{
    for (size_t i = 0; i < request->n_resource_logs; i++) {
        const Otlp__ResourceLogs *from = request->resource_logs[i];
        for (size_t s = 0; s < from->n_scope_logs; s++)
            for (size_t r = 0; r < from->scope_logs[s]->n_log_records; r++)
                if (routine ||
                    !event_traits(name_of(from->scope_logs[s]->log_records[r])).routine)
                    render_record(out, from->scope_logs[s]->log_records[r]);
    }
}
