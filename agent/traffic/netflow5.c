#include "traffic/netflow5.h"

#include "base/wire.h"
#include "core/time.h"

#include <errno.h>

enum { VERSION = 5, RECORD = 48, SAMPLING_BITS = 0x3fff };

static struct netflow5_engine *engine_of(struct netflow5 *x, uint16_t id)
{
    size_t i = 0;
    while (i < x->n_engines && x->engines[i].id != id)
        i++;
    if (i == NETFLOW5_ENGINES_MAX) { /* more engines than any router has: begin again */
        x->n_engines = 0;
        i = 0;
    }
    if (i == x->n_engines) {
        x->engines[i] = (struct netflow5_engine){.id = id};
        x->n_engines++;
    }
    return &x->engines[i];
}

/* The difference of two times that wrap after 49 days; 0 when it is negative. */
static int64_t since_ns(uint32_t later_ms, uint32_t earlier_ms)
{
    int32_t ms = (int32_t)(later_ms - earlier_ms);
    return ms > 0 ? ms * NS_PER_MS : 0;
}

static struct flow_record read_record(struct wire *w, uint32_t uptime_ms)
{
    struct flow_record f = {.from = {.family = FAMILY_IPV4},
                            .to = {.family = FAMILY_IPV4}};
    wire_copy(w, f.from.bytes, 4);
    wire_copy(w, f.to.bytes, 4);
    wire_skip(w, 4); /* next hop */
    f.input = wire_u16(w);
    f.output = wire_u16(w);
    f.count = (struct flow_count){.packets = wire_u32(w), .flows = 1};
    f.count.bytes = wire_u32(w);
    uint32_t first = wire_u32(w), last = wire_u32(w);
    f.from.port = wire_u16(w);
    f.to.port = wire_u16(w);
    wire_skip(w, 2); /* padding, TCP flags */
    f.protocol = wire_u8(w);
    wire_skip(w, 9); /* type of service, AS numbers, masks, padding */
    f.age_ns = since_ns(uptime_ms, last);
    f.duration_ns = since_ns(last, first);
    return f;
}

int netflow5_take(struct netflow5 *x, const uint8_t *bytes, size_t len, flow_cb *on_flow,
                  void *user)
{
    struct wire w = wire_from(bytes, len);
    uint16_t version = wire_u16(&w), n = wire_u16(&w);
    uint32_t uptime_ms = wire_u32(&w);
    uint32_t export_s = wire_u32(&w); /* ages are relative to the uptime */
    wire_skip(&w, 4);                 /* its nanoseconds */
    uint32_t number = wire_u32(&w);
    uint16_t engine = wire_u16(&w), sampling = wire_u16(&w) & SAMPLING_BITS;
    x->counters.datagrams++;
    if (!wire_ok(&w) || version != VERSION || n > NETFLOW5_RECORDS_MAX ||
        w.left < (size_t)n * RECORD) {
        x->counters.bad_datagrams++;
        return -EBADMSG;
    }
    struct netflow5_engine *e = engine_of(x, engine);
    if (uptime_restarted(&e->uptime, uptime_ms, export_s))
        sequence_forget(&e->sequence);
    sequence_take(&e->sequence, number, (const uint32_t[]){n, n, 1}, &x->counters.lost);
    for (size_t i = 0; i < n; i++) {
        struct flow_record f = read_record(&w, uptime_ms);
        f.domain = engine;
        f.sampling = sampling; /* 0: not announced */
        x->counters.flows++;
        on_flow(&f, user);
    }
    return 0;
}
