#include "base/file.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

/* Returns 0 for a regular file, else the error. */
static int refuse_kind(mode_t mode)
{
    if (S_ISREG(mode))
        return 0;
    return S_ISDIR(mode) ? -EISDIR : S_ISLNK(mode) ? -ELOOP : -EMEDIUMTYPE;
}

int file_open(int folder, const char *name, unsigned options, struct stat *out)
{
    bool no_link = options & FILE_NO_LINK;
    /* Check before opening: opening a device may have side effects (a watchdog). */
    if (fstatat(folder, name, out, no_link ? AT_SYMLINK_NOFOLLOW : 0) < 0)
        return -errno;
    int rc = refuse_kind(out->st_mode);
    if (rc < 0)
        return rc;
    int fd =
        openat(folder, name,
               O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (no_link ? O_NOFOLLOW : 0));
    if (fd < 0)
        return -errno;
    rc = fstat(fd, out) < 0 ? -errno : refuse_kind(out->st_mode); /* replaced meanwhile */
    if (rc < 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

/* True if the file system reports a larger size than could be read. /proc reports 0. */
static bool ends_early(int fd)
{
    struct stat stat;
    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
           stat.st_size > lseek(fd, 0, SEEK_CUR);
}

static void skip_bom(struct text *t)
{
    size_t mark = text_mark(t->bytes, t->len);
    t->len -= mark;
    memmove(t->bytes, t->bytes + mark, t->len + 1);
}

int file_read_open(int fd, unsigned options, size_t most, char **bytes, size_t *len)
{
    struct text t = {0};
    char piece[16 << 10];
    int rc = 0;
    bool again = false;        /* at an early end: the file may just have grown */
    text_add_bytes(&t, "", 0); /* not NULL */
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = -errno;
            break;
        }
        if (n == 0 && ends_early(fd) && !again) {
            again = true;
            continue;
        }
        if (n == 0) {
            rc = again ? -EIO : 0;
            break;
        }
        again = false;
        text_add_bytes(&t, piece, (size_t)n);
        if (t.len > most) {
            rc = -EFBIG;
            break;
        }
    }
    if (rc < 0) {
        text_free(&t);
        return rc;
    }
    if (options & FILE_SKIP_BOM)
        skip_bom(&t);
    *bytes = t.bytes;
    *len = t.len;
    return 0;
}

/* The descriptor of /dev/stdin or /dev/fd/N; -1: another name. */
static int inherited(const char *name)
{
    static const char fds[] = "/dev/fd/";
    int64_t fd = -1;
    if (strcmp(name, "/dev/stdin") == 0)
        return STDIN_FILENO;
    if (strncmp(name, fds, sizeof fds - 1) == 0)
        text_to_integer(name + sizeof fds - 1, 0, INT_MAX, &fd);
    return (int)fd;
}

int file_read(int folder, const char *name, unsigned options, size_t most, char **bytes,
              size_t *len)
{
    struct stat stat;
    int fd = options & FILE_INHERITED ? inherited(name) : -1;
    if (fd >= 0)
        return file_read_open(fd, options, most, bytes, len);
    fd = file_open(folder, name, options, &stat);
    if (fd < 0)
        return fd;
    int rc = file_read_open(fd, options, most, bytes, len);
    close(fd);
    return rc;
}

struct file_stamp file_stamp_of(const struct stat *s)
{
    return (struct file_stamp){s->st_ino, s->st_size, s->st_mtim};
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

const char *file_error(int rc)
{
    switch (rc) {
    case -EACCES:
    case -EPERM:
        return "permission denied; run as root or as the service's user, or let this "
               "user read it";
    case -EISDIR:
        return "this is a folder; name the file in it";
    case -EMEDIUMTYPE:
        return "a FIFO, socket or device; only a regular file is read here";
    case -ELOOP:
        return "a symbolic link, or one that leads to itself; name the file";
    case -EFBIG:
        return "too large; is it the right file?";
    case -EIO:
        return "the disk cannot read it (input/output error); see dmesg";
    case -EMFILE:
    case -ENFILE:
        return "too many open files; raise the limit (ulimit -n, LimitNOFILE=)";
    default:
        return strerror(-rc);
    }
}

/* ---- writing ---- */

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int temporary_name(char out[NAME_MAX + 1], const char *name)
{
    return snprintf(out, NAME_MAX + 1, "%s.tmp", name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

struct file_writer file_writer_of(int folder, const char *name)
{
    return (struct file_writer){folder, -1, name};
}

void file_drop(struct file_writer *w)
{
    char temporary[NAME_MAX + 1];
    if (w->fd < 0)
        return;
    temporary_name(temporary, w->name);
    unlinkat(w->folder, temporary, 0);
    close(w->fd);
    w->fd = -1;
}

static int create(struct file_writer *w)
{
    char temporary[NAME_MAX + 1];
    int rc = temporary_name(temporary, w->name);
    if (rc < 0)
        return rc;
    /* One that was left may be a link, or of another user: run by root once. */
    unlinkat(w->folder, temporary, 0);
    w->fd = openat(w->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return w->fd < 0 ? -errno : 0;
}

int file_put(struct file_writer *w, const void *bytes, size_t len)
{
    int rc = w->fd < 0 ? create(w) : 0;
    if (rc == 0)
        rc = write_all(w->fd, bytes, len);
    if (rc < 0)
        file_drop(w);
    return rc;
}

int file_commit(struct file_writer *w)
{
    char temporary[NAME_MAX + 1];
    temporary_name(temporary, w->name);
    int rc = fsync(w->fd) < 0 ? -errno : 0;
    if (close(w->fd) < 0 && rc == 0)
        rc = -errno;
    w->fd = -1;
    if (rc == 0 && renameat(w->folder, temporary, w->folder, w->name) < 0)
        rc = -errno;
    if (rc < 0) {
        unlinkat(w->folder, temporary, 0);
        return rc;
    }
    return fsync(w->folder) < 0 ? -errno : 0;
}

int file_write_whole(int folder, const char *name, const void *bytes, size_t len)
{
    struct file_writer w = file_writer_of(folder, name);
    int rc = file_put(&w, bytes, len);
    return rc < 0 ? rc : file_commit(&w);
}

int file_make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) < 0)
        return errno == EEXIST ? 0 : -errno;
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent] = '\0';
    int fd = open(slash != NULL ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int file_move(const char *from, const char *to, const char *folder)
{
    if (rename(from, to) == 0)
        return 0;
    int rc = errno == ENOENT ? file_make_folder(folder, 0700) : -errno;
    if (rc < 0)
        return rc;
    return rename(from, to) < 0 ? -errno : 0;
}

int file_lock_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}
