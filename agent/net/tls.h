/*
 * TLS functions beyond libcurl (OpenSSL): trusted certificates, loaded once and not for
 * each handshake (20 ms for the bundle of the distribution) but each parsed only when it
 * is needed, and observation of handshakes.
 */
#ifndef EDGELAT_NET_TLS_H
#define EDGELAT_NET_TLS_H

#include "core/result.h"

#include <openssl/ssl.h>

struct tls_trust; /* the loaded certificate stores */

struct tls_trust *tls_trust_create(void);
void tls_trust_destroy(struct tls_trust *t); /* NULL is fine */

/*
 * Returns the certificates in `ca_file` (PEM). "": the system's, i.e. SSL_CERT_FILE of
 * the environment, else the bundle of the distribution. Reloads the file when it has
 * changed. The store is borrowed. NULL: none could be read; `why` gets one clause.
 */
X509_STORE *tls_trust_store(struct tls_trust *t, const char *ca_file, char *why,
                            size_t why_size);

/*
 * A context for handshakes that `store` of this object verifies, for one server or many
 * at a time: made once and kept. NULL: none. The caller frees it (SSL_CTX_free()).
 */
SSL_CTX *tls_trust_context(struct tls_trust *t, const X509_STORE *store);

/*
 * libcurl makes a context for each connection, in which OpenSSL 3 looks up all of its
 * algorithms: 95 us and 100 KiB, a seventh of a handshake. There is no option against it,
 * so SSL_CTX_new() is defined in tls.c and returns `context` while that is offered. If the
 * program is linked in a way that libcurl calls OpenSSL's function all the same, it gets a
 * new context as before. Nobody else may make a client's context meanwhile: offer it for
 * one call of libcurl, then NULL. The context comes with an empty store; set the store and
 * all other properties in CURLOPT_SSL_CTX_FUNCTION, as with a new one.
 */
void tls_offer(SSL_CTX *context);

/*
 * Disables features by which a server can keep this host computing: DHE key exchange
 * before TLS 1.3 (the server chooses the prime; one of 10,000 bits takes 0.7 s without a
 * break), and renegotiation, unless `renegotiates` (some servers request a client
 * certificate that way).
 */
void tls_harden(SSL_CTX *ctx, bool renegotiates);

/*
 * Observed times of one connection: uv_hrtime(); 0: not yet, or never. Outgoing messages
 * are timed when they are ready for the kernel, so a delay in scheduling this process
 * falls before or after them.
 */
struct tls_handshake {
    int socket;          /* socket of a probe, for `came_ns`; else -1 */
    int64_t started_ns;  /* Client Hello */
    int64_t finished_ns; /* our Finished */
    /* Handshake complete: our Finished in TLS 1.3, the Finished of the peer before. */
    int64_t done_ns;
    /* The first record since this was set to 0, or a later long one: records that HTTP/2
     * sends by itself are short. */
    int64_t request_ns;
    int64_t came_ns; /* arrival of the bytes last read, by the timestamp of the kernel */
    /* Sets tls_version, issuer, expires_days; the issuer also when the certificate is
     * rejected. */
    struct http_facts facts;
};

/*
 * Observes the next connection made with `ctx`: until it is closed, or, if `h->socket`
 * is -1, until the handshake is complete. `h` must live that long.
 */
void tls_observe(SSL_CTX *ctx, struct tls_handshake *h);

/* Sets the issuer of the certificate and the days until it expires. */
void tls_certificate_facts(struct http_facts *out, const X509 *certificate);

/* Returns `came_ns` if it lies between the two bounds, else `latest_ns`: `came_ns`
 * depends on the wall clock, the bounds do not. */
int64_t tls_came_ns(const struct tls_handshake *h, int64_t earliest_ns,
                    int64_t latest_ns);

/* Without the texts of libcrypto's errors, 49 kB; those of TLS are loaded. Before any other
 * call that uses libcrypto. */
void tls_without_crypto_texts(void);

#endif
