#include "report/point_reader.h"

#include "base/mem.h"
#include "base/wire.h"
#include "otlp/read.h"

#include <stdlib.h>
#include <string.h>

/* Protocol Buffers, Encoding: the last three bits of a tag. */
enum { VARINT, FIXED64, LENGTH, FIXED32 = 5 };
#define TAG(field, type) ((field) << 3 | (type))

/* Attributes that are kept, in bytes; all are forgotten when there are more. */
#define KEPT_MAX (64 << 20)

enum { SLOTS_MIN = 1024, BLOCK_MIN = 256 << 10, ALIGNMENT = 16 };

struct block { /* of memory of one request */
    struct block *next;
    size_t room;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

struct interned {             /* equal bytes are here once */
    struct interned *follows; /* that of the next point, the last time */
    uint64_t hash;
    uint8_t *bytes; /* as in the request */
    size_t len, n;
    struct point_note note;
    Otlp__KeyValue *list[];
};

struct point_reader {
    bool (*wanted)(const char *name);
    struct block *blocks; /* the first one is in use */
    size_t used, left;    /* of that block; of the memory that the request may take */
    struct interned **slots;
    size_t n_slots, n_kept, kept; /* slots are a power of two; bytes kept */
    struct interned *before;      /* of the previous point */
};

/* ---- memory ---- */

static struct block *block_create(size_t room, struct block *next)
{
    struct block *b = mem_alloc(sizeof *b + room);
    b->next = next;
    b->room = room;
    return b;
}

/* NULL: the request takes too much. */
static void *take(struct point_reader *r, size_t n, size_t size)
{
    size_t bytes = (n * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > r->left)
        return NULL;
    r->left -= bytes;
    if (bytes > r->blocks->room - r->used) {
        size_t twice = 2 * r->blocks->room;
        r->blocks = block_create(bytes > twice ? bytes : twice, r->blocks);
        r->used = 0;
    }
    r->used += bytes;
    return r->blocks->bytes + r->used - bytes;
}

/* Keeps the newest block, which is the largest. */
static void take_back_all(struct point_reader *r)
{
    while (r->blocks->next != NULL) {
        struct block *b = r->blocks->next;
        r->blocks->next = b->next;
        free(b);
    }
    r->used = 0;
    r->left = OTLP_MEMORY_MAX;
}

static void forget_attributes(struct point_reader *r)
{
    for (size_t i = 0; i < r->n_slots; i++) {
        struct interned *a = r->slots[i];
        for (size_t k = 0; a != NULL && k < a->n; k++)
            otlp__key_value__free_unpacked(a->list[k], NULL);
        if (a != NULL)
            free(a->bytes);
        free(a);
    }
    free(r->slots);
    r->slots = NULL;
    r->n_slots = r->n_kept = r->kept = 0;
    r->before = NULL;
}

struct point_reader *point_reader_create(bool (*wanted)(const char *name))
{
    struct point_reader *r = mem_zalloc(sizeof *r);
    r->wanted = wanted;
    r->blocks = block_create(BLOCK_MIN, NULL);
    return r;
}

void point_reader_destroy(struct point_reader *r)
{
    if (r == NULL)
        return;
    forget_attributes(r);
    take_back_all(r);
    free(r->blocks);
    free(r);
}

/* ---- fields; written here and not in base/wire for speed ---- */

static uint64_t fail(struct wire *w)
{
    w->short_read = true;
    w->left = 0;
    return 0;
}

static inline uint64_t read_varint(struct wire *w)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && w->left > 0; shift += 7) {
        uint8_t byte = *w->at++;
        w->left--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    return fail(w);
}

static inline uint64_t read_fixed64(struct wire *w) /* little-endian */
{
    uint64_t value = 0;
    if (w->left < 8)
        return fail(w);
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)w->at[i] << 8 * i;
    w->at += 8;
    w->left -= 8;
    return value;
}

