/*
 * The ICMP socket of one family: raw if allowed (CAP_NET_RAW), else a ping socket
 * (net.ipv4.ping_group_range). Sends and receives many packets a call, with the kernel's
 * transmit and receive stamps (see net/error_queue.h).
 */
#ifndef EDGELAT_PROBE_ICMP_SOCKET_H
#define EDGELAT_PROBE_ICMP_SOCKET_H

#include "core/endpoint.h"
#include "core/uplink.h"
#include "net/stamps.h"
#include "probe/icmp/extension.h"
#include "probe/icmp/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICMP_BATCH 32

struct icmp_socket;

struct packet_out {
    struct echo echo;
    struct endpoint to;
    uint16_t payload_bytes;
    uint8_t dscp;
    uint8_t ttl; /* 0: the host's default */
};

struct packet_in {
    bool is_stamp; /* of a packet that was sent, else a message */
    uint32_t key;  /* of a stamp */
    struct stamps stamps;
    struct icmp_message message;
    struct endpoint from; /* who sent the message */

    /* after icmp_socket_trace() only */
    int16_t ttl; /* of the message's packet; -1: unknown */
    struct icmp_extension extension;
};

/* `tag`: of all echoes of this process. `uplink`: NULL, or socket_use_uplink(). Returns 0 or -errno (-EPERM, -EACCES: neither kind of
 * socket is allowed). */
int icmp_socket_open(struct icmp_socket **out, enum family family, uint32_t tag,
                     const struct uplink *uplink);
void icmp_socket_close(struct icmp_socket *s); /* NULL is fine */

int icmp_socket_fd(const struct icmp_socket *s);

/* The id that the kernel chose for a ping socket; 0: a raw socket, use any. */
uint16_t icmp_socket_id(const struct icmp_socket *s);

/* For a trace of the path: reads TTLs and extensions too, and sends IPv6 packets without a
 * flow label, which routers may use to choose a path. */
void icmp_socket_trace(struct icmp_socket *s);

/* Packets sent from now on may not be fragmented, or may. */
void icmp_socket_dont_fragment(struct icmp_socket *s, bool dont);

/* See socket_drops(). */
uint32_t icmp_socket_drops(const struct icmp_socket *s);

/* Sends up to ICMP_BATCH; returns how many went out. Fewer than `n`: the errno of the
 * first that did not is in `*error`. */
size_t icmp_socket_send(struct icmp_socket *s, const struct packet_out *packets, size_t n,
                        int *error);

/* See error_queue_stamps(). */
void icmp_socket_restart_keys(struct icmp_socket *s);

/* Reads up to ICMP_BATCH packets; fewer: no more are waiting. */
size_t icmp_socket_receive(struct icmp_socket *s, bool error_queue,
                           struct packet_in packets[ICMP_BATCH]);

#endif
