#include "otlp/builder.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/varint.h"
#include "otlp/names.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A copy of `value` in the arena. */
#define NEW(arena, type, value)                                                          \
    ((type *)memcpy(arena_take(arena, sizeof(type)), (type[]){value}, sizeof(type)))

/* Small, as there are some thirty metrics and the last ones are half empty. */
enum { BLOCK_BYTES = 1 << 10 };

struct shared_attributes {
    size_t n;
    struct packed list[];
};

/* A point: this, then its own attributes, and the fields behind the shared ones. */
struct point_head {
    const struct shared_attributes *shared;
    uint8_t tag;               /* of an attribute */
    uint32_t own, rest, whole; /* bytes; `whole`: as it is written */
};

struct point_block {
    struct point_block *next;
    size_t len, room;
    uint8_t bytes[];
};

void builder_clear(struct builder *b)
{
    for (size_t i = 0; i < b->n_metrics; i++) {
        b->metrics[i].first = b->metrics[i].last = NULL;
        b->metrics[i].len = 0;
    }
    b->bytes = 0;
    arena_clear(&b->points);
    builder_forget(b);
}

void builder_forget(struct builder *b)
{
    arena_clear(&b->arena);
}

void builder_free(struct builder *b)
{
    arena_free(&b->points);
    arena_free(&b->arena);
}

/* ---- packed messages ---- */

enum { LENGTH_BYTES_MAX = 5 };

static struct packed pack(struct builder *b, const ProtobufCMessage *m)
{
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = arena_take(&b->arena, LENGTH_BYTES_MAX + len);
    size_t n = (size_t)(varint_put(bytes, len) - bytes);
    return (struct packed){bytes, n + protobuf_c_message_pack(m, bytes + n)};
}

/* protobuf-c keeps fields that it does not know as they came: so it takes ours. */
static void attach(struct builder *b, ProtobufCMessage *to, uint32_t tag,
                   const struct packed *list, size_t n)
{
    to->n_unknown_fields = (unsigned)n;
    to->unknown_fields = arena_take(&b->arena, n * sizeof *to->unknown_fields);
    for (size_t i = 0; i < n; i++)
        to->unknown_fields[i] = (ProtobufCMessageUnknownField){
            .tag = tag,
            .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
            .len = list[i].len,
            .data = list[i].bytes,
        };
}

/* ---- attributes ---- */

static void add_attribute(struct builder *b, struct attributes *to, const char *key,
                          Otlp__AnyValue value)
{
    assert(to->n < ATTRIBUTES_MAX);
    Otlp__KeyValue pair = OTLP__KEY_VALUE__INIT;
    pair.key = (char *)key;
    pair.value = &value;
    to->list[to->n++] = pack(b, &pair.base);
}

/* What cannot be sent is replaced byte by byte; what is too long is cut. */
static const char *sendable(struct builder *b, const char *text)
{
    size_t len = strlen(text), good = 0;
    for (size_t n; good < len && (n = text_utf8(text + good, len - good)) > 0;)
        good += n;
    if (good == len && len <= ATTRIBUTE_TEXT_MAX)
        return text;
    char *copy = arena_take(&b->arena, ATTRIBUTE_TEXT_MAX + 1);
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t n = text_utf8(text + i, len - i);
        size_t step = n > 0 ? n : 1;
        if (used + step > ATTRIBUTE_TEXT_MAX)
            break;
        memcpy(copy + used, n > 0 ? text + i : "?", step);
        used += step;
        i += step;
    }
    copy[used] = '\0';
    return copy;
}

static Otlp__AnyValue text_value(struct builder *b, const char *text)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value.string_value = (char *)sendable(b, text);
    return value;
}

Otlp__AnyValue *builder_text(struct builder *b, const char *text)
{
    return NEW(&b->arena, Otlp__AnyValue, text_value(b, text));
}

void attribute_text(struct builder *b, struct attributes *to, const char *key,
                    const char *text)
{
    add_attribute(b, to, key, text_value(b, text));
}

void attribute_text_if(struct builder *b, struct attributes *to, const char *key,
                       const char *text)
{
    if (text[0] != '\0')
        attribute_text(b, to, key, text);
}

