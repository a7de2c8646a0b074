#include "core/intercept.h"

#include <stdio.h>
#include <string.h>

uint16_t intercept_decoy_port(uint16_t port)
{
    return port == INTERCEPT_DECOY_PORT ? INTERCEPT_DECOY_OTHER_PORT
                                        : INTERCEPT_DECOY_PORT;
}

static void minimum_add(struct intercept_minimum *m, int64_t ns)
{
    if (ns == DELAY_UNDEFINED)
        return;
    if (m->n == 0 || ns < m->ns)
        m->ns = ns;
    m->n++;
}

static bool far_below(int64_t ns, int64_t beyond_ns)
{
    return ns < beyond_ns / 2 && beyond_ns - ns >= INTERCEPT_LEAST_NS;
}

static void judge(struct intercept_comparison *c, bool verdict)
{
    c->handshake_ns = c->handshake.ns;
    c->beyond_ns = c->beyond.ns;
    c->reply_ns = c->reply.n > 0 ? c->reply.ns : DELAY_UNDEFINED;
    c->handshake = c->beyond = c->reply = (struct intercept_minimum){0};
    c->idle = 0;
    c->against = c->judged && verdict != c->verdict ? c->against + 1 : 0;
    if (!c->judged || c->against == INTERCEPT_AGAINST) {
        c->judged = true;
        c->verdict = verdict;
        c->against = 0;
    }
}

static bool enough(const struct intercept_comparison *c)
{
    return c->handshake.n >= INTERCEPT_SAMPLES && c->beyond.n >= INTERCEPT_SAMPLES;
}

static int64_t delay_of(const struct kind *kind, enum delay_role role,
                        const struct result *result)
{
    size_t i = kind_delay(kind, role);
    return i == KIND_NONE ? DELAY_UNDEFINED : result->delays[i];
}

/* Adds the delays of one connection: handshake, TLS and replies. */
static void add_connection(struct intercept *i, const struct kind *kind,
                           const struct result *result)
{
    struct intercept_comparison *c = &i->tls;
    int64_t tls_ns = delay_of(kind, DELAY_TLS, result);
    int64_t handshake_ns = delay_of(kind, DELAY_HANDSHAKE, result);
    if (handshake_ns == DELAY_UNDEFINED || tls_ns == DELAY_UNDEFINED)
        return;
    minimum_add(&c->handshake, handshake_ns);
    bool two_round_trips = strcmp(result->http.tls_version, "1.2") == 0;
    minimum_add(&c->beyond, two_round_trips ? tls_ns - handshake_ns : tls_ns);
    for (size_t d = 0; d < kind_delays(kind); d++)
        if (kind->roles[d] == DELAY_REPLY)
            minimum_add(&c->reply, result->delays[d]);
    if (!enough(c))
        return;
    bool cleared = c->reply.n > 0 && !far_below(c->handshake.ns, c->reply.ns);
    judge(c, !cleared && far_below(c->handshake.ns, c->beyond.ns - INTERCEPT_CRYPTO_NS));
    if (++i->echo.idle == INTERCEPT_STALE)
        i->echo.judged = i->echo.verdict = false;
}

void intercept_add(struct intercept *i, const struct kind *kind,
                   const struct result *result)
{
    if (result->outcome == OUTCOME_NOT_MEASURED)
        return;
    int64_t round_trip_ns = delay_of(kind, DELAY_ROUND_TRIP, result);
    minimum_add(&i->echo.handshake, delay_of(kind, DELAY_HANDSHAKE, result));
    minimum_add(&i->echo.beyond, round_trip_ns);
    if (round_trip_ns != DELAY_UNDEFINED)
        i->echo_kind = kind;
    add_connection(i, kind, result);
    if (enough(&i->echo))
        judge(&i->echo, far_below(i->echo.handshake.ns, i->echo.beyond.ns));
}

void intercept_decoy(struct intercept *i, int64_t handshake_ns)
{
    i->decoy = (struct intercept_minimum){0};
    minimum_add(&i->decoy, handshake_ns);
}

static void forget(struct intercept_comparison *c)
{
    c->handshake = c->beyond = c->reply = (struct intercept_minimum){0};
    c->against = 0;
}

