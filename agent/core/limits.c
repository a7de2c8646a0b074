#include "core/limits.h"

#include "core/time.h"

const char *const traffic_names[TRAFFIC_MEASURES] = {"probes", "packets", "bytes"};

const struct traffic traffic_most = {{1000, 4000, 2e6}};
const struct traffic traffic_most_host = {{10, 200, 160e3}};

/* The families that it is probed in: an address has only its own. */
static int families(const struct target *t)
{
    switch (endpoint_literal(t->host)) {
    case FAMILY_IPV4:
        return t->ipv4;
    case FAMILY_IPV6:
        return t->ipv6;
    default:
        return t->ipv4 + t->ipv6;
    }
}

struct traffic traffic_of(const struct target *t, const struct kinds *kinds,
                          const int64_t *intervals_ns)
{
    struct traffic sum = {{0}};
    for (size_t k = 0; k < kinds->n; k++) {
        const struct kind *kind = kinds->list[k];
        struct traffic probe = {{1, kind->packets, kind->bytes}};
        probe.of[TRAFFIC_BYTES] += kind->payloads * t->payload_bytes;
        if (t->kinds[k])
            traffic_add(&sum, &probe,
                        families(t) * (double)NS_PER_S / (double)intervals_ns[k]);
    }
    return sum;
}

void traffic_add(struct traffic *to, const struct traffic *more, double times)
{
    for (size_t i = 0; i < TRAFFIC_MEASURES; i++)
        to->of[i] += more->of[i] * times;
}

double traffic_stretch(const struct traffic *base, const struct traffic *more,
                       const struct traffic *most)
{
    double stretch = 0;
    for (size_t i = 0; i < TRAFFIC_MEASURES; i++) {
        double room = most->of[i] - base->of[i];
        double needed = more->of[i] <= 0 ? 0
                        : room <= 0      ? TRAFFIC_NEVER
                                         : more->of[i] / room;
        if (needed > stretch)
            stretch = needed;
    }
    return stretch < TRAFFIC_NEVER ? stretch : TRAFFIC_NEVER;
}
