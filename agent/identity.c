#include "identity.h"

#include "base/file.h"
#include "core/target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static bool is_uuid(const char *text)
{
    for (int i = 0; i < IDENTITY_TEXT_MAX - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static int make(char out[IDENTITY_TEXT_MAX])
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != sizeof b)
        return -errno;
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* variant of RFC 4122 */
    snprintf(out, IDENTITY_TEXT_MAX,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
             b[13], b[14], b[15]);
    return 0;
}

/* A power cut must not give the site a second identity. */
int identity_keep(const char *id, const char *dir)
{
    char line[IDENTITY_TEXT_MAX + 1];
    int len = snprintf(line, sizeof line, "%s\n", id);
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int rc = file_write_whole(folder, "instance_id", line, (size_t)len);
    close(folder);
    return rc;
}

int identity_load(char out[IDENTITY_TEXT_MAX], const char *state_dir)
{
    char path[FILE_TEXT_MAX + 16];
    snprintf(path, sizeof path, "%s/instance_id", state_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    out[0] = '\0';
    if (fd < 0 && errno != ENOENT)
        return -errno;
    if (fd >= 0) {
        ssize_t n = read(fd, out, IDENTITY_TEXT_MAX - 1);
        close(fd);
        if (n == IDENTITY_TEXT_MAX - 1 && is_uuid(out)) {
            out[n] = '\0';
            return 0;
        }
    }
    out[0] = '\0';
    int rc = make(out);
    return rc < 0 ? rc : identity_keep(out, state_dir);
}
