/*
 * A router with a full table, in BMP, for benchmarks: Initiation, Peer Up, announcements with
 * so many prefixes a message, End-of-RIB. Prefixes are distinct, 73 % of them /24. The
 * attributes are those of every twelve routes: 2 to 6 AS numbers, communities in three of
 * four, large communities in one of five.
 *
 *     bmpgen PORT ROUTES PREFIXES_A_MESSAGE
 *
 * It sends to 127.0.0.1, prints messages and bytes, then waits for its standard input to end.
 */
#include "base/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER = 0xc6336402, LOCAL = 0xc6336401, PEER_AS = 65002, LOCAL_AS = 65001 };
enum { MESSAGE_MAX = 4096, BUFFER = 1 << 20, ROUTES_OF_ATTRIBUTES = 12 };
enum { BMP_HEADER = 6, PEER_HEADER = 42, BGP_HEADER = 19 };
enum { ROUTE_MONITORING = 0, PEER_UP = 3, INITIATION = 4, OPEN = 1, UPDATE = 2 };

static uint8_t buffer[BUFFER];
static size_t filled, messages, total;
static int to;

static void flush_all(void)
{
    for (size_t sent = 0; sent < filled;) {
        ssize_t n = write(to, buffer + sent, filled - sent);
        if (n <= 0) {
            perror("bmpgen: write");
            exit(1);
        }
        sent += (size_t)n;
    }
    total += filled;
    filled = 0;
}

static uint64_t random_of(uint64_t *state) /* xorshift64 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

/* ---- messages ---- */

struct message {
    uint8_t bytes[MESSAGE_MAX];
    struct wire_out w;
};

static size_t at(const struct message *m) /* bytes written */
{
    return sizeof m->bytes - m->w.left;
}

static void begin(struct message *m, uint8_t type)
{
    m->w = wire_to(m->bytes, sizeof m->bytes);
    wire_put_u8(&m->w, 3);
    wire_put_u32(&m->w, 0);
    wire_put_u8(&m->w, type);
    if (type == INITIATION)
        return;
    for (size_t i = 0; i < 5; i++) /* a global peer, no distinguisher */
        wire_put_u16(&m->w, 0);
    for (size_t i = 0; i < 3; i++)
        wire_put_u32(&m->w, 0);
    wire_put_u32(&m->w, PEER);
    wire_put_u32(&m->w, PEER_AS);
    wire_put_u32(&m->w, PEER);
    wire_put_u32(&m->w, 1767225600);
    wire_put_u32(&m->w, 0);
}

