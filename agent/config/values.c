#include "config/values.h"

#include "core/endpoint.h"
#include "core/time.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define UNUSED(x) (void)(x)

/* Adds to `must` and returns false: the end of every reader that refuses. */
#define REFUSE(...) (text_add(must, __VA_ARGS__), false)

bool config_read_text(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    if (*value == '"')
        return REFUSE("be written without quotes");
    if (!text_copy(field, key->size, value))
        return REFUSE("be at most %zu bytes long", key->size - 1);
    return true;
}

static void store(void *field, size_t size, uint64_t value)
{
    switch (size) {
    case sizeof(uint8_t):
        *(uint8_t *)field = (uint8_t)value;
        return;
    case sizeof(uint16_t):
        *(uint16_t *)field = (uint16_t)value;
        return;
    case sizeof(uint32_t):
        *(uint32_t *)field = (uint32_t)value;
        return;
    case sizeof(uint64_t):
        *(uint64_t *)field = value;
        return;
    }
    assert(!"a field of integer size");
}

bool config_read_integer(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    int64_t number;
    if (!text_to_integer(value, key->least, key->most, &number))
        return REFUSE("be a whole number from %" PRId64 " to %" PRId64, key->least,
                      key->most);
    store(field, key->size, (uint64_t)number);
    return true;
}

static const struct {
    char suffix;
    int shift;
} size_units[] = {{'G', 30}, {'M', 20}, {'K', 10}};
enum { SIZE_UNITS = sizeof size_units / sizeof *size_units };

static void add_size(struct text *t, int64_t bytes)
{
    for (size_t u = 0; u < SIZE_UNITS; u++)
        if (bytes > 0 && bytes >> size_units[u].shift << size_units[u].shift == bytes) {
            text_add(t, "%" PRId64 "%c", bytes >> size_units[u].shift,
                     size_units[u].suffix);
            return;
        }
    text_add(t, "%" PRId64, bytes);
}

bool config_read_size(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    char digits[24];
    size_t len = strlen(value);
    int shift = 0;
    for (size_t u = 0; u < SIZE_UNITS; u++)
        if (len > 0 && value[len - 1] == size_units[u].suffix)
            shift = size_units[u].shift;
    bool fits = text_copy(digits, sizeof digits, value);
    if (fits && shift > 0)
        digits[len - 1] = '\0';
    int64_t number;
    if (!fits || !text_to_integer(digits, 0, key->most >> shift, &number) ||
        number << shift < key->least) {
        text_add(must, "be a size from ");
        add_size(must, key->least);
        text_add(must, " to ");
        add_size(must, key->most);
        return REFUSE(", with K, M or G for its unit");
    }
    store(field, key->size, (uint64_t)number << shift);
    return true;
}

bool config_read_percent(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    char digits[24];
    size_t len = strlen(value);
    double number = 0;
    bool fine =
        len > 0 && value[len - 1] == '%' && text_copy(digits, sizeof digits, value);
    if (fine) {
        digits[len - 1] = '\0';
        fine = text_to_number(digits, (double)key->least, (double)key->most, &number);
    }
    if (!fine)
        return REFUSE("be a share from %" PRId64 "%% to %" PRId64 "%%", key->least,
                      key->most);
    *(double *)field = number / 100;
    return true;
}

bool config_read_duration(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
    if (duration_parse(value, key->least, key->most, field))
        return true;
    text_add(must, "be a duration from %s to %s", duration_text(least, key->least),
             duration_text(most, key->most));
    if (*value != '\0' && value[strspn(value, "0123456789.")] == '\0')
        text_add(must, ", with its unit: %ss, or %sms", value, value);
    return false;
}

bool config_read_distance(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    char digits[24];
    size_t len = strlen(value);
    if (len > 2 && len < sizeof digits && strcmp(value + len - 2, "km") == 0) {
        text_copy(digits, len - 1, value);
        if (text_to_number(digits, (double)key->least, (double)key->most, field))
            return true;
    }
    return REFUSE("be a distance from %" PRId64 "km to %" PRId64 "km", key->least,
                  key->most);
}

bool config_read_window(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    if (!config_read_duration(field, key, value, kinds, must))
        return false;
    if (86400 * NS_PER_S % *(int64_t *)field != 0)
        return REFUSE("divide a day without rest, as 10s, 60s and 5m do");
    return true;
}

bool config_read_yes_no(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    UNUSED(key);
    UNUSED(kinds);
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return REFUSE("be yes or no");
    *(bool *)field = yes;
    return true;
}

bool config_read_temporality(void *field, const struct config_key *key, const char *value,
                             const struct kinds *kinds, struct text *must)
{
    UNUSED(key);
    UNUSED(kinds);
    bool delta = strcmp(value, "delta") == 0;
    if (!delta && strcmp(value, "cumulative") != 0)
        return REFUSE("be cumulative or delta");
    *(bool *)field = delta;
    return true;
}

bool config_read_schedule(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    UNUSED(key);
    UNUSED(kinds);
    bool poisson = strcmp(value, "poisson") == 0;
    if (!poisson && strcmp(value, "periodic") != 0)
        return REFUSE("be periodic or poisson");
    *(enum pattern *)field = poisson ? PATTERN_POISSON : PATTERN_PERIODIC;
    return true;
}

bool config_read_metro(void *field, const struct config_key *key, const char *value,
                       const struct kinds *kinds, struct text *must)
{
    size_t len = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (value[len] != '\0' || len < 2 || len > 3)
        return REFUSE("be the code of a metro, two or three upper-case letters such as "
                      "AMS");
    return config_read_text(field, key, value, kinds, must);
}

bool config_read_family(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    UNUSED(key);
    UNUSED(kinds);
    struct target *t = field;
    bool both = strcmp(value, "both") == 0;
    bool ipv4 = both || strcmp(value, "ipv4") == 0;
    bool ipv6 = both || strcmp(value, "ipv6") == 0;
    if (!ipv4 && !ipv6)
        return REFUSE("be ipv4, ipv6 or both");
    t->ipv4 = ipv4;
    t->ipv6 = ipv6;
    return true;
}

static bool refuse_kind(const char *word, const struct kinds *kinds, struct text *must)
{
    const char *names[KINDS_MAX];
    text_add(must, "be kinds separated by spaces, of:");
    for (size_t k = 0; k < kinds->n; k++) {
        names[k] = kinds->list[k]->name;
        text_add(must, " %s", names[k]);
    }
    const char *near = text_nearest(word, names, kinds->n);
    if (near != NULL)
        text_add(must, "; did you mean '%s'?", near);
    return false;
}

bool config_read_kinds(void *field, const struct config_key *key, const char *value,
                       const struct kinds *kinds, struct text *must)
{
    UNUSED(key);
    bool chosen[KINDS_MAX] = {false};
    for (const char *at = value; *at != '\0';) {
        char word[32];
        size_t len = strcspn(at, " \t");
        bool whole = len < sizeof word;
        text_copy(word, whole ? len + 1 : sizeof word, at);
        size_t kind = whole ? kinds_find(kinds, word) : KIND_NONE;
        if (kind == KIND_NONE)
            return refuse_kind(word, kinds, must);
        chosen[kind] = true;
        at += len + strspn(at + len, " \t");
    }
    memcpy(field, chosen, sizeof chosen);
    return true;
}
