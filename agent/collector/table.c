/*
 * The points that count are gathered as pieces that all have a row's key, sorted by it,
 * and neighbours are added up: no limit to the number of rows, and no search.
 */
#include "collector/table.h"

#include "base/mem.h"
#include "cmd/render.h"
#include "core/loss.h"
#include "core/target.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_MAX = 40 }; /* bytes shown of a value that is no name */

struct key { /* texts are the request's */
    const char *target, *kind, *family, *pop;
};

struct piece { /* what one point adds to a row */
    struct key key;
    size_t place; /* in the request */
    uint64_t sent, lost, failed;
    const Otlp__ExponentialHistogramDataPoint *delays; /* NULL: none */
};

struct ranked {
    const char *target;
    int64_t rank; /* 1 and up */
};

struct row {
    struct key key;
    int64_t rank; /* INT64_MAX: none */
    size_t place; /* of its first piece: the sender's order of kinds */
    uint64_t sent, lost, failed;
    struct histogram delays;
};

struct results_table {
    const struct kinds *kinds;
    struct piece *pieces;
    size_t n_pieces, pieces_room;
    struct ranked *ranks;
    size_t n_ranks, ranks_room;
    struct row *rows;
    size_t n_rows, rows_room;
    uint64_t time_ns;  /* of the newest point */
    uint64_t start_ns; /* of the oldest series; 0: not stated */
};

/* ---- from points to pieces ---- */

/* The default gateway and DNS servers are at no PoP, instead of at an unknown one. */
static bool is_at_pop(const struct results_table *t, const char *host, const char *kind)
{
    size_t k = kinds_find(t->kinds, kind);
    return strcmp(host, GATEWAY_HOST) != 0 &&
           (k == KIND_NONE || !t->kinds->list[k]->of_resolver);
}

static struct key key_of(const struct results_table *t, Otlp__KeyValue *const *attributes,
                         size_t n)
{
    const char *kind = decoded_text(attributes, n, ATTR_PROBE_KIND, "-"),
               *host = decoded_text(attributes, n, ATTR_SERVER_ADDRESS, ""),
               *pop = decoded_text(attributes, n, ATTR_POP, "unknown");
    return (struct key){
        .target = decoded_text(attributes, n, ATTR_TARGET, "-"),
        .kind = kind,
        .family = decoded_text(attributes, n, ATTR_NETWORK_TYPE, "-"),
        .pop = strcmp(pop, "unknown") != 0 || is_at_pop(t, host, kind) ? pop : "-",
    };
}

static void add_piece(struct results_table *t, const struct piece *piece)
{
    t->pieces = mem_grow(t->pieces, &t->pieces_room, t->n_pieces + 1, sizeof *t->pieces);
    t->pieces[t->n_pieces] = *piece;
    t->pieces[t->n_pieces].place = t->n_pieces;
    t->n_pieces++;
}

static void note_time(struct results_table *t, uint64_t time_ns)
{
    if (time_ns > t->time_ns && time_ns <= INT64_MAX)
        t->time_ns = time_ns;
}

static void note_start(struct results_table *t, uint64_t start_ns)
{
    if (start_ns > 0 && start_ns <= INT64_MAX &&
        (t->start_ns == 0 || start_ns < t->start_ns))
        t->start_ns = start_ns;
}

static enum outcome outcome_named(const char *name)
{
    enum outcome o = 0;
    while (o < OUTCOME_COUNT && strcmp(name, outcome_name(o)) != 0)
        o++;
    return o;
}

