#include "core/limits.h"

#include "core/time.h"

const char *const send_rate_names[RATE_MEASURES] = {"probes", "packets", "bytes"};

const struct send_rate limits_agent = {{1000, 4000, 2e6}};
const struct send_rate limits_host = {{10, 200, 160e3}};

/* Number of families the target is probed in: an address literal has only one. */
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

struct send_rate send_rate_of(const struct target *t, const struct kinds *kinds,
                              const int64_t *intervals_ns)
{
    struct send_rate sum = {{0}};
    double n = families(t);
    for (size_t k = 0; k < kinds->n; k++) {
        const struct kind *kind = kinds->list[k];
        struct send_rate probe = {{1, kind->packets, kind->bytes}};
        probe.of[RATE_BYTES] += kind->payloads * t->payload_bytes;
        if (t->kinds[k])
            send_rate_add(&sum, &probe, n * (double)NS_PER_S / (double)intervals_ns[k]);
    }
    return sum;
}

void send_rate_add(struct send_rate *to, const struct send_rate *more, double times)
{
    for (size_t i = 0; i < RATE_MEASURES; i++)
        to->of[i] += more->of[i] * times;
}

double limits_stretch(const struct send_rate *base, const struct send_rate *more,
                      const struct send_rate *most)
{
    double stretch = 0;
    for (size_t i = 0; i < RATE_MEASURES; i++) {
        double room = most->of[i] - base->of[i];
        double needed = more->of[i] <= 0 ? 0
                        : room <= 0      ? LIMITS_NEVER
                                         : more->of[i] / room;
        if (needed > stretch)
            stretch = needed;
    }
    return stretch < LIMITS_NEVER ? stretch : LIMITS_NEVER;
}