void intercept_forget(struct intercept *i)
{
    forget(&i->echo);
    forget(&i->tls);
}

/* True when the replies take at least 90 % of ICMP's delay: they may come from the same
 * host. */
static bool replies_from_beyond(const struct intercept *i)
{
    int64_t reply_ns = i->tls.reply_ns;
    return reply_ns != DELAY_UNDEFINED && far_below(i->tls.handshake_ns, reply_ns) &&
           reply_ns >= i->echo.beyond_ns - i->echo.beyond_ns / 10;
}

enum intercept_verdict intercept_verdict(const struct intercept *i)
{
    bool slow_icmp = i->echo.judged && i->echo.verdict;
    if (i->decoy.n > 0)
        return INTERCEPT_YES;
    if (i->tls.judged && i->tls.verdict)
        return i->echo.judged && !slow_icmp ? INTERCEPT_NO : INTERCEPT_YES;
    if (!slow_icmp || (i->tls.judged && !replies_from_beyond(i)))
        return INTERCEPT_NO;
    return INTERCEPT_UNSURE;
}

bool intercepted(const struct intercept *i)
{
    return intercept_verdict(i) == INTERCEPT_YES;
}

static const char *echo_label(const struct intercept *i)
{
    return i->echo_kind->label;
}

static void describe_yes(char out[INTERCEPT_TEXT_MAX], const struct intercept *i)
{
    bool icmp = i->echo.judged && i->echo.verdict, tls = i->tls.judged && i->tls.verdict;
    const struct intercept_comparison *c = icmp ? &i->echo : &i->tls;
    if (tls)
        snprintf(out, INTERCEPT_TEXT_MAX,
                 "a middlebox %.1f ms away answers the handshakes (%s takes %.1f ms)",
                 ms(c->handshake_ns), icmp ? echo_label(i) : "TLS", ms(c->beyond_ns));
    else
        snprintf(out, INTERCEPT_TEXT_MAX,
                 "a middlebox %.1f ms away answers the handshakes (also on a port that "
                 "no service uses)",
                 ms(i->decoy.ns));
}

static void describe_unsure(char out[INTERCEPT_TEXT_MAX], const struct intercept *i,
                            const struct kinds *kinds)
{
    const struct kind *with_tls = kinds_with(kinds, DELAY_TLS);
    if (i->tls.judged)
        snprintf(out, INTERCEPT_TEXT_MAX,
                 "cannot tell whether a middlebox answers the handshakes: they take "
                 "%.1f ms, %s %.1f ms and replies %.1f ms",
                 ms(i->tls.handshake_ns), echo_label(i), ms(i->echo.beyond_ns),
                 ms(i->tls.reply_ns));
    else
        snprintf(out, INTERCEPT_TEXT_MAX,
                 "cannot tell whether a middlebox answers the handshakes (%.1f ms) or %s "
                 "is slow (%.1f ms)%s%s%s",
                 ms(i->echo.handshake_ns), echo_label(i), ms(i->echo.beyond_ns),
                 with_tls != NULL ? "; probe it by " : "",
                 with_tls != NULL ? with_tls->label : "",
                 with_tls != NULL ? " as well" : "");
}

const char *intercept_text(char out[INTERCEPT_TEXT_MAX], const struct intercept *i,
                           const struct kinds *kinds)
{
    out[0] = '\0';
    switch (intercept_verdict(i)) {
    case INTERCEPT_NO:
        break;
    case INTERCEPT_YES:
        describe_yes(out, i);
        break;
    case INTERCEPT_UNSURE:
        describe_unsure(out, i, kinds);
        break;
    }
    return out;
}

bool intercept_leaves_out(const struct kind *kind, size_t delay)
{
    return kind->roles[delay] == DELAY_HANDSHAKE;
}

size_t intercept_distance(const struct kind *kind, const struct intercept *i)
{
    size_t tls = kind_delay(kind, DELAY_TLS);
    bool hidden = (i->proxied || intercepted(i)) && intercept_leaves_out(kind, 0) &&
                  tls != KIND_NONE;
    return hidden ? tls : 0;
}
