#include "net/machine.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE_ID "/etc/machine-id"
/* mounted over /etc/machine-id by systemd when /etc is read-only */
#define TRANSIENT "/run/machine-id"

enum { ID_DIGITS = 32 };

/* Application id of edgelat, random. */
static const uint8_t our_id[16] = {0x8d, 0x3e, 0x51, 0xc2, 0x0b, 0x7a, 0x4c, 0x19,
                                   0x9f, 0x64, 0xe7, 0x20, 0x5a, 0xb8, 0x13, 0xd6};

static bool is_transient(void)
{
    struct stat etc, run;
    return stat(MACHINE_ID, &etc) == 0 && stat(TRANSIENT, &run) == 0 &&
           etc.st_ino == run.st_ino && etc.st_dev == run.st_dev;
}

int machine_hash(char out[MACHINE_TEXT_MAX])
{
    char *text;
    size_t len;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = sizeof hash;
    if (getenv("container") != NULL ||
        is_transient()) /* systemd.io/CONTAINER_INTERFACE */
        return -ENOENT;
    int rc = file_read(AT_FDCWD, MACHINE_ID, FILE_PLAIN, 64, &text, &len);
    if (rc < 0)
        return rc;
    bool is_id = strspn(text, "0123456789abcdef") == ID_DIGITS &&
                 strspn(text, "0\n") != len && strcspn(text + ID_DIGITS, "\n") == 0;
    if (is_id && HMAC(EVP_sha256(), text, ID_DIGITS, our_id, sizeof our_id, hash,
                      &hash_len) != NULL)
        for (size_t i = 0; i < (MACHINE_TEXT_MAX - 1) / 2; i++)
            snprintf(out + 2 * i, 3, "%02x", hash[i]);
    else
        rc = -ENOENT; /* "uninitialized": an image before its first boot */
    free(text);
    return rc;
}
