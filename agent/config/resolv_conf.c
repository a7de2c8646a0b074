#include "config/resolv_conf.h"

#include "base/mem.h"
#include "core/host_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS   " \t"
#define DNS_PORT 53

struct resolv_conf resolv_conf_default(void)
{
    return (struct resolv_conf){.ndots = 1};
}

static void forget_search(struct resolv_conf *c)
{
    for (size_t i = 0; i < SEARCH_MAX; i++) {
        free(c->search[i]);
        c->search[i] = NULL;
    }
    c->n_search = 0;
}

void resolv_conf_free(struct resolv_conf *c)
{
    forget_search(c);
}

/* ---- the file ---- */

/* Consumes the next word of `*at`; returns its length, 0 at the end. */
static size_t next_word(const char **at, const char **word, const char *separators)
{
    *word = *at + strspn(*at, separators);
    size_t len = strcspn(*word, separators);
    *at = *word + len;
    return len;
}

static void take_search(struct resolv_conf *c, const char *value, size_t most)
{
    const char *word;
    size_t len;
    forget_search(c);
    c->search_given = true;
    while (c->n_search < most && (len = next_word(&value, &word, BLANKS)) > 0)
        if (len < HOST_TEXT_MAX) {
            char *domain = c->search[c->n_search++] = mem_alloc(len + 1);
            memcpy(domain, word, len);
            domain[len] = '\0';
        }
}

/* glibc sends to 0.0.0.0 and "::", which Linux delivers to this host. The answer comes
 * from a loopback address, so c-ares must query that address. */
static void resolve_unspecified(struct endpoint *at)
{
    static const uint8_t unspecified[sizeof at->bytes];
    if (memcmp(at->bytes, unspecified, sizeof unspecified) == 0)
        endpoint_parse(at, at->family == FAMILY_IPV4 ? "127.0.0.1" : "::1", at->port);
}

/* A comment may follow the address. */
static void take_server(struct resolv_conf *c, const char *value)
{
    char text[DNS_SERVER_TEXT_MAX];
    struct dns_server *server = &c->servers[c->n_servers];
    value += strspn(value, BLANKS);
    size_t len = strcspn(value, BLANKS ";#");
    if (c->n_servers == DNS_SERVERS_MAX || len >= sizeof text)
        return;
    memcpy(text, value, len);
    text[len] = '\0';
    if (endpoint_parse_zoned(&server->at, server->zone, text, 0)) {
        resolve_unspecified(&server->at);
        c->n_servers++;
    }
}

static void take_option(struct resolv_conf *c, const char *word)
{
    static const struct {
        const char *name;
        size_t offset;
    } flags[] = {
        {"rotate", offsetof(struct resolv_conf, rotate)},
        {"use-vc", offsetof(struct resolv_conf, use_vc)},
        {"edns0", offsetof(struct resolv_conf, edns0)},
        {"no-aaaa", offsetof(struct resolv_conf, no_aaaa)},
        {"no-tld-query", offsetof(struct resolv_conf, no_tld_query)},
        {"no_tld_query", offsetof(struct resolv_conf, no_tld_query)},
        {"single-request", offsetof(struct resolv_conf, single_request)},
        {"single-request-reopen", offsetof(struct resolv_conf, single_request)},
    };
    int64_t ndots;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(word, flags[i].name) == 0)
            *(bool *)((char *)c + flags[i].offset) = true;
    if (strncmp(word, "ndots:", 6) == 0 &&
        text_to_integer(word + 6, 0, INT32_MAX, &ndots))
        c->ndots = ndots < NDOTS_MAX ? (unsigned)ndots : NDOTS_MAX;
}

static void take_options(struct resolv_conf *c, const char *value)
{
    const char *at;
    char word[32];
    size_t len;
    while ((len = next_word(&value, &at, BLANKS)) > 0)
        if (len < sizeof word) {
            memcpy(word, at, len);
            word[len] = '\0';
            take_option(c, word);
        }
}

/* The value of a line that begins with this word; as in glibc, no blanks may precede it.
 * */
static const char *value_of(const char *line, const char *keyword)
{
    size_t len = strlen(keyword);
    bool is = strncmp(line, keyword, len) == 0 && line[len] != '\0' &&
              strchr(BLANKS, line[len]) != NULL;
    return is ? line + len : NULL;
}

