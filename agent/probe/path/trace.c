#include "probe/path/trace.h"

#include "core/result.h"

#include <assert.h>
#include <string.h>

enum { BEYOND = 2 }; /* hops asked again behind the last one that answered */

/* 30 TTLs take 60 ms, below the rate limits of routers, which count per second. */
const struct trace_policy trace_all_at_once = {
    .ttl_max = TRACE_TTL_MAX,
    .queries = TRACE_QUERIES,
    .gap_ns = 2 * NS_PER_MS,
    .round_ns = 50 * NS_PER_MS,
    .wait_least_ns = 300 * NS_PER_MS,
    .wait_most_ns = 1000 * NS_PER_MS,
};

/* A silent hop delays all others, so the waits are shorter. */
const struct trace_policy trace_one_at_a_time = {
    .ttl_max = TRACE_TTL_MAX,
    .queries = TRACE_QUERIES,
    .one_at_a_time = true,
    .silent_most = 10,
    .gap_ns = NS_PER_MS,
    .wait_least_ns = 50 * NS_PER_MS,
    .wait_most_ns = 250 * NS_PER_MS,
};

void trace_begin(struct trace *t, const struct trace_policy *policy, struct mono now)
{
    assert(policy->ttl_max <= TRACE_TTL_MAX && policy->queries <= TRACE_QUERIES);
    *t = (struct trace){.policy = *policy, .began = now, .next_ttl = 1};
}

static struct trace_attempt *attempt_of(struct trace *t, struct trace_query q)
{
    return &t->hops[q.ttl - 1].attempts[q.round];
}

static bool has_answer(const struct trace_hop *hop)
{
    for (size_t i = 0; i < TRACE_QUERIES; i++)
        if (hop->attempts[i].state == TRACE_ANSWERED)
            return true;
    return false;
}

/* 0: no answer. */
static int64_t longest_of(const struct trace_hop *hop)
{
    int64_t longest = 0;
    for (size_t i = 0; i < TRACE_QUERIES; i++)
        if (hop->attempts[i].state == TRACE_ANSWERED &&
            hop->attempts[i].answer.rtt_ns > longest)
            longest = hop->attempts[i].answer.rtt_ns;
    return longest;
}

static int64_t most_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- where the path ends ---- */

static bool same_router(const struct trace *t, uint8_t a, uint8_t b)
{
    struct trace_stats x = trace_stats(t, a), y = trace_stats(t, b);
    return x.answer != NULL && y.answer != NULL &&
           endpoint_same_address(&x.answer->from, &y.answer->from);
}

/* True if the last `times` of the TTLs up to `ttl` that are `period` apart have one router. */
static bool repeats(const struct trace *t, uint8_t ttl, uint8_t period, uint8_t times)
{
    if (ttl <= period * (times - 1))
        return false;
    for (uint8_t k = 1; k < times; k++)
        if (!same_router(t, ttl, (uint8_t)(ttl - k * period)))
            return false;
    return true;
}

/*
 * A router that answers three times at equal distances is in a loop: once more may be a
 * path that changed while it was traced. Neighbouring hops need more, as routers in front
 * of a hidden one may answer for it. Returns the TTL of its second appearance; 0: no loop.
 */
static uint8_t loop_at(const struct trace *t)
{
    for (uint8_t ttl = 1; ttl <= t->policy.ttl_max; ttl++)
        for (uint8_t period = 1; period < ttl; period++) {
            uint8_t times = period == 1 ? 5 : 3;
            if (repeats(t, ttl, period, times))
                return (uint8_t)(ttl - (times - 2) * period);
        }
    return 0;
}

