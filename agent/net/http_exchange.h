/*
 * One HTTP request under way: private to http.c (its life) and http_options.c (what
 * libcurl is told, and what it asks back meanwhile).
 */
#ifndef EDGELAT_NET_HTTP_EXCHANGE_H
#define EDGELAT_NET_HTTP_EXCHANGE_H

#include "base/text.h"
#include "core/target.h"
#include "net/curl_multi.h"
#include "net/http.h"
#include "net/http_dns.h"
#include "net/tls.h"

#define HEAD_MAX ((size_t)128 << 10) /* of a reply, bytes of headers */

struct http {
    uv_loop_t *loop;
    struct tls_trust *trust;
    struct multi *shared;
    struct http_hosts *hosts;
    struct http_exchange *exchanges;
    bool date_came;
    int64_t date_ahead_ns; /* of the wall clock when it came */
};

struct http_exchange {
    struct http *http;
    struct http_exchange *next, **self;
    CURL *easy;
    struct curl_slist *headers, *connect_to, *resolve;
    struct multi *multi;
    int socket;             /* a probe's own until libcurl takes it, else -1 */
    bool tls, repeat, warm; /* `warm`: the second request is under way */
    bool cut_reply, cut, too_long;
    bool proxied; /* over the probe's socket to a proxy */
    int64_t began_ns, deadline_ns;
    int64_t first_byte_ns; /* of the request under way, over TLS; or DELAY_UNDEFINED */
    int64_t replied_ns;    /* when its final reply began (RFC 9110, 15.2), or 0 */
    size_t reply_max, head_len, warm_len;
    struct text body;
    char host[256];           /* for messages */
    char peer[HOST_TEXT_MAX]; /* whom libcurl would have to look up; "" is nobody */
    uint16_t peer_port;
    struct http_question *question; /* who that is; NULL: it is not asked just now */
    char why[224];                  /* why it cannot start, or "" */
    char details[CURL_ERROR_SIZE];
    char error[320];
    X509_STORE *store;
    struct tls_handshake handshake;
    struct http_reply reply;
    http_header_cb *on_header;
    http_reply_cb *on_reply;
    void *user;
};

/* Of the request under way: the status of its final reply, or 0. */
int http_final_status(const struct http_exchange *x);

/*
 * Makes the easy handle do `request`. Where it cannot be done `x->why` says so, and
 * libcurl refuses it when it is run: a failure comes later, as all of them do.
 */
void http_options_set(struct http_exchange *x, const struct http_request *request);

#endif
