/* Extensions of ICMP errors as any router may send them, and the quoted payload of a UDP
 * query. The first byte chooses how they are read. */
#include "probe/icmp/extension.h"
#include "probe/path/datagram.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct icmp_extension e;
    struct trace_query q;
    if (len == 0)
        return 0;
    struct wire w = wire_from(bytes + 1, len - 1);
    bool valid = bytes[0] % 3 == 0   ? icmp_extension_read(&e, w)
                 : bytes[0] % 3 == 1 ? icmp_extension_find(&e, w, FAMILY_IPV4)
                                     : icmp_extension_find(&e, w, FAMILY_IPV6);
    assert(e.n_labels <= (valid ? MPLS_LABELS_MAX : 0));
    for (size_t i = 0; i < e.n_labels; i++)
        assert(e.labels[i].label < 1 << 20 && e.labels[i].traffic_class < 8);
    if (datagram_read(w, 0x0123456789abcdef, &q) == DATAGRAM_OURS)
        assert(q.ttl >= 1 && q.ttl <= TRACE_TTL_MAX && q.round < TRACE_QUERIES);
    return 0;
}
