/* What comes back for a DNS query of a probe. */
#include "net/resolver_query.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint8_t query[] = "\0\0\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1";
    struct resolver_head head = {0};
    enum resolver_match match = resolver_query_match(
        &head, wire_from(query, sizeof query - 1), wire_from(bytes, len));
    assert(match == RESOLVER_OTHER || len >= sizeof query - 1);
    assert(head.rcode <= 15 && (match == RESOLVER_MATCH || head.answers == 0));
    return 0;
}