static void add_results(struct results_table *t, const Otlp__Sum *sum)
{
    for (size_t i = 0; i < sum->n_data_points; i++) {
        const Otlp__NumberDataPoint *p = sum->data_points[i];
        enum outcome outcome =
            outcome_named(decoded_text(p->attributes, p->n_attributes, ATTR_OUTCOME, ""));
        int64_t count = decoded_integer(p);
        note_time(t, p->time_unix_nano);
        note_start(t, p->start_time_unix_nano);
        if (count <= 0 || outcome == OUTCOME_NOT_MEASURED)
            continue;
        bool lost = outcome_is_lost(outcome);
        add_piece(t,
                  &(struct piece){
                      .key = key_of(t, p->attributes, p->n_attributes),
                      .sent = (uint64_t)count,
                      .lost = lost ? (uint64_t)count : 0,
                      .failed = !lost && outcome != OUTCOME_REPLY ? (uint64_t)count : 0,
                  });
    }
}

static void add_delays(struct results_table *t, const Otlp__ExponentialHistogram *metric)
{
    for (size_t i = 0; i < metric->n_data_points; i++) {
        const Otlp__ExponentialHistogramDataPoint *p = metric->data_points[i];
        struct key key = key_of(t, p->attributes, p->n_attributes);
        const char *delay = decoded_text(p->attributes, p->n_attributes, ATTR_DELAY, "");
        note_time(t, p->time_unix_nano);
        if (strcmp(delay, kinds_main_delay(t->kinds, key.kind)) == 0)
            add_piece(t, &(struct piece){.key = key, .delays = p});
    }
}

static void add_ranks(struct results_table *t, const Otlp__Gauge *gauge)
{
    for (size_t i = 0; i < gauge->n_data_points; i++) {
        const Otlp__NumberDataPoint *p = gauge->data_points[i];
        const char *target =
            decoded_text(p->attributes, p->n_attributes, ATTR_TARGET, "-");
        int64_t rank = decoded_integer(p);
        if (rank <= 0)
            continue; /* not eligible */
        t->ranks = mem_grow(t->ranks, &t->ranks_room, t->n_ranks + 1, sizeof *t->ranks);
        t->ranks[t->n_ranks++] = (struct ranked){target, rank};
    }
}

static void add_metric(struct results_table *t, const Otlp__Metric *m)
{
    if (strcmp(m->name, METRIC_PROBE_RESULTS) == 0 &&
        m->data_case == OTLP__METRIC__DATA_SUM)
        add_results(t, m->sum);
    else if (strcmp(m->name, METRIC_PROBE_DELAY) == 0 &&
             m->data_case == OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM)
        add_delays(t, m->exponential_histogram);
    else if (strcmp(m->name, METRIC_TARGET_RANK) == 0 &&
             m->data_case == OTLP__METRIC__DATA_GAUGE)
        add_ranks(t, m->gauge);
}

/* ---- from pieces to rows ---- */

static int by_key(const struct key *a, const struct key *b)
{
    int order = strcmp(a->target, b->target);
    if (order == 0)
        order = strcmp(a->kind, b->kind);
    if (order == 0)
        order = strcmp(a->family, b->family);
    return order != 0 ? order : strcmp(a->pop, b->pop);
}

static int by_piece_key(const void *a, const void *b)
{
    return by_key(&((const struct piece *)a)->key, &((const struct piece *)b)->key);
}

static int by_ranked_target(const void *a, const void *b)
{
    return strcmp(((const struct ranked *)a)->target, ((const struct ranked *)b)->target);
}