static void read_line(struct resolv_conf *c, const char *line)
{
    const char *value;
    if ((value = value_of(line, "nameserver")) != NULL)
        take_server(c, value);
    else if ((value = value_of(line, "search")) != NULL)
        take_search(c, value, SEARCH_MAX);
    else if ((value = value_of(line, "domain")) != NULL)
        take_search(c, value, 1);
    else if ((value = value_of(line, "options")) != NULL)
        take_options(c, value);
}

void resolv_conf_read(struct resolv_conf *c, const char *text, size_t len)
{
    char line[4096];
    for (size_t at = text_mark(text, len); at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - text) - at;
        if (line_len < sizeof line) {
            memcpy(line, text + at, line_len);
            line[line_len] = '\0';
            line[strcspn(line, "\r")] = '\0';
            read_line(c, line);
        }
        at += line_len + 1;
    }
}

void resolv_conf_environment(struct resolv_conf *c, const char *res_options,
                             const char *localdomain)
{
    if (localdomain != NULL)
        take_search(c, localdomain, SEARCH_MAX);
    if (res_options != NULL)
        take_options(c, res_options);
}

void resolv_conf_complete(struct resolv_conf *c, const char *hostname)
{
    if (c->n_servers == 0)
        c->n_servers = endpoint_parse(&c->servers[0].at, "127.0.0.1", 0);
    const char *dot = strchr(hostname, '.');
    if (!c->search_given && dot != NULL)
        take_search(c, dot + 1, 1);
}

/* ---- names ---- */

/* The root (".") as search domain appends nothing. */
static void join(char out[HOST_TEXT_MAX], const char *host, const char *domain)
{
    bool root = domain[0] == '\0' || strcmp(domain, ".") == 0;
    int len =
        snprintf(out, HOST_TEXT_MAX, "%s%s%s", host, root ? "" : ".", root ? "" : domain);
    if (len >= HOST_TEXT_MAX)
        out[0] = '\0';
}

bool resolv_conf_candidate(const struct resolv_conf *c, const char *host, size_t number,
                           char out[HOST_TEXT_MAX])
{
    unsigned dots = 0;
    size_t len = strlen(host);
    for (const char *at = host; *at != '\0'; at++)
        dots += *at == '.';
    bool absolute = len > 0 && host[len - 1] == '.';
    bool first = absolute || dots >= c->ndots;
    size_t searched = absolute ? 0 : c->n_search;
    if (first && number-- == 0) {
        join(out, host, "");
        return true;
    }
    if (number < searched) {
        join(out, host, c->search[number]);
        return true;
    }
    bool last = !first && number == searched && (dots > 0 || !c->no_tld_query);
    if (last)
        join(out, host, "");
    return last;
}

/* ---- lists of servers ---- */

static bool parse_server(struct dns_server *out, const char *word)
{
    struct host_port h;
    if (host_port_parse(&h, word, HOST_REMOTE) != NULL ||
        !endpoint_parse_zoned(&out->at, out->zone, h.host, h.port))
        return false;
    resolve_unspecified(&out->at);
    return true;
}

int dns_servers_parse(struct dns_server list[DNS_SERVERS_MAX], const char *text,
                      char wrong[DNS_SERVER_TEXT_MAX])
{
    const char *word;
    int n = 0;
    size_t len;
    while ((len = next_word(&text, &word, BLANKS ",")) > 0) {
        size_t kept = len < DNS_SERVER_TEXT_MAX ? len : DNS_SERVER_TEXT_MAX - 1;
        memcpy(wrong, word, kept);
        wrong[kept] = '\0';
        if (n == DNS_SERVERS_MAX)
            return -E2BIG;
        if (len >= DNS_SERVER_TEXT_MAX || !parse_server(&list[n], wrong))
            return -EINVAL;
        n++;
    }
    return n;
}

static void add_server(struct text *out, const struct dns_server *s)
{
    char address[ADDRESS_TEXT_MAX];
    bool port = s->at.port != 0 && s->at.port != DNS_PORT;
    bool brackets = port && s->at.family == FAMILY_IPV6;
    text_add(out, "%s%s%s%s%s", brackets ? "[" : "", endpoint_address(address, &s->at),
             s->zone[0] != '\0' ? "%" : "", s->zone, brackets ? "]" : "");
    if (port)
        text_add(out, ":%u", s->at.port);
}

void dns_servers_text(char *out, size_t room, const struct dns_server *list, size_t n)
{
    struct text text = {0};
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        text_add(&text, "%s", i > 0 ? ", " : "");
        add_server(&text, &list[i]);
        if (text.len >= room)
            break;
        text_copy(out, room, text_string(&text));
    }
    text_free(&text);
}
