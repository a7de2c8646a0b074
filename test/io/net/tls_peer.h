/*
 * The other end of a TLS connection, in a process of its own that says exactly what a
 * test wants: its certificate, for "localhost", and reading and writing.
 */
#ifndef EDGELAT_TEST_TLS_PEER_H
#define EDGELAT_TEST_TLS_PEER_H

#include "io/net/child.h"

#include <openssl/ssl.h>

struct tls_peer_files {
    struct child_folder folder;
    char certificate[96], key[96];
};

static inline void tls_peer_files(struct tls_peer_files *f)
{
    char command[512];
    child_folder(&f->folder);
    snprintf(f->certificate, sizeof f->certificate, "%s/cert.pem", f->folder.path);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder.path);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "
             "2 -keyout %s -out %s -subj /CN=localhost -addext "
             "subjectAltName=DNS:localhost 2>%s/log",
             f->key, f->certificate, f->folder.path);
    child_run(command);
}

struct connection {
    int fd;
    SSL *ssl; /* NULL: none */
};

static inline void must(bool ok)
{
    if (!ok)
        _exit(0); /* the other end has gone: enough of it */
}

static inline void peer_write(const struct connection *c, const char *bytes, size_t len)
{
    for (ssize_t n; len > 0; bytes += n, len -= (size_t)n) {
        n = c->ssl != NULL ? SSL_write(c->ssl, bytes, (int)len)
                           : send(c->fd, bytes, len, MSG_NOSIGNAL);
        must(n > 0);
    }
}

static inline void peer_read(const struct connection *c, uint8_t *bytes, size_t len)
{
    for (ssize_t n; len > 0; bytes += n, len -= (size_t)n) {
        n = c->ssl != NULL ? SSL_read(c->ssl, bytes, (int)len)
                           : recv(c->fd, bytes, len, 0);
        must(n > 0);
    }
}

static inline void read_head(const struct connection *c)
{
    for (uint32_t last = 0; last != 0x0d0a0d0a;) {
        uint8_t byte;
        peer_read(c, &byte, 1);
        last = last << 8 | byte;
    }
}

static inline SSL_CTX *tls_peer_context(const struct tls_peer_files *f)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_file(ctx, f->certificate, SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(ctx, f->key, SSL_FILETYPE_PEM);
    return ctx;
}

static inline SSL *tls_peer_accept(SSL_CTX *ctx, int fd)
{
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    must(SSL_accept(ssl) == 1);
    return ssl;
}

#endif
