#include "net/pem.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PEM_BYTES_MAX (16 << 20)

static void drop(char *bytes, size_t len, BIO *in)
{
    BIO_free(in);
    explicit_bzero(bytes, len);
    free(bytes);
    ERR_clear_error();
}

/* Reads the whole file and opens a BIO on it. Free both with drop(). */
static int open_pem(const char *file, char **bytes, size_t *len, BIO **in)
{
    int rc = file_read(AT_FDCWD, file, FILE_SKIP_BOM, PEM_BYTES_MAX, bytes, len);
    if (rc < 0)
        return rc;
    *in = BIO_new_mem_buf(*bytes, (int)*len);
    return 0;
}

/* Reads the first certificate of the file; NULL if there is none. */
static int read_certificate(const char *file, X509 **out)
{
    char *bytes;
    size_t len;
    BIO *in;
    int rc = open_pem(file, &bytes, &len, &in);
    if (rc < 0)
        return rc;
    *out = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
    drop(bytes, len, in);
    return 0;
}

int pem_check_certificates(const char *file, struct text *why)
{
    X509 *certificate = NULL;
    int rc = read_certificate(file, &certificate);
    if (rc == 0 && certificate == NULL) {
        text_add(why, "no certificate in PEM form (-----BEGIN CERTIFICATE-----); is it "
                      "the right file?");
        rc = -EBADMSG;
    }
    X509_free(certificate);
    return rc;
}

/* Called when a passphrase is needed; there is none. */
static int on_passphrase(char *buffer, int room, int writing, void *user)
{
    (void)buffer, (void)room, (void)writing;
    *(bool *)user = true;
    return -1;
}

static int read_key(const char *file, EVP_PKEY **out, bool *encrypted)
{
    char *bytes;
    size_t len;
    BIO *in;
    int rc = open_pem(file, &bytes, &len, &in);
    if (rc < 0)
        return rc;
    *out = PEM_read_bio_PrivateKey(in, NULL, on_passphrase, encrypted);
    drop(bytes, len, in);
    return 0;
}

int pem_check_key(const char *file, const char *cert_file, struct text *why)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    bool encrypted = false;
    int rc = read_key(file, &key, &encrypted);
    if (rc < 0)
        return rc;
    if (cert_file[0] != '\0')
        /* pem_check_certificates() reports its errors */
        read_certificate(cert_file, &certificate);
    if (encrypted)
        text_add(why, "the key is encrypted and nobody can enter its passphrase; "
                      "store it unencrypted: openssl pkey -in OLD -out NEW");
    else if (key == NULL)
        text_add(why, "no private key in PEM form (-----BEGIN PRIVATE KEY-----); is it "
                      "the right file?");
    else if (certificate != NULL && X509_check_private_key(certificate, key) != 1)
        text_add(why, "is not the key of the certificate in %s; which of them is old?",
                 cert_file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return why->len > 0 ? -EBADMSG : 0;
}
