/*
 * HTTP requests (libcurl) on the loop. One struct http holds the connections and the CA
 * certificates, which are loaded once, not for each handshake. Certificates are always
 * verified, TLS is 1.2 or later, sessions are not resumed, redirects are not followed,
 * and the size of replies and their headers is limited. Names are resolved on the loop
 * (http_dns.h). Used by the shipper (POST) and by the HTTPS probe (GET over a socket
 * that the probe has connected).
 */
#ifndef EDGELAT_NET_HTTP_H
#define EDGELAT_NET_HTTP_H

#include "core/result.h"
#include "core/uplink.h"
#include "net/tcp_bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum http_failure {
    HTTP_OK,             /* a reply arrived, with any status */
    HTTP_FAILED_CONNECT, /* not resolved, not connected, or refused by the proxy */
    HTTP_FAILED_TIMEOUT, /* timeout in any phase */
    HTTP_FAILED_TLS,     /* handshake or certificate; see `error` */
    HTTP_FAILED_REPLY,   /* Connection closed by the peer, not HTTP, or reply too long. */
    HTTP_FAILED_LOCAL,   /* local error: file not readable, no descriptor left */
};

/* http_start() copies it, except `body`, which must stay valid until the callback. */
struct http_request {
    const char *url;
    const void *body; /* NULL: GET, else POST */
    size_t body_len;
    const char *const *headers;       /* "Name: value", NULL-terminated array, or NULL */
    const char *ca_file;              /* NULL or "": the system's */
    const char *cert_file, *key_file; /* mTLS; NULL or "": none */
    /* NULL: from the environment; "": none. When `socket` is a connection to a proxy:
     * the URL of that proxy with its address (http_proxy_url()). */
    const char *proxy;
    /* Host to request from that proxy; NULL: the host of the URL. */
    const char *tunnel_to;
    bool fresh; /* over a new connection; a POST closes the one kept open */
    /* For the whole request, excluding name resolution, which may take 5 s more. */
    int64_t timeout_ns;
    /* After timeout_ns the request goes on for this time, without the repeated request:
     * its caller counts late replies. */
    int64_t grace_ns;
    /* Maximum size of the body in bytes. A longer body is HTTP_FAILED_REPLY, unless
     * `cut_reply`. */
    size_t reply_max;
    bool cut_reply; /* truncate a longer body without an error */

    /*
     * A connected socket of a probe, or -1. http_start() takes ownership and closes it,
     * also when the request fails. It must have been connected by one non-blocking
     * connect(): libcurl 7.88 calls connect() again on the socket, and only then Linux
     * returns 0.
     */
    int socket;
    /* Send a second GET on the same connection after the first ("warm"), if time is
     * left, the first reply was not truncated and the peer keeps the connection open. */
    bool repeat;
};

/* In ns; DELAY_UNDEFINED for phases that the request did not reach. Phases do not
 * overlap. */
struct http_times {
    /* Until the proxy has connected to the target. Without a proxy: until TLS begins,
     * which is close to 0. */
    int64_t tunnel_ns;
    int64_t tls_ns; /* handshake, including local crypto */
    /* From sending the request to the first byte of the final reply, not of an interim
     * one such as 103. */
    int64_t first_byte_ns;
    int64_t body_ns;            /* from there to the last byte of the body */
    int64_t warm_first_byte_ns; /* first_byte_ns of the repeated request */
};

struct http_reply { /* Valid only during the callback. */
    enum http_failure failure;
    /* One clause that describes the failure and names the peer or file; "" on success. */
    const char *error;
    /* After HTTP_FAILED_TIMEOUT: "the TLS handshake", "the reply", ...; else "". */
    const char *waited_for;
    int status;        /* of the final reply; 0: none */
    int proxy_status;  /* of the proxy's refusal of CONNECT; 0: it did not refuse */
    bool disconnected; /* failed because the guard disconnected the peer (net/guard.h) */
    bool head;         /* the complete head arrived, even if the rest failed */
    const char *body;  /* not NUL-terminated */
    size_t body_len;
    char type[64];          /* Content-Type, lower case, without parameters; "": none */
    char encoding[32];      /* Content-Encoding of `body`, lower case; "": none */
    int64_t retry_after_ns; /* from Retry-After; 0: none */
    struct http_times times;
    struct http_facts facts;
    /* TCP retransmissions since the probe's socket was connected, but for those that the
     * peer reports as received twice (RFC 2883). */
    uint8_t lost_packets;
    struct tcp_wire wire; /* tcp_wire_of(); 0: not known, or the reply was cut off */
};

/* Called for each reply header while the request runs. `value` is trimmed and not
 * NUL-terminated. May be NULL. */
typedef void http_header_cb(const char *name, const char *value, size_t value_len,
                            void *user);
typedef void http_reply_cb(const struct http_reply *reply, void *user);

struct http;
struct http_exchange;

int http_create(struct http **out, uv_loop_t *loop); /* 0 or -errno */
void http_destroy(struct http *h); /* No callback after it returns. NULL is fine. */

/* Before the first request: those without a socket of their own go over the uplink, which
 * outlives it. `servers` are asked for names over it; NULL: the system's by its routes. */
void http_use_uplink(struct http *h, const struct uplink *uplink, const char *servers);

/* Loads the certificates of `ca_file` (NULL or "": the system's) now; otherwise the
 * first request that needs them blocks the loop for 20 ms. A bad file is reported by the
 * request. */
void http_preload(struct http *h, const char *ca_file);

/* Sets `*ahead_ns` to how far the Date of the last reply (RFC 9110, section 6.6.1), to
 * any request, was ahead of the wall clock of this host, and returns the host that was
 * asked; NULL until a Date has arrived. Replies from a cache do not count. */
const char *http_clock_ahead(const struct http *h, int64_t *ahead_ns);

/* Starts a request. `on_reply` is called exactly once, later, never from inside this
 * call, unless the request is cancelled. Never returns NULL. */
struct http_exchange *http_start(struct http *h, const struct http_request *request,
                                 http_header_cb *on_header, http_reply_cb *on_reply,
                                 void *user);
/* No callback follows. Must not be called after on_reply, nor from inside on_header. */
void http_cancel(struct http_exchange *x);

/* The state of the request as if it had timed out now. Call it before http_cancel(); the
 * result is valid until then. */
const struct http_reply *http_reply_so_far(struct http_exchange *x);

#endif
