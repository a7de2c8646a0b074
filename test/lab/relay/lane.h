/*
 * One direction of one path: what befalls each packet on it. Pure; chance comes from a
 * seed and is drawn per family and protocol, so that the losses of a row of pings do not
 * depend on the TCP packets between them.
 */
#ifndef LAB_RELAY_LANE_H
#define LAB_RELAY_LANE_H

#include "scenario.h"

struct lane {
    uint64_t chance[2][3]; /* IPv4, IPv6; ICMP, TCP, others */
    bool lost;             /* the last packet */
    int64_t last_due_ns;   /* packets keep their order */
    int64_t free_at_ns;    /* when the rate-limited line has sent what it has taken */
};

struct fate {
    unsigned copies; /* 0: lost, 2: duplicated */
    int64_t due_ns;
    bool queue_full; /* why it was lost */
};

/* The same seed, path and direction: the same fates. */
struct lane lane_begin(uint64_t seed, const char *path, enum direction direction);

struct fate lane_take(struct lane *l, const struct way *way, const struct packet *p,
                      int64_t now_ns);

#endif
