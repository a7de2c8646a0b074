#include "base/mem.h"
#include "cmd/top_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct top *top_create(void)
{
    return mem_zalloc(sizeof(struct top));
}

void top_destroy(struct top *t)
{
    if (t == NULL)
        return;
    text_free(&t->line);
    free(t->targets);
    free(t);
}

void top_source(struct top *t, const char *text)
{
    text_copy(t->source, sizeof t->source, text);
}

double top_number(struct json_span object, const char *name)
{
    double value;
    return json_read_number(json_member(object, name), &value) ? value : NAN;
}

/* ---- the status ---- */

static void note_kind(struct top *t, const char *kind)
{
    for (size_t i = 0; i < t->n_kinds; i++)
        if (strcmp(t->kinds[i], kind) == 0)
            return;
    if (t->n_kinds == KINDS_MAX || kind[0] == '\0')
        return;
    bool any = t->kind == t->n_kinds;
    text_copy(t->kinds[t->n_kinds++], TOP_KIND_MAX, kind);
    if (any)
        t->kind = t->n_kinds;
}

static bool has_delay(struct json_span stream)
{
    return isfinite(top_number(stream, "p50"));
}

/* The stream of the chosen kind, of several the first that has a delay. */
static void choose_stream(const struct top *t, struct top_target *to)
{
    struct json_span item = {0};
    char kind[TOP_KIND_MAX];
    to->stream = (struct json_span){0};
    while (json_next_item(json_member(to->json, "streams"), &item)) {
        json_read_string(json_member(item, "kind"), kind, sizeof kind);
        if (t->kind < t->n_kinds && strcmp(kind, t->kinds[t->kind]) != 0)
            continue;
        if (to->stream.len == 0 || (!has_delay(to->stream) && has_delay(item)))
            to->stream = item;
    }
    to->p50_ms = top_number(to->stream, "p50");
    to->loss_ratio = top_number(to->stream, "loss_ratio");
}

static int state_of(struct json_span target)
{
    char state[16];
    json_read_string(json_member(target, "state"), state, sizeof state);
    return strcmp(state, "down") == 0 ? 2 : strcmp(state, "degraded") == 0;
}

static void take_target(struct top *t, struct json_span json)
{
    if (t->n == TOP_TARGETS_MAX)
        return;
    t->targets = mem_grow(t->targets, &t->room, t->n + 1, sizeof *t->targets);
    struct top_target *to = &t->targets[t->n++];
    *to = (struct top_target){.json = json, .state = state_of(json)};
    json_read_string(json_member(json, "target"), to->name, sizeof to->name);
    double rank = top_number(json, "rank");
    to->rank = isfinite(rank) ? rank : INFINITY;
    struct json_span item = {0};
    while (json_next_item(json_member(json, "streams"), &item)) {
        char kind[TOP_KIND_MAX];
        json_read_string(json_member(item, "kind"), kind, sizeof kind);
        note_kind(t, kind);
    }
}

/* The greater first; NaN last. */
static int descending(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a < b) - (a > b);
}

