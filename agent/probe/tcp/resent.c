#include "probe/tcp/resent.h"

#include "core/time.h"

#include <stdbool.h>

#define NEVER_AGAIN 30       /* intervals longer than 2^30 s */
#define RTO_NS      NS_PER_S /* the first one, of SYNs and SYN-ACKs */

/*
 * When SYN `i` was sent, after the first. Intervals double (1, 3, 7 s), but the first ones of
 * Linux from 6.5 on do not (1, 2, 3 s; net.ipv4.tcp_syn_linear_timeouts). Within the same time
 * fewer SYNs are doubled ones.
 */
static int64_t sent_after_ns(uint32_t i, uint32_t n, int64_t time_ns)
{
    bool doubled = n < NEVER_AGAIN && time_ns >= ((INT64_C(1) << n) - 1) * NS_PER_S;
    return NS_PER_S * (doubled ? (INT64_C(1) << i) - 1 : i);
}

int64_t resent_rtt_ns(int64_t answered_ns, int64_t known_ns)
{
    if (answered_ns > 0 && answered_ns < RTO_NS)
        return answered_ns;
    bool varies = known_ns > 0 && answered_ns > 0 && answered_ns - known_ns < RTO_NS / 2;
    return varies ? answered_ns : known_ns;
}

uint8_t resent_lost(uint32_t n, int64_t took_ns, int64_t rtt_ns)
{
    uint8_t lost = 0;
    if (rtt_ns <= 0)
        return 0;
    while (lost < n && lost < UINT8_MAX) {
        /* The time that this delay leaves is nearer to the next one. */
        int64_t here_ns = sent_after_ns(lost, n, took_ns);
        int64_t next_ns = sent_after_ns(lost + 1U, n, took_ns);
        if (took_ns - rtt_ns < (here_ns + next_ns) / 2)
            break;
        lost++;
    }
    return lost;
}

uint8_t resent_unanswered(uint32_t n, int64_t waited_ns, int64_t rtt_ns)
{
    uint8_t lost = 0;
    if (rtt_ns <= 0)
        return 0;
    while (lost < n && lost < UINT8_MAX &&
           waited_ns - sent_after_ns(lost + 1U, n, waited_ns) > rtt_ns + rtt_ns / 2)
        lost++;
    return lost;
}
