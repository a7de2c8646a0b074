/*
 * Decodes the BGP Monitoring Protocol, version 3 (RFC 7854): framing, per-peer header, Peer
 * Up, Peer Down and Statistics Report, with Loc-RIB (RFC 9069), Adj-RIB-Out (RFC 8671) and
 * the TLVs of Peer Up (RFC 9736). Pure; views point into the caller's bytes. No length is
 * trusted. Lists of TLVs are read up to the first one that is cut.
 * The time of arrival counts, not that of the header, which may be wrong (FRR 8: the boot
 * time); but see struct bmp_peer_up.
 */
#ifndef EDGELAT_ROUTE_BMP_H
#define EDGELAT_ROUTE_BMP_H

#include "base/wire.h"
#include "core/endpoint.h"
#include "core/time.h"
#include "route/bgp.h"

#include <sys/types.h>

enum {
    BMP_HEADER_BYTES = 6,
    /* A message that is decoded: a Peer Up with two extended messages and TLVs. */
    BMP_MESSAGE_MAX = 192 << 10,
    /* A message of another type is skipped up to this length. */
    BMP_SKIPPED_MAX = 16 << 20,
    BMP_NAME_MAX = 64,
};

enum bmp_type {
    BMP_ROUTE_MONITORING,
    BMP_STATISTICS,
    BMP_PEER_DOWN,
    BMP_PEER_UP,
    BMP_INITIATION,
    BMP_TERMINATION,
    BMP_ROUTE_MIRRORING, /* and everything above it: skipped */
};

struct bmp_message {
    uint8_t type;     /* enum bmp_type, or unknown */
    uint32_t length;  /* header included */
    bool skipped;     /* not decoded: skip `length` bytes as they come */
    struct wire body; /* empty when skipped */
};

/*
 * Reads the message at `bytes`. Returns its length, 0: come back with more bytes, or
 * -EBADMSG: the session cannot go on. For a skipped message it returns
 * BMP_HEADER_BYTES; the rest is the caller's to skip.
 */
ssize_t bmp_next(struct bmp_message *out, const uint8_t *bytes, size_t len);

/* Adj-RIB-In before and after the policy, Adj-RIB-Out after and before it, Loc-RIB. */
enum bmp_view {
    BMP_PRE_POLICY,
    BMP_POST_POLICY,
    BMP_OUT,
    BMP_OUT_PRE_POLICY,
    BMP_LOC_RIB,
    BMP_VIEWS
};

enum bmp_peer_type { BMP_GLOBAL, BMP_RD, BMP_LOCAL, BMP_LOC_RIB_TYPE, BMP_PEER_TYPES };

struct bmp_peer {             /* per-peer header */
    uint8_t type;             /* enum bmp_peer_type; unknown from BMP_PEER_TYPES on */
    enum bmp_view view;       /* by type and flags; of Route Monitoring only */
    bool two_byte_as;         /* A flag; a hint, as routers do not set it rightly */
    uint8_t distinguisher[8]; /* of the VRF */
    struct endpoint address;  /* FAMILY_NONE: the router itself */
    uint32_t as;
    uint32_t bgp_id;
    struct wall time; /* 0: none */
};

bool bmp_peer_read(struct bmp_peer *out, struct wire *w);

/* An OPEN that the router does not know, or that is malformed, has AS 0. */
struct bmp_peer_up {
    /* Of the header: when the session came up. FRR 8 has the boot time in a Peer Up that
     * comes at that moment, and the right one when BMP connects later. */
    struct wall since;
    uint16_t local_port, remote_port; /* of the TCP connection; 0: unknown */
    struct bgp_open sent, received;
    char name[BMP_NAME_MAX]; /* VRF or table name, text_visible(); "": none */
};
void bmp_peer_up_read(struct bmp_peer_up *out, struct wire w); /* after the peer header */

/* Peer Down: the router no longer reports the session, which may be up. */
enum { BMP_DOWN_UNMONITORED = 5 };

/* RFC 7854, section 4.9. */
struct bmp_peer_down {
    uint8_t code;
    bool notified;                          /* by a NOTIFICATION, of either side */
    char reason[BGP_NOTIFICATION_TEXT_MAX]; /* a clause */
};
void bmp_peer_down_read(struct bmp_peer_down *out,
                        struct wire w); /* after the peer header */

struct bmp_statistics {
    bool has_adj_rib_in;
    uint64_t adj_rib_in; /* routes; of unicast, if they are reported by family */
};
void bmp_statistics_read(struct bmp_statistics *out, struct wire w);

/* sysName of an Initiation, text_visible(); "" if there is none. */
void bmp_initiation_read(char name[BMP_NAME_MAX], struct wire w);

#endif