static int ascending(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_rank(const struct top_target *a, const struct top_target *b)
{
    int c = ascending(a->rank, b->rank);
    return c != 0 ? c : strcmp(a->name, b->name);
}

static int on_rank(const void *a, const void *b)
{
    return by_rank(a, b);
}

static int on_state(const void *left, const void *right)
{
    const struct top_target *a = left, *b = right;
    return a->state != b->state ? b->state - a->state : by_rank(a, b);
}

static int on_delay(const void *left, const void *right)
{
    const struct top_target *a = left, *b = right;
    int c = descending(a->p50_ms, b->p50_ms);
    return c != 0 ? c : by_rank(a, b);
}

static int on_loss(const void *left, const void *right)
{
    const struct top_target *a = left, *b = right;
    int c = descending(a->loss_ratio, b->loss_ratio);
    return c != 0 ? c : by_rank(a, b);
}

static int on_name(const void *left, const void *right)
{
    const struct top_target *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Keeps the cursor on its target, or, at the first line, there. */
static void arrange(struct top *t)
{
    static int (*const orders[TOP_SORTS])(const void *, const void *) = {
        [TOP_BY_RANK] = on_rank, [TOP_BY_STATE] = on_state, [TOP_BY_DELAY] = on_delay,
        [TOP_BY_LOSS] = on_loss, [TOP_BY_NAME] = on_name,
    };
    char at[TARGET_NAME_MAX] = "";
    if (t->cursor < t->n && (t->cursor > 0 || t->page == TOP_TARGET))
        text_copy(at, sizeof at, t->targets[t->cursor].name);
    for (size_t i = 0; i < t->n; i++)
        choose_stream(t, &t->targets[i]);
    if (t->n > 0)
        qsort(t->targets, t->n, sizeof *t->targets, orders[t->sort]);
    for (size_t i = 0; i < t->n && at[0] != '\0'; i++)
        if (strcmp(t->targets[i].name, at) == 0)
            t->cursor = i;
    if (t->cursor >= t->n)
        t->cursor = t->n > 0 ? t->n - 1 : 0;
}

bool top_update(struct top *t, const char *json, size_t len)
{
    struct json_span item = {0}, given = json_span_of(json, len);
    char at[TARGET_NAME_MAX] = "";
    if (!json_is_object(given) || json_member(given, "targets").len == 0)
        return false;
    if (t->cursor < t->n && (t->cursor > 0 || t->page == TOP_TARGET))
        text_copy(at, sizeof at, t->targets[t->cursor].name);
    text_clear(&t->line);
    text_add_bytes(&t->line, json, len);
    t->status = json_span_of(text_string(&t->line), t->line.len);
    t->n = 0;
    while (json_next_item(json_member(t->status, "targets"), &item))
        take_target(t, item);
    for (size_t i = 0; i < t->n && at[0] != '\0'; i++)
        if (strcmp(t->targets[i].name, at) == 0)
            t->cursor = i;
    arrange(t);
    return true;
}

/* ---- keys ---- */

static void move_cursor(struct top *t, long by)
{
    long to = (long)t->cursor + by, last = (long)t->n - 1;
    t->cursor = to > last ? (size_t)(last < 0 ? 0 : last) : to < 0 ? 0 : (size_t)to;
}

static void key_in_list(struct top *t, int key)
{
    long page = t->rows > 1 ? (long)t->rows - 1 : 1;
    switch (key) {
    case TOP_KEY_UP:
        move_cursor(t, -1);
        break;
    case TOP_KEY_DOWN:
        move_cursor(t, 1);
        break;
    case TOP_KEY_PAGE_UP:
        move_cursor(t, -page);
        break;
    case TOP_KEY_PAGE_DOWN:
        move_cursor(t, page);
        break;
    case TOP_KEY_HOME:
        move_cursor(t, -TOP_TARGETS_MAX);
        break;
    case TOP_KEY_END:
        move_cursor(t, TOP_TARGETS_MAX);
        break;
    default:
        break;
    }
}

bool top_key(struct top *t, int key)
{
    if (key == 'q')
        return false;
    if (key == '?' || key == 'h') {
        t->page = t->page == TOP_HELP ? TOP_LIST : TOP_HELP;
    } else if (t->page == TOP_HELP || key == TOP_KEY_ESCAPE) {
        t->page = TOP_LIST;
    } else if (key == TOP_KEY_ENTER) {
        t->page = t->page == TOP_LIST && t->n > 0 ? TOP_TARGET : TOP_LIST;
    } else if (key == 's') {
        t->sort = (t->sort + 1) % TOP_SORTS;
        arrange(t);
    } else if (key == 'k') {
        t->kind = (t->kind + 1) % (t->n_kinds + 1);
        arrange(t);
    } else {
        key_in_list(t, key);
    }
    return true;
}
