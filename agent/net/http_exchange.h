/*
 * One HTTP request in progress. Private to http.c (its life cycle) and http_options.c
 * (libcurl options and callbacks).
 */
#ifndef EDGELAT_NET_HTTP_EXCHANGE_H
#define EDGELAT_NET_HTTP_EXCHANGE_H

#include "base/text.h"
#include "core/target.h"
#include "net/curl_multi.h"
#include "net/http.h"
#include "net/http_dns.h"
#include "net/tls.h"

#define HEAD_MAX ((size_t)128 << 10) /* bytes of the headers of a reply */

struct http {
    uv_loop_t *loop;
    struct tls_trust *trust;
    struct multi *shared, *spare; /* `spare`: for the next probe; or NULL */
    struct http_hosts *hosts;
    const struct uplink *uplink; /* NULL: the system's routes */
    struct http_exchange *exchanges;
    char date_host[HOST_TEXT_MAX]; /* whose Date came last; "": none has come */
    int64_t date_ahead_ns;         /* relative to the wall clock on arrival */
};

struct http_exchange {
    struct http *http;
    struct http_exchange *next, **self;
    CURL *easy;
    struct curl_slist *headers, *connect_to, *resolve;
    struct multi *multi;
    int socket;             /* a probe's socket until libcurl takes it, else -1 */
    uint32_t lost_before;   /* tcp_lost_of() that socket, which are its SYNs */
    bool tls, repeat, warm; /* `warm`: the second request is in progress */
    bool cut_reply, cut, too_long;
    bool proxied;     /* the probe's socket is connected to a proxy */
    bool dated, aged; /* this head has a Date, an Age */
    int64_t date_ahead_ns;
    int64_t began_ns, deadline_ns;
    int64_t first_byte_ns; /* of the current request, over TLS; or DELAY_UNDEFINED */
    int64_t replied_ns;    /* start of its final reply (RFC 9110, section 15.2), or 0 */
    size_t reply_max, head_len, warm_len;
    struct text body;
    char host[256];           /* for messages */
    char peer[HOST_TEXT_MAX]; /* host that libcurl would resolve; "": none */
    uint16_t peer_port;
    struct http_question *question; /* resolves `peer`; NULL: not in progress */
    char why[224];                  /* why the request cannot start, or "" */
    char details[CURL_ERROR_SIZE];
    char error[320];
    X509_STORE *store;
    SSL_CTX *context; /* of a probe */
    struct tls_handshake handshake;
    struct http_reply reply;
    http_header_cb *on_header;
    http_reply_cb *on_reply;
    void *user;
};

/* The status of the final reply to the current request, or 0. */
int http_final_status(const struct http_exchange *x);

/*
 * Sets up the easy handle for `request`. On an error, sets `x->why`; libcurl then
 * rejects the transfer when it runs, so the failure is reported later, as all failures
 * are.
 */
void http_options_set(struct http_exchange *x, const struct http_request *request);

#endif
