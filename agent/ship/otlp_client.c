#include "ship/otlp_client.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/host_port.h"
#include "ship/header_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define REPLY_MAX (64u << 10)

struct otlp_client {
    struct http *http;
    const struct collector *collector;
    char base[URL_TEXT_MAX]; /* the path of the signal is appended */
    char host[URL_TEXT_MAX];
    struct header_file header;
    struct file_stamp stamps[3]; /* of the certificates and the key */
    bool exposed;                /* others can read a secret; that was logged */
    char redirects_to[128];      /* of this reply; "" nowhere */

    struct http_exchange *exchange; /* under way, or NULL */
    enum signal signal;
    otlp_client_done_cb *on_done;
    void *user;
};

/* ---- where it is ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void cut_slashes(char *url)
{
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/';)
        url[--len] = '\0';
}

static void set_base(struct otlp_client *c, const char *url)
{
    text_copy(c->base, sizeof c->base, url);
    cut_slashes(c->base);
    for (enum signal i = 0; i < SIGNALS; i++)
        if (ends_with(c->base, signal_path(i))) { /* as some write it */
            c->base[strlen(c->base) - strlen(signal_path(i))] = '\0';
            cut_slashes(c->base);
        }

    const char *host = strstr(c->base, "://");
    host = host != NULL ? host + 3 : c->base;
    text_copy(c->host, sizeof c->host, host);
    c->host[strcspn(c->host, "/?#")] = '\0';
    char *at = strrchr(c->host, '@');
    if (at != NULL)
        memmove(c->host, at + 1, strlen(at + 1) + 1);
}

struct otlp_client *otlp_client_create(struct http *http,
                                       const struct collector *collector)
{
    struct otlp_client *c = mem_zalloc(sizeof *c);
    c->http = http;
    c->collector = collector;
    set_base(c, collector->url);
    return c;
}

void otlp_client_destroy(struct otlp_client *c)
{
    if (c == NULL)
        return;
    if (c->exchange != NULL)
        http_cancel(c->exchange);
    header_file_forget(&c->header);
    free(c);
}

const char *otlp_client_host(const struct otlp_client *c)
{
    return c->host;
}

/* ---- one batch ---- */

/* Whether the port is that of OTLP over gRPC, which speaks HTTP/2 only: no reply, or no
 * TLS. */
static bool is_grpc(const struct otlp_client *c, const struct verdict *v,
                    const struct http_reply *reply)
{
    struct host_port to;
    bool no_talk =
        reply->failure == HTTP_FAILED_TLS || reply->failure == HTTP_FAILED_REPLY;
    return no_talk && host_port_parse(&to, c->host, HOST_REMOTE) == NULL &&
           to.port == 4317 && strncmp(v->why, "certificate", 11) != 0;
}

/* Whether the collector rejects our client certificate, or that there is none, in the
 * words of nginx or of TLS alerts. */
