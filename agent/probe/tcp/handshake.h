/*
 * One TCP handshake, timed by the kernel: for the TCP probe, and for the HTTPS probe, which
 * goes on with the connected socket. The loop watches its socket; or all of a set are looked
 * at together, as often as the caller likes: the kernel's sample of the handshake stays what it
 * is as long as no data is sent, also when the peer has closed or reset the connection since.
 */
#ifndef EDGELAT_PROBE_TCP_HANDSHAKE_H
#define EDGELAT_PROBE_TCP_HANDSHAKE_H

#include "core/endpoint.h"
#include "core/result.h"
#include "core/uplink.h"
#include "probe/cause.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct handshake_end {
    int error;                 /* 0: connected; else the errno that connecting came to */
    struct icmp_report report; /* the ICMP error behind `error`; by FAMILY_NONE: none */
    int socket; /* connected, non-blocking, owned by the callee; -1 after an error */
    /*
     * From the SYN to its SYN-ACK. Where the SYN was sent again, the kernel knows it only to
     * the millisecond, and only if the peer has TCP timestamps: undefined when unknown or
     * shorter than HANDSHAKE_RESENT_LEAST_NS. Undefined when the SYN waited in this host for
     * the link address of the next hop, as the kernel's sample begins before that.
     */
    int64_t rtt_ns;
    int64_t took_ns;  /* from the first SYN to an answer, to some ms; 0: none came */
    bool kernel_time; /* `rtt_ns` is the kernel's, else our own clock's */
    bool waited;      /* for the link address of the next hop */
    bool plain;       /* nothing but the handshake has happened on the socket */
    uint8_t resent;   /* SYNs sent again, lost or not (probe/tcp/resent.h) */
    int64_t
        answered_ns; /* the delay of the SYN that was answered, to some ms; 0: unknown */
};

/* An error of 1 ms is one percent of it. */
#define HANDSHAKE_RESENT_LEAST_NS (100 * NS_PER_MS)

typedef void handshake_cb(const struct handshake_end *end, void *user);

struct handshake;
struct handshake_set;

struct handshake_set *handshake_set_create(void);

/* Calls back for each handshake of the set that has ended; they may do anything. */
void handshake_set_look(struct handshake_set *s);

/* It must be empty. May be called from inside a callback; NULL is fine. */
void handshake_set_destroy(struct handshake_set *s);

/*
 * Sends the SYN over the uplink (NULL: by the system's routes). Returns 0, and then one callback comes, later, unless it is cancelled;
 * or -errno: nothing was sent (cause_not_sent() gives the text).
 */
int handshake_start(struct handshake **out, uv_loop_t *loop, const struct endpoint *to,
                    const struct uplink *uplink, uint8_t dscp, handshake_cb *on_end,
                    void *user);

/* The same in a set. Without a sample of the kernel its delay is undefined. */
int handshake_start_in(struct handshake **out, struct handshake_set *set,
                       const struct endpoint *to, const struct uplink *uplink,
                       uint8_t dscp, handshake_cb *on_end, void *user);

void handshake_cancel(struct handshake *h); /* not after the callback came */

/*
 * What a handshake tells whose SYN was sent again. `known_ns` is an earlier round-trip delay
 * to that host, 0: none is known (probe/tcp/resent.h).
 */
struct handshake_told {
    int64_t rtt_ns;    /* that of `end`, or undefined if it is not sure */
    uint8_t lost;      /* SYNs, or SYN-ACKs */
    bool known;        /* `lost` could be told */
    bool kernel_time;  /* `rtt_ns` is the kernel's */
    int64_t learnt_ns; /* the delay to know next time; 0: none */
};
struct handshake_told handshake_tells(const struct handshake_end *end, int64_t known_ns);

/* Those of its SYNs that were sent again and are lost by now. */
uint8_t handshake_lost_so_far(const struct handshake *h, int64_t rtt_ns);

/* Closes a socket with a reset: nothing stays in TIME_WAIT, so ports do not run out. */
void handshake_hang_up(int socket);

/*
 * The same for an end of a handshake of the set with `to`; for any other end `s` may be
 * NULL. The set may keep the socket for its next handshake with the same address and port:
 * to make and to close one is a seventh of what the kernel has to do for a TCP and an ICMP
 * probe. Not for another address: the initial sequence number follows from the one before,
 * which only hosts on the path know. The source port is another one.
 */
void handshake_set_hang_up(struct handshake_set *s, const struct handshake_end *end,
                           const struct endpoint *to);

/* The outcome of the handshake with `to`, with a clause in `cause`. */
enum outcome handshake_outcome(const struct handshake_end *end, const struct endpoint *to,
                               char *cause, size_t cause_size);

/* The same into a result with that `to`: also who reported it. */
enum outcome handshake_result(struct result *r, const struct handshake_end *end);

#endif
