/*
 * Checks the PEM files (RFC 7468) that TLS will load, when the configuration is checked.
 * Otherwise OpenSSL reports their errors only during a handshake.
 */
#ifndef EDGELAT_NET_PEM_H
#define EDGELAT_NET_PEM_H

#include "base/text.h"

/*
 * Check that `file` holds a certificate, or the private key of the certificate in
 * `cert_file`. The key must not be encrypted, as nobody can enter a passphrase. Return
 * 0, -errno as file_read(), or -EBADMSG with a clause in `why`.
 */
int pem_check_certificates(const char *file, struct text *why);
int pem_check_key(const char *file, const char *cert_file, struct text *why);

#endif