static bool is_client_certificate(const struct verdict *v)
{
    static const char *const words[] = {"SSL certificate",
                                        "says 'certificate ",
                                        "says 'bad certificate",
                                        "says 'unknown ca",
                                        "says 'unsupported certificate",
                                        "says 'handshake failure"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (v->kind != VERDICT_REFUSED && strstr(v->why, words[i]) != NULL)
            return true;
    return false;
}

/* What to do; "" for a temporary failure. */
static const char *next_step(const struct otlp_client *c, const struct verdict *v,
                             const struct http_reply *reply)
{
    bool tls = strncmp(c->base, "https:", 6) == 0;
    bool certificate = c->collector->cert_file[0] != '\0';
    if (v->stop)
        return "; probing resumes when a batch is accepted";
    if (reply->disconnected)
        return "; check that `url` in [collector] is the collector";
    if (v->too_large)
        return "; raise its limit for one request: a batch has up to 4 MiB, 1 MiB with "
               "gzip";
    if (v->status == 511 || (v->foreign && !tls))
        return "; is there a sign-in page in between? look at `url` in [collector], "
               "https:// keeps such pages out";
    bool no_path = v->status == 404 || v->status == 405 || v->status == 501;
    if (v->kind == VERDICT_REFUSED && c->signal == SIGNAL_LOGS && no_path)
        return "; if it takes no logs, set `events = no`";
    if (is_grpc(c, v, reply))
        return "; 4317 is the port of gRPC: OTLP over HTTP uses 4318";
    /* OpenSSL 3.0's words, and those of 3.2 and later */
    if (tls && (strstr(v->why, "wrong version number") != NULL ||
                strstr(v->why, "packet length too long") != NULL))
        return "; that port speaks plain HTTP, not TLS: set http:// in `url`, or the "
               "port "
               "that has TLS";
    if (strncmp(v->why, "the proxy ", 10) == 0)
        return "; look at `proxy`, and at what it allows";
    if (certificate && is_client_certificate(v))
        return "; look at `cert_file`: has it expired, does the collector trust its CA?";
    bool cut = reply->failure == HTTP_FAILED_REPLY || reply->status == 400;
    if (tls && !certificate &&
        (is_client_certificate(v) || (cut && v->kind != VERDICT_REFUSED)))
        return "; if it asks for a client certificate, set `cert_file` and `key_file`";
    if (reply->failure == HTTP_FAILED_TLS)
        return "; look at `ca_file` and the collector's certificate";
    if (v->kind != VERDICT_UNUSABLE || reply->failure != HTTP_OK)
        return "";
    if (reply->status == 407)
        return "; look at `proxy`, and at what it allows";
    if (reply->status == 401 || reply->status == 403)
        return c->collector->header_file[0] != '\0'
                   ? "; look at `header_file`: is the token right?"
                   : "; if it asks for a token, set `header_file` in [collector]";
    return "; look at `url` in [collector]";
}

/* Scheme and host of a redirect's target; the rest may hold a secret. */
static void on_header(const char *name, const char *value, size_t len, void *user)
{
    struct otlp_client *c = user;
    const char *slash =
        strcasecmp(name, "Location") == 0 ? memmem(value, len, "://", 3) : NULL;
    if (slash == NULL)
        return;
    size_t n = 0, authority = (size_t)(slash + 3 - value);
    while (n < len && n + 1 < sizeof c->redirects_to &&
           (n < authority || strchr("/?#", value[n]) == NULL)) {
        c->redirects_to[n] = value[n] > ' ' && value[n] <= '~' ? value[n] : '?';
        n++;
    }
    c->redirects_to[n] = '\0';
}

/* Some servers repeat the token in the answer: cut the text where a long word of our
 * header begins. */
static void hide_secret(const struct otlp_client *c, char *text)
{
    enum { LONG = 8 };
    char start[LONG + 1] = "";
    const char *word = c->header.line + strcspn(c->header.line, ":");
    while (*word != '\0') {
        word += strspn(word, ": \t");
        size_t len = strcspn(word, " \t");
        if (len >= LONG) {
            memcpy(start, word, LONG);
            char *at = strstr(text, start);
            if (at != NULL)
                snprintf(at, LONG, "...");
        }
        word += len;
    }
    explicit_bzero(start, sizeof start);
}

static void on_reply(const struct http_reply *reply, void *user)
{
    struct otlp_client *c = user;
    struct verdict v = verdict_of(reply, c->signal);
    v.step = next_step(c, &v, reply);
    if (c->redirects_to[0] != '\0' && v.status / 100 == 3)
        snprintf(v.why, sizeof v.why,
                 "HTTP %d: it redirects to %s, which is not followed", v.status,
                 c->redirects_to);
    hide_secret(c, v.why);
    hide_secret(c, v.reason);
    c->exchange = NULL;
    c->on_done(&v, c->user);
}

static const char *proxy_of(const struct collector *collector)
{
    if (collector->proxy[0] == '\0')
        return NULL; /* by the environment */
    return strcmp(collector->proxy, "none") == 0 ? "" : collector->proxy;
}

/* ---- files that may change at run time ---- */

/* True: a certificate or the key has changed since the last request, so the open
 * connection uses the old ones. */
static bool files_changed(struct otlp_client *c)
{
    const struct collector *to = c->collector;
    const char *const paths[] = {to->ca_file, to->cert_file, to->key_file};
    bool changed = false;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat s;
        struct file_stamp *old = &c->stamps[i];
        if (paths[i][0] == '\0' || stat(paths[i], &s) < 0) /* libcurl reports it */
            continue;
        struct file_stamp now = file_stamp_of(&s);
        changed |= old->inode != 0 && !file_stamp_equal(old, &now);
        *old = now;
    }
    return changed;
}

