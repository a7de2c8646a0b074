/*
 * What the files of the ICMP kind share: the state of both families. icmp.c makes it and
 * starts probes, outgoing.c sends them, incoming.c takes what comes back.
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

#define FLOWS          512  /* streams share one where there are more; that is harmless */
#define KEYS           4096 /* stamps that may be on their way */
#define RANDOM_NUMBERS 512

struct flow { /* of a stream: what its probes have in common on the wire */
    uint16_t id, seq;
    uint8_t losses; /* in a row */
};

struct icmp_family {
    struct icmp *icmp;
    struct icmp_socket *socket; /* NULL: not there, for `error` */
    int error;
    uv_poll_t poll;
    struct echo_table echo_table;
    struct flow flows[FLOWS];
    uint64_t *queue; /* numbers of echo_table */
    size_t queued, queue_room;
    bool dont_fragment;
    uint32_t next_key;
    uint64_t by_key[KEYS]; /* the number of the echo that was sent with a key */
};

struct icmp {
    struct prober *prober;
    struct icmp_family *families[2]; /* IPv4, IPv6 */
    uv_idle_t flush; /* runs while something is queued, and keeps the loop from waiting */
    uint32_t tag;
    uint64_t random[RANDOM_NUMBERS];
    size_t random_left;
    bool closed; /* perhaps by one of our own callbacks: look after each */
    int handles;
};

static inline struct flow *flow_of(struct icmp_family *f, uint32_t stream)
{
    return &f->flows[stream % FLOWS];
}

/* Takes in what is in the socket, or in its error queue. */
void icmp_drain(struct icmp_family *f, bool error_queue);
void icmp_on_event(uv_poll_t *poll, int status, int events);

/* Sends what was queued. */
void icmp_on_flush(uv_idle_t *idle);

#endif
