/* What is known of paths as a text file, edge/path_watch.h. */
#include "base/mem.h"
#include "edge/path_watch_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAD       "edgelat paths 1"
#define TRACES_MAX INT64_C(1000000000000)

enum { LINE_MAX_BYTES = TARGET_NAME_MAX + PATH_WORD_MAX + 64 };

static const char *const aspect_keys[PATH_ASPECTS] = {
    [PATH_ENTRY] = "entry", [PATH_PROVIDER] = "provider", [PATH_AS_PATH] = "as",
    [PATH_REACH] = "reach", [PATH_AS_HOPS] = "as_hops",
};

/* ---- write ---- */

static size_t write_path(struct text *out, const struct watched_path *x)
{
    size_t lines = 0;
    if (x->traces == 0)
        return 0;
    const struct uplink *over = x->target->uplink;
    text_add(out, "path %s %s%s%s\n", x->target->name, family_name(x->family),
             over != NULL ? " " : "", over != NULL ? over->name : "");
    for (size_t a = 0; a < PATH_ASPECTS; a++)
        for (size_t i = 0; x->aspects[a].learned && i < x->aspects[a].n_values;
             i++, lines++)
            text_add(out, "%s %" PRIu32 " %s\n", aspect_keys[a],
                     x->aspects[a].values[i].n + x->aspects[a].values[i].since,
                     x->aspects[a].values[i].text);
    return lines + 1;
}

void path_watch_write(const struct path_watch *w, uint64_t network, struct text *out)
{
    size_t lines = 0;
    text_add(out, HEAD "\nnetwork %016" PRIx64 "\n", network);
    for (size_t i = 0; i < w->n; i++)
        lines += write_path(out, w->all[i]);
    for (size_t i = 0; i < w->routers.n; i++) {
        const struct path_location *l = &w->routers.locations[i];
        text_add(out, "since %" PRId64 "\n", l->since.ns / NS_PER_S);
        lines++;
        for (size_t k = 0; k < l->n_routers; k++, lines++)
            text_add(out, "router %s %" PRIu64 " %" PRId64 " %s %s\n", l->metro,
                     l->routers[k].traces, l->routers[k].last.ns / NS_PER_S,
                     l->named ? "name" : "address", l->routers[k].name);
    }
    text_add(out, "end %zu\n", lines);
}

/* ---- read ---- */

struct kept_reading {
    const char *at, *end;
    size_t line;
    char text[LINE_MAX_BYTES]; /* the rest of the line behind the words taken */
    char *rest;
    bool good;
    const struct target *const *targets;
    size_t n_targets;
    struct path_watch *into;
    struct watched_path *path; /* NULL: of a target that is not configured */
    struct wall since;         /* of the next routers */
};

static void next_line(struct kept_reading *r)
{
    const char *end =
        r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
    r->rest = r->text;
    if (!r->good) /* `line` stays that of the first fault */
        return;
    r->line++;
    r->text[0] = '\0';
    r->good &= end != NULL && end - r->at < LINE_MAX_BYTES;
    if (!r->good)
        return;
    size_t len = (size_t)(end - r->at);
    memcpy(r->text, r->at, len);
    r->text[len] = '\0';
    r->at = end + 1;
    r->good = strlen(r->text) == len && text_wrong(r->text, len) == NULL;
}

/* The next word of the line; "" and not good: there is none. */
static const char *word(struct kept_reading *r)
{
    char *from = r->rest, *blank = strchr(from, ' ');
    r->rest = blank != NULL ? blank + 1 : from + strlen(from);
    if (blank != NULL)
        *blank = '\0';
    r->good &= *from != '\0';
    return from;
}

static int64_t number(struct kept_reading *r, int64_t least, int64_t most)
{
    int64_t n = least;
    r->good &= text_to_integer(word(r), least, most, &n);
    return n;
}

/* What remains of the line, which must fit. */
static void rest(struct kept_reading *r, char *out, size_t room)
{
    r->good &= *r->rest != '\0' && text_copy(out, room, r->rest);
    text_visible(r->rest);
}

/* "": by the system's routes. */
static bool is_over(const struct target *t, const char *uplink)
{
    return strcmp(t->uplink != NULL ? t->uplink->name : "", uplink) == 0;
}

