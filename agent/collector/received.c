#include "collector/received.h"

#include "base/file.h"
#include "spool/batch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int find_last(struct received *r)
{
    struct batch_ids ids = {0};
    int fd = openat(r->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : batch_ids_find(&ids, fd);
    r->sequence = batch_file_last(ids.all, ids.n);
    free(ids.all);
    return rc;
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

int received_store(struct received *r, enum signal signal, const void *bytes, size_t len)
{
    char name[BATCH_FILE_NAME_MAX];
    batch_file_name(name, r->sequence + 1, signal);
    int rc = file_write_whole(r->folder, name, bytes, len);
    if (rc == 0)
        r->sequence++;
    return rc;
}