static void set(struct message *m, size_t from, size_t bytes, size_t value)
{
    for (size_t i = 0; i < bytes; i++)
        m->bytes[from + i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static size_t begin_bgp(struct message *m, uint8_t type)
{
    size_t begun = at(m);
    for (size_t i = 0; i < 4; i++)
        wire_put_u32(&m->w, UINT32_MAX);
    wire_put_u16(&m->w, 0);
    wire_put_u8(&m->w, type);
    return begun;
}

static void end_bgp(struct message *m, size_t begun)
{
    set(m, begun + 16, 2, at(m) - begun);
}

static void end(struct message *m)
{
    set(m, 1, 4, at(m));
    if (BUFFER - filled < at(m))
        flush_all();
    for (size_t i = 0; i < at(m); i++)
        buffer[filled + i] = m->bytes[i];
    filled += at(m);
    messages++;
}

static void put_open(struct message *m, uint16_t as, uint32_t id)
{
    size_t bgp = begin_bgp(m, OPEN);
    wire_put_u8(&m->w, 4);
    wire_put_u16(&m->w, as);
    wire_put_u16(&m->w, 90);
    wire_put_u32(&m->w, id);
    wire_put_u8(&m->w, 8); /* one parameter: 4-byte AS numbers */
    wire_put_u16(&m->w, 2 << 8 | 6);
    wire_put_u16(&m->w, 65 << 8 | 4);
    wire_put_u32(&m->w, as);
    end_bgp(m, bgp);
}

/* ---- routes ---- */

static void put_communities(struct message *m, uint64_t *state)
{
    size_t n = 1 + random_of(state) % 12;
    wire_put_u16(&m->w, 0xc008);
    wire_put_u8(&m->w, (uint8_t)(4 * n));
    for (; n > 0; n--)
        wire_put_u32(&m->w, (uint32_t)(random_of(state) % 64000) << 16 |
                                (uint16_t)random_of(state));
}

static void put_large_communities(struct message *m, uint64_t *state)
{
    size_t n = 1 + random_of(state) % 4;
    wire_put_u16(&m->w, 0xc020);
    wire_put_u8(&m->w, (uint8_t)(12 * n));
    for (; n > 0; n--) {
        wire_put_u32(&m->w, (uint32_t)(random_of(state) % 400000));
        wire_put_u32(&m->w, (uint32_t)(random_of(state) % 1000));
        wire_put_u32(&m->w, (uint32_t)random_of(state));
    }
}

static void put_attributes(struct message *m, uint32_t group)
{
    uint64_t state = (group + 1) * UINT64_C(0x9e3779b97f4a7c15);
    wire_put_u32(&m->w, 0x40010100); /* ORIGIN IGP */
    size_t hops = 2 + random_of(&state) % 3 + random_of(&state) % 3;
    wire_put_u16(&m->w, 0x4002);
    wire_put_u8(&m->w, (uint8_t)(2 + 4 * hops));
    wire_put_u16(&m->w, (uint16_t)(2 << 8 | hops));
    wire_put_u32(&m->w, PEER_AS);
    for (size_t i = 1; i < hops; i++)
        wire_put_u32(&m->w, (uint32_t)(random_of(&state) % 3
                                           ? 1000 + random_of(&state) % 63000
                                           : 131072 + random_of(&state) % 270000));
    wire_put_u16(&m->w, 0x4003);
    wire_put_u8(&m->w, 4);
    wire_put_u32(&m->w, PEER);
    if (random_of(&state) % 4 > 0)
        put_communities(m, &state);
    if (random_of(&state) % 5 == 0)
        put_large_communities(m, &state);
}

static void put_prefix(struct message *m, uint32_t i)
{
    uint32_t address = (1u << 24) + i * 3584u, share = i * 2654435761u % 100;
    uint8_t bits = share < 73 ? 24 : share < 84 ? 22 : share < 94 ? 23 : 21;
    address &= ~0u << (32 - bits);
    wire_put_u8(&m->w, bits);
    wire_put_u8(&m->w, (uint8_t)(address >> 24));
    wire_put_u16(&m->w, (uint16_t)(address >> 8));
}

static void announce(struct message *m, uint32_t from, uint32_t until)
{
    begin(m, ROUTE_MONITORING);
    size_t bgp = begin_bgp(m, UPDATE);
    wire_put_u16(&m->w, 0);
    size_t length = at(m);
    wire_put_u16(&m->w, 0);
    put_attributes(m, from / ROUTES_OF_ATTRIBUTES);
    set(m, length, 2, at(m) - length - 2);
    for (uint32_t i = from; i < until; i++)
        put_prefix(m, i);
    end_bgp(m, bgp);
    end(m);
}

static void open_session(struct message *m)
{
    begin(m, INITIATION);
    wire_put_u16(&m->w, 2);
    wire_put_u16(&m->w, 3);
    wire_put_u8(&m->w, 'g');
    wire_put_u16(&m->w, 'e' << 8 | 'n');
    end(m);
    begin(m, PEER_UP);
    for (size_t i = 0; i < 3; i++)
        wire_put_u32(&m->w, 0);
    wire_put_u32(&m->w, LOCAL);
    wire_put_u16(&m->w, 179);
    wire_put_u16(&m->w, 40000);
    put_open(m, LOCAL_AS, LOCAL);
    put_open(m, PEER_AS, PEER);
    end(m);
}

int main(int argc, char **argv)
{
    static struct message m;
    if (argc != 4) {
        fprintf(stderr, "bmpgen PORT ROUTES PREFIXES_A_MESSAGE\n");
        return 2;
    }
    uint32_t routes = (uint32_t)atol(argv[2]), each = (uint32_t)atol(argv[3]);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(to, (struct sockaddr *)&address, sizeof address) < 0) {
        perror("bmpgen: connect");
        return 1;
    }
    open_session(&m);
    for (uint32_t i = 0; i < routes; i += each)
        announce(&m, i, routes - i < each ? routes : i + each);
    begin(&m, ROUTE_MONITORING); /* End-of-RIB */
    size_t bgp = begin_bgp(&m, UPDATE);
    wire_put_u32(&m.w, 0);
    end_bgp(&m, bgp);
    end(&m);
    flush_all();
    printf("%zu %zu\n", messages, total);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return 0;
}
