/*
 * State of the ICMP kind, shared by its files: icmp.c creates it and starts probes,
 * outgoing.c sends them, incoming.c reads replies, errors and stamps.
 */
#ifndef EDGELAT_PROBE_ICMP_STATE_H
#define EDGELAT_PROBE_ICMP_STATE_H

#include "probe/icmp/echo_table.h"
#include "probe/icmp/socket.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define FLOWS          512  /* more streams share them, which is harmless */
#define KEYS           1024 /* stamps on their way */
#define RANDOM_NUMBERS 64

struct flow { /* what the probes of a stream have in common */
    uint16_t id, seq;
    uint8_t losses; /* in a row */
};

/* A socket on the loop; closed with its handle. */
struct icmp_poll {
    uv_poll_t handle;
    struct icmp_family *family;
    struct icmp_socket *socket;
};

struct icmp_family { /* of one uplink */
    struct icmp *icmp;
    struct icmp_family *next;
    enum family family;
    const struct uplink *uplink; /* NULL: the system's routes */
    uint32_t interface;          /* that the socket is bound to; 0: none */
    struct icmp_socket *socket;  /* NULL: not there, for `error` */
    int error;
    struct icmp_poll *poll; /* of `socket`; NULL: it is read in slots */
    struct echo_table echo_table;
    struct flow flows[FLOWS];
    uint64_t *queue; /* numbers in echo_table */
    size_t queued, queue_room;
    uint32_t drops; /* icmp_socket_drops() at the last look */
    bool dont_fragment;
    uint32_t next_key;
    uint32_t by_key[KEYS]; /* number of the echo sent with a key, its low bits */
};

struct icmp {
    struct prober *prober;
    struct icmp_family *families; /* two for each uplink that is used */
    uv_idle_t flush; /* runs while something is queued, and keeps the loop from waiting */
    uint32_t tag;
    uint64_t random[RANDOM_NUMBERS];
    size_t random_left;
    bool closed; /* perhaps by a callback: check after each */
    enum prober_reading reading;
    int handles;
};

static inline struct flow *flow_of(struct icmp_family *f, uint32_t stream)
{
    return &f->flows[stream % FLOWS];
}

/* Reads all packets of the socket, or of its error queue. */
void icmp_drain(struct icmp_family *f, bool error_queue);
void icmp_on_event(uv_poll_t *poll, int status, int events);

/* Opens the socket anew when its interface is another one by now, as after a modem came
 * back. False: there is none. */
bool icmp_refresh(struct icmp_family *f);

/* Has the loop watch the socket. Returns 0 or -errno. */
int icmp_watch(struct icmp_family *f);

void icmp_send_queued(struct icmp *s);

#endif
