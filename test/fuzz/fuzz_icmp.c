/* ICMP messages as anybody may send them. The first byte chooses how they are read. One
 * echo is under way; it is the only one that is ever answered. */
#include "probe/icmp/echo_table.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct echo_table table;
    const struct endpoint to = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}};
    if (len == 0)
        return 0;
    if (table.room == 0) {
        table = echo_table_create(0);
        echo_table_add(&table, &(struct sent_echo){.to_hash = endpoint_hash(&to)},
                       (struct mono){0});
    }
    struct wire w = wire_from(bytes + 1, len - 1);
    struct icmp_message m = bytes[0] % 3 == 0   ? icmp_read_raw4(w)
                            : bytes[0] % 3 == 1 ? icmp_read(w, FAMILY_IPV4)
                                                : icmp_read(w, FAMILY_IPV6);
    enum family family = bytes[0] % 3 == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
    struct icmp_message quoted = {0}; /* what the kernel's error queue gives back */
    icmp_read_quoted(&quoted, w, family);
    uint64_t match = echo_table_match(&table, &m, &to);
    assert(match == ECHO_NONE || match == 0);
    return icmp_error_text(family, m.type, m.code) == NULL;
}