static int by_rank(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    int order = strcmp(x->key.target, y->key.target);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static int64_t rank_of(const struct results_table *t, const char *target)
{
    struct ranked wanted = {.target = target}, *found = NULL;
    if (t->n_ranks > 0)
        found =
            bsearch(&wanted, t->ranks, t->n_ranks, sizeof *t->ranks, by_ranked_target);
    return found == NULL ? INT64_MAX : found->rank;
}

static void add_to_row(struct row *row, const struct piece *piece)
{
    if (piece->place < row->place)
        row->place = piece->place;
    row->sent += piece->sent;
    row->lost += piece->lost;
    row->failed += piece->failed;
    struct histogram h;
    if (piece->delays != NULL && decoded_histogram(&h, piece->delays)) {
        histogram_merge(&row->delays, &h);
        histogram_free(&h);
    }
}

static struct row *new_row(struct results_table *t, const struct key *key)
{
    t->rows = mem_grow(t->rows, &t->rows_room, t->n_rows + 1, sizeof *t->rows);
    t->rows[t->n_rows] = (struct row){
        .key = *key,
        .rank = rank_of(t, key->target),
        .place = SIZE_MAX,
        .delays = histogram_empty(),
    };
    return &t->rows[t->n_rows++];
}

static void make_rows(struct results_table *t)
{
    if (t->n_ranks > 0)
        qsort(t->ranks, t->n_ranks, sizeof *t->ranks, by_ranked_target);
    if (t->n_pieces > 0)
        qsort(t->pieces, t->n_pieces, sizeof *t->pieces, by_piece_key);
    struct row *row = NULL;
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct piece *piece = &t->pieces[i];
        if (row == NULL || by_key(&row->key, &piece->key) != 0)
            row = new_row(t, &piece->key);
        add_to_row(row, piece);
    }
    if (t->n_rows > 0)
        qsort(t->rows, t->n_rows, sizeof *t->rows, by_rank);
}

/* ---- from rows to text ---- */

/* Of the coarsest histogram that is shown. */
static void render_error(struct text *out, const struct results_table *t)
{
    int scale = HISTOGRAM_SCALE;
    bool any = false;
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct histogram *h = &t->rows[i].delays;
        if (t->rows[i].sent == 0 || h->count == 0)
            continue;
        any = true;
        scale = h->scale < scale ? h->scale : scale;
    }
    if (any)
        text_add(out, "(from histograms: percentiles are within %.1f %%)\n",
                 ceil(1e3 * histogram_error(scale)) / 10);
}

/* Returns whether any percentile stands in brackets, as window.h says when. */
static bool render_percentiles(struct text *out, const struct histogram *h)
{
    bool doubt = false;
    for (size_t p = 0; p < PERCENTILES; p++) {
        char ms[DELAY_TEXT_MAX], cell[DELAY_TEXT_MAX + 2];
        int64_t ns = histogram_quantile(h, percentile_quantile[p]);
        bool doubtful = h->count > 0 && !percentile_supported(p, h->count);
        snprintf(cell, sizeof cell, doubtful ? "(%s)" : "%s",
                 delay_text(ms, ns == DELAY_UNDEFINED ? -1 : (double)ns / 1e6));
        text_add(out, "\t%s", cell);
        doubt |= doubtful;
    }
    text_add(out, "\n");
    return doubt;
}

/* As loss_text(), in one word. */
static const char *loss_cell(char out[LOSS_TEXT_MAX], const struct row *row)
{
    const char *text = loss_text(out, row->lost, row->failed, row->sent);
    char *space = strchr(text, ' ');
    if (space != NULL)
        memmove(space, space + 1, strlen(space));
    return text;
}

static bool render_row(struct text *out, const struct row *row)
{
    char rank[24] = "-", loss[LOSS_TEXT_MAX];
    char target[TARGET_NAME_MAX], pop[CELL_MAX + 1], kind[CELL_MAX + 1],
        family[CELL_MAX + 1];
    if (row->rank != INT64_MAX)
        snprintf(rank, sizeof rank, "%lld", (long long)row->rank);
    text_add(out, "\t%s\t%s\t%s\t%s\t%s\t%llu\t%s", rank,
             decoded_clean(target, sizeof target, row->key.target, '_'),
             decoded_clean(pop, sizeof pop, row->key.pop, '_'),
             decoded_clean(kind, sizeof kind, row->key.kind, '_'),
             decoded_clean(family, sizeof family, row->key.family, '_'),
             (unsigned long long)row->sent, loss_cell(loss, row));
    return render_percentiles(out, &row->delays);
}

