#include "otlp/decoded.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

const char *decoded_text(Otlp__KeyValue *const *attributes, size_t n, const char *key,
                         const char *missing)
{
    for (size_t i = 0; i < n; i++) {
        const Otlp__AnyValue *value = attributes[i]->value;
        if (strcmp(attributes[i]->key, key) != 0)
            continue;
        bool is_text =
            value != NULL && value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        return is_text && value->string_value[0] != '\0' ? value->string_value : missing;
    }
    return missing;
}

int64_t decoded_integer(const Otlp__NumberDataPoint *point)
{
    if (point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT)
        return point->as_int;
    bool whole = point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE &&
                 fabs(point->as_double) < 0x1p53;
    return whole ? (int64_t)point->as_double : 0;
}

double decoded_number(const Otlp__NumberDataPoint *point)
{
    if (point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT)
        return (double)point->as_int;
    bool is_number = point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE &&
                     isfinite(point->as_double);
    return is_number ? point->as_double : 0;
}

static int64_t ns_of(double seconds)
{
    if (!(seconds > 0)) /* NaN is not */
        return 0;
    double ns = seconds * 1e9;
    return ns < 0x1p62 ? llround(ns) : INT64_C(1) << 62;
}

enum { OCTAVES_MAX = 64, SCALE_MIN = -10, SCALE_MAX = 20 }; /* scales: OTLP's own */

static bool is_of_delays(int scale, int32_t offset, size_t n)
{
    if (scale < SCALE_MIN || scale > SCALE_MAX || n > HISTOGRAM_BUCKETS_MAX)
        return false;
    double low = ldexp((double)offset, -scale);
    double high = low + ldexp((double)n, -scale);
    return low >= -OCTAVES_MAX && high <= OCTAVES_MAX;
}

bool decoded_histogram(struct histogram *out,
                       const Otlp__ExponentialHistogramDataPoint *p)
{
    int32_t offset = p->positive == NULL ? 0 : p->positive->offset;
    size_t buckets = p->positive == NULL ? 0 : p->positive->n_bucket_counts;
    if (!is_of_delays(p->scale, offset, buckets))
        return false;

    uint32_t n = (uint32_t)buckets;
    *out = (struct histogram){
        .count = p->zero_count,
        .zeros = p->zero_count,
        .scale = (int8_t)p->scale,
        .offset = offset,
        .n = n,
        .room = n,
        .buckets = mem_alloc(n * sizeof(uint32_t)),
    };
    for (uint32_t i = 0; i < n; i++) {
        uint64_t count = p->positive->bucket_counts[i];
        out->buckets[i] = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
        out->count += out->buckets[i];
    }
    /* where the sender did not give the extremes, the bounds of the buckets are known */
    double low = exp2(ldexp((double)offset, -p->scale));
    double high = exp2(ldexp((double)offset + n, -p->scale));
    if (p->has_min_case == OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MIN_MIN)
        out->min_ns = ns_of(p->min);
    else if (n > 0 && p->zero_count == 0)
        out->min_ns = ns_of(low);
    if (p->has_max_case == OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__HAS_MAX_MAX)
        out->max_ns = ns_of(p->max);
    else if (n > 0)
        out->max_ns = ns_of(high);
    return true;
}

const char *decoded_clean(char *out, size_t room, const char *text, char blank)
{
    text_copy_line(out, room, text, strlen(text));
    for (char *c = out; (c = strchr(c, ' ')) != NULL && blank != ' '; c++)
        *c = blank;
    return out;
}
