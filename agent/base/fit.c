#include "base/fit.h"

#include <string.h>
#include <wchar.h>

enum { COLUMNS_MAX = 16, HANG = 2 };

struct fit_cells {
    struct fit_cell {
        const char *at;
        size_t len;
    } all[COLUMNS_MAX];
    size_t n;
};

struct fit_column {
    struct fit_cell title;
    bool right, is_below, left_out;
    char below; /* '+' */
    char order; /* of leaving it out: '1' first; 0: never */
    size_t width;
};

struct fit_table {
    struct fit_column columns[COLUMNS_MAX];
    size_t n, gap, limit; /* gap between columns; limit 0: none */
    bool has_titles;
};

/* Passes whole characters up to so many columns. Returns their bytes; `*width`: columns. */
static size_t pass_columns(const char *bytes, size_t len, size_t columns, size_t *width)
{
    locale_t utf8 = text_utf8_locale(); /* has the widths */
    locale_t before = uselocale(utf8);  /* NULL: it stays */
    size_t at = 0;
    *width = 0;
    while (at < len) {
        bool safe;
        size_t n = text_next(bytes + at, len - at, &safe);
        int more =
            n == 1 || utf8 == NULL ? 1 : wcwidth((wchar_t)text_code(bytes + at, n));
        more = more < 0 ? 1 : more; /* not assigned */
        if (*width + (size_t)more > columns)
            break;
        *width += (size_t)more;
        at += n;
    }
    uselocale(before);
    return at;
}

size_t fit_width(const char *bytes, size_t len)
{
    size_t width;
    pass_columns(bytes, len, SIZE_MAX, &width);
    return width;
}

size_t fit_bytes(const char *bytes, size_t len, size_t columns)
{
    size_t width;
    return pass_columns(bytes, len, columns, &width);
}

static void add_spaces(struct text *out, size_t n)
{
    text_add(out, "%*s", (int)n, "");
}

/* ---- prose ---- */

/* Adds one line of prose that begins at column `at`, with its newline. */
static void add_folded(struct text *out, const char *line, size_t len, size_t at,
                       size_t hang, size_t limit)
{
    while (limit > 0 && at + fit_width(line, len) > limit) {
        size_t space = 0;
        for (size_t i = 1; i < len; i++) {
            if (line[i] != ' ' || line[i - 1] == ' ')
                continue;
            if (space > 0 && at + fit_width(line, i) > limit)
                break;
            space = i;
        }
        if (space == 0)
            break;
        text_add_bytes(out, line, space);
        text_add(out, "\n");
        add_spaces(out, hang);
        space += strspn(line + space, " ");
        line += space;
        len -= space;
        at = hang;
    }
    text_add_bytes(out, line, len);
    text_add(out, "\n");
}

/* ---- tables ---- */

static size_t line_len(const char *line)
{
    return strcspn(line, "\n");
}

static const char *next_line(const char *line)
{
    line += line_len(line);
    return line + (*line == '\n');
}

static struct fit_cells cells_of(const char *line)
{
    struct fit_cells c = {.n = 0};
    while (*line == '\t' && c.n < COLUMNS_MAX) {
        line++;
        c.all[c.n].at = line;
        c.all[c.n].len = strcspn(line, "\t\n");
        line += c.all[c.n++].len;
    }
    return c;
}

static struct fit_column column_of(struct fit_cell title)
{
    struct fit_column c = {.title = title};
    while (c.title.len > 0 && strchr(">+-", *c.title.at) != NULL) {
        size_t mark = *c.title.at == '-' && c.title.len > 1 ? 2 : 1;
        c.right |= *c.title.at == '>';
        c.below |= *c.title.at == '+';
        if (mark == 2)
            c.order = c.title.at[1];
        c.title.at += mark;
        c.title.len -= mark;
    }
    c.width = fit_width(c.title.at, c.title.len);
    return c;
}

static size_t width_of_table(const struct fit_table *t)
{
    size_t width = 0;
    for (size_t i = 0; i < t->n; i++)
        if (!t->columns[i].is_below && !t->columns[i].left_out)
            width += (width > 0 ? t->gap : 0) + t->columns[i].width;
    return width;
}

static bool is_too_wide(struct fit_table *t, size_t gap)
{
    t->gap = gap;
    return t->limit > 0 && width_of_table(t) > t->limit;
}

/* The widest of the columns whose cells may have a line of their own; NULL: none is wider
 * than its title. */
static struct fit_column *widest_column(struct fit_table *t)
{
    struct fit_column *widest = NULL, *last = NULL;
    for (size_t i = 0; i < t->n; i++) {
        struct fit_column *c = &t->columns[i];
        if (c->is_below || c->left_out)
            continue;
        if (last != NULL && !last->right &&
            last->width > fit_width(last->title.at, last->title.len) &&
            (widest == NULL || last->width > widest->width))
            widest = last;
        last = c;
    }
    return widest;
}

static void narrow(struct fit_table *t)
{
    for (struct fit_column *c;
         is_too_wide(t, 2) && is_too_wide(t, 1) && (c = widest_column(t)) != NULL;) {
        size_t title = fit_width(c->title.at, c->title.len);
        size_t excess = width_of_table(t) - t->limit;
        c->width = c->width - title > excess ? c->width - excess : title;
    }
}

