#include "export/received.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "-metrics.pb.gz"

enum { DIGITS = 20, NAME_ROOM = DIGITS + sizeof SUFFIX };

/* The number in a file's name; 0 when it is not one of ours. */
static uint64_t sequence_of(const char *name)
{
    uint64_t sequence;
    bool ours = strspn(name, "0123456789") == DIGITS &&
                strcmp(name + DIGITS, SUFFIX) == 0 &&
                sscanf(name, "%20" SCNu64, &sequence) == 1;
    return ours ? sequence : 0;
}

static int find_last(struct received *r)
{
    int fd = openat(r->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint64_t sequence = sequence_of(entry->d_name);
        if (sequence > r->sequence)
            r->sequence = sequence;
    }
    closedir(dir);
    return 0;
}

int received_open(struct received *out, const char *dir)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    *out = (struct received){.folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (out->folder < 0)
        return -errno;
    int rc = faccessat(out->folder, ".", W_OK, 0) < 0 ? -errno : find_last(out);
    if (rc < 0)
        received_close(out);
    return rc;
}

void received_close(struct received *r)
{
    close(r->folder);
}

int received_store(struct received *r, const void *bytes, size_t len)
{
    char name[NAME_ROOM];
    snprintf(name, sizeof name, "%020" PRIu64 SUFFIX, r->sequence + 1);
    int rc = file_write_whole(r->folder, name, bytes, len);
    if (rc == 0)
        r->sequence++;
    return rc;
}
