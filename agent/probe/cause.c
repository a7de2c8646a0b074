#include "probe/cause.h"

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
