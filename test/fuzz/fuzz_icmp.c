/* ICMP messages as anybody may send them. The first byte chooses how they are read. */
#include "probe/icmp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct wire w = wire_from(bytes + 1, len - 1);
    struct icmp_message m = bytes[0] % 3 == 0   ? icmp_read_raw4(w)
                            : bytes[0] % 3 == 1 ? icmp_read(w, FAMILY_IPV4)
                                                : icmp_read(w, FAMILY_IPV6);
    enum family family = bytes[0] % 3 == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
    struct icmp_message quoted = {0}; /* what the kernel's error queue gives back */
    icmp_read_quoted(&quoted, w, family);
    return icmp_error_text(family, m.type, m.code) == NULL;
}
