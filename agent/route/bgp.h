/*
 * Decodes the BGP messages inside of BMP: OPEN and UPDATE (RFC 4271), IPv4 and IPv6 unicast
 * in NLRI and in MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760), 4-byte AS numbers with or
 * without AS4_PATH (RFC 6793), communities (RFC 1997), large communities (RFC 8092),
 * extended messages (RFC 8654) and ADD-PATH (RFC 7911). Pure; views point into the caller's
 * bytes.
 *
 * Routers monitor an UPDATE re-encoded, not as the OPENs negotiated it. So the width of the
 * AS numbers and whether NLRI have path ids is decided from the bytes.
 */
#ifndef EDGELAT_ROUTE_BGP_H
#define EDGELAT_ROUTE_BGP_H

#include "base/wire.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BGP_OPEN = 1, BGP_UPDATE = 2, BGP_NOTIFICATION = 3 };

/* Takes one message: marker, length, type. False: its length is wrong. */
bool bgp_message_read(struct wire *w, uint8_t *type, struct wire *body);

struct bgp_open {
    uint32_t as; /* of capability 65, if there is one */
    uint32_t bgp_id;
    uint8_t add_path[2]; /* of unicast of IPv4, IPv6: 1 receives ids, 2 sends them */
    /* Graceful restart (RFC 4724): it knows the capability; it names families of which it
     * may keep the forwarding state. */
    bool graceful_restart, keeps_forwarding;
};
bool bgp_open_read(struct bgp_open *out, struct wire body);

enum { BGP_NOTIFICATION_TEXT_MAX = 320 };

/*
 * Writes a NOTIFICATION, from its error code on, as a clause with the side that sent it:
 * "administratively shut down by the peer: maintenance window 7", with the shutdown
 * communication (RFC 9003) as one clean line. Cease subcodes of RFC 4486, RFC 8538 and
 * RFC 9384.
 */
void bgp_notification_text(char out[BGP_NOTIFICATION_TEXT_MAX], struct wire body,
                           const char *side);

/* ---- prefixes ---- */

/* IPv4 as ::ffff:0:0/96, as in edge/prefixes.h; the bits after the length are 0. */
struct bgp_prefix {
    uint8_t bytes[16];
    uint8_t bits; /* of 128 */
};

#define BGP_PREFIX_TEXT_MAX (ADDRESS_TEXT_MAX + 4)

enum family bgp_prefix_family(const struct bgp_prefix *p);
/* The address, and the number of bits of its own family. */
struct endpoint bgp_prefix_address(const struct bgp_prefix *p, uint8_t *bits);
struct bgp_prefix bgp_prefix_of(const struct endpoint *address, uint8_t bits);
/* Reads "ADDRESS/LENGTH". Bits after the length are cleared. */
bool bgp_prefix_parse(struct bgp_prefix *out, const char *text);
bool bgp_prefix_covers(const struct bgp_prefix *wide, const struct bgp_prefix *narrow);
int bgp_prefix_order(const struct bgp_prefix *a,
                     const struct bgp_prefix *b); /* memcmp() */
const char *bgp_prefix_text(char out[BGP_PREFIX_TEXT_MAX], const struct bgp_prefix *p);

/* ---- UPDATE ---- */

struct bgp_update {
    struct wire withdrawn, announced; /* IPv4 unicast, of the fields of RFC 4271 */
    struct wire mp_withdrawn, mp_announced;
    enum family mp_withdrawn_family, mp_announced_family; /* FAMILY_NONE: none, another */
    struct endpoint mp_next_hop;
    struct wire attributes; /* for bgp_path_read() */
};
bool bgp_update_read(struct bgp_update *out, struct wire body);

/* The family whose End-of-RIB it is (RFC 4724, section 2); FAMILY_NONE: none. */
enum family bgp_update_end_of_rib(const struct bgp_update *u);

/* How NLRI are encoded: without or with path ids (RFC 7911). */
enum bgp_nlri_form { NLRI_UNKNOWN, NLRI_PLAIN, NLRI_IDS };

/*
 * Decides the form of a list of NLRI. Of the two readings, the one is right whose lengths
 * are valid and end exactly at the end, and that has no bit set after a length, no prefix
 * twice, and none that nobody announces (in 0.0.0.0/8, in 4000::/2). If both are, `known`
 * (of an earlier list of the peer) decides. Without one it has path ids if `may_have_ids`
 * (the OPENs) and the plain reading has a default route; otherwise it is plain, because the
 * ids would be above 2^24, and routers count them from 1. `*known` is updated when only one
 * reading fits. NLRI_UNKNOWN: malformed.
 */
enum bgp_nlri_form bgp_nlri_form(struct wire list, enum family family,
                                 enum bgp_nlri_form *known, bool may_have_ids);

/* Takes the next prefix; false at the end of a list, or if it is malformed. */
bool bgp_nlri_next(struct wire *list, enum family family, enum bgp_nlri_form form,
                   struct bgp_prefix *prefix, uint32_t *path_id);

/* ---- path attributes ---- */

enum { BGP_AS_MAX = 24, BGP_COMMUNITIES_MAX = 24, BGP_LARGE_MAX = 8 };

struct bgp_large_community {
    uint32_t global, local[2];
};

/* Lists that are longer are cut; the counts and `origin_as` are those of the whole. */
struct bgp_path {
    uint32_t as[BGP_AS_MAX]; /* without confederation segments */
    uint32_t origin_as;      /* the last AS; 0: none, or an AS_SET */
    uint16_t n_as, length;   /* as listed; as compared: an AS_SET counts 1 */
    uint8_t origin;          /* 0 IGP, 1 EGP, 2 incomplete */
    bool has_med, has_local_pref;
    uint32_t med, local_pref;
    struct endpoint next_hop;
    uint32_t communities[BGP_COMMUNITIES_MAX];
    struct bgp_large_community large[BGP_LARGE_MAX];
    uint16_t n_communities, n_large;
};

/* `mp`: for the prefixes of MP_REACH_NLRI. */
bool bgp_path_read(struct bgp_path *out, const struct bgp_update *u, bool mp,
                   bool two_byte_as);

/* How many of the AS numbers are in `as`. */
static inline size_t bgp_path_kept(const struct bgp_path *p)
{
    return p->n_as < BGP_AS_MAX ? p->n_as : BGP_AS_MAX;
}

/* Removes the first AS number. */
void bgp_path_drop_first(struct bgp_path *p);

bool bgp_path_has_as(const struct bgp_path *p, uint32_t as);
bool bgp_path_has_community(const struct bgp_path *p, uint16_t as, uint16_t value);
bool bgp_path_is_prepended(const struct bgp_path *p); /* an AS twice in a row */

/* An AS number of RFC 6996 or RFC 7300, or 0, other than `but`. */
bool bgp_path_has_private_as(const struct bgp_path *p, uint32_t but);
bool bgp_path_same_as(const struct bgp_path *a, const struct bgp_path *b);

#define BGP_PATH_TEXT_MAX (BGP_AS_MAX * 11 + 4)

/* "65002 8075", "" for an empty path. Returns `out`. */
const char *bgp_path_text(char out[BGP_PATH_TEXT_MAX], const struct bgp_path *p);

#endif
