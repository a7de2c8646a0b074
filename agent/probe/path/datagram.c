#include "probe/path/datagram.h"

/* TTL and round as one word, and its complement: their sum is constant. */
void datagram_write(uint8_t out[DATAGRAM_BYTES], uint64_t tag, struct trace_query q)
{
    struct wire_out w = wire_to(out, DATAGRAM_BYTES);
    uint16_t word = (uint16_t)(q.ttl << 8 | q.round);
    wire_put_u64(&w, tag);
    wire_put_u16(&w, word);
    wire_put_u16(&w, (uint16_t)~word);
}

enum datagram_read datagram_read(struct wire w, uint64_t tag, struct trace_query *q)
{
    uint64_t read_tag = wire_u64(&w);
    q->ttl = wire_u8(&w);
    q->round = wire_u8(&w);
    if (!wire_ok(&w))
        return DATAGRAM_SHORT;
    bool ours = read_tag == tag && q->ttl >= 1 && q->ttl <= TRACE_TTL_MAX &&
                q->round < TRACE_QUERIES;
    return ours ? DATAGRAM_OURS : DATAGRAM_FOREIGN;
}