enum trace_end trace_end(const struct trace *t, uint8_t *ttl)
{
    *ttl = 0;
    for (uint8_t i = 0; i < t->policy.ttl_max; i++) {
        for (size_t k = 0; k < TRACE_QUERIES; k++) {
            const struct trace_attempt *a = &t->hops[i].attempts[k];
            if (a->state == TRACE_ANSWERED && a->answer.kind == TRACE_TARGET) {
                *ttl = (uint8_t)(i + 1);
                return TRACE_END_TARGET;
            }
        }
    }
    for (uint8_t i = 0; i < t->policy.ttl_max; i++) {
        struct trace_stats s = trace_stats(t, (uint8_t)(i + 1));
        if (s.answer == NULL)
            continue;
        *ttl = (uint8_t)(i + 1);
        if (s.answer->kind == TRACE_UNREACHABLE)
            return TRACE_END_UNREACHABLE;
    }
    uint8_t loop = loop_at(t);
    if (loop > 0) {
        *ttl = loop;
        return TRACE_END_LOOP;
    }
    return TRACE_END_SILENT;
}

/* The last TTL to ask in this round. */
static uint8_t last_ttl(const struct trace *t)
{
    uint8_t ttl;
    enum trace_end end = trace_end(t, &ttl);
    if (end != TRACE_END_SILENT)
        return ttl;
    uint8_t most = t->policy.ttl_max,
            beyond = t->round > 0 ? BEYOND : t->policy.silent_most;
    return beyond == 0 || ttl + beyond > most ? most : (uint8_t)(ttl + beyond);
}

/* ---- waiting ---- */

/* How long the answer to a query for `ttl` is awaited. */
static int64_t patience(const struct trace *t, uint8_t ttl)
{
    int64_t own = longest_of(&t->hops[ttl - 1]), longest = 0;
    for (uint8_t behind = ttl; behind < t->policy.ttl_max; behind++)
        if (has_answer(&t->hops[behind])) {
            int64_t rtt = most_of(own, longest_of(&t->hops[behind]));
            return rtt + most_of(rtt, TRACE_SPARE_NS);
        }
    for (uint8_t i = 0; i < t->policy.ttl_max; i++)
        longest = most_of(longest, longest_of(&t->hops[i]));
    if (longest == 0 || 3 * longest > t->policy.wait_most_ns)
        return t->policy.wait_most_ns;
    return most_of(3 * longest, t->policy.wait_least_ns);
}

/* Gives up queries whose time is over. Returns when the next one's is over, or
 * INT64_MAX; `*under_way`: the number of those. */
static int64_t give_up(struct trace *t, struct mono now, uint8_t last,
                       unsigned *under_way)
{
    int64_t first = INT64_MAX;
    *under_way = 0;
    for (uint8_t ttl = 1; ttl <= last; ttl++)
        for (size_t k = 0; k < TRACE_QUERIES; k++) {
            struct trace_attempt *a = &t->hops[ttl - 1].attempts[k];
            if (a->state != TRACE_SENT)
                continue;
            int64_t until = a->sent.ns + patience(t, ttl);
            if (until <= now.ns) {
                a->state = TRACE_SILENT;
                continue;
            }
            ++*under_way;
            if (until < first)
                first = until;
        }
    return first;
}

static enum trace_step wait_until(const struct trace *t, int64_t at, struct mono *until)
{
    int64_t limit = t->began.ns + TRACE_LIMIT_NS;
    *until = (struct mono){at < limit ? at : limit};
    return TRACE_WAIT;
}

enum trace_step trace_next(struct trace *t, struct mono now, struct trace_query *query,
                           struct mono *until)
{
    unsigned under_way;
    if (now.ns - t->began.ns >= TRACE_LIMIT_NS)
        return TRACE_OVER;
    uint8_t last = last_ttl(t);
    int64_t due = give_up(t, now, last, &under_way);
    if (t->next_ttl > last) {
        /* the end is known only when the first round is complete */
        if (t->round == 0 && under_way > 0)
            return wait_until(t, due, until);
        if (t->round + 1 == t->policy.queries)
            return under_way > 0 ? wait_until(t, due, until) : TRACE_OVER;
        int64_t next = t->last_sent.ns + t->policy.round_ns;
        if (t->any_sent && now.ns < next)
            return wait_until(t, next < due ? next : due, until);
        t->round++;
        t->next_ttl = 1;
        t->policy.one_at_a_time |= t->ambiguous;
        if (last_ttl(t) == 0 || !t->any_sent)
            return TRACE_OVER;
    }
    if (t->policy.one_at_a_time && under_way > 0)
        return wait_until(t, due, until);
    int64_t next = t->last_sent.ns + t->policy.gap_ns;
    if (t->any_sent && now.ns < next)
        return wait_until(t, next < due ? next : due, until);
    *query = (struct trace_query){t->next_ttl, t->round};
    return TRACE_SEND;
}

