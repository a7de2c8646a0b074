#include "probe/path/mtu_search.h"

#include <stddef.h>

enum { BASE_IPV4 = 1200, BASE_IPV6 = 1280, RESTARTS_MOST = 3 };

/* Ethernet; PPPoE, GRE, IP in IP, VXLAN, WireGuard, IPsec and mobile networks. */
static const uint16_t usual[] = {576,  1280, 1300, 1340, 1358, 1360, 1380, 1390,
                                 1400, 1410, 1420, 1428, 1430, 1436, 1440, 1446,
                                 1450, 1452, 1454, 1456, 1458, 1460, 1462, 1464,
                                 1468, 1472, 1476, 1480, 1484, 1488, 1492, 1496};

void mtu_search_begin(struct mtu_search *s, enum family family, uint16_t most)
{
    uint16_t base = family == FAMILY_IPV6 ? BASE_IPV6 : BASE_IPV4;
    *s = (struct mtu_search){.base = base < most ? base : most,
                             .most = most,
                             .above = (uint16_t)(most + 1),
                             .tries = MTU_TRIES};
}

/* ---- the next size ---- */

/* The middle one of the usual sizes between `mtu` and `above`; 0: there is none. */
static uint16_t middle_usual(const struct mtu_search *s)
{
    size_t first = 0, n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        bool between = usual[i] > s->mtu && usual[i] < s->above;
        first = between && n == 0 ? i : first;
        n += between;
    }
    return n > 0 ? usual[first + n / 2] : 0;
}

static bool is_usual(uint16_t size)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (usual[i] == size)
            return true;
    return false;
}

static uint16_t search_size(const struct mtu_search *s)
{
    if (s->reported > s->mtu && s->reported < s->above)
        return s->reported;
    uint16_t size = middle_usual(s);
    if (size != 0)
        return size;
    if (is_usual(s->mtu)) /* most likely this one exactly */
        return (uint16_t)(s->mtu + 1);
    return (uint16_t)((s->mtu + s->above) / 2);
}

bool mtu_search_next(const struct mtu_search *s, uint16_t *size, uint8_t *packets,
                     uint8_t *enough)
{
    if (s->verdict != MTU_UNKNOWN)
        return false;
    *packets = s->tries;
    *enough = 1;
    switch (s->step) {
    case MTU_STEP_BASE:
        *size = s->base;
        *enough = *packets;
        return true;
    case MTU_STEP_LEAST:
        *size = MTU_LEAST;
        return true;
    case MTU_STEP_TOP:
        *size = s->most;
        return true;
    case MTU_STEP_SEARCH:
        *size = search_size(s);
        return true;
    case MTU_STEP_ABOVE:
        *size = s->above;
        break;
    case MTU_STEP_AT:
        *size = s->mtu;
        *enough = MTU_CONFIRM;
        break;
    }
    *packets = MTU_CONFIRM;
    return true;
}

/* ---- what became of it ---- */

static void end_search(struct mtu_search *s, enum mtu_verdict verdict)
{
    s->verdict = verdict;
    s->limit = verdict == MTU_FOUND ? s->why : MTU_LIMIT_NONE;
    if (s->limit != MTU_LIMIT_REPORTED)
        s->by = (struct endpoint){.family = FAMILY_NONE};
    if (verdict != MTU_FOUND && verdict != MTU_UNLIMITED)
        s->mtu = 0;
}

static void go_on(struct mtu_search *s)
{
    if (s->mtu == s->most)
        end_search(s, MTU_UNLIMITED);
    else if (s->mtu + 1 < s->above)
        s->step = MTU_STEP_SEARCH;
    else if (s->why == MTU_LIMIT_BLACK_HOLE)
        s->step = MTU_STEP_ABOVE;
    else
        end_search(s, MTU_FOUND);
}

static void note_too_big(struct mtu_search *s, uint16_t size, const struct mtu_round *r)
{
    s->above = size;
    s->why = r->local           ? MTU_LIMIT_HOST
             : r->reported != 0 ? MTU_LIMIT_REPORTED
                                : MTU_LIMIT_BLACK_HOLE;
    if (r->reported == 0)
        return;
    s->by = r->by;
    if (r->reported >= s->mtu && r->reported >= MTU_LEAST && r->reported < size) {
        s->reported = r->reported;
        s->above = (uint16_t)(r->reported + 1);
    }
}