static void make_fit(struct fit_table *t)
{
    if (!is_too_wide(t, 2))
        return;
    for (size_t i = 0; i < t->n; i++)
        t->columns[i].is_below = t->columns[i].below;
    for (char order = '1'; order <= '9' && is_too_wide(t, 2) && is_too_wide(t, 1);
         order++)
        for (size_t i = 0; i < t->n; i++)
            t->columns[i].left_out |= t->columns[i].order == order;
    narrow(t);
}

static struct fit_table table_of(const char *text, size_t limit)
{
    struct fit_table t = {.limit = limit};
    struct fit_cells head = cells_of(text);
    for (size_t i = 0; i < head.n; i++) {
        t.columns[t.n] = column_of(head.all[i]);
        t.has_titles |= t.columns[t.n++].width > 0;
    }
    for (text = next_line(text); *text == '\t'; text = next_line(text)) {
        struct fit_cells row = cells_of(text);
        size_t n = row.n < t.n ? row.n - 1 : t.n; /* without the prose */
        for (size_t i = 0; i < n; i++) {
            size_t width = fit_width(row.all[i].at, row.all[i].len);
            if (width > t.columns[i].width)
                t.columns[i].width = width;
        }
    }
    make_fit(&t);
    return t;
}

static void add_cell(struct text *out, const struct fit_column *c, struct fit_cell cell)
{
    size_t width = fit_width(cell.at, cell.len);
    size_t pad = width < c->width ? c->width - width : 0;
    if (c->right)
        add_spaces(out, pad);
    text_add_bytes(out, cell.at, cell.len);
    if (!c->right)
        add_spaces(out, pad);
}

static void trim(struct text *out)
{
    while (out->len > 0 && out->bytes[out->len - 1] == ' ')
        out->bytes[--out->len] = '\0';
}

static void add_below(struct text *out, const struct fit_table *t,
                      const struct fit_cells *row)
{
    for (size_t i = 0; i < row->n && row->n == t->n; i++) {
        struct fit_cell cell = row->all[i];
        if (!t->columns[i].is_below || cell.len == 0 ||
            (cell.len == 1 && *cell.at == '-'))
            continue;
        add_spaces(out, t->columns[0].width + t->gap);
        text_add_bytes(out, cell.at, cell.len);
        text_add(out, "\n");
    }
}

static void add_row(struct text *out, const struct fit_table *t,
                    const struct fit_cells *row)
{
    size_t at = 0;
    bool overlong = false;
    for (size_t i = 0; i < row->n && i < t->n; i++) {
        const struct fit_column *c = &t->columns[i];
        bool prose = i + 1 == row->n && row->n < t->n;
        if (!prose && (c->is_below || c->left_out))
            continue;
        if (overlong && row->all[i].len > 0) { /* go on below the cell before */
            trim(out);
            text_add(out, "\n");
            add_spaces(out, at);
            overlong = false;
        }
        if (at > 0 || i > 0) {
            add_spaces(out, t->gap);
            at += t->gap;
        }
        if (prose) {
            size_t hang = at < t->limit / 2 ? at : HANG;
            add_folded(out, row->all[i].at, row->all[i].len, at, hang, t->limit);
            return;
        }
        add_cell(out, c, row->all[i]);
        overlong |= fit_width(row->all[i].at, row->all[i].len) > c->width;
        at += c->width;
    }
    trim(out);
    text_add(out, "\n");
    add_below(out, t, row);
}

/* Adds what is missing: "(left out at 80 columns: window, address)". */
static void add_left_out(struct text *out, const struct fit_table *t)
{
    struct text line = {0};
    for (size_t i = 0; i < t->n; i++)
        if (t->columns[i].left_out) {
            if (line.len == 0)
                text_add(&line, "(left out at %zu columns: ", t->limit);
            else
                text_add(&line, "; ");
            text_add_bytes(&line, t->columns[i].title.at, t->columns[i].title.len);
        }
    if (line.len > 0) {
        text_add(&line, ")");
        add_folded(out, line.bytes, line.len, 0, HANG, t->limit);
    }
    text_free(&line);
}

static const char *add_table(struct text *out, const char *text, size_t limit)
{
    struct fit_table t = table_of(text, limit);
    struct fit_cells head = {.n = t.n};
    for (size_t i = 0; i < t.n; i++)
        head.all[i] =
            t.columns[i].is_below ? (struct fit_cell){"", 0} : t.columns[i].title;
    if (t.has_titles)
        add_row(out, &t, &head);
    for (text = next_line(text); *text == '\t'; text = next_line(text)) {
        struct fit_cells row = cells_of(text);
        add_row(out, &t, &row);
    }
    add_left_out(out, &t);
    return text;
}

void fit_text(struct text *out, const char *text, size_t columns)
{
    while (*text != '\0') {
        if (*text == '\t') {
            text = add_table(out, text, columns);
            continue;
        }
        size_t indent = strspn(text, " ");
        add_folded(out, text, line_len(text), 0, indent + HANG, columns);
        text = next_line(text);
    }
}
