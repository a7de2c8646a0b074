#include "net/tls.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/rx_stamp.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define TRUST_MAX (16u << 20) /* Debian's bundle is 220 KiB */

#define SHORT_RECORD 48 /* SETTINGS, WINDOW_UPDATE, PING, with TLS overhead */

struct trusted {
    struct trusted *next;
    char *file;
    struct file_stamp stamp;
    X509_STORE *store;
    SSL_CTX *context; /* for handshakes that are verified with it; NULL: not made yet */
};

struct tls_trust {
    struct trusted *list; /* one per file named in the configuration */
};

struct tls_trust *tls_trust_create(void)
{
    return mem_zalloc(sizeof(struct tls_trust));
}

void tls_trust_destroy(struct tls_trust *t)
{
    if (t == NULL)
        return;
    for (struct trusted *c = t->list, *next; c != NULL; c = next) {
        next = c->next;
        X509_STORE_free(c->store);
        SSL_CTX_free(c->context);
        free(c->file);
        free(c);
    }
    free(t);
}

static const char *system_bundle(void)
{
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* RHEL, Fedora */
    };
    const char *given = getenv("SSL_CERT_FILE");
    if (given != NULL && given[0] != '\0')
        return given;
    return access(bundles[0], R_OK) == 0 ? bundles[0] : bundles[1];
}

/* ---- a store that parses a certificate when it is looked up ---- */

/* Parsed, one takes 5 kB: the 140 of a distribution 0.7 MB, of which a handful is used. */
struct bundle {
    struct bundled {
        unsigned long subject; /* hash of its name */
        size_t at, len;        /* in `der` */
        bool with_trust;       /* a TRUSTED CERTIFICATE */
    } * list;
    size_t n, room;
    uint8_t *der;
    size_t len, der_room;
};

static void bundle_free(X509_LOOKUP *lookup)
{
    struct bundle *b = X509_LOOKUP_get_method_data(lookup);
    free(b->list);
    free(b->der);
    free(b);
}

static X509 *parse(const struct bundle *b, const struct bundled *c)
{
    const unsigned char *der = b->der + c->at;
    return c->with_trust ? d2i_X509_AUX(NULL, &der, (long)c->len)
                         : d2i_X509(NULL, &der, (long)c->len);
}

/* Adds those with that subject to the store, which keeps them. */
static int bundle_find(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                       X509_OBJECT *out)
{
    const struct bundle *b = X509_LOOKUP_get_method_data(lookup);
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    unsigned long subject = X509_NAME_hash_ex(name, NULL, NULL, NULL);
    for (size_t i = 0; type == X509_LU_X509 && i < b->n; i++) {
        X509 *x = b->list[i].subject == subject ? parse(b, &b->list[i]) : NULL;
        if (x != NULL)
            X509_STORE_add_cert(store, x);
        X509_free(x);
    }
    X509_STORE_lock(store);
    X509_OBJECT *found =
        X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
    X509_STORE_unlock(store);
    X509 *x = found != NULL ? X509_OBJECT_get0_X509(found) : NULL;
    if (x == NULL)
        return 0;
    X509_OBJECT_set1_X509(out, x);
    X509_free(x); /* the caller adds the reference of `out` */
    return 1;
}

/* False: it is damaged. */
static bool bundle_add(struct bundle *b, const unsigned char *der, size_t len,
                       bool with_trust)
{
    struct bundled c = {.at = b->len, .len = len, .with_trust = with_trust};
    b->der = mem_grow(b->der, &b->der_room, b->len + len, 1);
    memcpy(b->der + b->len, der, len);
    X509 *x = parse(b, &c);
    if (x == NULL)
        return false;
    c.subject = X509_NAME_hash_ex(X509_get_subject_name(x), NULL, NULL, NULL);
    X509_free(x);
    b->len += len;
    b->list = mem_grow(b->list, &b->room, b->n + 1, sizeof *b->list);
    b->list[b->n++] = c;
    return true;
}

