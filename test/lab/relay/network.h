/*
 * What befalls a packet between the branch and the internet under the scenario: its path
 * is found, routers and middleboxes answer, and what is left waits in the queue until it
 * is due. No clock and no device: relay.c reads, writes and knows the time.
 */
#ifndef LAB_RELAY_NETWORK_H
#define LAB_RELAY_NETWORK_H

#include "lane.h"
#include "queue.h"
#include "scenario.h"

struct network {
    int64_t began_ns;  /* the scenario's times count from here */
    int64_t change_ns; /* when network_update() is to be called next */
    struct scenario scenario;
    struct rules rules[PATHS_MAX]; /* as of now */
    struct lane lanes[PATHS_MAX][2];
    struct queue queue;
    uint64_t lost, queue_full, stopped, no_path; /* packets that went no further */
};

/* Another scenario from now on; paths that stay go on with the chances they had. */
void network_change(struct network *n, const struct scenario *new, int64_t at_ns);

/* `change_ns` has come. */
void network_update(struct network *n, int64_t at_ns);

/* A packet came in to go in that direction; it may be changed. */
void network_take(struct network *n, enum direction direction, uint8_t *bytes, size_t len,
                  int64_t at_ns);

#endif
