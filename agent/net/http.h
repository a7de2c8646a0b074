/*
 * HTTP requests (libcurl) on the loop. One struct http holds the connections and the CA
 * certificates, which are loaded once and not for each handshake. Certificates are always
 * verified, TLS is 1.2 or later and no session is taken up again, redirects are not
 * followed, replies are bounded, their headers too. Names are looked up on the loop
 * (http_dns.h). Used by the shipper (POST) and by the HTTPS probe (GET over a socket
 * that the probe has connected itself).
 */
#ifndef EDGELAT_NET_HTTP_H
#define EDGELAT_NET_HTTP_H

#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum http_failure {
    HTTP_OK,             /* there is a reply, whatever its status */
    HTTP_FAILED_CONNECT, /* not resolved, not connected, proxy refused */
    HTTP_FAILED_TIMEOUT, /* the time ran out, in whatever phase */
    HTTP_FAILED_TLS,     /* handshake or certificate; see `error` */
    HTTP_FAILED_REPLY,   /* the peer ended it, or what came is not HTTP, or it is too long
                          */
    HTTP_FAILED_LOCAL, /* it is about this host: file not readable, no descriptor left */
};

struct http_request { /* copied by http_start(), but for `body`, which stays the caller's
                         until the callback */
    const char *url;
    const void *body; /* NULL: GET, else POST */
    size_t body_len;
    const char *const *headers;       /* "Name: value", NULL-ended, or NULL */
    const char *ca_file;              /* NULL or "": the system's */
    const char *cert_file, *key_file; /* mTLS; NULL or "" is none */
    const char *proxy; /* NULL: from the environment; "": none. With a probe's own socket,
                          which then is connected to it, a URL with its address
                          (http_proxy_url()). */
    const char *tunnel_to; /* host that such a proxy is asked for; NULL: the URL's */
    bool fresh;         /* a POST over a new connection; the one that is kept is closed */
    int64_t timeout_ns; /* of the whole request, but for the name, which may take 5 s
                           more */
    size_t reply_max;   /* body bytes kept; more of them is HTTP_FAILED_REPLY unless
                           `cut_reply` */
    bool cut_reply;     /* a longer body is cut there and is fine */

    /*
     * A probe's own, connected socket, or -1. Taken over: closed here, also when
     * http_start() fails. Connected by one non-blocking connect(): libcurl 7.88 calls it
     * once more on a connected socket, which Linux answers with 0 only then.
     */
    int socket;
    bool repeat; /* a second GET on the same connection after the first ("warm"), when
                    time is left, the first reply was not cut and the peer keeps the
                    connection */
};

struct http_times { /* ns; DELAY_UNDEFINED where the request did not get that far; phases
                       exclude each other */
    int64_t tunnel_ns;     /* until the proxy has connected to the target; without a proxy
                              until TLS begins, which is nothing much */
    int64_t tls_ns;        /* handshake, our own crypto included */
    int64_t first_byte_ns; /* from the request sent to the first byte of the final reply:
                              not of a 103 or another interim one */
    int64_t body_ns;       /* from there to the last byte that was taken */
    int64_t warm_first_byte_ns; /* the same of the repeated request */
};

struct http_reply { /* valid during the callback only */
    enum http_failure failure;
    const char
        *error; /* one plain clause on the failure with the thing named, "" when fine */
    const char
        *waited_for;  /* after HTTP_FAILED_TIMEOUT: "the TLS handshake", "the reply", ...;
                         else "" */
    int status;       /* 0 when there was no reply; interim ones are none */
    bool held;        /* it failed because the peer was cut off (net/guard.h) */
    bool head;        /* all of the reply's head came, also when the rest failed */
    const char *body; /* not ended by NUL */
    size_t body_len;
    char type[64];     /* Content-Type, lower case, without its parameters; "" is none */
    char encoding[32]; /* Content-Encoding of `body`, lower case; "" is none */
    int64_t retry_after_ns; /* of Retry-After, 0 when there was none */
    struct http_times times;
    struct http_facts facts;
    uint8_t lost_packets; /* TCP retransmissions on the connection */
};

/* One reply header, while the request runs; `value` is trimmed and not ended by NUL. May
 * be NULL. */
typedef void http_header_cb(const char *name, const char *value, size_t value_len,
                            void *user);
typedef void http_reply_cb(const struct http_reply *reply, void *user);

struct http;
struct http_exchange;

int http_create(struct http **out, uv_loop_t *loop); /* 0 or -errno */
void http_destroy(struct http *h); /* no callback after it returns; NULL is fine */

/* Loads the certificates of `ca_file` (NULL or "": the system's) now: the first request
 * that needs them would keep the loop waiting for 20 ms. A bad file shows with the
 * request.
 */
void http_preload(struct http *h, const char *ca_file);

/* How far the Date of the last reply (RFC 9110, section 6.6.1), of whatever request, was
 * ahead of this host's wall clock. False while none came. */
bool http_clock_ahead(const struct http *h, int64_t *ahead_ns);

/* Exactly one `on_reply` comes, later, never from inside the call, unless it is
 * cancelled. Never NULL. */
struct http_exchange *http_start(struct http *h, const struct http_request *request,
                                 http_header_cb *on_header, http_reply_cb *on_reply,
                                 void *user);
void http_cancel(struct http_exchange *x); /* no callback comes; not after on_reply came,
                                              and not from inside on_header */

/* What has come so far, as if its time were over: to be asked before it is cancelled,
 * and valid until then. */
const struct http_reply *http_reply_so_far(struct http_exchange *x);

#endif
