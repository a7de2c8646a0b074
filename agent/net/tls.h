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

/* One handshake, observed: when it began and ended by our own clock, and with whom. */
struct tls_handshake {
    int64_t started_ns, done_ns; /* uv_hrtime(); 0: not yet, or never */
    struct http_facts facts; /* tls_version, issuer, expires_days; the issuer also when
                                the certificate is refused */
};

/* Observes the first handshake made with `ctx`; `h` must live until it is done or the
 * connection is closed, and is not touched after that. */
void tls_observe(SSL_CTX *ctx, struct tls_handshake *h);

#endif