static double read_double(struct wire *w)
{
    uint64_t bits = read_fixed64(w);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int32_t read_sint32(struct wire *w)
{
    uint32_t zigzag = (uint32_t)read_varint(w);
    return (int32_t)(zigzag >> 1 ^ -(zigzag & 1));
}

static inline struct wire read_message(struct wire *w)
{
    uint64_t len = read_varint(w);
    struct wire m = {.at = w->at, .left = (size_t)len};
    if (len > w->left) {
        fail(w);
        return (struct wire){0};
    }
    w->at += len;
    w->left -= (size_t)len;
    return m;
}

/* Skips a field that is not known; `known`: bits of the fields that are, which have
 * another type then. */
static void skip_field(struct wire *w, uint64_t tag, uint32_t known)
{
    if (tag >> 3 == 0 || tag >> 3 >= 1 << 29 ||
        (tag >> 3 < 32 && known >> (tag >> 3) & 1))
        fail(w);
    else if ((tag & 7) == VARINT)
        read_varint(w);
    else if ((tag & 7) == LENGTH)
        read_message(w);
    else if ((tag & 7) == FIXED64)
        wire_skip(w, 8);
    else if ((tag & 7) == FIXED32)
        wire_skip(w, 4);
    else
        fail(w);
}

/* How often a submessage with that tag occurs. */
static size_t count_messages(struct wire w, uint64_t tag)
{
    size_t n = 0;
    while (w.left > 0) {
        uint64_t next = read_varint(&w);
        n += next == tag;
        skip_field(&w, next, 0);
    }
    return n;
}

/* ---- attributes ---- */

/* FNV-1a by eight bytes. */
static uint64_t hash_of(const uint8_t *bytes, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325, word;
    for (; len >= 8; bytes += 8, len -= 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * 0x100000001b3;
        hash ^= hash >> 32;
    }
    for (; len > 0; bytes++, len--)
        hash = (hash ^ *bytes) * 0x100000001b3;
    return hash ^ hash >> 29;
}

static struct interned **slot_of(struct point_reader *r, uint64_t hash,
                                 const uint8_t *bytes, size_t len)
{
    size_t i = (size_t)hash & (r->n_slots - 1);
    while (r->slots[i] != NULL && (r->slots[i]->hash != hash || r->slots[i]->len != len ||
                                   memcmp(r->slots[i]->bytes, bytes, len) != 0))
        i = (i + 1) & (r->n_slots - 1);
    return &r->slots[i];
}

/* At most half of the slots are taken. */
static void make_slots(struct point_reader *r)
{
    struct interned **old = r->slots;
    size_t n = r->n_slots;
    if (n > 0 && 2 * r->n_kept < n)
        return;
    r->n_slots = n > 0 ? 2 * n : SLOTS_MIN;
    r->slots = mem_zalloc(r->n_slots * sizeof *r->slots);
    for (size_t i = 0; i < n; i++)
        if (old[i] != NULL)
            *slot_of(r, old[i]->hash, old[i]->bytes, old[i]->len) = old[i];
    free(old);
}

static bool unpack_attributes(struct interned *a, struct wire w)
{
    while (w.left > 0) {
        read_varint(&w); /* the tag */
        struct wire m = read_message(&w);
        a->list[a->n] = otlp__key_value__unpack(NULL, m.left, m.at);
        if (a->list[a->n] == NULL)
            return false;
        a->n++;
    }
    return true;
}

static struct interned *attributes_create(struct point_reader *r, uint64_t hash,
                                          const uint8_t *bytes, size_t len)
{
    enum { EACH = sizeof(void *) + sizeof(Otlp__KeyValue) + sizeof(Otlp__AnyValue) + 64 };
    struct wire w = wire_from(bytes, len);
    size_t n = 0;
    for (; w.left > 0; n++) {
        read_varint(&w);
        read_message(&w);
    }
    size_t cost = sizeof(struct interned) + n * EACH + 2 * len;
    if (cost > r->left)
        return NULL;
    struct interned *a = mem_zalloc(sizeof *a + n * sizeof *a->list);
    a->hash = hash;
    a->bytes = mem_copy(bytes, len);
    a->len = len;
    if (unpack_attributes(a, wire_from(bytes, len))) {
        r->left -= cost;
        r->kept += cost;
        r->n_kept++;
        return a;
    }
    for (size_t i = 0; i < a->n; i++)
        otlp__key_value__free_unpacked(a->list[i], NULL);
    free(a->bytes);
    free(a);
    return NULL;
}

/* Finds or adds. Points come in the same order in each request. NULL: damaged. */
static struct interned *attributes_at(struct point_reader *r, const uint8_t *bytes,
                                      size_t len)
{
    struct interned *a = r->before != NULL ? r->before->follows : NULL;
    if (a == NULL || a->len != len || memcmp(a->bytes, bytes, len) != 0) {
        uint64_t hash = hash_of(bytes, len);
        make_slots(r);
        struct interned **slot = slot_of(r, hash, bytes, len);
        if (*slot == NULL)
            *slot = attributes_create(r, hash, bytes, len);
        a = *slot;
    }
    if (r->before != NULL)
        r->before->follows = a;
    r->before = a;
    return a;
}

/* The bytes of all fields with that tag, of a message that was read. */
static struct interned *attributes_apart(struct point_reader *r, struct wire w,
                                         uint64_t tag)
{
    uint8_t *all = take(r, w.left, 1);
    size_t len = 0;
    while (w.left > 0 && all != NULL) {
        const uint8_t *from = w.at;
        uint64_t next = read_varint(&w);
        skip_field(&w, next, 0);
        if (next != tag)
            continue;
        memcpy(all + len, from, (size_t)(w.at - from));
        len += (size_t)(w.at - from);
    }
    return all != NULL ? attributes_at(r, all, len) : NULL;
}

/* A run of attributes in a message. */
struct run {
    const uint8_t *from, *to;
    bool apart; /* other fields are in between */
};

static inline void read_attribute(struct run *run, const uint8_t *from, struct wire *w)
{
    read_message(w);
    if (run->from == NULL)
        run->from = from;
    else if (run->to != from)
        run->apart = true;
    run->to = w->at;
}

static struct interned *attributes_of_run(struct point_reader *r, const struct run *run,
                                          struct wire message, uint64_t tag)
{
    if (run->apart)
        return attributes_apart(r, message, tag);
    return attributes_at(r, run->from != NULL ? run->from : (const uint8_t *)"",
                         (size_t)(run->to - run->from));
}

struct point_note *point_reader_note(Otlp__KeyValue *const *attributes)
{
    const char *list = (const char *)attributes;
    return &((struct interned *)(list - offsetof(struct interned, list)))->note;
}

/* ---- points ---- */

static bool read_number(struct point_reader *r, struct wire m, Otlp__NumberDataPoint *to)
{
    enum {
        ATTRIBUTES = TAG(7, LENGTH),
        KNOWN = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7
    };
    struct run run = {0};
    struct wire w = m;
    *to = (Otlp__NumberDataPoint)OTLP__NUMBER_DATA_POINT__INIT;
    while (w.left > 0) {
        const uint8_t *from = w.at;
        uint64_t tag = read_varint(&w);
        if (tag == ATTRIBUTES) {
            read_attribute(&run, from, &w);
        } else if (tag == TAG(2, FIXED64)) {
            to->start_time_unix_nano = read_fixed64(&w);
        } else if (tag == TAG(3, FIXED64)) {
            to->time_unix_nano = read_fixed64(&w);
        } else if (tag == TAG(4, FIXED64)) {
            to->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
            to->as_double = read_double(&w);
        } else if (tag == TAG(6, FIXED64)) {
            to->value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
            to->as_int = (int64_t)read_fixed64(&w);
        } else {
            skip_field(&w, tag, KNOWN);
        }
    }
    struct interned *a = wire_ok(&w) ? attributes_of_run(r, &run, m, ATTRIBUTES) : NULL;
    if (a == NULL)
        return false;
    to->attributes = a->list;
    to->n_attributes = a->n;
    return true;
}

static bool read_buckets(struct point_reader *r, struct wire m,
                         Otlp__ExponentialHistogramDataPoint__Buckets *to)
{
    enum { KNOWN = 1 << 1 | 1 << 2 };
    *to = (Otlp__ExponentialHistogramDataPoint__Buckets)
        OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT;
    /* each count has a byte of its own at least */
    to->bucket_counts = take(r, m.left, sizeof *to->bucket_counts);
    while (m.left > 0 && to->bucket_counts != NULL) {
        uint64_t tag = read_varint(&m);
        if (tag == TAG(1, VARINT)) {
            to->offset = read_sint32(&m);
        } else if (tag == TAG(2, LENGTH)) {
            struct wire packed = read_message(&m);
            while (packed.left > 0)
                to->bucket_counts[to->n_bucket_counts++] = read_varint(&packed);
            if (!wire_ok(&packed))
                return false;
        } else if (tag == TAG(2, VARINT)) {
            to->bucket_counts[to->n_bucket_counts++] = read_varint(&m);
        } else {
            skip_field(&m, tag, KNOWN);
        }
    }
    return wire_ok(&m) && to->bucket_counts != NULL;
}

static bool read_histogram(struct point_reader *r, struct wire m,
                           Otlp__ExponentialHistogramDataPoint *to)
{
    enum { ATTRIBUTES = TAG(1, LENGTH), KNOWN = 0x31fe };
    struct run run = {0};
    struct wire w = m;
    *to =
        (Otlp__ExponentialHistogramDataPoint)OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
    while (w.left > 0) {
        const uint8_t *from = w.at;
        uint64_t tag = read_varint(&w);
        switch (tag) {
        case ATTRIBUTES:
            read_attribute(&run, from, &w);
            break;
        case TAG(2, FIXED64):
            to->start_time_unix_nano = read_fixed64(&w);
            break;
        case TAG(3, FIXED64):
            to->time_unix_nano = read_fixed64(&w);
            break;
        case TAG(4, FIXED64):
            to->count = read_fixed64(&w);
            break;
        case TAG(5, FIXED64):
            to->has_sum_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_SUM_SUM;
            to->sum = read_double(&w);
            break;
        case TAG(6, VARINT):
            to->scale = read_sint32(&w);
            break;
        case TAG(7, FIXED64):
            to->zero_count = read_fixed64(&w);
            break;
        case TAG(8, LENGTH):
            to->positive = take(r, 1, sizeof *to->positive);
            if (to->positive == NULL || !read_buckets(r, read_message(&w), to->positive))
                return false;
            break;
        case TAG(12, FIXED64):
            to->has_min_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MIN_MIN;
            to->min = read_double(&w);
            break;
        case TAG(13, FIXED64):
            to->has_max_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX;
            to->max = read_double(&w);
            break;
        case TAG(14, FIXED64):
            to->zero_threshold = read_double(&w);
            break;
        default:
            skip_field(&w, tag, KNOWN);
        }
    }
    struct interned *a = wire_ok(&w) ? attributes_of_run(r, &run, m, ATTRIBUTES) : NULL;
    if (a == NULL)
        return false;
    to->attributes = a->list;
    to->n_attributes = a->n;
    return true;
}

/* ---- metrics ---- */

/* The fields of a Gauge, a Sum and an ExponentialHistogram have the same numbers. */
struct points {
    size_t n;
    struct wire message;
    Otlp__AggregationTemporality temporality;
    protobuf_c_boolean monotonic;
};

static bool read_points(struct wire m, bool counts, struct points *to)
{
    uint32_t known = counts ? 1 << 1 | 1 << 2 | 1 << 3 : 1 << 1;
    *to = (struct points){.n = count_messages(m, TAG(1, LENGTH)), .message = m};
    while (m.left > 0) {
        uint64_t tag = read_varint(&m);
        if (counts && tag == TAG(2, VARINT))
            to->temporality = (Otlp__AggregationTemporality)read_varint(&m);
        else if (counts && tag == TAG(3, VARINT))
            to->monotonic = read_varint(&m) != 0;
        else if (tag == TAG(1, LENGTH))
            read_message(&m);
        else
            skip_field(&m, tag, known);
    }
    return wire_ok(&m);
}

/* The next data point; the messages were read once already. */
static struct wire next_point(struct points *from)
{
    for (;;) {
        uint64_t tag = read_varint(&from->message);
        if (tag == TAG(1, LENGTH))
            return read_message(&from->message);
        skip_field(&from->message, tag, 0);
    }
}

static bool read_numbers(struct point_reader *r, struct points *from, size_t *n,
                         Otlp__NumberDataPoint ***to)
{
    Otlp__NumberDataPoint *points = take(r, from->n, sizeof *points);
    *to = take(r, from->n, sizeof **to);
    if (points == NULL || *to == NULL)
        return false;
    for (*n = 0; *n < from->n; ++*n) {
        (*to)[*n] = &points[*n];
        if (!read_number(r, next_point(from), &points[*n]))
            return false;
    }
    return true;
}

static bool read_histograms(struct point_reader *r, struct points *from, size_t *n,
                            Otlp__ExponentialHistogramDataPoint ***to)
{
    Otlp__ExponentialHistogramDataPoint *points = take(r, from->n, sizeof *points);
    *to = take(r, from->n, sizeof **to);
    if (points == NULL || *to == NULL)
        return false;
    for (*n = 0; *n < from->n; ++*n) {
        (*to)[*n] = &points[*n];
        if (!read_histogram(r, next_point(from), &points[*n]))
            return false;
    }
    return true;
}

static bool read_gauge(struct point_reader *r, struct wire m, Otlp__Metric *to)
{
    struct points points;
    Otlp__Gauge *gauge = to->gauge = take(r, 1, sizeof *gauge);
    to->data_case = OTLP__METRIC__DATA_GAUGE;
    if (gauge == NULL || !read_points(m, false, &points))
        return false;
    *gauge = (Otlp__Gauge)OTLP__GAUGE__INIT;
    return read_numbers(r, &points, &gauge->n_data_points, &gauge->data_points);
}

static bool read_sum(struct point_reader *r, struct wire m, Otlp__Metric *to)
{
    struct points points;
    Otlp__Sum *sum = to->sum = take(r, 1, sizeof *sum);
    to->data_case = OTLP__METRIC__DATA_SUM;
    if (sum == NULL || !read_points(m, true, &points))
        return false;
    *sum = (Otlp__Sum)OTLP__SUM__INIT;
    sum->aggregation_temporality = points.temporality;
    sum->is_monotonic = points.monotonic;
    return read_numbers(r, &points, &sum->n_data_points, &sum->data_points);
}

static bool read_exponential(struct point_reader *r, struct wire m, Otlp__Metric *to)
{
    struct points points;
    Otlp__ExponentialHistogram *h = to->exponential_histogram = take(r, 1, sizeof *h);
    to->data_case = OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM;
    if (h == NULL || !read_points(m, true, &points))
        return false;
    *h = (Otlp__ExponentialHistogram)OTLP__EXPONENTIAL_HISTOGRAM__INIT;
    h->aggregation_temporality = points.temporality;
    return read_histograms(r, &points, &h->n_data_points, &h->data_points);
}

/* `*is_wanted` becomes whether it is; else nothing of it is read. */
static bool read_metric(struct point_reader *r, struct wire m, Otlp__Metric *to,
                        bool *is_wanted)
{
    enum { KNOWN = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 10 };
    struct wire name = {0}, data = {0};
    uint64_t data_tag = 0;
    *is_wanted = false;
    while (m.left > 0) {
        uint64_t tag = read_varint(&m);
        if (tag == TAG(1, LENGTH)) {
            name = read_message(&m);
        } else if (tag == TAG(5, LENGTH) || tag == TAG(7, LENGTH) ||
                   tag == TAG(10, LENGTH)) {
            data = read_message(&m);
            data_tag = tag;
        } else if (tag == TAG(2, LENGTH) || tag == TAG(3, LENGTH)) {
            read_message(&m);
        } else {
            skip_field(&m, tag, KNOWN);
        }
    }
    *to = (Otlp__Metric)OTLP__METRIC__INIT;
    if (!wire_ok(&m) || (to->name = take(r, name.left + 1, 1)) == NULL)
        return false;
    wire_copy(&(struct wire){.at = name.at, .left = name.left}, to->name, name.left);
    to->name[name.left] = '\0';
    *is_wanted = r->wanted(to->name);
    return !*is_wanted || data_tag == 0 ? true
           : data_tag == TAG(5, LENGTH) ? read_gauge(r, data, to)
           : data_tag == TAG(7, LENGTH) ? read_sum(r, data, to)
                                        : read_exponential(r, data, to);
}

static bool read_scope(struct point_reader *r, struct wire m, Otlp__ScopeMetrics *to)
{
    enum { KNOWN = 1 << 1 | 1 << 2 };
    size_t n = count_messages(m, TAG(2, LENGTH));
    Otlp__Metric *metrics = take(r, n, sizeof *metrics);
    *to = (Otlp__ScopeMetrics)OTLP__SCOPE_METRICS__INIT;
    to->metrics = take(r, n, sizeof(*to->metrics));
    if (metrics == NULL || to->metrics == NULL)
        return false;
    while (m.left > 0) {
        uint64_t tag = read_varint(&m);
        bool is_wanted;
        if (tag == TAG(2, LENGTH)) {
            if (!read_metric(r, read_message(&m), metrics, &is_wanted))
                return false;
            if (is_wanted)
                to->metrics[to->n_metrics++] = metrics++;
        } else if (tag == TAG(1, LENGTH)) {
            read_message(&m);
        } else {
            skip_field(&m, tag, KNOWN);
        }
    }
    return wire_ok(&m);
}

static bool read_resource(struct point_reader *r, struct wire m, Otlp__Resource **to)
{
    enum { ATTRIBUTES = TAG(1, LENGTH), KNOWN = 1 << 1 };
    struct run run = {0};
    struct wire w = m;
    *to = take(r, 1, sizeof(**to));
    while (w.left > 0) {
        const uint8_t *from = w.at;
        uint64_t tag = read_varint(&w);
        if (tag == ATTRIBUTES)
            read_attribute(&run, from, &w);
        else
            skip_field(&w, tag, KNOWN);
    }
    struct interned *a =
        wire_ok(&w) && *to != NULL ? attributes_of_run(r, &run, m, ATTRIBUTES) : NULL;
    if (a == NULL)
        return false;
    **to = (Otlp__Resource)OTLP__RESOURCE__INIT;
    (*to)->attributes = a->list;
    (*to)->n_attributes = a->n;
    return true;
}

static bool read_resource_metrics(struct point_reader *r, struct wire m,
                                  Otlp__ResourceMetrics *to)
{
    enum { KNOWN = 1 << 1 | 1 << 2 };
    size_t n = count_messages(m, TAG(2, LENGTH));
    Otlp__ScopeMetrics *scopes = take(r, n, sizeof *scopes);
    *to = (Otlp__ResourceMetrics)OTLP__RESOURCE_METRICS__INIT;
    to->scope_metrics = take(r, n, sizeof(*to->scope_metrics));
    if (scopes == NULL || to->scope_metrics == NULL)
        return false;
    while (m.left > 0) {
        uint64_t tag = read_varint(&m);
        if (tag == TAG(2, LENGTH)) {
            struct wire scope = read_message(&m);
            to->scope_metrics[to->n_scope_metrics++] = scopes;
            if (!read_scope(r, scope, scopes++))
                return false;
        } else if (tag == TAG(1, LENGTH)) {
            if (!read_resource(r, read_message(&m), &to->resource))
                return false;
        } else {
            skip_field(&m, tag, KNOWN);
        }
    }
    return wire_ok(&m);
}

const Otlp__ExportMetricsServiceRequest *point_reader_read(struct point_reader *r,
                                                           const void *bytes, size_t len)
{
    struct wire m = wire_from(bytes, len);
    size_t n = count_messages(m, TAG(1, LENGTH));
    if (len > OTLP_BYTES_MAX)
        return NULL;
    if (r->kept > KEPT_MAX)
        forget_attributes(r);
    take_back_all(r);
    r->before = NULL;
    Otlp__ExportMetricsServiceRequest *to = take(r, 1, sizeof *to);
    Otlp__ResourceMetrics *resources = take(r, n, sizeof *resources);
    *to = (Otlp__ExportMetricsServiceRequest)OTLP__EXPORT_METRICS_SERVICE_REQUEST__INIT;
    to->resource_metrics = take(r, n, sizeof(*to->resource_metrics));
    if (resources == NULL || to->resource_metrics == NULL)
        return NULL;
    while (m.left > 0) {
        uint64_t tag = read_varint(&m);
        if (tag == TAG(1, LENGTH)) {
            struct wire resource = read_message(&m);
            to->resource_metrics[to->n_resource_metrics++] = resources;
            if (!read_resource_metrics(r, resource, resources++))
                return NULL;
        } else {
            skip_field(&m, tag, 1 << 1);
        }
    }
    return wire_ok(&m) ? to : NULL;
}
