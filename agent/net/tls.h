/*
 * What TLS needs besides libcurl (OpenSSL): the trusted certificates, loaded once and not
 * for each handshake (the distribution's bundle takes 20 ms), and what a session says of
 * itself.
 */
#ifndef EDGELAT_NET_TLS_H
#define EDGELAT_NET_TLS_H

#include "core/result.h"

#include <openssl/ssl.h>

struct tls_trust; /* the stores that were loaded */

struct tls_trust *tls_trust_create(void);
void tls_trust_destroy(struct tls_trust *t); /* NULL is fine */

/*
 * The certificates in `ca_file` (PEM), or the system's for "": SSL_CERT_FILE of the
 * environment, else the distribution's bundle. Loaded again when the file has changed.
 * Borrowed. NULL: none could be read, and `why` says so in one clause.
 */
X509_STORE *tls_trust_store(struct tls_trust *t, const char *ca_file, char *why,
                            size_t why_size);

/*
 * Leaves out what lets a server keep this host computing: key exchange by DHE before TLS
 * 1.3, where a prime of 10,000 bits that the server chooses takes 0.7 s in one go, and
 * renegotiation, unless it `renegotiates` (some servers ask for a client certificate so).
 */
void tls_harden(SSL_CTX *ctx, bool renegotiates);

/*
 * One connection, observed; times are uv_hrtime(), 0: not yet, or never. What we send is
 * timed when it is ready and goes to the kernel: what may keep this process from running
 * comes before or after it.
 */
struct tls_handshake {
    int socket;          /* a probe's own, for `came_ns`; else -1 */
    int64_t started_ns;  /* Client Hello */
    int64_t finished_ns; /* our Finished */
    int64_t done_ns;    /* the session stands: TLS 1.3 our Finished, before that theirs */
    int64_t request_ns; /* the first record since it was set to 0, or a later long one:
                           what HTTP/2 says of itself meanwhile is short */
    int64_t came_ns;    /* what was read last had come in, by the kernel's stamp */
    struct http_facts facts; /* tls_version, issuer, expires_days; the issuer also when
                                the certificate is refused */
};

/*
 * Observes the first connection made with `ctx`: until it is closed, or without a socket
 * of its own until the session stands. `h` must live that long.
 */
void tls_observe(SSL_CTX *ctx, struct tls_handshake *h);

/* Whose it is, and when it ends. */
void tls_certificate_facts(struct http_facts *out, const X509 *certificate);

/* `came_ns` if it lies between the two, else `latest_ns`: our own clock's bounds. */
int64_t tls_came_ns(const struct tls_handshake *h, int64_t earliest_ns,
                    int64_t latest_ns);

#endif
