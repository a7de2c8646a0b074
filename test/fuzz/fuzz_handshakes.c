/* Packets of a packet socket, each with a byte of its length and two of its protocol in front. */
#include "traffic/handshakes.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct prefix microsoft = {
        .bytes = {[10] = 0xff, 0xff, 13, 107, 6}, .bits = 120, .service = "exchange"};
    struct prefixes prefixes = {.all = &microsoft, .n = 1};
    struct handshakes h;
    int64_t now = 0;
    handshakes_begin(&h, &prefixes, (uint64_t[2]){1, 2});
    for (size_t at = 0; at + 3 <= len; now += NS_PER_MS) {
        size_t n = bytes[at];
        n = n < len - at - 3 ? n : len - at - 3;
        struct handshake_packet p = {.bytes = bytes + at + 3,
                                     .len = n,
                                     .protocol =
                                         (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]),
                                     .wall_ns = now + 1,
                                     .now = {now}};
        handshakes_take(&h, &p);
        at += n + 3;
    }
    assert(h.n <= 1);
    assert(h.n == 0 || h.services[0].delays[HANDSHAKE_INSIDE].count <= h.others);
    handshakes_free(&h);
    return 0;
}
