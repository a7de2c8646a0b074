/*
 * An IPFIX exporter for benchmarks: 25 flows a datagram from 100,000 conversations, half of them with
 * Microsoft, with 64-bit counts and absolute times, as routers export them.
 *
 *     flowgen PORT FLOWS FLOWS_PER_SECOND
 */
#include "base/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum {
    RECORDS = 25,
    BATCH = 20,
    CONVERSATIONS = 100000,
    TEMPLATE_EVERY = 5000,
    DATAGRAM = 1472
};

static const uint16_t fields[][2] = {{8, 4},  {12, 4}, {7, 2},   {11, 2},
                                     {4, 1},  {1, 8},  {2, 8},   {10, 4},
                                     {14, 4}, {61, 1}, {152, 8}, {153, 8}};
enum { FIELDS = sizeof fields / sizeof *fields };

static void put_template(struct wire_out *w)
{
    wire_put_u16(w, 2);
    wire_put_u16(w, 8 + 4 * FIELDS);
    wire_put_u16(w, 256);
    wire_put_u16(w, FIELDS);
    for (size_t i = 0; i < FIELDS; i++) {
        wire_put_u16(w, fields[i][0]);
        wire_put_u16(w, fields[i][1]);
    }
}

static void put_record(struct wire_out *w, uint64_t i, uint64_t now_ms)
{
    uint32_t conversation = (uint32_t)(i * 2654435761u % CONVERSATIONS);
    uint32_t user = 0x0a000000 + conversation / 16;
    uint32_t server = (conversation % 2 ? 0x34700000 : 0xcb007100) +
                      conversation % 251; /* Teams; others */
    uint64_t bytes = 500 + conversation % 1000 * 30;
    wire_put_u32(w, conversation % 3 ? server : user);
    wire_put_u32(w, conversation % 3 ? user : server);
    wire_put_u16(w, conversation % 3 ? 443 : (uint16_t)(1024 + conversation % 60000));
    wire_put_u16(w, conversation % 3 ? (uint16_t)(1024 + conversation % 60000) : 443);
    wire_put_u8(w, 6);
    wire_put_u64(w, bytes);
    wire_put_u64(w, bytes / 800 + 1);
    wire_put_u32(w, conversation % 3 ? 2 : 1);
    wire_put_u32(w, conversation % 3 ? 1 : 2);
    wire_put_u8(w, 0);
    wire_put_u64(w, now_ms - 1000 - conversation % 60000);
    wire_put_u64(w, now_ms - 1000);
}

static size_t make_datagram(uint8_t bytes[DATAGRAM], uint64_t flow, uint64_t n)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    struct wire_out w = wire_to(bytes + 16, DATAGRAM - 16);
    if (n % TEMPLATE_EVERY == 0) {
        put_template(&w);
    } else {
        uint8_t *set = w.at;
        wire_put_u32(&w, 0);
        for (uint64_t i = 0; i < RECORDS; i++)
            put_record(&w, flow + i, now_ms);
        struct wire_out head = wire_to(set, 4);
        wire_put_u16(&head, 256);
        wire_put_u16(&head, (uint16_t)(w.at - set));
    }
    struct wire_out head = wire_to(bytes, 16);
    wire_put_u16(&head, 10);
    wire_put_u16(&head, (uint16_t)(w.at - bytes));
    wire_put_u32(&head, (uint32_t)now.tv_sec);
    wire_put_u32(&head, (uint32_t)flow);
    wire_put_u32(&head, 1);
    return (size_t)(w.at - bytes);
}

static void wait_until(const struct timespec *began, double seconds)
{
    struct timespec until = *began;
    until.tv_sec += (time_t)seconds;
    until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int n_words, char **words)
{
    static uint8_t bytes[BATCH][DATAGRAM];
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct timespec began;
    if (n_words != 4)
        return 2;
    uint64_t flows = strtoull(words[2], NULL, 10), flow = 0, n = 0;
    double rate = strtod(words[3], NULL);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(words[1], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &began);
    while (flow < flows) {
        size_t batch = n == 0 ? 1 : BATCH; /* the template alone first */
        for (size_t i = 0; i < batch; i++, n++) {
            pieces[i] = (struct iovec){bytes[i], make_datagram(bytes[i], flow, n)};
            messages[i] =
                (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
            flow += n % TEMPLATE_EVERY == 0 ? 0 : RECORDS;
        }
        sendmmsg(fd, messages, (unsigned)batch, 0);
        wait_until(&began, (double)flow / rate);
    }
    printf("%llu\n", (unsigned long long)flow);
    return 0;
}