static struct bundle *bundle_open(X509_STORE *store)
{
    static X509_LOOKUP_METHOD *method;
    if (method == NULL) {
        method = X509_LOOKUP_meth_new("edgelat");
        X509_LOOKUP_meth_set_get_by_subject(method, bundle_find);
        X509_LOOKUP_meth_set_free(method, bundle_free);
    }
    struct bundle *b = mem_zalloc(sizeof *b);
    X509_LOOKUP_set_method_data(X509_STORE_add_lookup(store, method), b);
    return b;
}

/* Takes the PEM certificates and revocation lists; returns how many. 0 if one is damaged. */
static size_t take_all(X509_STORE *store, struct bundle *b, const char *bytes, size_t len)
{
    size_t lists = 0;
    bool damaged = false;
    BIO *in = BIO_new_mem_buf(bytes, (int)len);
    char *name, *header;
    unsigned char *der;
    long der_len;
    while (PEM_read_bio(in, &name, &header, &der, &der_len) == 1) {
        const unsigned char *at = der;
        X509_CRL *crl = NULL;
        bool with_trust = strcmp(name, PEM_STRING_X509_TRUSTED) == 0;
        if (with_trust || strcmp(name, PEM_STRING_X509) == 0 ||
            strcmp(name, PEM_STRING_X509_OLD) == 0)
            damaged |= !bundle_add(b, der, (size_t)der_len, with_trust);
        else if (strcmp(name, PEM_STRING_X509_CRL) == 0)
            damaged |= (crl = d2i_X509_CRL(NULL, &at, der_len)) == NULL;
        lists += crl != NULL && X509_STORE_add_crl(store, crl) == 1;
        X509_CRL_free(crl);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    BIO_free(in);
    damaged |= ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE; /* the end */
    b->der = mem_resize(b->der, b->len);
    return damaged ? 0 : b->n + lists;
}

static X509_STORE *load(const char *bytes, size_t len)
{
    X509_STORE *store = X509_STORE_new();
    if (store == NULL)
        return NULL;
    ERR_clear_error();
    size_t n = take_all(store, bundle_open(store), bytes, len);
    ERR_clear_error();
    if (n == 0) {
        X509_STORE_free(store);
        return NULL;
    }
    /* as libcurl does: a pinned intermediate is sufficient */
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

static struct trusted *find(struct tls_trust *t, const char *file)
{
    for (struct trusted *c = t->list; c != NULL; c = c->next)
        if (strcmp(c->file, file) == 0)
            return c;
    struct trusted *c = mem_zalloc(sizeof *c);
    c->file = mem_string(file);
    c->next = t->list;
    t->list = c;
    return c;
}

X509_STORE *tls_trust_store(struct tls_trust *t, const char *ca_file, char *why,
                            size_t why_size)
{
    const char *file = ca_file != NULL && ca_file[0] != '\0' ? ca_file : system_bundle();
    struct stat s;
    if (stat(file, &s) < 0 || access(file, R_OK) < 0) {
        snprintf(why, why_size, "trusted certificates %s: %s", file, strerror(errno));
        return NULL;
    }
    struct trusted *c = find(t, file);
    struct file_stamp stamp = file_stamp_of(&s);
    if (c->store != NULL && file_stamp_equal(&stamp, &c->stamp))
        return c->store;

    char *bytes;
    size_t len;
    /* OpenSSL does not find "-----BEGIN" after a byte order mark. */
    int rc = file_read(AT_FDCWD, file, FILE_SKIP_BOM, TRUST_MAX, &bytes, &len);
    if (rc < 0) {
        snprintf(why, why_size, "trusted certificates %s: %s", file, file_error(rc));
        return NULL;
    }
    X509_STORE *store = load(bytes, len);
    free(bytes);
    if (store == NULL) {
        snprintf(why, why_size, "trusted certificates %s: no certificate in PEM form",
                 file);
        return NULL;
    }
    X509_STORE_free(c->store);
    SSL_CTX_free(c->context);
    c->store = store;
    c->context = NULL;
    c->stamp = stamp;
    return store;
}

/* ---- contexts ---- */

static SSL_CTX *offered;

SSL_CTX *tls_trust_context(struct tls_trust *t, const X509_STORE *store)
{
    struct trusted *c = t->list;
    while (c != NULL && c->store != store)
        c = c->next;
    if (c == NULL)
        return NULL;
    if (c->context == NULL)
        c->context = SSL_CTX_new_ex(NULL, NULL, TLS_client_method());
    if (c->context != NULL)
        SSL_CTX_up_ref(c->context);
    return c->context;
}

void tls_offer(SSL_CTX *context)
{
    offered = context;
}

/* Overrides the function of OpenSSL for this program and its libraries. */
SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    if (offered == NULL || method != TLS_client_method())
        return SSL_CTX_new_ex(NULL, NULL, method);
    /* libcurl may add certificates to the store of a new context; not to ours */
    SSL_CTX_set_cert_store(offered, X509_STORE_new());
    SSL_CTX_up_ref(offered);
    return offered;
}

/* Organisation, else common name; UTF-8. */
static void name_text(char *out, size_t room, const X509_NAME *name)
{
    static const int fields[] = {NID_organizationName, NID_commonName};
    for (size_t i = 0; i < 2; i++) {
        int at = X509_NAME_get_index_by_NID((X509_NAME *)name, fields[i], -1);
        unsigned char *utf8 = NULL;
        if (at < 0)
            continue;
        ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
        if (ASN1_STRING_to_UTF8(&utf8, value) < 0)
            continue;
        text_copy(out, room, (const char *)utf8);
        OPENSSL_free(utf8);
        return;
    }
}

static int32_t days_left(const X509 *certificate, time_t now)
{
    int days = 0, seconds = 0;
    ASN1_TIME *from = ASN1_TIME_set(NULL, now);
    if (from != NULL)
        ASN1_TIME_diff(&days, &seconds, from, X509_get0_notAfter(certificate));
    ASN1_TIME_free(from);
    if (seconds < 0)
        days--; /* the day of expiry counts as past */
    return days;
}

void tls_certificate_facts(struct http_facts *out, const X509 *certificate)
{
    name_text(out->issuer, sizeof out->issuer, X509_get_issuer_name(certificate));
    out->expires_days = days_left(certificate, time(NULL));
}

static bool is_dhe(const SSL_CIPHER *c)
{
    return SSL_CIPHER_get_kx_nid(c) == NID_kx_dhe;
}

/* Filters the current list: the policy of a distribution may have set it. */
static void remove_dhe(SSL_CTX *ctx)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    int n = sk_SSL_CIPHER_num(all), i = 0;
    while (i < n && !is_dhe(sk_SSL_CIPHER_value(all, i)))
        i++;
    if (i == n) /* a kept context */
        return;
    struct text kept = {0};
    for (i = 0; i < n; i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
        if (!is_dhe(c))
            text_add(&kept, "%s%s", kept.len > 0 ? ":" : "", SSL_CIPHER_get_name(c));
    }
    SSL_CTX_set_cipher_list(ctx, text_string(&kept));
    text_free(&kept);
}

