#include "core/target.h"

#include "core/time.h"

#include <stdio.h>
#include <strings.h>

#define HTTPS_PORT 443

struct target target_default(const struct kinds *kinds)
{
    struct target t = {
        .name = "",
        .host = "",
        .path = "/",
        .ipv4 = true,
        .ipv6 = true,
        .payload_bytes = 56, /* like ping */
        .over_uplinks = true,
    };
    for (size_t i = 0; i < kinds->n; i++) {
        t.kinds[i] = kinds->list[i]->on_by_default;
        t.interval_ns[i] = kinds->list[i]->interval_ns;
        t.slow_interval_ns[i] = kinds->list[i]->slow_interval_ns;
        t.waiting_ns[i] =
            kinds->list[i]->waiting_ns > 0 ? kinds->list[i]->waiting_ns : WAITING_NS;
    }
    return t;
}

uint16_t target_port(const struct target *t, const struct kind *kind)
{
    if (kind != NULL && (kind->uses & USES_PORT) == 0)
        return 0;
    if (t->port != 0)
        return t->port;
    return kind != NULL && kind->port != 0 ? kind->port : HTTPS_PORT;
}

void target_wait(struct target *t, int64_t waiting_ns)
{
    for (size_t i = 0; i < KINDS_MAX; i++)
        t->waiting_ns[i] = waiting_ns;
}

int64_t waiting_longest_ns(int64_t interval_ns)
{
    return interval_ns > WAITING_NS ? interval_ns : WAITING_NS;
}

bool target_measures(const struct target *t, const struct kinds *kinds,
                     enum delay_role role)
{
    for (size_t i = 0; i < kinds->n; i++)
        if (t->kinds[i] && kind_delay(kinds->list[i], role) != KIND_NONE)
            return true;
    return false;
}

const char *target_over_text(char out[TARGET_OVER_TEXT_MAX], const struct target *t)
{
    snprintf(out, TARGET_OVER_TEXT_MAX, "%s%s%s", t->name,
             t->uplink != NULL ? " over " : "", t->uplink != NULL ? t->uplink->name : "");
    return out;
}

bool target_same_host(const struct target *a, const struct target *b)
{
    struct endpoint x, y;
    if (strcasecmp(a->host, b->host) == 0)
        return true;
    return endpoint_parse(&x, a->host, 0) && endpoint_parse(&y, b->host, 0) &&
           endpoint_same_address(&x, &y);
}

bool target_is_resolver(const struct target *t, const struct kinds *kinds)
{
    bool any = false;
    for (size_t i = 0; i < kinds->n; i++) {
        if (t->kinds[i] && !kinds->list[i]->of_resolver)
            return false;
        any |= t->kinds[i];
    }
    return any;
}

bool target_goes_by_proxy(const struct target *t, const struct kind *kind)
{
    return t->proxied && (kind->uses & USES_HTTP) != 0;
}
