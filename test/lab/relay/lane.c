#include "lane.h"

#include <math.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double uniform(uint64_t *state) /* in (0, 1] */
{
    return ((double)(next(state) >> 11) + 1) * 0x1p-53;
}

struct lane lane_begin(uint64_t seed, const char *path, enum direction direction)
{
    struct lane l = {.last_due_ns = INT64_MIN};
    uint64_t state = seed * 2 + direction;

    for (; *path != '\0'; path++)
        state = next(&state) ^ (uint8_t)*path;
    for (int family = 0; family < 2; family++)
        for (int protocol = 0; protocol < 3; protocol++)
            l.chance[family][protocol] = next(&state);
    return l;
}

static uint64_t *stream(struct lane *l, const struct packet *p)
{
    return &l->chance[p->ipv6][packet_is_icmp(p) ? 0 : packet_is_tcp(p) ? 1 : 2];
}

static double half_normal(double u, double v)
{
    return fabs(sqrt(-2 * log(u)) * cos(2 * M_PI * v)); /* Box and Muller 1958 */
}

/* When the line has sent the packet; false: the queue before it is full. */
static bool send_at_rate(struct lane *l, const struct way *way, size_t len, int64_t *when)
{
    if (way->rate == 0)
        return true;
    int64_t free_at = l->free_at_ns > *when ? l->free_at_ns : *when;
    double waiting = (double)(free_at - *when) * way->rate / 8e9;
    if (waiting + (double)len > way->queue)
        return false;
    l->free_at_ns = free_at + llround((double)len * 8e9 / way->rate);
    *when = l->free_at_ns;
    return true;
}

struct fate lane_take(struct lane *l, const struct way *way, const struct packet *p,
                      int64_t now_ns)
{
    /* all are drawn for each packet: changing one setting leaves the others' luck alone
     */
    uint64_t *chance = stream(l, p);
    bool lost = uniform(chance) <= (l->lost && way->burst > 0 ? way->burst : way->loss);
    bool twice = uniform(chance) <= way->duplicate;
    bool held = uniform(chance) <= way->reorder;
    double u = uniform(chance), v = uniform(chance);

    l->lost = lost;
    if (lost)
        return (struct fate){0};
    if (!send_at_rate(l, way, p->len, &now_ns))
        return (struct fate){.queue_full = true};

    int64_t due = now_ns + llround(way->delay_ns + half_normal(u, v) * way->jitter_ns);
    if (held)
        due += llround(way->held_ns);
    else if (due < l->last_due_ns)
        due = l->last_due_ns;
    else
        l->last_due_ns = due;
    return (struct fate){.copies = twice ? 2 : 1, .due_ns = due};
}
