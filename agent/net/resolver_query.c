#include "net/resolver_query.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <string.h>

enum { FLAG_QR = 0x8000, OPCODE = 0x7800, FLAG_TC = 0x0200, RCODE = 0x000f };

size_t resolver_query_write(uint8_t out[RESOLVER_QUERY_MAX], const char *name, int type,
                            uint16_t id)
{
    unsigned char *bytes = NULL;
    int len = 0;
    if (ares_create_query(name, ns_c_in, type, id, 1, &bytes, &len, 0) != ARES_SUCCESS)
        return 0;
    bool fits = len <= RESOLVER_QUERY_MAX;
    if (fits)
        memcpy(out, bytes, (size_t)len);
    ares_free_string(bytes);
    return fits ? (size_t)len : 0;
}

/* No length of a label, of at most 63, is a letter. */
static bool same_question(struct wire asked, struct wire *message)
{
    while (asked.left > 0)
        if (tolower(wire_u8(&asked)) != tolower(wire_u8(message)))
            return false;
    return wire_ok(message);
}

enum resolver_match resolver_query_match(struct resolver_head *head, struct wire query,
                                         struct wire message)
{
    bool same_id = wire_u16(&message) == wire_u16(&query);
    uint16_t flags = wire_u16(&message), questions = wire_u16(&message);
    uint16_t answers = wire_u16(&message);
    wire_skip(&message, 4);
    wire_skip(&query, 10);
    if (!same_id || questions != 1 || (flags & OPCODE) != 0 ||
        !same_question(query, &message))
        return RESOLVER_OTHER;
    if ((flags & FLAG_QR) == 0)
        return RESOLVER_ECHO;
    *head = (struct resolver_head){flags & RCODE, (flags & FLAG_TC) != 0, answers};
    return RESOLVER_MATCH;
}
