/*
 * The router's side of the RPKI to Router protocol, version 1 (RFC 8210), with version 0
 * (RFC 6810) for validators that speak only that: the prefixes that an AS may originate
 * (validated ROA payloads, VRPs), and the validation of a route's origin by them (RFC 6811).
 * Pure; the caller reads, sends and keeps the time.
 *
 * Only VRPs that cover a watched prefix, or are covered by one, are kept, at most
 * RTR_VRPS_MAX. They count from End of Data on: a table is taken or changed as a whole. A
 * malformed PDU or one out of order is reported to the validator and ends the connection.
 */
#ifndef EDGELAT_ROUTE_RTR_H
#define EDGELAT_ROUTE_RTR_H

#include "core/time.h"
#include "route/watch.h"

#include <sys/types.h>

enum {
    RTR_VRPS_MAX = 4096,
    RTR_PDU_MAX = 64 << 10, /* longer ones end the connection */
    RTR_QUOTE_MAX = 64,     /* of the PDU that an Error Report quotes */
    RTR_OUT_MAX = 256,
};

struct vrp {
    struct bgp_prefix prefix;
    uint8_t longest; /* of 128, as in struct bgp_prefix */
    uint32_t as;     /* 0: nobody may originate it */
};

struct vrps {
    struct vrp *all;
    size_t n, room;
};

enum rtr_state {
    RTR_QUIET,   /* nothing is expected */
    RTR_ASKED,   /* a query was sent */
    RTR_SENDING, /* the cache sends a table or changes */
};

struct rtr { /* start with rtr_begin(), end with rtr_free() */
    const struct watch *watch;
    uint8_t version;
    enum rtr_state state;
    bool negotiated;       /* this connection's version is that of an answer */
    bool try_lower;        /* the next connection begins with version 0 */
    bool has_data;         /* `table` counts */
    bool synced;           /* it can be brought up to date by changes */
    bool asks, reports;    /* rtr_output() has a query, an Error Report to send */
    bool told;             /* the validator has named its intervals */
    uint16_t session;      /* of the validator, in `table_version` */
    uint8_t table_version; /* of the protocol */
    uint32_t serial;       /* of `table` */
    struct vrps table, coming;
    uint64_t changes;  /* how often `table` was taken or dropped */
    uint64_t left_out; /* VRPs beyond the limit, since the last table */
    uint32_t refresh_s, retry_s,
        expire_s;        /* as the validator wants it, within RFC 8210 */
    const char *error;   /* static */
    uint16_t error_code; /* of RFC 8210, section 12 */
    uint8_t quote[RTR_QUOTE_MAX];
    size_t quote_len;
};

void rtr_begin(struct rtr *r, const struct watch *watch);
void rtr_free(struct rtr *r);

/* A connection is open: the first query is to be sent. What is known is kept. */
void rtr_connected(struct rtr *r);

/* The validator has closed the connection. */
void rtr_closed(struct rtr *r);

/* Asks for changes, or for the table if there is none. Nothing while an answer comes. */
void rtr_refresh(struct rtr *r);

/* Writes the query, or after an error the Error Report, that is to be sent; returns its
 * length, 0: none. */
size_t rtr_output(struct rtr *r, uint8_t out[RTR_OUT_MAX]);

/*
 * Takes all whole PDUs. Returns how many bytes were used, the rest is to be given again with
 * more behind it; or -EBADMSG: send rtr_output() and close the connection, `error` says why;
 * or -EAGAIN: close it and connect again at once, with version 0.
 */
ssize_t rtr_take(struct rtr *r, const uint8_t *bytes, size_t len);

/* The data is older than expire_s: it counts no more. */
void rtr_expire(struct rtr *r);

enum { VALIDATOR_WHY_MAX = 96 };

struct validator { /* the connection, as its owner keeps it (route/rtr_client.h) */
    const struct rtr *rtr;
    char address[80];
    bool reached;      /* it answered, and nothing has failed since */
    struct wall since; /* of that, or of the first failure; before: of the start */
    char why[VALIDATOR_WHY_MAX]; /* the last failure since then; "": none */
};

enum origin_state {
    ORIGIN_NOT_VALIDATED,
    ORIGIN_NOT_FOUND,
    ORIGIN_VALID,
    ORIGIN_INVALID,
    ORIGIN_STATES
};

/* RFC 6811, section 2. `as` 0: the path ends in an AS_SET, which nothing makes valid. */
enum origin_state rtr_validate(const struct rtr *r, const struct bgp_prefix *prefix,
                               uint32_t as);

/* "not_found", "valid", "invalid"; NULL if it is not validated. */
const char *origin_state_name(enum origin_state state);
const char *origin_state_text(enum origin_state state); /* "not found", "not validated" */

#endif
