/* What a STUN server answers: also what a router quotes of our request. */
#include "probe/stun/message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct stun_message m = stun_read(wire_from(bytes, len));
    assert(m.class != STUN_NOT || m.mapped.family == FAMILY_NONE);
    assert(m.mapped.family == FAMILY_NONE || m.mapped.family == FAMILY_IPV4 ||
           m.mapped.family == FAMILY_IPV6);
    assert(m.error == 0 || (m.error >= 300 && m.error <= 699));
    return 0;
}