/* The boundary was loss: a packet above it was answered. */
static void restart_above(struct mtu_search *s)
{
    s->mtu = s->above;
    s->above = (uint16_t)(s->most + 1);
    s->tries = MTU_CONFIRM;
    if (++s->restarts > RESTARTS_MOST)
        end_search(s, MTU_LOSSY);
    else if (s->mtu == s->most)
        end_search(s, MTU_UNLIMITED);
    else
        s->step = MTU_STEP_TOP;
}

static void take_round(struct mtu_search *s, uint16_t size, const struct mtu_round *r)
{
    bool passed = r->answered > 0;
    switch (s->step) {
    case MTU_STEP_BASE:
        if (!passed) {
            note_too_big(s, size, r);
            s->step = MTU_STEP_LEAST;
            return;
        }
        s->mtu = size;
        s->tries = r->answered < r->sent ? MTU_CONFIRM : MTU_TRIES;
        s->step = MTU_STEP_TOP;
        if (s->mtu == s->most)
            end_search(s, MTU_UNLIMITED);
        return;
    case MTU_STEP_LEAST:
        s->mtu = MTU_LEAST;
        if (passed)
            go_on(s);
        else
            end_search(s, MTU_SILENT);
        return;
    case MTU_STEP_TOP:
    case MTU_STEP_SEARCH:
        if (passed)
            s->mtu = size;
        else
            note_too_big(s, size, r);
        go_on(s);
        return;
    case MTU_STEP_ABOVE:
        if (passed) {
            restart_above(s);
        } else if (r->local || r->reported != 0) {
            note_too_big(s, size, r);
            go_on(s);
        } else {
            s->step = MTU_STEP_AT;
        }
        return;
    case MTU_STEP_AT:
        if (2 * r->answered <= r->sent)
            end_search(s, MTU_LOSSY);
        else if (s->confirmed || r->answered == r->sent)
            end_search(s, MTU_FOUND);
        else
            s->step = MTU_STEP_ABOVE;
        s->confirmed = true;
        return;
    }
}

void mtu_search_add(struct mtu_search *s, const struct mtu_round *r)
{
    uint16_t size;
    uint8_t packets, enough;
    if (!mtu_search_next(s, &size, &packets, &enough))
        return;
    s->packets += r->sent;
    take_round(s, size, r);
    if (s->verdict == MTU_UNKNOWN && s->packets + MTU_CONFIRM > MTU_PACKETS)
        end_search(s, MTU_LOSSY);
}

void mtu_search_give_up(struct mtu_search *s)
{
    end_search(s, MTU_UNKNOWN);
}

/* ---- the result ---- */

enum { TCP_HEADERS_IPV4 = 40, TCP_HEADERS_IPV6 = 60 };

void mtu_sentence(struct text *out, const struct mtu_search *s, enum family family)
{
    char address[ADDRESS_TEXT_MAX];
    switch (s->verdict) {
    case MTU_UNKNOWN:
        text_add(out,
                 "Cannot tell the path MTU: answers are too slow to end the search.");
        return;
    case MTU_SILENT:
        text_add(out, "Cannot tell the path MTU: the target does not answer ICMP echo.");
        return;
    case MTU_LOSSY:
        text_add(out, "Cannot tell the path MTU: packets of all sizes get lost.");
        return;
    case MTU_UNLIMITED:
        text_add(out, "Path MTU: %u bytes, which is the full size.", s->mtu);
        return;
    case MTU_FOUND:
        break;
    }
    text_add(out, "Path MTU: %u bytes; ", s->mtu);
    if (s->limit == MTU_LIMIT_HOST)
        text_add(out, "the interface or route of this host takes no larger packets.");
    else if (s->limit == MTU_LIMIT_REPORTED)
        text_add(out, "%s reports that larger packets do not fit, so connections adapt.",
                 endpoint_address(address, &s->by));
    else {
        text_add(
            out,
            "black hole: larger packets vanish and no router says so, so connections "
            "that send them hang. Let firewalls pass ICMP \"%s\", or limit the TCP "
            "MSS to %u.",
            family == FAMILY_IPV6 ? "packet too big" : "fragmentation needed",
            s->mtu - (family == FAMILY_IPV6 ? TCP_HEADERS_IPV6 : TCP_HEADERS_IPV4));
        if (s->mtu < s->base)
            text_add(out, " If connections work, a firewall drops large echoes only.");
    }
}
