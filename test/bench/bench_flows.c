/*
 * Flow records: parsing and counting on one core, without sockets. A receiver has to read the
 * datagrams as well: test/bench/flows.
 */
#include "traffic/exporters.h"

#include "base/mem.h"
#include "base/wire.h"
#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORDS = 25, DATAGRAMS = 4000, ROUNDS = 50 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 192.0.2.x or 203.0.113.x to 52.112.0.x or 198.51.100.x, 60 s long. */
static size_t make(uint8_t *bytes, uint32_t n, bool template)
{
    struct wire_out w = wire_to(bytes, 1472);
    wire_put_u16(&w, 10);
    wire_put_u16(&w, template ? 16 + 36 : 16 + 4 + RECORDS * 37);
    wire_put_u32(&w, 100000);
    wire_put_u32(&w, n * RECORDS);
    wire_put_u32(&w, 1);
    if (template) {
        static const uint16_t set[] = {
            2, 36, 256, 7, 8, 4, 12, 4,   7,
            2, 11, 2,   4, 1, 1, 8,  161, 4}; /* the last: flowDurationMilliseconds */
        for (size_t i = 0; i < sizeof set / sizeof *set; i++)
            wire_put_u16(&w, set[i]);
        return 16 + 36;
    }
    wire_put_u16(&w, 256);
    wire_put_u16(&w, 4 + RECORDS * 25);
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t k = n * RECORDS + i;
        wire_put_u32(&w, 0xc0000200 + k % 256);
        wire_put_u32(&w, (k % 2 ? 0x34700000 : 0xc6336400) + k / 512 % 256);
        wire_put_u16(&w, (uint16_t)(1024 + k % 60000));
        wire_put_u16(&w, 443);
        wire_put_u8(&w, 6);
        wire_put_u64(&w, 100000);
        wire_put_u32(&w, 60000);
    }
    struct wire_out head = wire_to(bytes + 2, 2);
    wire_put_u16(&head, (uint16_t)(w.at - bytes));
    return (size_t)(w.at - bytes);
}

int main(void)
{
    static struct prefix list[200];
    struct prefixes prefixes = {.all = list, .n = 200};
    struct exporters *x = mem_zalloc(sizeof *x);
    struct config config = config_default();
    struct endpoint from = {.family = FAMILY_IPV4, .bytes = {127, 0, 0, 1}, .port = 1};
    uint8_t(*bytes)[1472] = mem_alloc(DATAGRAMS * sizeof *bytes);
    size_t *len = mem_alloc(DATAGRAMS * sizeof *len);
    for (uint32_t i = 0; i < 200;
         i++) { /* as many as prefixes.csv has, one of them Teams */
        list[i] = (struct prefix){
            .bits = 96 + 14,
            .service = "teams",
            .line = i,
            .bytes = {[10] = 0xff, [11] = 0xff, [12] = (uint8_t)(i * 256 / 200)}};
        if (list[i].bytes[12] == 52)
            list[i].bytes[13] = 112;
    }
    strcpy(config.traffic_exporters, "127.0.0.1");
    struct mono now = {NS_PER_S};
    exporters_begin(x, &config, &prefixes, now);
    for (uint32_t i = 0; i < DATAGRAMS; i++)
        len[i] = make(bytes[i], i, i == 0);
    double began = now_s();
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < DATAGRAMS; i++) {
            now.ns += 10000;
            exporters_take(x, &from, bytes[i], len[i], now);
        }
    double s = now_s() - began;
    exporters_turn(x, now);
    uint64_t flows = x->list[0]->counters.flows, counted = x->meter.counters.counted;
    printf(
        "IPFIX, 25 flows a datagram: %.2f M flows/s on one core (%llu, %llu of them of Microsoft), "
        "%.0f ns a flow; state %zu KiB\n",
        (double)flows / s / 1e6, (unsigned long long)flows, (unsigned long long)counted,
        s * 1e9 / (double)flows,
        (sizeof *x + sizeof *x->list[0] + FLOW_METER_CONVERSATIONS * (size_t)72 +
         x->rates.n * (RATES_SPREAD_S + 1) * (size_t)16) /
            1024);
    exporters_free(x);
    free(x);
    free(bytes);
    free(len);
    config_free(&config);
    return flows > 0 && counted > 0 ? 0 : 1;
}
