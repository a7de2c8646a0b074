/*
 * What this host could not send, and why. A missing route concerns all targets of a family,
 * another cause all targets of a kind: each is one statement, not one a target. A host
 * without IPv4 or without IPv6 is normal: of a family that it has no address of nothing is
 * stated. Without any route that is the only statement.
 *
 * Pure: results are only noted; unsent_close() decides, when a window closes. If a route went
 * in that window, it decides only if each address of the family was tried since; else the
 * next one, so that a statement does not grow from window to window.
 */
#ifndef EDGELAT_CORE_UNSENT_H
#define EDGELAT_CORE_UNSENT_H

#include "base/text.h"
#include "core/batch.h"

#include <stdbool.h>

enum unsent_route {
    UNSENT_ROUTE,      /* there is a default route */
    UNSENT_NO_ROUTE,   /* there is none, though the host has an address */
    UNSENT_NO_ADDRESS, /* nor an address */
};

#define UNSENT_TEXT_MAX sizeof(((struct result *)NULL)->cause)

struct unsent_cause {            /* why a kind could not be sent */
    const struct target *target; /* to the first such target; NULL: all was sent */
    const struct kind *kind;
    enum family family;
    char text[UNSENT_TEXT_MAX];
};

struct unsent { /* begin with { .kinds = ... }: all has a route; end with unsent_free() */
    const struct kinds *kinds; /* borrowed */

    /* decided when the last window closed */
    enum unsent_route routes[2]; /* by family */
    size_t unrouted[2]; /* targets whose addresses of a family have no route, ... */
    bool missing[2];    /* ... which is to be reported, */
    bool offline;       /* or no target is reached for lack of any route */
    struct unsent_cause causes[KINDS_MAX];

    /* noted */
    enum unsent_route now[2];
    bool lacked[2], had[2]; /* a route, at some time in the window */
    bool any;               /* in the window, a probe was not sent */
    /* By target, a bit for each family: its last probe found no route. */
    uint8_t *no_routes;
    size_t n, room;
    char last[KINDS_MAX][FAMILY_SLOTS][UNSENT_TEXT_MAX];
};

/* The default route of a family, from now on. */
void unsent_route(struct unsent *u, enum family family, enum unsent_route route);

/* A result of the target with this number; `routed`: the host has a route to `r->to`, or it
 * is not known, as through a proxy. */
void unsent_result(struct unsent *u, size_t number, const struct result *r, bool routed);

/* The window has closed. The targets that `u` names are the batch's. */
void unsent_close(struct unsent *u, const struct batch *batch);

void unsent_free(struct unsent *u);

/* Appends the statement with its next step, without a line end: that the host is offline,
 * that a family has no route, that a kind could not be sent. */
void unsent_offline_text(struct text *out);
void unsent_route_text(struct text *out, const struct unsent *u, enum family family);
void unsent_cause_text(struct text *out, const struct unsent_cause *c);

#endif