static void read_path(struct kept_reading *r)
{
    const char *name = word(r), *family = word(r);
    r->path = NULL;
    bool ipv6 = strcmp(family, "ipv6") == 0;
    r->good &= ipv6 || strcmp(family, "ipv4") == 0;
    for (size_t i = 0; r->good && i < r->n_targets; i++)
        if (strcmp(r->targets[i]->name, name) == 0 && is_over(r->targets[i], r->rest))
            r->path =
                watched_path_of(r->into, r->targets[i], ipv6 ? FAMILY_IPV6 : FAMILY_IPV4);
    if (r->path != NULL)
        r->path->traces = PATH_LEARN_TRACES;
}

static void read_value(struct kept_reading *r, enum aspect aspect)
{
    uint32_t n = (uint32_t)number(r, 0, REGIME_MEMORY);
    char value[PATH_WORD_MAX];
    rest(r, value, sizeof value);
    if (!r->good || r->path == NULL)
        return;
    struct regime *to = &r->path->aspects[aspect];
    r->good = to->n_values < REGIME_VALUES;
    if (!r->good)
        return;
    size_t at = regime_append(to, value);
    to->values[at].n = n;
    to->n += n;
    to->learned = true; /* others are not kept */
}

static void read_router(struct kept_reading *r)
{
    char metro[POP_TEXT_MAX], name[PATH_ROUTER_MAX];
    r->good &= text_copy(metro, sizeof metro, word(r));
    uint64_t traces = (uint64_t)number(r, 1, TRACES_MAX);
    struct wall last = {number(r, 0, INT64_MAX / NS_PER_S) * NS_PER_S};
    const char *by = word(r);
    bool named = strcmp(by, "name") == 0;
    r->good &= named || strcmp(by, "address") == 0;
    rest(r, name, sizeof name);
    if (r->good)
        r->good = path_routers_count(&r->into->routers, metro, name, named, traces,
                                     r->since, last);
}

static void read_line(struct kept_reading *r, bool *path_seen)
{
    const char *key = word(r);
    if (strcmp(key, "path") == 0) {
        *path_seen = true;
        read_path(r);
        return;
    }
    if (strcmp(key, "since") == 0) {
        r->since.ns = number(r, 0, INT64_MAX / NS_PER_S) * NS_PER_S;
        return;
    }
    if (strcmp(key, "router") == 0) {
        read_router(r);
        return;
    }
    for (size_t a = 0; a < PATH_ASPECTS; a++)
        if (*path_seen && strcmp(key, aspect_keys[a]) == 0) {
            read_value(r, (enum aspect)a);
            return;
        }
    r->good = false;
}

/* The locations that were reported before the restart. */
static void restore_roles(struct path_watch *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct watched_path *x = w->all[i];
        const char *metro = regime_current(&x->aspects[PATH_ENTRY]);
        enum role role =
            site_role(w->site, catalogue_of_pop(w->site->metros, metro, POP_BACKBONE));
        if (!x->aspects[PATH_ENTRY].learned || role == ROLE_UNKNOWN || role == ROLE_NONE)
            continue;
        x->role.by_entry = true;
        x->role.by[true].role = role;
        text_copy(x->role.by[true].metro, sizeof x->role.by[true].metro, metro);
    }
}

static bool read_network(struct kept_reading *r, uint64_t *network)
{
    next_line(r);
    r->good &= strcmp(r->text, HEAD) == 0;
    next_line(r);
    r->good &= strcmp(word(r), "network") == 0;
    const char *digits = r->rest;
    r->good &= strlen(digits) == 16 && strspn(digits, "0123456789abcdef") == 16;
    *network = r->good ? strtoull(digits, NULL, 16) : 0;
    return r->good;
}

static bool read_all(struct kept_reading *r)
{
    bool path_seen = false;
    for (int64_t lines = 0;; lines++) {
        next_line(r);
        if (!r->good)
            return false;
        if (strncmp(r->text, "end ", 4) == 0) {
            word(r);
            number(r, lines, lines);
            return r->good && *r->rest == '\0' && r->at == r->end;
        }
        read_line(r, &path_seen);
    }
}

size_t path_watch_read(struct path_watch *w, const struct target *const *targets,
                       size_t n, uint64_t network, const char *bytes, size_t len,
                       bool *same)
{
    uint64_t of;
    struct path_watch *into = path_watch_create(w->site);
    struct kept_reading r = {.at = bytes,
                             .end = bytes + len,
                             .good = true,
                             .targets = targets,
                             .n_targets = n,
                             .into = into};
    bool good = read_network(&r, &of) && read_all(&r);
    *same = good && network != 0 && of == network;
    restore_roles(into);
    if (*same) { /* swap: `w` has nothing yet */
        struct path_watch before = *w;
        *w = *into;
        *into = before;
    }
    path_watch_destroy(into);
    return good ? 0 : r.line;
}