void attribute_time_if(struct builder *b, struct attributes *to, const char *key,
                       struct wall time)
{
    char text[WALL_TEXT_MAX];
    if (time.ns != 0)
        attribute_text(b, to, key, wall_text(text, time));
}

void attribute_integer(struct builder *b, struct attributes *to, const char *key,
                       int64_t number)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value.int_value = number;
    add_attribute(b, to, key, value);
}

void attribute_number(struct builder *b, struct attributes *to, const char *key,
                      double number)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value.double_value = number;
    add_attribute(b, to, key, value);
}

void attribute_bool(struct builder *b, struct attributes *to, const char *key, bool truth)
{
    Otlp__AnyValue value = OTLP__ANY_VALUE__INIT;
    value.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value.bool_value = truth;
    add_attribute(b, to, key, value);
}

struct attributes attributes_of_target(struct builder *b, const struct target *t)
{
    struct attributes a = {.n = 0};
    attribute_text(b, &a, ATTR_TARGET, t->name);
    attribute_text_if(b, &a, ATTR_SERVICE, t->service);
    attribute_text(b, &a, ATTR_SERVER_ADDRESS, t->host);
    if (t->uplink != NULL)
        attribute_text(b, &a, ATTR_UPLINK, t->uplink->name);
    return a;
}

void attributes_share(struct builder *b, struct attributes *a)
{
    assert(a->shared == NULL);
    struct shared_attributes *s =
        arena_take(&b->points, sizeof *s + a->n * sizeof *s->list);
    s->n = a->n;
    for (size_t i = 0; i < a->n; i++) {
        s->list[i] = a->list[i];
        s->list[i].bytes = arena_take(&b->points, a->list[i].len);
        memcpy(s->list[i].bytes, a->list[i].bytes, a->list[i].len);
    }
    *a = (struct attributes){.shared = s};
}

void attributes_attach(struct builder *b, const struct attributes *a,
                       ProtobufCMessage *message, uint32_t tag)
{
    assert(a->shared == NULL);
    attach(b, message, tag, a->list, a->n);
}

/* ---- points and metrics, encoded here: what varies least stands first, for gzip ---- */

enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2 };

static size_t varint_len(uint64_t n)
{
    size_t len = 1;
    for (; n > 0x7f; n >>= 7)
        len++;
    return len;
}

static size_t message_len(size_t len)
{
    return 1 + varint_len(len) + len;
}

static uint8_t *put_tag(uint8_t *at, unsigned field, enum wire_type type)
{
    return varint_put(at, field << 3 | (unsigned)type);
}

static uint8_t *put_fixed64(uint8_t *at, unsigned field, uint64_t n)
{
    at = put_tag(at, field, FIXED64);
    for (int i = 0; i < 8; i++)
        *at++ = (uint8_t)(n >> 8 * i);
    return at;
}

static uint8_t *put_double(uint8_t *at, unsigned field, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return put_fixed64(at, field, bits);
}

static uint8_t *put_signed(uint8_t *at, unsigned field, int32_t n)
{
    return varint_put(put_tag(at, field, VARINT),
                      (uint32_t)n << 1 ^ (n < 0 ? UINT32_MAX : 0));
}

