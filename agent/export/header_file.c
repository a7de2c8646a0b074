#include "export/header_file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, line + len, HEADER_LINE_MAX - 1 - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return -errno;
    if (len == HEADER_LINE_MAX - 1)
        return -EBADMSG;
    while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL && line[len - 1] != '\0')
        len--;
    line[len] = '\0';
    size_t mark = text_mark(line, len);
    memmove(line, line + mark, len + 1 - mark);
    len -= mark;
    return strlen(line) == len && is_header(line) ? 0 : -EBADMSG;
}

int header_file_read(struct header_file *h, const char *path)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &stat) < 0 ? -errno : 0;
    if (rc == 0 && (h->line[0] == '\0' || stat.st_ino != h->inode ||
                    stat.st_mtim.tv_sec != h->changed.tv_sec ||
                    stat.st_mtim.tv_nsec != h->changed.tv_nsec)) {
        rc = read_line(h->line, fd);
        h->inode = stat.st_ino;
        h->changed = stat.st_mtim;
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