void tls_harden(SSL_CTX *ctx, bool renegotiates)
{
    remove_dhe(ctx);
    if (!renegotiates)
        SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
}

/* ---- observing a handshake ---- */

static int context_index = -1, connection_index; /* of our pointer in both objects */

/* Called by SSL_new(): the handshake moves from the context to its connection. */
static void on_new_connection(void *ssl, void *none, CRYPTO_EX_DATA *data, int index,
                              long l, void *p)
{
    (void)none, (void)l, (void)p;
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    CRYPTO_set_ex_data(data, index, SSL_CTX_get_ex_data(ctx, context_index));
    SSL_CTX_set_ex_data(ctx, context_index, NULL);
}

static struct tls_handshake *handshake_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, connection_index);
}

/* Reads the certificate; OpenSSL verifies the chain as usual. */
static int on_verify(X509_STORE_CTX *c, void *unused)
{
    (void)unused;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(c, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_handshake *h = handshake_of(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(c);
    if (h != NULL && certificate != NULL)
        tls_certificate_facts(&h->facts, certificate);
    return X509_verify_cert(c);
}

/* Called before OpenSSL reads `len` bytes from the socket. */
static long on_read(BIO *bio, int what, const char *bytes, size_t len, int i, long l,
                    int result, size_t *done)
{
    (void)bytes, (void)i, (void)l, (void)done;
    struct tls_handshake *h = (struct tls_handshake *)BIO_get_callback_arg(bio);
    int64_t came_ns = what == BIO_CB_READ ? rx_stamp_next(h->socket, len) : 0;
    if (came_ns > 0)
        h->came_ns = came_ns;
    return result;
}

static void watch_reads(const SSL *ssl, struct tls_handshake *h)
{
    BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)h);
    BIO_set_callback_ex(SSL_get_rbio(ssl), on_read);
}

