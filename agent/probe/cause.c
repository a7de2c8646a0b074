#include "probe/cause.h"

#include "probe/icmp/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cause_not_sent(char *cause, size_t size, int error)
{
    switch (abs(error)) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EINVAL: /* a black-hole route */
    case EACCES: /* a prohibit route */
        snprintf(cause, size, "this host has no route to the address");
        return;
    case EADDRNOTAVAIL:
        snprintf(cause, size, "this host has no free port or no source address");
        return;
    case EMFILE:
    case ENFILE:
        snprintf(cause, size, "this host has no free file descriptor");
        return;
    case EAFNOSUPPORT:
        snprintf(cause, size, "this host does not have that address family");
        return;
    case EPERM:
        snprintf(cause, size, "this host's firewall does not let it out");
        return;
    case EMSGSIZE:
        snprintf(cause, size, "the packet is larger than the interface's MTU");
        return;
    case EAGAIN:
    case ENOBUFS:
        snprintf(cause, size, "this host's send queue is full");
        return;
    default:
        snprintf(cause, size, "this host could not send: %s", strerror(abs(error)));
    }
}

void cause_not_sent_by(char *cause, size_t size, int error, const struct uplink *u)
{
    bool not_permitted = abs(error) == EPERM || abs(error) == EACCES;
    if (u == NULL)
        cause_not_sent(cause, size, error);
    else if (abs(error) == ENODEV)
        snprintf(cause, size, "this host has no interface %s", u->interface);
    else if (not_permitted && u->mark != 0)
        snprintf(cause, size,
                 "no permission for mark %u: give CAP_NET_ADMIN, or CAP_NET_RAW from "
                 "Linux 5.17 on",
                 u->mark);
    else if (abs(error) == EADDRNOTAVAIL && u->source[0].family + u->source[1].family > 0)
        snprintf(cause, size, "this host does not have the source address of uplink %s",
                 u->name);
    else if (abs(error) == EAFNOSUPPORT)
        snprintf(cause, size, "uplink %s has no source address of that family", u->name);
    else if (abs(error) == ENETUNREACH || abs(error) == EHOSTUNREACH)
        snprintf(cause, size, "this host has no route to the address over uplink %s",
                 u->name);
    else
        cause_not_sent(cause, size, error);
}

static bool is_declined(enum family family, uint8_t type, uint8_t code)
{
    if (type == (family == FAMILY_IPV6 ? 4 : 12)) /* parameter problem */
        return true;
    if (family == FAMILY_IPV6)
        return type == 1 && (code == 1 || code >= 4);
    return type == 3 && (code == 2 || code == 3 || code == 9 || code == 10 || code == 13);
}

enum outcome cause_icmp_error(char *cause, size_t size, const struct icmp_report *report,
                              const struct endpoint *to)
{
    enum family family = (enum family)to->family;
    char by[ADDRESS_TEXT_MAX], mtu[24] = "";
    endpoint_address(by, &report->by);
    if (endpoint_same_address(&report->by, to) &&
        is_declined(family, report->type, report->code)) {
        snprintf(cause, size, "%s, reported by the target",
                 icmp_error_text(family, report->type, report->code));
        return OUTCOME_REFUSED;
    }
    if (report->own.family != FAMILY_NONE &&
        endpoint_same_address(&report->by, &report->own)) {
        if (report->type == (family == FAMILY_IPV6 ? 1 : 3) &&
            report->code == (family == FAMILY_IPV6 ? 3 : 1)) {
            snprintf(cause, size, "host unreachable: the next hop does not answer %s",
                     family == FAMILY_IPV6 ? "neighbour discovery" : "ARP");
            return OUTCOME_UNREACHABLE;
        }
        snprintf(cause, size, "this host's firewall rejects it: %s",
                 icmp_error_text(family, report->type, report->code));
        return OUTCOME_NOT_MEASURED;
    }
    if (report->mtu > 0)
        snprintf(mtu, sizeof mtu, " (MTU %u)", report->mtu);
    snprintf(cause, size, "%s%s, reported by %s",
             icmp_error_text(family, report->type, report->code), mtu, by);
    return OUTCOME_UNREACHABLE;
}
