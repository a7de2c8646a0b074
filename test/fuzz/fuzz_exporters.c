/* Datagrams of an exporter, each after its length in two bytes and its port in one: sessions, what
 * flows mean, and sums. */
#include "traffic/exporters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct prefix list[2] = {
    {.bits = 96 + 8,
     .service = "exchange",
     .bytes = {[10] = 0xff, [11] = 0xff, [12] = 13}},
    {.bits = 16, .service = "teams", .bytes = {0x26, 0x03}},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct self_value values[EXPORTERS_VALUES_MAX];
    static struct exporters x;
    const struct prefixes prefixes = {.all = list, .n = 2};
    static struct config config;
    struct mono now = {NS_PER_S};
    struct text text = {0};
    strcpy(config.traffic_exporters, "127.0.0.1");
    exporters_begin(&x, &config, &prefixes, now);
    while (len >= 3) {
        size_t n = (size_t)bytes[0] << 8 | bytes[1];
        struct endpoint from = {
            .family = FAMILY_IPV4, .bytes = {127, 0, 0, 1}, .port = bytes[2]};
        bytes += 3;
        len -= 3;
        n = n < len ? n : len;
        uint8_t *part = malloc(n); /* a buffer whose bounds are watched */
        if (n > 0)
            memcpy(part, bytes, n);
        exporters_take(&x, &from, part, n, now);
        free(part);
        bytes += n;
        len -= n;
        now.ns += 7 * NS_PER_S;
    }
    uint64_t taken = 0;
    size_t n = exporters_window(&x, false, now, values);
    assert(n <= EXPORTERS_VALUES_MAX && x.rates.n <= FLOW_FORMATS * RATE_DIRECTIONS * 2);
    for (size_t i = 0; i < x.n; i++)
        taken += x.list[i]->counters.flows;
    const struct flow_meter_counters *m = &x.meter.counters;
    assert(taken == m->counted + m->other + m->inside + m->duplicates +
                        m->sampler_unknown + m->sampling_refused + m->held);
    exporters_text(&x, now, &text);
    exporters_problems(&x, "127.0.0.1:2055", now, &text);
    text_free(&text);
    exporters_free(&x);
    return 0;
}
