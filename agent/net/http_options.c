#include "base/file.h"
#include "core/target.h"
#include "net/clock.h"
#include "net/http_exchange.h"
#include "net/http_proxy.h"
#include "net/pem.h"
#include "net/socket.h"
#include "net/tcp_bytes.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_NAME_MAX 64 /* longer names are ignored */

/* ---- callbacks of libcurl ---- */

static curl_socket_t on_open_socket(void *user, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose, (void)address;
    struct http_exchange *x = user;
    int fd = x->socket;
    x->socket = -1;
    x->handshake.socket = fd;
    x->lost_before = tcp_lost_of(fd);
    /* never a second connection: it would be measured instead */
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_own_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    const struct http_exchange *x = user;
    (void)purpose;
    return multi_opened(x->multi, fd) ? CURL_SOCKOPT_ALREADY_CONNECTED
                                      : CURL_SOCKOPT_ERROR;
}

static int on_new_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    const struct http_exchange *x = user;
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;
    (void)purpose;
    if (x->http->uplink != NULL &&
        (getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
         socket_use_uplink(fd, own.ss_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
                           x->http->uplink) != 0))
        return CURL_SOCKOPT_ERROR;
    return multi_opened(x->multi, fd) ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR;
}

static int on_close_socket(void *user, curl_socket_t fd)
{
    struct http_exchange *x = user;
    uint32_t lost = tcp_lost_of(fd);
    lost -= lost < x->lost_before ? lost : x->lost_before;
    x->reply.lost_packets = lost > UINT8_MAX ? UINT8_MAX : (uint8_t)lost;
    if (!x->cut) /* else more may be on its way */
        x->reply.wire = tcp_wire_of(fd);
    return multi_close_socket(x->multi, fd);
}

static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *user)
{
    (void)easy;
    struct http_exchange *x = user;
    if (x->store == NULL)
        return CURLE_SSL_CACERT_BADFILE;
    SSL_CTX_set1_cert_store(ctx, x->store);
    tls_harden(ctx, x->handshake.socket < 0);
    tls_observe(ctx, &x->handshake);
    /* saves 34 kB while a reply is awaited: after a stall of this host many are */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return CURLE_OK;
}

/* If true, libcurl must not process data that it has already read. */
static bool is_cut_off(const struct http_exchange *x)
{
    return multi_verdict(x->multi) != GUARD_FINE;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct http_exchange *x = user;
    size_t len = size * n, room = x->reply_max - x->body.len;
    if (is_cut_off(x))
        return 0;
    if (x->warm) /* not stored, but limited as well */
        return (x->warm_len += len) <= x->reply_max ? len : 0;
    text_add_bytes(&x->body, bytes, len < room ? len : room);
    if (len <= room)
        return len;
    x->cut = x->cut_reply;
    x->too_long = !x->cut_reply;
    return 0; /* ends the transfer */
}

static bool header_is(const char *name, const char *expected)
{
    return strcasecmp(name, expected) == 0;
}

/* Copies a token of a header value (RFC 9110, section 5.6.2) in lower case. */
static void take_token(char *out, size_t room, const char *value, size_t len)
{
    size_t n = 0;
    while (n < len && n + 1 < room && value[n] > ' ' && value[n] < 0x7f &&
           value[n] != ';') {
        out[n] = (char)tolower((unsigned char)value[n]);
        n++;
    }
    out[n] = '\0';
}

int http_final_status(const struct http_exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 ? (int)status : 0;
}

/* Interim replies (103 Early Hints) do not count: they are not the answer. */
static void take_first_byte(struct http_exchange *x)
{
    int64_t now_ns = (int64_t)uv_hrtime();
    const struct tls_handshake *h = &x->handshake;
    if (x->replied_ns != 0 || http_final_status(x) == 0)
        return;
    x->replied_ns = now_ns;
    if (h->request_ns == 0)
        return;
    x->replied_ns = tls_came_ns(h, h->request_ns, now_ns);
    x->first_byte_ns = x->replied_ns - h->request_ns;
}

static bool ends_head(const char *line, size_t len)
{
    return len <= 2 && line[0] == (len == 2 ? '\r' : '\n');
}

static void take_date(struct http_exchange *x, const char *value, size_t len)
{
    char text[sizeof "Sun, 06 Nov 1994 08:49:37 GMT+00:00"];
    if (len >= sizeof text)
        return;
    memcpy(text, value, len);
    text[len] = '\0';
    time_t date = curl_getdate(text, NULL);
    if (date < 0 || date > INT64_MAX / NS_PER_S)
        return;
    x->dated = true;
    x->date_ahead_ns = date * NS_PER_S - wall_now().ns;
}

