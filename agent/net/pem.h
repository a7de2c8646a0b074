/*
 * Looks at files in PEM form (RFC 7468) that TLS is going to load, before it needs them:
 * what OpenSSL would say in the middle of a handshake is said when the configuration is
 * checked.
 */
#ifndef EDGELAT_NET_PEM_H
#define EDGELAT_NET_PEM_H

#include "base/text.h"

/*
 * Whether the file holds a certificate, and whether the other one holds its private key,
 * unencrypted: nobody is there to type a passphrase. Returns 0, -errno as file_read(), or
 * -EBADMSG with a clause in `why`.
 */
int pem_check_certificates(const char *file, struct text *why);
int pem_check_key(const char *file, const char *cert_file, struct text *why);

#endif
