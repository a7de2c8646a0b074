/*
 * A scripted network: a network namespace of our own whose only way out is a TUN device,
 * where the test reads each probe as a packet and answers as it likes. Needs root or user
 * namespaces, and /dev/net/tun.
 */
#ifndef EDGELAT_TEST_IO_PROBE_TUN_H
#define EDGELAT_TEST_IO_PROBE_TUN_H

#include "io/probe/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tun = -1;

static inline void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        printf("# %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

/* A namespace with a TUN device: 10.9.0.1/24 and fd09::1/64. False: not allowed here. */
static inline bool make_network(void)
{
    char map[32];
    if (geteuid() == 0) {
        if (unshare(CLONE_NEWNET) != 0)
            return false;
    } else {
        snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            return false;
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", map);
    }
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    strcpy(request.ifr_name, "t0");
    tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun >= 0 && ioctl(tun, TUNSETIFF, &request) != 0) {
        close(tun);
        tun = -1;
    }
    if (system("ip link set lo up") != 0)
        return false;
    if (tun >= 0 && system("ip addr add 10.9.0.1/24 dev t0 && "
                           "ip addr add fd09::1/64 dev t0 nodad && "
                           "ip link set t0 up") != 0)
        return false;
    return true;
}

struct packet {
    uint8_t bytes[2048];
    size_t len, header; /* of the IP header */
};

/* Whether it is what the tests answer: an echo request, a SYN, or a DNS query. */
static inline bool is_probe(const struct packet *p)
{
    uint8_t protocol = p->bytes[p->header == 40 ? 6 : 9];
    const uint8_t *inner = p->bytes + p->header;
    return (protocol == 1 && inner[0] == 8) || (protocol == 58 && inner[0] == 128) ||
           (protocol == 6 && inner[13] == 2) ||
           (protocol == 17 && inner[2] == 0 && inner[3] == 53);
}

/* The next probe that the kernel sent; neighbour and multicast noise is left out. */
static inline struct packet take_request(struct bed *b)
{
    for (int i = 0; i < 100; i++) {
        bed_turn(b, SIZE_MAX, 5);
        struct packet p = {.len = 0};
        ssize_t n;
        while ((n = read(tun, p.bytes, sizeof p.bytes)) > 0) {
            p.len = (size_t)n;
            p.header = p.bytes[0] >> 4 == 6 ? 40 : 20;
            if (is_probe(&p))
                return p;
        }
    }
    fail_msg("no request came out of the TUN device");
    return (struct packet){.len = 0};
}

static inline uint32_t add_up(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static inline void put_checksum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    at[0] = (uint8_t)(~sum >> 8);
    at[1] = (uint8_t)~sum;
}

static inline void finish(struct packet *p)
{
    uint8_t *ip = p->bytes, *icmp = p->bytes + p->header;
    size_t len = p->len - p->header;
    icmp[2] = icmp[3] = 0;
    if (p->header == 20) {
        ip[2] = (uint8_t)(p->len >> 8);
        ip[3] = (uint8_t)p->len;
        ip[10] = ip[11] = 0;
        put_checksum(ip + 10, add_up(ip, 20));
        put_checksum(icmp + 2, add_up(icmp, len));
    } else {
        ip[4] = (uint8_t)(len >> 8);
        ip[5] = (uint8_t)len;
        put_checksum(icmp + 2,
                     add_up(ip + 8, 32) + (uint32_t)len + 58 + add_up(icmp, len));
    }
}

static inline struct packet reply_to(const struct packet *request)
{
    struct packet p = *request;
    size_t from = p.header == 20 ? 12 : 8, size = p.header == 20 ? 4 : 16;
    memcpy(p.bytes + from, request->bytes + from + size, size);
    memcpy(p.bytes + from + size, request->bytes + from, size);
    p.bytes[p.header] = p.header == 20 ? 0 : 129;
    finish(&p);
    return p;
}

/* What router 10.9.0.77 or fd09::77 says of `request`, quoting `quoted` bytes of it. */
static inline struct packet error_on(const struct packet *request, uint8_t type,
                                     uint8_t code, size_t quoted)
{
    struct packet p = reply_to(request);
    p.bytes[p.header == 20 ? 15 : 23] = 0x77;
    p.bytes[p.header == 20 ? 9 : 6] = p.header == 20 ? 1 : 58;
    uint8_t *icmp = p.bytes + p.header;
    memset(icmp, 0, 8);
    icmp[0] = type;
    icmp[1] = code;
    icmp[6] = 0x05; /* an MTU of 1280, where the type has one */
    memcpy(icmp + 8, request->bytes, quoted);
    p.len = p.header + 8 + quoted;
    finish(&p);
    return p;
}

static inline void inject(const struct packet *p)
{
    CHECK_INT(p->len, write(tun, p->bytes, p->len), "into the TUN device");
}

#define NEEDS_TUN                                                                        \
    do {                                                                                 \
        if (tun < 0)                                                                     \
            skip();                                                                      \
    } while (0)

static const char *const far_ends[] = {"10.9.0.2", "fd09::2"};

#endif