/* At the end of a head. A reply with an Age is from a cache, its Date is when the origin
 * made it (RFC 9111, section 5.1). */
static void keep_date(struct http_exchange *x)
{
    if (x->dated && !x->aged) {
        text_copy(x->http->date_host, sizeof x->http->date_host, x->host);
        x->http->date_ahead_ns = x->date_ahead_ns;
    }
    x->dated = x->aged = false;
}

static size_t on_header_line(char *line, size_t size, size_t n, void *user)
{
    struct http_exchange *x = user;
    size_t len = size * n;
    if (is_cut_off(x))
        return 0;
    take_first_byte(x);
    if (ends_head(line, len)) {
        keep_date(x);
        x->reply.head |= x->replied_ns != 0;
    }
    x->head_len += len;
    x->too_long |= x->head_len > HEAD_MAX;
    if (x->too_long)
        return 0; /* ends the transfer */
    char name[HEADER_NAME_MAX];
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - line);
    if (x->warm || name_len == 0 || name_len >= sizeof name)
        return len;
    memcpy(name, line, name_len);
    name[name_len] = '\0';

    const char *value = colon + 1, *end = line + len;
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    int value_len = (int)(end - value);
    if (header_is(name, "X-Cache"))
        snprintf(x->reply.facts.cache, sizeof x->reply.facts.cache, "%.*s", value_len,
                 value);
    if (header_is(name, "Content-Type"))
        take_token(x->reply.type, sizeof x->reply.type, value, (size_t)value_len);
    if (header_is(name, "Content-Encoding"))
        take_token(x->reply.encoding, sizeof x->reply.encoding, value, (size_t)value_len);
    if (header_is(name, "Date"))
        take_date(x, value, (size_t)value_len);
    x->aged |= header_is(name, "Age");
    if (x->on_header != NULL)
        x->on_header(name, value, (size_t)value_len, x->user);
    return len;
}

/* ---- options of libcurl ---- */

/* Reads host, port and scheme; sets `why` for an unsupported URL. */
static void read_url(struct http_exchange *x, const char *url)
{
    CURLU *u = curl_url();
    char *host = NULL, *scheme = NULL, *port = NULL;
    bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    if (ok) {
        text_copy(x->host, sizeof x->host, host);
        if (host[0] != '[' && text_copy(x->peer, sizeof x->peer, host))
            x->peer_port = (uint16_t)strtoul(port, NULL, 10);
        x->tls = strcmp(scheme, "https") == 0;
        ok = x->tls || strcmp(scheme, "http") == 0;
    }
    if (!ok)
        snprintf(x->why, sizeof x->why, "'%.120s' is not an http or https URL", url);
    curl_free(host);
    curl_free(scheme);
    curl_free(port);
    curl_url_cleanup(u);
}

/* With a proxy, libcurl resolves the name of the proxy. An unsupported kind of proxy is
 * left to libcurl. */
static void find_peer(struct http_exchange *x, const struct http_request *request)
{
    struct http_proxy proxy;
    char unused[64];
    const char *configured = request->proxy == NULL      ? ""
                             : request->proxy[0] == '\0' ? "none"
                                                         : request->proxy;
    int proxied =
        http_proxy_for(&proxy, configured, x->tls, x->host, unused, sizeof unused);
    if (proxied == 0)
        return;
    text_copy(x->peer, sizeof x->peer, proxied > 0 ? proxy.host : "");
    x->peer_port = proxy.port;
}

static void set_safety(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* else libcurl keeps the certificates for a day, even when the file changes */
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
    /* a resumed session would not be verified again */
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "edgelat/" EDGELAT_VERSION);
}

static void set_request(struct http_exchange *x, const struct http_request *request)
{
    curl_easy_setopt(x->easy, CURLOPT_URL, request->url);
    for (const char *const *h = request->headers; h != NULL && *h != NULL; h++)
        x->headers = curl_slist_append(x->headers, *h);
    if (request->body != NULL) {
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)request->body_len);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        x->headers = curl_slist_append(x->headers, "Expect:"); /* no 100-continue */
    } else {
        curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    }
    curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, request->fresh ? 1L : 0L);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_PROXY, request->proxy);
    curl_easy_setopt(
        x->easy, CURLOPT_TIMEOUT_MS,
        (long)((request->timeout_ns + request->grace_ns + NS_PER_MS - 1) / NS_PER_MS));
}