static void step_past(struct trace *t, struct trace_query query)
{
    assert(query.ttl == t->next_ttl && query.round == t->round);
    t->next_ttl++;
}

void trace_sent(struct trace *t, struct trace_query query, struct mono now)
{
    struct trace_attempt *a = attempt_of(t, query);
    step_past(t, query);
    a->state = TRACE_SENT;
    a->sent = t->last_sent = now;
    t->any_sent = true;
    t->packets++;
}

void trace_not_sent(struct trace *t, struct trace_query query)
{
    step_past(t, query);
}

bool trace_add(struct trace *t, struct trace_query query,
               const struct trace_answer *answer)
{
    if (query.ttl < 1 || query.ttl > t->policy.ttl_max || query.round >= TRACE_QUERIES)
        return false;
    struct trace_attempt *a = attempt_of(t, query);
    if (a->state != TRACE_SENT && a->state != TRACE_SILENT)
        return false;
    a->state = TRACE_ANSWERED;
    a->answer = *answer;
    return true;
}

bool trace_unidentified(struct trace *t, struct trace_query *query)
{
    unsigned n = 0;
    for (uint8_t i = 0; i < t->policy.ttl_max; i++)
        for (uint8_t k = 0; k < TRACE_QUERIES; k++)
            if (t->hops[i].attempts[k].state == TRACE_SENT && n++ == 0)
                *query = (struct trace_query){(uint8_t)(i + 1), k};
    t->ambiguous = true;
    return n == 1;
}

/* ---- results ---- */

struct trace_stats trace_stats(const struct trace *t, uint8_t ttl)
{
    struct trace_stats s = {.min_ns = DELAY_UNDEFINED, .median_ns = DELAY_UNDEFINED};
    int64_t rtts[TRACE_QUERIES] = {0};
    for (size_t k = 0; k < TRACE_QUERIES; k++) {
        const struct trace_attempt *a = &t->hops[ttl - 1].attempts[k];
        s.sent += a->state != TRACE_UNSENT;
        if (a->state != TRACE_ANSWERED)
            continue;
        size_t at = s.answered++;
        for (; at > 0 && rtts[at - 1] > a->answer.rtt_ns; at--)
            rtts[at] = rtts[at - 1];
        rtts[at] = a->answer.rtt_ns;
        if (s.answer == NULL || a->answer.rtt_ns < s.answer->rtt_ns)
            s.answer = &a->answer;
    }
    if (s.answered > 0) {
        s.min_ns = rtts[0];
        s.median_ns = rtts[(s.answered - 1) / 2];
    }
    return s;
}

size_t trace_others(const struct trace *t, uint8_t ttl,
                    struct endpoint out[TRACE_QUERIES - 1])
{
    struct trace_stats s = trace_stats(t, ttl);
    size_t n = 0;
    for (size_t k = 0; k < TRACE_QUERIES; k++) {
        const struct trace_attempt *a = &t->hops[ttl - 1].attempts[k];
        if (a->state != TRACE_ANSWERED ||
            endpoint_same_address(&a->answer.from, &s.answer->from))
            continue;
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || endpoint_same_address(&a->answer.from, &out[i]);
        if (!known)
            out[n++] = a->answer.from;
    }
    return n;
}
