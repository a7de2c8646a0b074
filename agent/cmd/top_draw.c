#include "cmd/top_state.h"
#include "core/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024, BLOCK_EIGHTHS = 8, PLOT_ROWS = 5 };

/* ---- values ---- */

static const char *string_of(struct json_span object, const char *name, char *out,
                             size_t room)
{
    if (!json_read_string(json_member(object, name), out, room) || out[0] == '\0')
        text_copy(out, room, "-");
    return out;
}

static bool is_true(struct json_span value)
{
    return value.len == 4 && memcmp(value.at, "true", 4) == 0;
}

/* "3.12", "(3.12)" with too few samples. */
static const char *percentile_of(struct json_span stream, const char *name, char out[32])
{
    char ms[DELAY_TEXT_MAX], unsupported[8];
    struct json_span item = {0};
    bool doubtful = false;
    while (json_next_item(json_member(stream, "unsupported"), &item))
        doubtful |= json_read_string(item, unsupported, sizeof unsupported) &&
                    strcmp(unsupported, name) == 0;
    double value = top_number(stream, name);
    snprintf(out, 32, doubtful && isfinite(value) ? "(%s)" : "%s", delay_text(ms, value));
    return out;
}

static const char *loss_of(struct json_span stream, char out[32])
{
    double packets = top_number(stream, "packet_loss_ratio");
    double loss = isfinite(packets) ? packets : top_number(stream, "loss_ratio");
    double sent = top_number(stream, "sent"), failed = top_number(stream, "failed");
    if (isfinite(sent) && sent > 0 && failed == sent)
        snprintf(out, 32, "failed");
    else if (isfinite(loss))
        snprintf(out, 32, "%.1f %%", 100 * loss);
    else
        snprintf(out, 32, "-");
    return out;
}

static enum style state_style(const char *state)
{
    return strcmp(state, "down") == 0       ? STYLE_BAD
           : strcmp(state, "degraded") == 0 ? STYLE_WARN
           : strcmp(state, "up") == 0       ? STYLE_GOOD
                                            : STYLE_PLAIN;
}

/* "09:00:00" of "2026-11-23T09:00:00Z" */
static const char *clock_of(struct json_span object, const char *name, char out[16])
{
    char text[40];
    string_of(object, name, text, sizeof text);
    if (strlen(text) < 19)
        text_copy(out, 16, "-");
    else
        snprintf(out, 16, "%.8s", text + 11);
    return out;
}

/* ---- the first and the last line ---- */

static void draw_head(const struct top *t, struct screen *s)
{
    char host[80], site[80], clock[16], text[TEXT_MAX];
    struct json_span window = json_member(t->status, "window");
    screen_style_row(s, 0, STYLE_BAR);
    if (t->status.len == 0) {
        snprintf(text, sizeof text, " edgelat top  %s", t->source);
        screen_put(s, 0, 0, STYLE_BAR, text);
        return;
    }
    string_of(t->status, "host_name", host, sizeof host);
    string_of(t->status, "site", site, sizeof site);
    clock_of(window, "end", clock);
    snprintf(text, sizeof text, " edgelat top  %s%s%s  %s  window %s UTC%s", host,
             site[0] != '-' ? ", " : "", site[0] != '-' ? site : "", t->source, clock,
             json_member(t->status, "stopped").len > 4 ? "  NOT PROBING" : "");
    screen_put(s, 0, 0, STYLE_BAR, text);
}

static void draw_foot(const struct top *t, struct screen *s)
{
    static const char *const sorts[TOP_SORTS] = {"rank", "state", "delay", "loss",
                                                 "name"};
    char text[TEXT_MAX];
    const char *kind = t->kind < t->n_kinds ? t->kinds[t->kind] : "any";
    if (t->page == TOP_LIST)
        snprintf(text, sizeof text,
                 " q quit  ? help  Enter target  s sort: %s  k kind: %s", sorts[t->sort],
                 kind);
    else if (t->page == TOP_TARGET)
        snprintf(text, sizeof text, " q quit  Esc back  Up/Down target  k kind: %s",
                 kind);
    else
        snprintf(text, sizeof text, " any key: back");
    screen_style_row(s, s->rows - 1, STYLE_BAR);
    screen_put(s, s->rows - 1, 0, STYLE_BAR, text);
}

/* ---- the medians of the last windows ---- */

