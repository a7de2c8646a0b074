/*
 * Kernel time stamps of packets (see net/stamps.h), and the error queue of a socket (ip(7),
 * IP_RECVERR): ICMP errors with their sender and the bytes they quote, and transmit
 * stamps. Works without privilege.
 *
 * A transmit stamp comes through the error queue with a key: the number of the packet on
 * that socket, from 0. If the interface stamps too, a second one has the same key.
 */
#ifndef EDGELAT_NET_ERROR_QUEUE_H
#define EDGELAT_NET_ERROR_QUEUE_H

#include "core/endpoint.h"
#include "net/stamps.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* needs <time.h> */

enum queued_kind {
    QUEUED_STAMP,  /* of a packet that this socket sent */
    QUEUED_ICMP,   /* an ICMP error */
    QUEUED_PACKET, /* one that was received, see socket_receive() */
    QUEUED_OTHER,  /* an error of this host, which the failed call has reported */
};

struct queued {
    enum queued_kind kind;
    uint32_t key; /* of a stamp: the number of the packet, from 0 */
    struct stamps stamps;
    uint8_t type, code;       /* of the ICMP error */
    uint32_t mtu;             /* of the next link, where the error says so, else 0 */
    struct endpoint from, to; /* who sent it, and where the quoted packet went */
    struct endpoint local; /* where a packet came to, if socket_tell_local() was called */
    int16_t ttl;           /* of the error's packet; -1: not enabled */
    size_t len;            /* quoted bytes after the transport header */
    size_t extension_at;   /* in them: RFC 4884 extensions; 0: none */
};

/* One error message as the kernel lays it out: SO_EE_OFFENDER() is what follows. */
struct extended_error {
    struct sock_extended_err error;
    struct sockaddr_in6 offender;
};

/* Copies it from a control message, which may be shorter: the rest is 0. */
struct extended_error extended_error_read(const struct cmsghdr *c);

/* Enables ICMP errors; `with_ttl` adds the TTL of their packets and RFC 4884 extensions, as
 * far as the kernel has them (Linux 5.9). */
void error_queue_enable(int socket, enum family family, bool with_ttl);
void error_queue_disable(int socket, enum family family);

/* Enables the kernel's stamps of both directions. Called again, it restarts the keys at 0: after a packet
 * that was not sent, as kernels differ in whether it used a key. Receive stamps are never
 * off meanwhile; transmit stamps still on their way then match nothing. */
void error_queue_stamps(int socket);

/* A socket that keeps the kernel stamping packets, to be closed at the end; -1: none is left.
 * Linux begins to stamp some time after the first socket asks for it; until then a packet has
 * the time when it is read. So ask before the first packet is sent. */
int error_queue_keep_stamping(void);

/* Adds the address of this host that each packet was sent to. */
void socket_tell_local(int socket, enum family family);

/* Reads one entry without waiting; its quoted bytes go to `bytes`. False: none is left. */
bool error_queue_read(int socket, void *bytes, size_t room, struct queued *out);

/* Reads one received packet without waiting, with its sender and stamps, as QUEUED_PACKET.
 * A packet that is longer than `room` is cut. Returns 0 or -errno: -EAGAIN when none is
 * left; others are errors of earlier packets, see the error queue. */
int socket_receive(int socket, void *bytes, size_t room, struct queued *out);

#endif