static size_t text_len(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

static uint8_t *put_text(uint8_t *at, unsigned field, const char *text)
{
    size_t len = text_len(text);
    if (len == 0)
        return at;
    at = varint_put(put_tag(at, field, BYTES), len);
    memcpy(at, text, len);
    return at + len;
}

double builder_seconds(double s)
{
    return fabs(s) < 0x1p28 ? nearbyint(s * 0x1p24) * 0x1p-24 : s;
}

/* Where `len` bytes of points go, together. */
static struct point_block *block_with_room(struct builder *b, struct metric *m,
                                           size_t len)
{
    if (m->last != NULL && m->last->room - m->last->len >= len)
        return m->last;
    size_t room = BLOCK_BYTES - sizeof *m->last;
    room = len > room ? len : room;
    struct point_block *p = arena_take(&b->points, sizeof *p + room);
    *p = (struct point_block){.room = room};
    *(m->last != NULL ? &m->last->next : &m->first) = p;
    m->last = p;
    return p;
}

/* The fields that all points have in common, with `len` of others behind them: returns
 * where those go. */
static uint8_t *begin_point(struct builder *b, size_t metric, const struct attributes *a,
                            unsigned attributes_field, struct wall start, size_t len)
{
    struct metric *m = &b->metrics[metric];
    struct point_head head = {.shared = a->shared,
                              .tag = (uint8_t)(attributes_field << 3 | BYTES),
                              .rest = (uint32_t)(2 * (1 + sizeof(uint64_t)) + len)};
    for (size_t i = 0; i < a->n; i++)
        head.own += (uint32_t)(1 + a->list[i].len);
    head.whole = head.own + head.rest;
    for (size_t i = 0; a->shared != NULL && i < a->shared->n; i++)
        head.whole += (uint32_t)(1 + a->shared->list[i].len);
    struct point_block *p = block_with_room(b, m, sizeof head + head.own + head.rest);
    uint8_t *at = p->bytes + p->len;
    memcpy(at, &head, sizeof head);
    at += sizeof head;
    p->len += sizeof head + head.own + head.rest;
    m->len += message_len(head.whole);
    b->bytes += head.whole;
    /* The last ones differ most: the others and the times behind them are one repetition. */
    for (size_t i = a->n; i > 0; i--) {
        *at++ = head.tag;
        memcpy(at, a->list[i - 1].bytes, a->list[i - 1].len);
        at += a->list[i - 1].len;
    }
    return put_fixed64(put_fixed64(at, 2, (uint64_t)start.ns), 3, (uint64_t)b->time.ns);
}

void point_count(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, uint64_t count)
{
    put_fixed64(begin_point(b, metric, a, 7, start, 1 + sizeof count), 6, count);
}

void point_value(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, double value)
{
    const char *unit = b->metrics[metric].unit;
    bool seconds = unit != NULL && strcmp(unit, "s") == 0;
    put_double(begin_point(b, metric, a, 7, start, 1 + sizeof value), 4,
               seconds ? builder_seconds(value) : value);
}

void point_histogram(struct builder *b, size_t metric, const struct attributes *a,
                     struct wall start, const struct histogram *h, bool extremes)
{
    enum {
        FIXED = 1 + sizeof(uint64_t),
        SIGNED_MAX = 1 + LENGTH_BYTES_MAX,
    };
    uint8_t head[3 * FIXED + 2 * SIGNED_MAX], tail[3 * FIXED], positive[SIGNED_MAX];
    uint8_t *h_end = put_signed(head, 6, h->scale), *t_end = tail;
    uint8_t *p_end = put_signed(positive, 1, h->offset);
    size_t counts = 0, within = 0, buckets = 0;
    if (h->zero > 0)
        h_end = put_double(h_end, 14, ldexp(1, -h->zero));
    h_end = put_fixed64(h_end, 4, h->count);
    if (h->zeros > 0)
        h_end = put_fixed64(h_end, 7, h->zeros);
    t_end = put_double(t_end, 5, builder_seconds(h->sum_s));
    if (extremes && h->count > 0) {
        t_end = put_double(t_end, 12, builder_seconds((double)h->min_ns / 1e9));
        t_end = put_double(t_end, 13, builder_seconds((double)h->max_ns / 1e9));
    }
    for (uint32_t i = 0; i < h->n; i++)
        counts += varint_len(h->buckets[i]);
    if (h->n > 0) {
        within = (size_t)(p_end - positive) + 1 + varint_len(counts) + counts;
        buckets = 1 + varint_len(within) + within;
    }
    size_t head_len = (size_t)(h_end - head), tail_len = (size_t)(t_end - tail);
    uint8_t *at = begin_point(b, metric, a, 1, start, head_len + buckets + tail_len);
    memcpy(at, head, head_len);
    at += head_len;
    if (h->n > 0) {
        at = varint_put(put_tag(at, 8, BYTES), within);
        memcpy(at, positive, (size_t)(p_end - positive));
        at = varint_put(put_tag(at + (p_end - positive), 2, BYTES), counts);
        for (uint32_t i = 0; i < h->n; i++)
            at = varint_put(at, h->buckets[i]);
    }
    memcpy(at, tail, tail_len);
}

/* The fields of a metric before its points, which end it. */
static struct packed head_of(struct builder *b, const struct metric *m)
{
    enum {
        TEMPORALITY_BYTES = 2,
        MONOTONIC_BYTES = 2,
        TAGS = 3 * (1 + LENGTH_BYTES_MAX)
    };
    bool sum = m->type == OTLP__METRIC__DATA_SUM,
         gauge = m->type == OTLP__METRIC__DATA_GAUGE;
    size_t more = (gauge ? 0 : TEMPORALITY_BYTES) + (sum ? MONOTONIC_BYTES : 0);
    size_t texts = text_len(m->name) + text_len(m->unit) + text_len(m->description);
    uint8_t *bytes = arena_take(&b->arena, TAGS + texts + 1 + LENGTH_BYTES_MAX + more);
    uint8_t *at = put_text(bytes, 1, m->name);
    at = put_text(at, 2, m->description);
    at = put_text(at, 3, m->unit);
    at = varint_put(put_tag(at, (unsigned)m->type, BYTES), more + m->len);
    if (!gauge)
        at = varint_put(
            put_tag(at, 2, VARINT),
            b->delta ? OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA
                     : OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE);
    if (sum)
        at = varint_put(put_tag(at, 3, VARINT), 1);
    return (struct packed){bytes, (size_t)(at - bytes)};
}

struct writing {
    builder_write_cb *write;
    void *user;
    size_t len;
};

static void write_bytes(struct writing *w, const void *bytes, size_t len)
{
    w->write(bytes, len, w->user);
    w->len += len;
}

/* The tag and length of a message of `len` bytes. */
static void write_head(struct writing *w, unsigned field, size_t len)
{
    uint8_t bytes[1 + LENGTH_BYTES_MAX];
    write_bytes(w, bytes,
                (size_t)(varint_put(put_tag(bytes, field, BYTES), len) - bytes));
}

static void write_points(struct writing *w, const struct point_block *p)
{
    struct point_head head;
    for (const uint8_t *at = p->bytes; at < p->bytes + p->len;) {
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        write_head(w, 1, head.whole);
        write_bytes(w, at, head.own);
        at += head.own;
        for (size_t i = head.shared != NULL ? head.shared->n : 0; i > 0; i--) {
            write_bytes(w, &head.tag, 1);
            write_bytes(w, head.shared->list[i - 1].bytes, head.shared->list[i - 1].len);
        }
        write_bytes(w, at, head.rest);
        at += head.rest;
    }
}

size_t builder_write(struct builder *b, const Otlp__Resource *resource,
                     const Otlp__InstrumentationScope *scope, builder_write_cb *write,
                     void *user)
{
    struct writing w = {.write = write, .user = user};
    struct packed heads[METRICS_MAX];
    struct packed of = pack(b, &resource->base), by = pack(b, &scope->base);
    size_t scoped = 1 + by.len;
    for (size_t i = 0; i < b->n_metrics; i++)
        if (b->metrics[i].len > 0) {
            heads[i] = head_of(b, &b->metrics[i]);
            scoped += message_len(heads[i].len + b->metrics[i].len);
        }
    write_head(&w, 1, 1 + of.len + message_len(scoped)); /* ResourceMetrics */
    write_bytes(&w, (uint8_t[]){1 << 3 | BYTES}, 1);
    write_bytes(&w, of.bytes, of.len);
    write_head(&w, 2, scoped); /* ScopeMetrics */
    write_bytes(&w, (uint8_t[]){1 << 3 | BYTES}, 1);
    write_bytes(&w, by.bytes, by.len);
    for (size_t i = 0; i < b->n_metrics; i++)
        if (b->metrics[i].len > 0) {
            write_head(&w, 2, heads[i].len + b->metrics[i].len);
            write_bytes(&w, heads[i].bytes, heads[i].len);
            for (const struct point_block *p = b->metrics[i].first; p != NULL;
                 p = p->next)
                write_points(&w, p);
        }
    return w.len;
}