/* Logged once, until it is fixed. */
static void check_secrecy(struct otlp_client *c)
{
    const char *const paths[] = {c->collector->key_file, c->collector->header_file};
    const char *exposed = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct stat s;
        if (paths[i][0] != '\0' && stat(paths[i], &s) == 0 && (s.st_mode & S_IRWXO) != 0)
            exposed = paths[i];
    }
    if (exposed != NULL && !c->exposed)
        log_warn("shipper",
                 "%s: everybody on this host can read this secret; chmod o= and give it "
                 "to the group of the service",
                 exposed);
    c->exposed = exposed != NULL;
}

static void post(struct otlp_client *c, const struct spooled *batch)
{
    const struct collector *to = c->collector;
    char url[URL_TEXT_MAX + SIGNAL_PATH_MAX];
    snprintf(url, sizeof url, "%s%s", c->base, signal_path(batch->signal));
    const char *const headers[] = {
        "Content-Type: application/x-protobuf",
        "Content-Encoding: gzip",
        c->header.line[0] != '\0' ? c->header.line : NULL,
        NULL,
    };
    const struct http_request request = {
        .url = url,
        .body = batch->bytes,
        .body_len = batch->len,
        .headers = headers,
        .ca_file = to->ca_file,
        .cert_file = to->cert_file,
        .key_file = to->key_file,
        .proxy = proxy_of(to),
        .fresh = files_changed(c),
        .timeout_ns = to->timeout_ns,
        .reply_max = REPLY_MAX,
        .cut_reply = true, /* the status is what counts */
        .socket = -1,
    };
    c->exchange = http_start(c->http, &request, on_header, on_reply, c);
}

/* From the file, else from the environment; false: it is configured but missing. */
static bool read_header(struct otlp_client *c, struct verdict *cannot)
{
    const char *file = c->collector->header_file;
    const char *given = c->collector->name[0] == '\0' ? getenv(HEADER_VARIABLE) : NULL;
    bool of_file = file[0] != '\0', of_environment = given != NULL && *given != '\0';
    int rc = of_file          ? header_file_read(&c->header, file)
             : of_environment ? header_take(&c->header, given)
                              : 0;
    if (rc == 0)
        return true;
    *cannot = (struct verdict){
        .kind = VERDICT_UNUSABLE,
        .local = true,
        .step = of_file ? "; fix the file; it is re-read automatically"
                        : "; fix it in the service manager and restart",
    };
    snprintf(cannot->why, sizeof cannot->why, "%s%.180s: %s",
             of_file ? "header_file " : HEADER_VARIABLE " in the environment", file,
             rc == -EBADMSG ? "it must hold one 'Name: value' line" : strerror(-rc));
    return false;
}

bool otlp_client_send(struct otlp_client *c, const struct spooled *batch,
                      otlp_client_done_cb *on_done, void *user, struct verdict *cannot)
{
    if (!read_header(c, cannot))
        return false;
    check_secrecy(c);
    c->redirects_to[0] = '\0';
    c->signal = batch->signal;
    c->on_done = on_done;
    c->user = user;
    post(c, batch);
    return true;
}