static bool is_long(const uint8_t *record_header)
{
    return (record_header[3] << 8 | record_header[4]) > SHORT_RECORD;
}

/* Called with each message or record header, sent or received. */
static void on_message(int sent, int version, int type, const void *bytes, size_t len,
                       SSL *ssl, void *user)
{
    int64_t now_ns = (int64_t)uv_hrtime(); /* first thing: the clock is running */
    const uint8_t *b = bytes;
    struct tls_handshake *h = handshake_of(ssl);
    (void)version, (void)user;
    if (h == NULL || !sent || len == 0)
        return;
    if (type == SSL3_RT_HANDSHAKE && b[0] == SSL3_MT_CLIENT_HELLO && h->started_ns == 0) {
        h->started_ns = now_ns;
        if (h->socket >= 0)
            rx_stamp_enable(h->socket);
    }
    if (type == SSL3_RT_HANDSHAKE && b[0] == SSL3_MT_FINISHED) {
        h->finished_ns = now_ns;
        if (h->socket >= 0) /* no earlier: what arrived before is not timed */
            watch_reads(ssl, h);
    }
    if (type == SSL3_RT_HEADER && len == SSL3_RT_HEADER_LENGTH &&
        b[0] == SSL3_RT_APPLICATION_DATA && (h->request_ns == 0 || is_long(b)))
        h->request_ns = now_ns;
}

static void on_info(const SSL *ssl, int where, int value)
{
    (void)value;
    int64_t now_ns = (int64_t)uv_hrtime(); /* first thing: the clock is running */
    struct tls_handshake *h = handshake_of(ssl);
    if (h == NULL || h->done_ns != 0 || (where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    const char *version = SSL_get_version(ssl); /* "TLSv1.3" */
    h->done_ns = SSL_version(ssl) >= TLS1_3_VERSION
                     ? h->finished_ns
                     : tls_came_ns(h, h->finished_ns, now_ns);
    text_copy(h->facts.tls_version, sizeof h->facts.tls_version,
              strncmp(version, "TLSv", 4) == 0 ? version + 4 : version);
    if (h->socket < 0)
        SSL_set_ex_data((SSL *)ssl, connection_index, NULL);
}

int64_t tls_came_ns(const struct tls_handshake *h, int64_t earliest_ns, int64_t latest_ns)
{
    bool sane = h->came_ns >= earliest_ns && h->came_ns <= latest_ns;
    return sane ? h->came_ns : latest_ns;
}

void tls_observe(SSL_CTX *ctx, struct tls_handshake *h)
{
    if (context_index < 0) {
        context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        connection_index = SSL_get_ex_new_index(0, NULL, on_new_connection, NULL, NULL);
    }
    SSL_CTX_set_ex_data(ctx, context_index, h);
    SSL_CTX_set_info_callback(ctx, on_info);
    SSL_CTX_set_msg_callback(ctx, on_message);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
}

void tls_without_crypto_texts(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}
