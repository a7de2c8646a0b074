#include "ship/header_file.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A control character could begin a header, or a request, of its own. */
static bool is_header(const char *line)
{
    size_t name = strcspn(line, ": \t");
    if (name == 0 || line[name] != ':')
        return false;
    for (const unsigned char *c = (const unsigned char *)line; *c != '\0'; c++)
        if ((*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return true;
}

int header_take(struct header_file *h, const char *line)
{
    if (text_copy(h->line, sizeof h->line, line) && is_header(h->line))
        return 0;
    header_file_forget(h);
    return -EBADMSG;
}

static int read_line(char line[HEADER_LINE_MAX], int fd)
{
    char *bytes;
    size_t len;
    int rc = file_read_open(fd, FILE_SKIP_BOM, HEADER_LINE_MAX - 1, &bytes, &len);
    if (rc < 0)
        return rc == -EFBIG ? -EBADMSG : rc;
    memcpy(line, bytes, len);
    explicit_bzero(bytes, len);
    free(bytes);
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL && line[len - 1] != '\0')
        len--;
    line[len] = '\0';
    return strlen(line) == len && is_header(line) ? 0 : -EBADMSG;
}

int header_file_read(struct header_file *h, const char *path)
{
    struct stat stat;
    int fd = file_open(AT_FDCWD, path, FILE_PLAIN, &stat);
    if (fd < 0)
        return fd;
    int rc = 0;
    struct file_stamp stamp = file_stamp_of(&stat);
    if (h->line[0] == '\0' || !file_stamp_equal(&stamp, &h->stamp)) {
        rc = read_line(h->line, fd);
        h->stamp = stamp;
        if (rc < 0)
            header_file_forget(h);
    }
    close(fd);
    return rc;
}

void header_file_forget(struct header_file *h)
{
    explicit_bzero(h, sizeof *h);
}
