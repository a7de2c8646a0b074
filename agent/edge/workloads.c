#include "edge/workloads.h"

#include "base/mem.h"
#include "base/text.h"
#include "config/values.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char placeholder[] = "{code}"; /* in by_metro */

/* A code is shorter than the placeholder, so the name fits. */
enum { PLACEHOLDER_LEN = sizeof placeholder - 1, CODE_LEN = 3 };

size_t workloads_services(const char *out[WORKLOADS_MAX], const struct workloads *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const char *service = w->all[i].service;
        bool known = service[0] == '\0';
        for (size_t k = 0; k < n; k++)
            known |= strcmp(out[k], service) == 0;
        if (!known)
            out[n++] = service;
    }
    return n;
}

const char *workload_door(char out[HOST_TEXT_MAX], const struct workload *w,
                          const char *code)
{
    size_t at = (size_t)(strstr(w->by_metro, placeholder) - w->by_metro);
    snprintf(out, HOST_TEXT_MAX, "%.*s%s%s", (int)at, w->by_metro, code,
             w->by_metro + at + PLACEHOLDER_LEN);
    for (size_t i = at; i < at + CODE_LEN && out[i] != '\0'; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
    return out;
}

bool workload_is_door(const struct workload *w, const char *host)
{
    const char *at = strstr(w->by_metro, placeholder);
    if (at == NULL)
        return false;
    size_t before = (size_t)(at - w->by_metro), len = strlen(host);
    const char *after = at + PLACEHOLDER_LEN;
    return len > before + strlen(after) && strncasecmp(host, w->by_metro, before) == 0 &&
           strcasecmp(host + len - strlen(after), after) == 0 &&
           strcspn(host + before, ".") >= len - before - strlen(after);
}

/* A name with the characters of a target's name. */
static bool read_name(struct datafile *f, const char *column, const char *field, char *to,
                      size_t room)
{
    if (field[strspn(field, TARGET_NAME_OF)] == '\0')
        return datafile_word(f, column, field, to, room);
    datafile_problem(f, "%s %s: must consist of letters, digits, '.', '_' and '-'",
                     column, field);
    return false;
}

/* Reads a value like the configuration does. */
static bool read_value(struct datafile *f, const char *column, const char *field,
                       config_reader *read, char *to, size_t room)
{
    struct config_key key = {.size = room};
    struct text must = {0};
    bool fine = read(to, &key, field, NULL, &must);
    if (!fine)
        datafile_problem(f, "%s %s: must %s", column, field, text_string(&must));
    text_free(&must);
    return fine;
}

/* Names only: resolving the name is part of the measurement. */
static bool read_host(struct datafile *f, const char *column, const char *field,
                      char to[HOST_TEXT_MAX])
{
    struct endpoint e;
    if (!read_value(f, column, field, config_read_host, to, HOST_TEXT_MAX))
        return false;
    if (!endpoint_parse(&e, field, 0))
        return true;
    datafile_problem(f, "%s %s: must be a name, not an address", column, field);
    return false;
}

/* Checks a pattern by the name that it gives for a code. */
static bool read_pattern(struct datafile *f, const char *field, struct workload *w)
{
    char door[HOST_TEXT_MAX], read[HOST_TEXT_MAX];
    if (*field == '\0')
        return true;
    const char *at = strstr(field, placeholder);
    if (at == NULL || strstr(at + PLACEHOLDER_LEN, placeholder) != NULL) {
        datafile_problem(f,
                         "by_metro %s: must contain %s once, in place of the metro's "
                         "code",
                         field, placeholder);
        return false;
    }
    return datafile_word(f, "by_metro", field, w->by_metro, sizeof w->by_metro) &&
           read_host(f, "by_metro: name", workload_door(door, w, "abc"), read);
}

static bool is_new(struct datafile *f, const struct workloads *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->all[i].name, name) == 0) {
            datafile_problem(f, "name %s: duplicate", name);
            return false;
        }
    return true;
}

static bool read_workload(struct datafile *f, char *fields[], struct workload *w)
{
    return read_name(f, "name", fields[0], w->name, sizeof w->name) &&
           read_name(f, "service", fields[1], w->service, sizeof w->service) &&
           read_host(f, "host", fields[2], w->host) &&
           read_value(f, "path", fields[3], config_read_path, w->path, sizeof w->path) &&
           read_pattern(f, fields[4], w);
}

size_t workloads_parse(struct workloads *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct workloads){0};
    if (datafile_open(&f, from, "targets", "name,service,host,path,by_metro"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct workload w = {0};
        if (!read_workload(&f, fields, &w) || !is_new(&f, out, w.name))
            continue;
        if (out->n == WORKLOADS_MAX) {
            datafile_problem(&f, "more than %d targets", WORKLOADS_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        out->all[out->n++] = w;
    }
    return f.problems;
}

void workloads_free(struct workloads *w)
{
    free(w->all);
    *w = (struct workloads){0};
}
