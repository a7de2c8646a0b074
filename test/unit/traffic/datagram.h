/* Datagrams of exporters, written as hex; and the flows that a parser passed on. */
#ifndef EDGELAT_TEST_TRAFFIC_DATAGRAM_H
#define EDGELAT_TEST_TRAFFIC_DATAGRAM_H

#include "check.h"

#include "traffic/flow_record.h"

#include <ctype.h>

enum { DATAGRAM_MAX = 4096, FLOWS_KEPT = 64 };

struct flow_list {
    struct flow_record list[FLOWS_KEPT];
    size_t n;
};

static inline void keep_flow(const struct flow_record *flow, void *user)
{
    struct flow_list *to = user;
    if (to->n < FLOWS_KEPT)
        to->list[to->n++] = *flow;
}

/* Hex digits, spaces between them; "[...]" is left out: a comment. "{0002 ...}" is a set: its
 * length is added after its number. Returns how many bytes. */
static inline size_t from_hex(uint8_t *out, const char *hex)
{
    size_t n = 0, set = SIZE_MAX;
    bool comment = false;
    char pair[3] = "";
    for (; *hex != '\0'; hex++) {
        comment = comment || *hex == '[';
        if (*hex == ']') {
            comment = false;
            continue;
        }
        if (comment || isspace((unsigned char)*hex))
            continue;
        if (*hex == '{') {
            set = n;
            continue;
        }
        if (*hex == '}') {
            out[set + 2] = (uint8_t)((n - set) >> 8);
            out[set + 3] = (uint8_t)(n - set);
            set = SIZE_MAX;
            continue;
        }
        pair[strlen(pair)] = *hex;
        if (pair[1] == '\0')
            continue;
        assert_true(n < DATAGRAM_MAX);
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
        memset(pair, 0, sizeof pair);
        n += set != SIZE_MAX && n == set + 2 ? 2 : 0;
    }
    return n;
}

static inline const char *address_of(const struct endpoint *e)
{
    static char text[4][ADDRESS_TEXT_MAX + 8];
    static size_t next;
    char address[ADDRESS_TEXT_MAX], *out = text[next++ % 4];
    snprintf(out, sizeof text[0], "%s %u", endpoint_address(address, e), e->port);
    return out;
}

#endif