/* Adds which delay of each kind is shown: ": icmp rtt, https total". */
static void add_delay_names(struct text *out, const struct results_table *t)
{
    const char *joint = ": ";
    for (size_t k = 0; k < t->kinds->n; k++) {
        const char *kind = t->kinds->list[k]->name;
        size_t i = 0;
        while (i < t->n_rows && strcmp(t->rows[i].key.kind, kind) != 0)
            i++;
        if (i == t->n_rows)
            continue;
        text_add(out, "%s%s %s", joint, kind, kinds_main_delay(t->kinds, kind));
        joint = ", ";
    }
}

static void render_head(struct text *out, const struct results_table *t,
                        const Otlp__Resource *resource, size_t bytes)
{
    char time[WALL_TEXT_MAX], cell[HOST_TEXT_MAX];
    Otlp__KeyValue *const *attributes = resource == NULL ? NULL : resource->attributes;
    size_t n = resource == NULL ? 0 : resource->n_attributes;
    const char *host = decoded_text(attributes, n, ATTR_HOST_NAME, "-");
    const char *site = decoded_text(attributes, n, ATTR_SITE, "");

    text_add(out, "%s  host %s", wall_text(time, (struct wall){(int64_t)t->time_ns}),
             decoded_clean(cell, sizeof cell, host, ' '));
    if (site[0] != '\0')
        text_add(out, "  site %s", decoded_clean(cell, sizeof cell, site, ' '));
    text_add(out, "  %zu bytes\n", bytes);
    if (t->start_ns > 0)
        text_add(out, "since %s; ", wall_text(time, (struct wall){(int64_t)t->start_ns}));
    text_add(out, "delays in ms");
    add_delay_names(out, t);
    text_add(out, "\n");
    text_add(out, "\trank\ttarget\t-3PoP\tkind\t-2family\t-1>sent\t>loss");
    for (size_t p = 0; p < PERCENTILES; p++)
        text_add(out, "\t>%s", percentile_name[p]);
    text_add(out, "\n");
}

static void render(struct text *out, const struct results_table *t,
                   const Otlp__Resource *resource, size_t bytes)
{
    bool doubt = false;
    render_head(out, t, resource, bytes);
    for (size_t i = 0; i < t->n_rows; i++)
        if (t->rows[i].sent > 0)
            doubt |= render_row(out, &t->rows[i]);
    render_error(out, t);
    if (doubt)
        text_add(out, "%s", render_supported_note);
}

static void table_end(struct results_table *t)
{
    for (size_t i = 0; i < t->n_rows; i++)
        histogram_free(&t->rows[i].delays);
    free(t->rows);
    free(t->ranks);
    free(t->pieces);
}

static bool is_same(const Otlp__Resource *a, const Otlp__Resource *b)
{
    bool same = a != NULL && b != NULL && a->n_attributes == b->n_attributes;
    for (size_t i = 0; same && i < a->n_attributes; i++) {
        const char *key = a->attributes[i]->key;
        same = strcmp(decoded_text(a->attributes, a->n_attributes, key, ""),
                      decoded_text(b->attributes, b->n_attributes, key, "")) == 0;
    }
    return same;
}

/* An agent of many targets states its resource several times, each with some metrics. */
void table_render(struct text *out, const Otlp__ExportMetricsServiceRequest *request,
                  size_t bytes, const struct kinds *kinds)
{
    struct results_table t = {.kinds = kinds};
    for (size_t r = 0, n = request->n_resource_metrics; r < n; r++) {
        const Otlp__ResourceMetrics *from = request->resource_metrics[r];
        for (size_t s = 0; s < from->n_scope_metrics; s++)
            for (size_t m = 0; m < from->scope_metrics[s]->n_metrics; m++)
                add_metric(&t, from->scope_metrics[s]->metrics[m]);
        if (r + 1 < n &&
            is_same(from->resource, request->resource_metrics[r + 1]->resource))
            continue;
        make_rows(&t);
        render(out, &t, from->resource, bytes);
        table_end(&t);
        t = (struct results_table){.kinds = kinds};
    }
}