static void draw_spark(struct screen *s, int row, int column, int width,
                       struct json_span history)
{
    struct json_span item = {0};
    double most = 0, value;
    int n = 0;
    while (json_next_item(history, &item)) {
        n++;
        if (json_read_number(item, &value) && value > most)
            most = value;
    }
    item = (struct json_span){0};
    for (int i = n > width ? width - n : 0; json_next_item(history, &item); i++) {
        if (i < 0)
            continue;
        if (!json_read_number(item, &value))
            screen_put(s, row, column + i, STYLE_BAD, "!"); /* no reply in that window */
        else if (most > 0)
            screen_block(s, row, column + i, STYLE_PLAIN,
                         (int)(value / most * (BLOCK_EIGHTHS - 1) + 0.5) + 1);
    }
}

/* ---- the list ---- */

struct row_layout {
    int name, spark;
    bool pop, state, p95, p99, extremes, stream;
};

/* Columns drop out from the right of this list when the screen is narrow. */
static struct row_layout layout_for(int width)
{
    struct row_layout c = {.name = 16};
    int left = width - 4 - 16 - 16; /* rank, name, loss, p50 */
    struct {
        bool *on;
        int width;
    } wanted[] = {{&c.state, 9}, {&c.p95, 9}, {&c.pop, 6}, {&c.stream, 11}, {&c.p99, 9}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        int keep = i < 3 ? 0 : 18; /* for the name and the plot */
        if (left - keep < wanted[i].width)
            break;
        *wanted[i].on = true;
        left -= wanted[i].width;
    }
    int more = left / 3 > 24 ? 24 : left / 3;
    if (left >= 8 && more > 0)
        c.name += more;
    else
        more = 0;
    c.spark = left - more - 1 > 32 ? 32 : left - more - 1;
    if (c.spark < 4)
        c.spark = 0;
    return c;
}

static void draw_titles(struct screen *s, int row, const struct row_layout *c)
{
    int x = screen_field(s, row, 0, -3, STYLE_BOLD, "#") + 1;
    x = screen_field(s, row, x, c->name, STYLE_BOLD, "target") + 1;
    if (c->pop)
        x = screen_field(s, row, x, 5, STYLE_BOLD, "PoP") + 1;
    if (c->stream)
        x = screen_field(s, row, x, 10, STYLE_BOLD, "kind") + 1;
    if (c->state)
        x = screen_field(s, row, x, 8, STYLE_BOLD, "state") + 1;
    x = screen_field(s, row, x, -7, STYLE_BOLD, "loss");
    x = screen_field(s, row, x, -9, STYLE_BOLD, "p50, ms");
    if (c->p95)
        x = screen_field(s, row, x, -9, STYLE_BOLD, "p95");
    if (c->p99)
        x = screen_field(s, row, x, -9, STYLE_BOLD, "p99");
    if (c->spark > 0)
        screen_field(s, row, x + 1, c->spark, STYLE_BOLD, "medians");
}

static void draw_target_row(struct screen *s, int row, const struct row_layout *c,
                            const struct top_target *t)
{
    char text[64], value[32], kind[TOP_KIND_MAX], family[16];
    snprintf(text, sizeof text, isfinite(t->rank) ? "%.0f" : "-", t->rank);
    int x = screen_field(s, row, 0, -3, STYLE_PLAIN, text) + 1;
    x = screen_field(s, row, x, c->name, STYLE_PLAIN, t->name) + 1;
    string_of(t->stream, "pop", text, sizeof text);
    if (text[0] == '-')
        string_of(t->json, "pop", text, sizeof text);
    if (c->pop)
        x = screen_field(s, row, x, 5, STYLE_PLAIN, text) + 1;
    snprintf(text, sizeof text, "%s/%s", string_of(t->stream, "kind", kind, sizeof kind),
             string_of(t->stream, "family", family, sizeof family));
    if (c->stream)
        x = screen_field(s, row, x, 10, STYLE_PLAIN, t->stream.len > 0 ? text : "-") + 1;
    string_of(t->json, "state", text, sizeof text);
    if (c->state)
        x = screen_field(s, row, x, 8, state_style(text), text) + 1;
    loss_of(t->stream, value);
    x = screen_field(s, row, x, -7, t->loss_ratio > 0 ? STYLE_WARN : STYLE_PLAIN, value);
    x = screen_field(s, row, x, -9, STYLE_PLAIN, percentile_of(t->stream, "p50", value));
    if (c->p95)
        x = screen_field(s, row, x, -9, STYLE_PLAIN,
                         percentile_of(t->stream, "p95", value));
    if (c->p99)
        x = screen_field(s, row, x, -9, STYLE_PLAIN,
                         percentile_of(t->stream, "p99", value));
    if (c->spark > 0)
        draw_spark(s, row, x + 1, c->spark, json_member(t->stream, "history"));
}

