/*
 * OTLP/JSON: the JSON mapping of proto3, but that enums are integers, as OTLP wants them.
 * Written from the descriptors that protobuf-c generates, so a field that is added to the
 * .proto shows up by itself.
 */
#include "base/json.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64 };

/* "time_unix_nano" is "timeUnixNano". */
static const char *camel(char out[KEY_MAX], const char *name)
{
    size_t n = 0;
    for (; *name != '\0' && n + 1 < KEY_MAX; name++) {
        bool next = name[0] == '_' && name[1] != '\0';
        out[n++] = next ? (char)toupper((unsigned char)*++name) : *name;
    }
    out[n] = '\0';
    return out;
}

/* 64 bits are a string: JavaScript's numbers have 53. */
static void print_wide(struct json *j, const char *key, bool is_signed, const void *at)
{
    char digits[24];
    if (is_signed)
        snprintf(digits, sizeof digits, "%" PRId64, *(const int64_t *)at);
    else
        snprintf(digits, sizeof digits, "%" PRIu64, *(const uint64_t *)at);
    json_string(j, key, digits);
}

static void print_double(struct json *j, const char *key, double value)
{
    if (isnan(value))
        json_string(j, key, "NaN");
    else if (isinf(value))
        json_string(j, key, value > 0 ? "Infinity" : "-Infinity");
    else
        json_number(j, key, value);
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 8;
    }
}

static void print_message(struct json *j, const char *key, const ProtobufCMessage *m);

/* One value of `field`, which is at `at`; `key` is NULL inside an array. */
static void print_value(struct json *j, const char *key,
                        const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        json_integer(j, key, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        json_unsigned(j, key, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        print_wide(j, key, true, at);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        print_wide(j, key, false, at);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        print_double(j, key, *(const float *)at);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        print_double(j, key, *(const double *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        json_bool(j, key, *(const protobuf_c_boolean *)at);
        break;
    case PROTOBUF_C_TYPE_STRING:
        json_string(j, key, *(char *const *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        print_message(j, key, *(ProtobufCMessage *const *)at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        assert(!"the OTLP that we read has no field of bytes");
    }
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
    static const char zeros[8];
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(void *const *)at == NULL;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return **(char *const *)at == '\0';
    return memcmp(at, zeros, size_of(field)) == 0; /* -0.0 is not the default */
}

static void print_field(struct json *j, const ProtobufCFieldDescriptor *field,
                        const char *message)
{
    char key[KEY_MAX];
    const char *at = message + field->offset;
    const char *quantifier = message + field->quantifier_offset;

    camel(key, field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)quantifier;
        if (n == 0)
            return;
        json_array(j, key);
        for (size_t i = 0; i < n; i++)
            print_value(j, NULL, field, *(const char *const *)at + i * size_of(field));
        json_array_end(j);
    } else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        if (*(const uint32_t *)quantifier == field->id) /* present, also as 0 */
            print_value(j, key, field, at);
    } else if (!is_default(field, at)) {
        print_value(j, key, field, at);
    }
}

static void print_message(struct json *j, const char *key, const ProtobufCMessage *m)
{
    json_object(j, key);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        print_field(j, &m->descriptor->fields[i], (const char *)m);
    json_object_end(j);
}

static ProtobufCMessage *read_any(enum signal likely, const void *bytes, size_t len)
{
    ProtobufCMessage *request = otlp_read(likely, bytes, len);
    for (enum signal i = 0; request == NULL && i < SIGNALS; i++)
        if (i != likely)
            request = otlp_read(i, bytes, len);
    return request;
}

static int plain_to_json(enum signal likely, const void *bytes, size_t len,
                         struct text *out, const char **why)
{
    ProtobufCMessage *request = read_any(likely, bytes, len);
    if (request == NULL) {
        *why = len > OTLP_BYTES_MAX ? "it is larger than a request may be (16 MiB)"
                                    : "it is neither OTLP metrics nor logs (protobuf)";
        return -EBADMSG;
    }
    struct json j = json_to(out);
    print_message(&j, NULL, request);
    text_add_bytes(out, "\n", 1);
    otlp_read_free(request);
    return 0;
}

int otlp_to_json(enum signal likely, const void *bytes, size_t len, struct text *out,
                 const char **why)
{
    if (!gzip_is(bytes, len))
        return plain_to_json(likely, bytes, len, out, why);

    void *plain;
    size_t plain_len;
    int rc = gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &plain_len);
    if (rc < 0) {
        *why = rc == -EMSGSIZE ? "unpacked it is larger than a request may be (16 MiB)"
                               : "its gzip is torn or damaged";
        return -EBADMSG;
    }
    rc = plain_to_json(likely, plain, plain_len, out, why);
    free(plain);
    return rc;
}