static void set_callbacks(struct http_exchange *x)
{
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->details);
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header_line);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(x->easy, CURLOPT_SSL_CTX_DATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    curl_easy_setopt(x->easy, CURLOPT_SOCKOPTDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, multi_close_socket);
    curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, x->multi);
}

/* libcurl reports no cause for a bad file, and blocks on a FIFO. */
static void check_own_files(struct http_exchange *x, const char *cert_file,
                            const char *key_file)
{
    struct text why = {0};
    const char *file = cert_file;
    int rc = pem_check_certificates(cert_file, &why);
    if (rc == 0) {
        file = key_file;
        rc = pem_check_key(key_file, cert_file, &why);
    }
    if (rc < 0)
        snprintf(x->why, sizeof x->why, "%.70s: %.140s", file,
                 why.len > 0 ? text_string(&why) : file_error(rc));
    text_free(&why);
}

/*
 * on_ssl_ctx() sets the certificate store. CAINFO of libcurl stays empty, or libcurl
 * would read the bundle for each handshake. Only a POST sets it: connections are reused
 * there, and libcurl must know which certificates verified which connection.
 */
static void set_trust(struct http_exchange *x, const struct http_request *request)
{
    bool named = request->ca_file != NULL && request->ca_file[0] != '\0';
    curl_easy_setopt(x->easy, CURLOPT_CAINFO,
                     named && x->socket < 0 ? request->ca_file : NULL);
    if (request->cert_file != NULL && request->cert_file[0] != '\0') {
        bool apart = request->key_file != NULL && request->key_file[0] != '\0';
        const char *key_file = apart ? request->key_file : request->cert_file;
        curl_easy_setopt(x->easy, CURLOPT_SSLCERT, request->cert_file);
        curl_easy_setopt(x->easy, CURLOPT_SSLKEY, key_file);
        /* without it, OpenSSL prompts for a passphrase or PIN on the terminal */
        curl_easy_setopt(x->easy, CURLOPT_KEYPASSWD, "");
        check_own_files(x, request->cert_file, key_file);
    }
    if (!x->tls)
        return;
    x->store = tls_trust_store(x->http->trust, request->ca_file, x->why, sizeof x->why);
    if (x->store == NULL)
        return;
    X509_STORE_up_ref(x->store);     /* the file may change during the request */
    if (x->multi == x->http->shared) /* a POST may set its own certificate in a context */
        return;
    x->context = tls_trust_context(x->http->trust, x->store);
    multi_offer(x->multi, x->context);
}

/* Maps any host and port to `host`. */
static const char *connect_to(char *out, size_t room, const char *host)
{
    snprintf(out, room, strchr(host, ':') != NULL ? "::[%s]:" : "::%s:", host);
    return out;
}

/* Maps any host to the peer of the socket, so that libcurl resolves no name. */
static const char *connect_to_peer(char *out, size_t room, int socket)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    char address[ADDRESS_TEXT_MAX];
    getpeername(socket, (struct sockaddr *)&sa, &len);
    struct endpoint peer = sockaddr_endpoint((struct sockaddr *)&sa);
    if (peer.family == FAMILY_NONE) /* already disconnected; the first write will fail */
        endpoint_parse(&peer, "127.0.0.1", 0);
    endpoint_address(address, &peer);
    return connect_to(out, room, address);
}

/* Uses the socket of the probe. A cold request has a connection of its own. */
static void set_own_socket(struct http_exchange *x, const struct http_request *request)
{
    curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_SOCKOPTFUNCTION, on_own_socket);
    curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, x->repeat ? 0L : 1L);
    /* replies are short; on a busy host many requests may be under way */
    curl_easy_setopt(x->easy, CURLOPT_BUFFERSIZE, 2048L);
    char to[sizeof "::[]:" + HOST_TEXT_MAX];
    if (!x->proxied)
        connect_to_peer(to, sizeof to, x->socket);
    else if (request->tunnel_to != NULL)
        connect_to(to, sizeof to, request->tunnel_to);
    else /* the proxy resolves the host; the URL of the proxy has its address */
        return;
    x->connect_to = curl_slist_append(NULL, to);
    curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
}

void http_options_set(struct http_exchange *x, const struct http_request *request)
{
    read_url(x, request->url);
    find_peer(x, request);
    set_safety(x->easy);
    set_callbacks(x);
    set_request(x, request);
    set_trust(x, request);
    if (x->socket >= 0)
        set_own_socket(x, request);
    if (x->why[0] != '\0')
        curl_easy_setopt(x->easy, CURLOPT_URL, "");
}