static size_t count_items(struct json_span array)
{
    struct json_span item = {0};
    size_t n = 0;
    while (json_next_item(array, &item))
        n++;
    return n;
}

/* Draws up to `rows` rows of text, the last items of the array. Returns the next row. */
static int draw_findings(const struct top *t, struct screen *s, int row, int rows)
{
    struct json_span item = {0}, findings = json_member(t->status, "findings");
    char text[TEXT_MAX];
    size_t n = count_items(findings);
    bool early = is_true(json_member(t->status, "too_early"));
    if (rows < 1)
        return row;
    if (n == 0)
        snprintf(text, sizeof text,
                 early ? "Too early to say: no window has a result yet"
                       : "No problems found");
    else
        snprintf(text, sizeof text, "Problems: %zu", n);
    screen_put(s, row++, 0, n == 0 ? STYLE_BOLD : STYLE_BAD, text);
    for (; --rows > 0 && json_next_item(findings, &item);) {
        json_read_string(item, text, sizeof text);
        screen_field(s, row++, 2, s->columns - 2, STYLE_PLAIN, text);
    }
    return row;
}

static int draw_events(const struct top *t, struct screen *s, int row, int rows)
{
    struct json_span item = {0}, events = json_member(t->status, "events");
    char text[TEXT_MAX], subject[128], words[TEXT_MAX / 2], clock[16], severity[16];
    size_t n = count_items(events),
           skip = n > (size_t)(rows - 1) ? n - (size_t)(rows - 1) : 0;
    if (rows < 2 || n == 0)
        return row;
    screen_put(s, row++, 0, STYLE_BOLD, "Events");
    while (json_next_item(events, &item)) {
        if (skip > 0) {
            skip--;
            continue;
        }
        string_of(item, "severity", severity, sizeof severity);
        snprintf(text, sizeof text, "%s %s: %s", clock_of(item, "time", clock),
                 string_of(item, "subject", subject, sizeof subject),
                 string_of(item, "text", words, sizeof words));
        screen_field(s, row++, 2, s->columns - 2,
                     severity[0] == 'E' || severity[0] == 'e'   ? STYLE_BAD
                     : severity[0] == 'W' || severity[0] == 'w' ? STYLE_WARN
                                                                : STYLE_PLAIN,
                     text);
    }
    return row;
}

static void draw_list(struct top *t, struct screen *s)
{
    struct row_layout c = layout_for(s->columns);
    int findings = 1 + (int)count_items(json_member(t->status, "findings"));
    int events = (int)count_items(json_member(t->status, "events"));
    int room = s->rows - 3; /* head, titles, foot */
    events = events > 0 ? events + 1 : 0;
    if (room < 8)
        findings = events = 0;
    int below = room / 2;
    if (findings > below / 2 && findings + events > below)
        findings = findings < below - events ? findings : below - events;
    if (findings < 2 && room >= 8)
        findings = below < 2 ? 1 : findings < 1 ? 1 : findings;
    if (findings + events > below)
        events = below - findings;
    int rows = room - findings - (events > 1 ? events : 0);
    t->rows = rows < 1 ? 1 : (size_t)rows;
    if (t->cursor < t->scroll)
        t->scroll = t->cursor;
    if (t->cursor >= t->scroll + t->rows)
        t->scroll = t->cursor - t->rows + 1;
    if (t->scroll + t->rows > t->n)
        t->scroll = t->n > t->rows ? t->n - t->rows : 0;
    draw_titles(s, 1, &c);
    if (t->status.len == 0)
        screen_put(s, 3, 2, STYLE_PLAIN, "Waiting for the end of the first window ...");
    for (size_t i = 0; i < t->rows && t->scroll + i < t->n; i++) {
        int row = 2 + (int)i;
        draw_target_row(s, row, &c, &t->targets[t->scroll + i]);
        if (t->scroll + i == t->cursor)
            screen_select_row(s, row);
    }
    if (t->status.len == 0)
        return;
    int row = draw_findings(t, s, 2 + (int)t->rows, findings);
    draw_events(t, s, row, events);
}

