/* The file with the token: one header comes out of it, or nothing. */
#include "ship/header_file.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char path[32];
    struct header_file h = {0};
    int fd = memfd_create("header", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = header_file_read(&h, path);
    close(fd);
    assert((rc == 0) == (h.line[0] != '\0'));
    assert(rc < 0 || (strchr(h.line, ':') > h.line && strpbrk(h.line, "\r\n") == NULL));
    return 0;
}
