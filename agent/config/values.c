#include "config/values.h"

#include "base/intern.h"
#include "config/resolv_conf.h"
#include "core/endpoint.h"
#include "core/host_port.h"
#include "core/time.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UNUSED(x) (void)(x)

enum { WORD_MAX = 80 }; /* of a list */

/* Appends to `must` and returns false. */
#define REFUSE(...) (text_add(must, __VA_ARGS__), false)

/* A '#' before a number is text: "Building #4". */
static bool has_comment(const char *value)
{
    const char *hash = strstr(value, " #");
    return (hash != NULL && (hash[2] < '0' || hash[2] > '9')) ||
           strstr(value, " ; ") != NULL;
}

bool config_read_text(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    if (*value == '"')
        return REFUSE("be written without quotes");
    if (has_comment(value))
        return REFUSE("be without a comment");
    if (key->shared && strlen(value) < key->size)
        *(const char **)field = intern(value);
    else if (key->shared || !text_copy(field, key->size, value))
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

/* "50M": a number up to `most`, with K, M or G for its unit. */
static bool size_parse(const char *value, size_t len, int64_t most, int64_t *out)
{
    char digits[24];
    int shift = 0;
    for (size_t u = 0; u < SIZE_UNITS; u++)
        if (len > 0 && value[len - 1] == size_units[u].suffix)
            shift = size_units[u].shift;
    if (len >= sizeof digits)
        return false;
    memcpy(digits, value, len);
    digits[shift > 0 ? len - 1 : len] = '\0';
    if (!text_to_integer(digits, 0, most >> shift, out))
        return false;
    *out <<= shift;
    return true;
}

bool config_read_size(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    int64_t number;
    if (!size_parse(value, strlen(value), key->most, &number) || number < key->least) {
        text_add(must, "be a size from ");
        add_size(must, key->least);
        text_add(must, " to ");
        add_size(must, key->most);
        return REFUSE(", with K, M or G for its unit");
    }
    store(field, key->size, (uint64_t)number);
    return true;
}

bool config_read_budget(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds);
    struct budget_amount *budget = field;
    int64_t bytes, packets = 0;
    size_t len = strcspn(value, "/");
    bool more = value[len] == '/';
    if (!size_parse(value, len, key->most, &bytes) ||
        (more &&
         (!size_parse(value + len + 1, strlen(value + len + 1), key->most, &packets) ||
          packets == 0))) {
        text_add(must, "be bytes from 0 to ");
        add_size(must, key->most);
        return REFUSE(", or bytes/packets, with K, M or G for their units: 50M/200K");
    }
    *budget = (struct budget_amount){(double)bytes, (double)packets};
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

/* Adds how a number without a unit may have been meant. */
static void add_with_units(struct text *must, const struct config_key *key,
                           const char *value)
{
    static const char *const units[] = {"ms", "s", "m", "h", "d"};
    const char *joint = ", with its unit: ";
    if (value[strspn(value, "0123456789.")] != '\0')
        return;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct text whole = {0};
        int64_t ns;
        text_add(&whole, "%s%s", value, units[i]);
        if (duration_parse(text_string(&whole), key->least, key->most, &ns)) {
            text_add(must, "%s%s", joint, text_string(&whole));
            joint = " or ";
        }
        text_free(&whole);
    }
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
    add_with_units(must, key, value);
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
        return REFUSE("divide 24 h evenly (10s, 60s, 5m)");
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

bool config_read_quantiles(void *field, const struct config_key *key, const char *value,
                           const struct kinds *kinds, struct text *must)
{
    static const char *const words[] = {
        [QUANTILES_NONE] = "no", [QUANTILES_MAIN] = "yes", [QUANTILES_ALL] = "all"};
    UNUSED(key);
    UNUSED(kinds);
    for (int i = QUANTILES_NONE; i <= QUANTILES_ALL; i++)
        if (strcmp(value, words[i]) == 0) {
            *(enum quantile_choice *)field = (enum quantile_choice)i;
            return true;
        }
    return REFUSE("be yes, no or all");
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

/* Takes the next of the words that spaces or commas separate. False at the end, or if it
 * is too long. */
static bool next_word(const char **at, char *word, size_t room)
{
    size_t len = strcspn(*at, " \t,");
    text_copy(word, len < room ? len + 1 : room, *at);
    if (len == 0 || len >= room)
        return false;
    *at += len + strspn(*at + len, " \t,");
    return true;
}

typedef bool same_cb(const char *a, const char *b);

/* A list that names something twice is a mistake: with two values a contradiction, else
 * probably a slip for another name. Appends to `must` and returns false. */
static bool names_each_once(const char *list, same_cb *same, struct text *must)
{
    char word[WORD_MAX], before[WORD_MAX];
    for (const char *at = list; next_word(&at, word, sizeof word);)
        for (const char *b = list; next_word(&b, before, sizeof before) && b != at;)
            if (same(before, word))
                return strcmp(before, word) == 0
                           ? REFUSE("name each once; '%s' is there twice, so correct or "
                                    "remove one",
                                    word)
                           : REFUSE("name each once; '%s' and '%s' are the same, so "
                                    "correct or remove one",
                                    before, word);
    return true;
}

static bool same_word(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
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
    return names_each_once(value, same_word, must);
}

/* ---- files, hosts, servers, URLs, prefixes ---- */

bool config_read_file(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    if (*value != '/')
        return REFUSE("be an absolute path, beginning with '/'");
    return config_read_text(field, key, value, kinds, must);
}

/* Visible ASCII only: the value becomes part of an HTTP request. */
static bool visible(const char *text)
{
    while (*text > ' ' && *text < 0x7F)
        text++;
    return *text == '\0';
}

bool config_read_path(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    if (*value != '/' || !visible(value))
        return REFUSE("begin with '/' and be of visible ASCII characters only");
    return config_read_text(field, key, value, kinds, must);
}

/* The form that dns_servers_text() writes. */
static bool same_server(const char *a, const char *b)
{
    const char *words[2] = {a, b};
    char texts[2][DNS_SERVER_TEXT_MAX], wrong[DNS_SERVER_TEXT_MAX];
    struct dns_server list[DNS_SERVERS_MAX];
    for (size_t i = 0; i < 2; i++) {
        if (dns_servers_parse(list, words[i], wrong) != 1)
            return false;
        dns_servers_text(texts[i], sizeof texts[i], list, 1);
    }
    return strcmp(texts[0], texts[1]) == 0;
}

bool config_read_servers(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    struct dns_server list[DNS_SERVERS_MAX];
    char wrong[DNS_SERVER_TEXT_MAX] = ",";
    int n = dns_servers_parse(list, value, wrong);
    if (n == -E2BIG)
        return REFUSE("be at most %d addresses", DNS_SERVERS_MAX);
    if (n < 0 || (n == 0 && *value != '\0'))
        return REFUSE("be addresses of DNS servers, such as 192.0.2.1 or "
                      "[2001:db8::1]:5353; '%s' is none",
                      wrong);
    return names_each_once(value, same_server, must) &&
           config_read_text(field, key, value, kinds, must);
}

/* Of ADDRESS, or ADDRESS=N. */
static bool same_address(const char *a, const char *b)
{
    char word[2][WORD_MAX];
    struct endpoint x, y;
    text_copy(word[0], strcspn(a, "=") + 1, a);
    text_copy(word[1], strcspn(b, "=") + 1, b);
    return endpoint_parse(&x, word[0], 0) && endpoint_parse(&y, word[1], 0) &&
           endpoint_same_address(&x, &y);
}

bool config_read_addresses(void *field, const struct config_key *key, const char *value,
                           const struct kinds *kinds, struct text *must)
{
    for (const char *at = value; *at != '\0';) {
        char word[64];
        struct endpoint e;
        if (!next_word(&at, word, sizeof word) || !endpoint_parse(&e, word, 0) ||
            !endpoint_is_host(&e))
            return REFUSE("be addresses, such as 192.0.2.1 or 2001:db8::1; '%s' is none",
                          word);
    }
    return names_each_once(value, same_address, must) &&
           config_read_text(field, key, value, kinds, must);
}

/* As dev_valid_name() of the kernel. */
static bool is_interface(const char *name)
{
    return name[0] != '\0' && strlen(name) < 16 && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0 && strpbrk(name, "/:") == NULL;
}

bool config_read_sources(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    UNUSED(kinds), UNUSED(key);
    struct endpoint sources[2] = {{0}}, e;
    for (const char *at = value; *at != '\0';) {
        char word[64];
        if (!next_word(&at, word, sizeof word) || !endpoint_parse(&e, word, 0) ||
            !endpoint_is_host(&e) || endpoint_is_link_local(&e))
            return REFUSE("be addresses of this host; '%s' is none", word);
        struct endpoint *to = &sources[family_slot((enum family)e.family)];
        if (to->family != FAMILY_NONE)
            return REFUSE("be one address of each family");
        *to = e;
    }
    memcpy(field, sources, sizeof sources);
    return true;
}

bool config_read_interface(void *field, const struct config_key *key, const char *value,
                           const struct kinds *kinds, struct text *must)
{
    if (!is_interface(value) || strpbrk(value, " \t,") != NULL)
        return REFUSE("be the name of one interface, such as br-lan");
    return config_read_text(field, key, value, kinds, must);
}

bool config_read_interfaces(void *field, const struct config_key *key, const char *value,
                            const struct kinds *kinds, struct text *must)
{
    size_t n = 0;
    bool none = false;
    for (const char *at = value; *at != '\0'; n++) {
        char word[64];
        if (!next_word(&at, word, sizeof word) || !is_interface(word))
            return REFUSE("be names of interfaces, such as eth0 wan0; '%s' is none",
                          word);
        none = none || strcmp(word, "none") == 0;
    }
    if (none && n > 1)
        return REFUSE("be names of interfaces, such as eth0 wan0, or none, not both");
    if (n > TRAFFIC_INTERFACES_MAX)
        return REFUSE("be at most %d interfaces", TRAFFIC_INTERFACES_MAX);
    return names_each_once(value, same_word, must) &&
           config_read_text(field, key, value, kinds, must);
}

bool config_read_sampling(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    for (const char *at = value; *at != '\0';) {
        char word[64];
        struct endpoint e;
        int64_t n;
        bool whole = next_word(&at, word, sizeof word);
        char *equals = strchr(word, '=');
        if (equals != NULL)
            *equals = '\0';
        if (!whole || equals == NULL || !endpoint_parse(&e, word, 0) ||
            !text_to_integer(equals + 1, 1, FLOW_SAMPLING_MAX, &n))
            return REFUSE("be ADDRESS=N with N from 1 to %d, such as 192.0.2.1=100; "
                          "'%s%s%s' is none",
                          FLOW_SAMPLING_MAX, word, equals != NULL ? "=" : "",
                          equals != NULL ? equals + 1 : "");
    }
    return names_each_once(value, same_address, must) &&
           config_read_text(field, key, value, kinds, must);
}

static bool read_listen(struct endpoint *e, const char *text)
{
    struct host_port h;
    return host_port_parse(&h, text, HOST_LISTEN) == NULL && h.has_port && h.port != 0 &&
           endpoint_parse(e, h.host, h.port);
}

static bool is_listen(const char *text)
{
    struct endpoint e;
    return read_listen(&e, text);
}

bool config_read_listen(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    if (!is_listen(value))
        return REFUSE(
            "be an address of this host and a port, such as 192.0.2.10:11019 or "
            "[2001:db8::10]:11019");
    return config_read_text(field, key, value, kinds, must);
}

bool config_read_remote(void *field, const struct config_key *key, const char *value,
                        const struct kinds *kinds, struct text *must)
{
    struct host_port at;
    if (host_port_parse(&at, value, HOST_REMOTE) != NULL || at.family == FAMILY_NONE ||
        !at.has_port || strchr(at.host, '%') != NULL)
        return REFUSE("be an address and a port, such as 192.0.2.20:323 or "
                      "[2001:db8::20]:323");
    return config_read_text(field, key, value, kinds, must);
}

/* Two sockets cannot have the same port where one is bound to all addresses. */
static bool same_listen(const char *a, const char *b)
{
    struct endpoint x, y;
    return read_listen(&x, a) && read_listen(&y, b) && x.family == y.family &&
           x.port == y.port &&
           (endpoint_same_address(&x, &y) || !endpoint_is_host(&x) ||
            !endpoint_is_host(&y));
}

bool config_read_listens(void *field, const struct config_key *key, const char *value,
                         const struct kinds *kinds, struct text *must)
{
    size_t n = 0;
    for (const char *at = value; *at != '\0'; n++) {
        char word[WORD_MAX];
        if (!next_word(&at, word, sizeof word) || !is_listen(word))
            return REFUSE("be addresses of this host with a port, such as "
                          "192.0.2.10:2055 or [2001:db8::10]:2055; '%s' is none",
                          word);
    }
    if (n > TRAFFIC_LISTENS_MAX)
        return REFUSE("be at most %d addresses with a port", TRAFFIC_LISTENS_MAX);
    return names_each_once(value, same_listen, must) &&
           config_read_text(field, key, value, kinds, must);
}

/* ADDRESS/LENGTH with no bit set after the length (RFC 4632, section 3.1). */
static bool parse_prefix(struct endpoint *e, size_t *length, const char *word)
{
    char address[ADDRESS_TEXT_MAX];
    int64_t bits;
    size_t len = strcspn(word, "/");
    if (word[len] != '/' || len >= sizeof address)
        return false;
    text_copy(address, len + 1, word);
    if (!endpoint_parse(e, address, 0) ||
        !text_to_integer(word + len + 1, 1, e->family == FAMILY_IPV4 ? 32 : 128, &bits))
        return false;
    for (size_t bit = (size_t)bits; bit < 128; bit++)
        if (e->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    *length = (size_t)bits;
    return true;
}

/*
 * Networks that providers do not announce, from the IANA registries of special-purpose
 * addresses (RFC 6890), except documentation networks (RFC 5737, RFC 3849), which appear
 * in examples. For IPv6: everything except 2000::/3 (RFC 4291, section 2.4).
 */
static const struct {
    uint8_t bytes[2];
    uint8_t length;
    const char *what;
} not_public[] = {
    {{0, 0}, 8, "\"this network\""},
    {{10, 0}, 8, "private"},
    {{100, 64}, 10, "of carrier-grade NAT"},
    {{127, 0}, 8, "loopback"},
    {{169, 254}, 16, "link-local"},
    {{172, 16}, 12, "private"},
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "of benchmarks"},
    {{224, 0}, 4, "multicast"},
    {{240, 0}, 4, "reserved"},
};

/* Describes a prefix that overlaps such a network; NULL: public. */
static const char *why_not_public(const struct endpoint *e, size_t length)
{
    unsigned begin = (unsigned)(e->bytes[0] << 8 | e->bytes[1]);
    if (e->family == FAMILY_IPV6)
        return e->bytes[0] >> 5 == 1 && length >= 3 ? NULL : "not global unicast";
    for (size_t i = 0; i < sizeof not_public / sizeof *not_public; i++) {
        unsigned network =
            (unsigned)(not_public[i].bytes[0] << 8 | not_public[i].bytes[1]);
        size_t shorter = length < not_public[i].length ? length : not_public[i].length;
        if ((begin ^ network) >> (16 - shorter) == 0)
            return not_public[i].what;
    }
    return NULL;
}

static bool same_prefix(const char *a, const char *b)
{
    struct endpoint x, y;
    size_t x_length, y_length;
    return parse_prefix(&x, &x_length, a) && parse_prefix(&y, &y_length, b) &&
           endpoint_same_address(&x, &y) && x_length == y_length;
}

/* Public prefixes only, as required by Azure (Peering Service prefix requirements). */
bool config_read_prefixes(void *field, const struct config_key *key, const char *value,
                          const struct kinds *kinds, struct text *must)
{
    for (const char *at = value; *at != '\0';) {
        char word[64];
        struct endpoint e;
        size_t length, len = strcspn(at, " \t,");
        bool whole = len > 0 && len < sizeof word;
        text_copy(word, whole ? len + 1 : sizeof word, at);
        if (!whole || !parse_prefix(&e, &length, word))
            return REFUSE("be prefixes, such as 203.0.113.0/24; '%s' is none", word);
        const char *what = why_not_public(&e, length);
        if (what != NULL)
            return REFUSE("be public prefixes, as registered in Azure; '%s' is %s, or "
                          "has such addresses in it",
                          word, what);
        at += len + strspn(at + len, " \t,");
    }
    return names_each_once(value, same_prefix, must) &&
           config_read_text(field, key, value, kinds, must);
}

bool config_read_host(void *field, const struct config_key *key, const char *value,
                      const struct kinds *kinds, struct text *must)
{
    struct endpoint e;
    char zone[ZONE_TEXT_MAX];
    /* keep a bad value, too: otherwise "has no host" would be reported as well */
    if (!config_read_text(field, key, value, kinds, must))
        return false;
    if (endpoint_parse_zoned(&e, zone, value, 0))
        return endpoint_is_host(&e) ||
               REFUSE("be the address of one host, not of many or of none");
    if (host_is_name(value))
        return true;
    if (strstr(value, "://") != NULL)
        return REFUSE("be a name or an address only, without scheme and path");
    if (strchr(value, '/') != NULL)
        return REFUSE("be a name or an address only; the path is a key of its own: "
                      "path = %s",
                      strchr(value, '/'));
    struct host_port h;
    if (host_port_parse(&h, value, HOST_REMOTE) == NULL && h.has_port)
        return REFUSE("be a name or an address only, without brackets; the port is a key "
                      "of its own: port = %u",
                      h.port);
    return REFUSE("be a host name or an address without brackets; an international name "
                  "in its xn-- form");
}

static bool is_authority(const char *text, size_t len)
{
    struct host_port h;
    return host_port_parse_url(&h, text, len) == NULL;
}

bool config_read_url(void *field, const struct config_key *key, const char *value,
                     const struct kinds *kinds, struct text *must)
{
    static const char metrics[] = "/v1/metrics";
    const char *rest = strncmp(value, "https://", 8) == 0  ? value + 8
                       : strncmp(value, "http://", 7) == 0 ? value + 7
                                                           : NULL;
    if (rest == NULL)
        return REFUSE("begin with https:// or http://");
    if (memchr(rest, '@', strcspn(rest, "/")) != NULL)
        return REFUSE("be without user and password; put an Authorization header into "
                      "header_file");
    if (!visible(value) || strpbrk(rest, "?#") != NULL ||
        !is_authority(rest, strcspn(rest, "/")))
        return REFUSE("be a URL such as https://collector.example:4318, without query");
    if (!config_read_text(field, key, value, kinds, must))
        return false;

    char *url = field;
    size_t len = strlen(url);
    while (url[len - 1] == '/')
        url[--len] = '\0';
    if (len >= strlen(metrics) && strcmp(url + len - strlen(metrics), metrics) == 0)
        return REFUSE("be the base URL: %s is appended", metrics);
    return true;
}

bool config_read_proxy(void *field, const struct config_key *key, const char *value,
                       const struct kinds *kinds, struct text *must)
{
    static const char scheme[] = "http://";
    if (strcmp(value, "none") == 0)
        return config_read_text(field, key, value, kinds, must);
    const char *rest = value + strlen(scheme);
    if (strncmp(value, scheme, strlen(scheme)) != 0)
        return REFUSE("be none, or begin with http://: other proxies are not supported");
    if (strchr(rest, '@') != NULL)
        return REFUSE("be without user and password; put those into https_proxy of the "
                      "service's environment");
    size_t len = strcspn(rest, "/");
    if (!is_authority(rest, len) || strcmp(rest + len, "/") > 0)
        return REFUSE("be none, or of the form http://proxy.example:3128");
    return config_read_text(field, key, value, kinds, must);
}