/* ---- one target ---- */

/* "rtt 3.12  tls 6.24", of a kind with several, in as many rows as they need. Returns the
 * next row. */
static int draw_phases(struct screen *s, int row, struct json_span stream, int most)
{
    enum { INDENT = 12 };
    struct json_span name, value = {0}, delays = json_member(stream, "delays");
    char text[64], ms[DELAY_TEXT_MAX];
    double read;
    int x = INDENT;
    if (json_members(delays) < 2)
        return row;
    while (row < most && json_next_member(delays, &name, &value)) {
        if (!json_read_number(value, &read))
            continue;
        int len =
            snprintf(text, sizeof text, "%.*s %s", (int)(name.len > 24 ? 24 : name.len),
                     name.at, delay_text(ms, read));
        if (x > INDENT && x + len > s->columns) {
            row++;
            x = INDENT;
        }
        if (row < most)
            x = screen_put(s, row, x, STYLE_PLAIN, text) + 2;
    }
    return x > INDENT && row < most ? row + 1 : row;
}

static int draw_streams(struct screen *s, int row, const struct top_target *t, int most)
{
    char text[TEXT_MAX], kind[TOP_KIND_MAX], family[16], address[64], state[16], loss[32],
        p50[32], p95[32], p99[32];
    struct json_span item = {0};
    snprintf(text, sizeof text, "%-11s %-24s %-8s %7s %8s %8s %8s", "kind", "address",
             "state", "loss", "p50, ms", "p95", "p99");
    screen_put(s, row++, 0, STYLE_BOLD, text);
    while (row < most && json_next_item(json_member(t->json, "streams"), &item)) {
        string_of(item, "kind", kind, sizeof kind);
        string_of(item, "family", family, sizeof family);
        string_of(item, "address", address, sizeof address);
        string_of(item, "state", state, sizeof state);
        snprintf(text, sizeof text, "%s/%s", kind, family);
        screen_field(s, row, 0, 11, STYLE_PLAIN, text);
        screen_field(s, row, 12, 24, STYLE_PLAIN, address);
        screen_field(s, row, 37, 8, state_style(state),
                     is_true(json_member(item, "silent")) ? "silent" : state);
        snprintf(text, sizeof text, "%7s %8s %8s %8s", loss_of(item, loss),
                 percentile_of(item, "p50", p50), percentile_of(item, "p95", p95),
                 percentile_of(item, "p99", p99));
        screen_put(s, row++, 46, STYLE_PLAIN, text);
        row = draw_phases(s, row, item, most);
    }
    return row;
}

/* Bars of the delays since the histogram began, the axis below. */
static int draw_histogram(struct screen *s, int row, struct json_span stream, int most)
{
    char text[TEXT_MAX], kind[TOP_KIND_MAX], family[16], least[DELAY_TEXT_MAX],
        greatest[DELAY_TEXT_MAX];
    struct json_span histogram = json_member(stream, "histogram"), item = {0};
    struct json_span counts = json_member(histogram, "counts");
    int bars = (int)count_items(counts), wide = s->columns >= 132 ? 3 : 2;
    double top = 0, total = 0, count;
    while (json_next_item(counts, &item))
        if (json_read_number(item, &count)) {
            total += count;
            top = count > top ? count : top;
        }
    if (top <= 0 || row + PLOT_ROWS + 2 > most)
        return row;
    snprintf(text, sizeof text,
             "%.0f delays by %s/%s, of 8 h at most; most: %.0f in a bar", total,
             string_of(stream, "kind", kind, sizeof kind),
             string_of(stream, "family", family, sizeof family), top);
    screen_put(s, row++, 0, STYLE_BOLD, text);
    item = (struct json_span){0};
    for (int i = 0; i < bars && json_next_item(counts, &item); i++) {
        int eighths = json_read_number(item, &count) && count > 0
                          ? (int)ceil(count / top * PLOT_ROWS * BLOCK_EIGHTHS)
                          : 0;
        for (int k = 0; k < PLOT_ROWS; k++, eighths -= BLOCK_EIGHTHS)
            for (int x = 0; x + 1 < wide; x++)
                screen_block(s, row + PLOT_ROWS - 1 - k, i * wide + x, STYLE_PLAIN,
                             eighths);
    }
    row += PLOT_ROWS;
    snprintf(text, sizeof text, "%s ms", delay_text(least, top_number(histogram, "min")));
    screen_put(s, row, 0, STYLE_PLAIN, text);
    snprintf(text, sizeof text, "%s ms",
             delay_text(greatest, top_number(histogram, "max")));
    screen_field(s, row, bars * wide - 14, -13, STYLE_PLAIN, text);
    return row + 1;
}

