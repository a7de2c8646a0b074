#include "network.h"

#include <math.h>
#include <string.h>

void network_update(struct network *n, int64_t at_ns)
{
    int64_t elapsed = at_ns - n->began_ns;
    for (int i = 0; i < n->scenario.n_paths; i++)
        n->rules[i] = scenario_rules(&n->scenario, i, elapsed);
    int64_t next = scenario_next_change(&n->scenario, elapsed);
    n->change_ns = next == INT64_MAX ? next : n->began_ns + next;
}

/* Paths that were there before go on with the chances they had. */
static void keep_lanes(struct network *n, const struct scenario *old)
{
    static struct lane before[PATHS_MAX][2];
    memcpy(before, n->lanes, sizeof before);
    for (int i = 0; i < n->scenario.n_paths; i++) {
        const char *name = n->scenario.paths[i].name;
        int was = 0;
        while (was < old->n_paths && strcmp(old->paths[was].name, name) != 0)
            was++;
        for (int d = UP; d <= DOWN; d++)
            n->lanes[i][d] = was < old->n_paths && old->seed == n->scenario.seed
                                 ? before[was][d]
                                 : lane_begin(n->scenario.seed, name, d);
    }
}

static void push(struct network *n, int64_t due_ns, enum direction side,
                 const uint8_t *bytes, size_t len)
{
    if (len > 0 && !queue_push(&n->queue, due_ns, side, bytes, len))
        n->queue_full++;
}

static int64_t path_rtt(const struct rules *rules)
{
    return llround(rules->way[UP].delay_ns + rules->way[DOWN].delay_ns);
}

static int64_t hop_rtt(const struct rules *rules, unsigned hop)
{
    if (rules->hops[hop].rtt_ns >= 0)
        return rules->hops[hop].rtt_ns;
    return path_rtt(rules) * (hop + 1) / (rules->n_hops + 1);
}

/* An ICMP error from that hop. */
static void answer(struct network *n, const struct rules *rules, unsigned hop,
                   enum icmp_error error, const struct packet *p, int64_t at_ns)
{
    static uint8_t out[PACKET_MAX];
    int router = rules->hops[hop].router;
    if (router < 0 || !n->scenario.routers[router].has[p->ipv6])
        return;
    const struct address *from = &n->scenario.routers[router].address[p->ipv6];
    push(n, at_ns + hop_rtt(rules, hop), DOWN, out, packet_error(out, error, from, p));
}

/* A ping to a router, on whatever path it stands first. */
static void to_router(struct network *n, const struct packet *p, int64_t at_ns)
{
    static uint8_t out[PACKET_MAX];
    int router = scenario_router(&n->scenario, &p->destination);

    for (int i = 0; router >= 0 && i < n->scenario.n_paths; i++) {
        const struct rules *rules = &n->rules[i];
        for (unsigned hop = 0; hop < rules->n_hops; hop++) {
            if (rules->hops[hop].router != router)
                continue;
            if (p->ttl <= hop)
                answer(n, rules, p->ttl - 1u, ICMP_TTL_EXCEEDED, p, at_ns);
            else if (packet_is_echo_request(p))
                push(n, at_ns + hop_rtt(rules, hop), DOWN, out,
                     packet_echo_reply(out, p));
            return;
        }
    }
    n->no_path++;
}

static void reject(struct network *n, const struct rules *rules, const struct packet *p,
                   int64_t at_ns)
{
    static uint8_t out[PACKET_MAX];
    if (rules->n_hops > 0)
        answer(n, rules, rules->n_hops - 1, (enum icmp_error)rules->reject, p, at_ns);
    else /* no router on the path: the host itself says so */
        push(n, at_ns + path_rtt(rules), DOWN, out,
             packet_error(out, (enum icmp_error)rules->reject, &p->destination, p));
}

/* Whether something on the way keeps the packet, and perhaps answers itself. */
static bool is_stopped(struct network *n, const struct rules *rules,
                       const struct packet *p, enum direction direction, int64_t at_ns)
{
    static uint8_t out[PACKET_MAX];
    if (direction == UP && p->ttl <= rules->n_hops) {
        if (p->ttl > 0)
            answer(n, rules, p->ttl - 1u, ICMP_TTL_EXCEEDED, p, at_ns);
        return true;
    }
    if (rules->blackhole || (!rules->icmp && packet_is_icmp(p)))
        return true;
    if (rules->reject >= 0 && direction == UP) {
        reject(n, rules, p, at_ns);
        return true;
    }
    if (rules->syn_answers >= 0 && packet_is_tcp(p)) {
        if (direction == UP && packet_is_tcp_syn(p))
            push(n, at_ns + rules->syn_answers, DOWN, out, packet_syn_ack(out, p));
        return true;
    }
    return false;
}

void network_take(struct network *n, enum direction direction, uint8_t *bytes, size_t len,
                  int64_t at_ns)
{
    struct packet p;
    if (!packet_read(&p, bytes, len))
        return;
    int path = scenario_path(&n->scenario, direction == UP ? &p.destination : &p.source);
    if (path < 0) {
        if (direction == UP && p.ttl > 0)
            to_router(n, &p, at_ns);
        return;
    }
    const struct rules *rules = &n->rules[path];
    if (is_stopped(n, rules, &p, direction, at_ns)) {
        n->stopped++;
        return;
    }
    if (p.ttl > rules->n_hops)
        packet_age(bytes, &p, rules->n_hops);
    struct fate fate =
        lane_take(&n->lanes[path][direction], &rules->way[direction], &p, at_ns);
    if (fate.copies == 0)
        *(fate.queue_full ? &n->queue_full : &n->lost) += 1;
    for (unsigned i = 0; i < fate.copies; i++)
        push(n, fate.due_ns, direction, bytes, p.len);
}

void network_change(struct network *n, const struct scenario *new, int64_t at_ns)
{
    static struct scenario old;
    old = n->scenario;
    n->scenario = *new;
    keep_lanes(n, &old);
    network_update(n, at_ns);
}