static int draw_paths(struct screen *s, int row, const struct top *t,
                      const struct top_target *target, int most)
{
    struct json_span item = {0},
                     paths = json_member(json_member(t->status, "paths"), "targets");
    char name[TARGET_NAME_MAX], family[16], entry[64], provider[64], ms[DELAY_TEXT_MAX];
    while (row < most && json_next_item(paths, &item)) {
        struct text text = {0};
        struct json_span segments = json_member(item, "segments"), key, value = {0};
        json_read_string(json_member(item, "target"), name, sizeof name);
        if (strcmp(name, target->name) != 0)
            continue;
        text_add(&text, "path %s: enters Microsoft at %s, provider %s, %.0f hops;",
                 string_of(item, "family", family, sizeof family),
                 string_of(item, "entry", entry, sizeof entry),
                 string_of(item, "provider", provider, sizeof provider),
                 fmax(0, top_number(item, "hops")));
        for (double read; json_next_member(segments, &key, &value);)
            if (json_read_number(value, &read))
                text_add(&text, " %.*s %s ms", (int)(key.len > 24 ? 24 : key.len), key.at,
                         delay_text(ms, read));
        screen_field(s, row++, 0, s->columns, STYLE_PLAIN, text_string(&text));
        text_free(&text);
    }
    return row;
}

static void draw_target(struct top *t, struct screen *s)
{
    char text[TEXT_MAX], host[TARGET_NAME_MAX], pop[16], state[16], rank[24] = "-";
    int most = s->rows - 1;
    if (t->n == 0)
        return;
    const struct top_target *target = &t->targets[t->cursor];
    if (isfinite(target->rank) && target->rank < 1e6)
        snprintf(rank, sizeof rank, "%.0f", target->rank);
    string_of(target->json, "host", host, sizeof host);
    string_of(target->json, "state", state, sizeof state);
    snprintf(text, sizeof text, "%s  %s  rank %s, PoP %s, ", target->name, host, rank,
             string_of(target->json, "pop", pop, sizeof pop));
    int x = screen_put(s, 1, 0, STYLE_BOLD, text);
    screen_put(s, 1, x, state_style(state), state);
    int row = 3;
    if (json_read_string(json_member(target->json, "interception"), text, sizeof text) &&
        text[0] != '\0')
        screen_field(s, 2, 0, s->columns, STYLE_WARN, text);
    row = draw_streams(s, row, target, most);
    row = draw_histogram(s, row + 1, target->stream, most);
    draw_paths(s, row, t, target, most);
}

/* ---- help ---- */

static void draw_help(struct screen *s)
{
    static const char *const lines[] = {
        "Up, Down, PgUp, PgDn   move the cursor",
        "Enter                  the target: streams, phases, histogram, path",
        "Esc                    back to the list",
        "s                      sort by rank, state, delay, loss, name",
        "k                      kind of probe shown (any: the first with a delay)",
        "?                      this help",
        "q, Ctrl-C              quit",
        "",
        "Delays are round trips in ms of the last window; in parentheses: too few",
        "samples for the percentile at 95 % confidence. The plot shows the medians of",
        "the last windows from 0 to their greatest; !: a window without a reply.",
        "Rank 1 is the nearest target; -: not eligible.",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines && (int)i + 2 < s->rows; i++)
        screen_put(s, (int)i + 2, 1, STYLE_PLAIN, lines[i]);
}

void top_draw(struct top *t, struct screen *s)
{
    if (s->rows < 1)
        return;
    if (t->page == TOP_HELP)
        draw_help(s);
    else if (t->page == TOP_TARGET)
        draw_target(t, s);
    else
        draw_list(t, s);
    draw_head(t, s);
    if (s->rows > 1)
        draw_foot(t, s);
}
