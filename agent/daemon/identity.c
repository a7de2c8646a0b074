#include "daemon/identity.h"

#include "base/file.h"
#include "base/log.h"
#include "net/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ID      "instance_id"
#define MACHINE "machine"

enum { LINE_MAX_BYTES = 4096 };

static bool is_uuid(const char *text)
{
    for (int i = 0; i < IDENTITY_TEXT_MAX - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static int uuid_make(char out[IDENTITY_TEXT_MAX])
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

/* Written atomically: a power cut must not give the site a second identity. */
static int write_line(int folder, const char *name, const char *text)
{
    char line[IDENTITY_TEXT_MAX + 1];
    int len = snprintf(line, sizeof line, "%s\n", text);
    return file_write_whole(folder, name, line, (size_t)len);
}

static int open_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Writes `machine` last: if interrupted, the next start detects another machine again. */
static int write_identity(const char *id, int folder, const char *machine)
{
    int rc = write_line(folder, ID, id);
    return rc < 0 || machine[0] == '\0' ? rc : write_line(folder, MACHINE, machine);
}

int identity_keep(const char *id, const char *state_dir, const char *machine)
{
    int folder = open_folder(state_dir);
    if (folder < 0)
        return folder;
    int rc = write_identity(id, folder, machine);
    close(folder);
    return rc;
}

/* Reads the first line of a file, "" if longer than `room`. Returns 0 or -errno. */
static int read_line(int folder, const char *name, char *out, size_t room)
{
    char *text;
    size_t len;
    out[0] = '\0';
    int rc = file_read(folder, name, FILE_PLAIN, LINE_MAX_BYTES, &text, &len);
    if (rc == -EFBIG)
        return 0;
    if (rc < 0)
        return rc;
    text[strcspn(text, "\r\n")] = '\0';
    if (strlen(text) < room)
        memcpy(out, text, strlen(text) + 1);
    free(text);
    return 0;
}

/* ---- another machine ---- */

static int move_aside(int folder, const char *to, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", to, what);
    return renameat(folder, what, folder, path) < 0 && errno != ENOENT ? -errno : 0;
}

static int move_originals(int folder, const char *to)
{
    int lock = file_lock_folder(folder, "spool"); /* fails while another agent runs */
    if (lock < 0 && lock != -ENOENT)
        return lock;
    int rc = mkdirat(folder, to, 0700) < 0 && errno != EEXIST ? -errno : 0;
    if (rc == 0)
        rc = move_aside(folder, to, "spool");
    if (rc == 0)
        rc = move_aside(folder, to, "history");
    if (rc == 0)
        rc = move_aside(folder, to, "percentiles");
    if (rc == 0 && fsync(folder) < 0)
        rc = -errno;
    if (lock >= 0)
        close(lock);
    return rc;
}

static int replace_identity(char id[IDENTITY_TEXT_MAX], int folder, const char *dir,
                            const char *machine)
{
    char old[IDENTITY_TEXT_MAX], to[sizeof "of-" + IDENTITY_TEXT_MAX];
    memcpy(old, id, sizeof old);
    snprintf(to, sizeof to, "of-%s", old);
    id[0] = '\0';
    int rc = move_originals(folder, to);
    if (rc == 0)
        rc = uuid_make(id);
    if (rc < 0)
        return rc;
    log_warn(
        "agent",
        "%s belongs to another machine (its machine-id differs; cloned disk?): this "
        "agent is now %s; the data of %s is not sent from here and was moved to %s/%s; "
        "remove that folder if that agent still runs",
        dir, id, old, dir, to);
    return write_identity(id, folder, machine);
}

/* ---- load ---- */

static int load(char out[IDENTITY_TEXT_MAX], int folder, const char *dir,
                const char *machine)
{
    char was[MACHINE_TEXT_MAX];
    int rc = read_line(folder, ID, out, IDENTITY_TEXT_MAX);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    if (!is_uuid(out)) {
        rc = uuid_make(out);
        return rc < 0 ? rc : write_identity(out, folder, machine);
    }
    if (machine[0] == '\0')
        return 0;
    rc = read_line(folder, MACHINE, was, sizeof was);
    if (rc < 0 && rc != -ENOENT)
        return 0; /* the next start checks again */
    if (strlen(was) == MACHINE_TEXT_MAX - 1 && strcmp(was, machine) != 0)
        return replace_identity(out, folder, dir, machine);
    if (strcmp(was, machine) != 0)
        write_line(folder, MACHINE, machine); /* on failure the next start tries again */
    return 0;
}

int identity_load(char out[IDENTITY_TEXT_MAX], const char *state_dir, const char *machine)
{
    out[0] = '\0';
    int folder = open_folder(state_dir);
    if (folder < 0)
        return folder;
    int rc = load(out, folder, state_dir, machine);
    close(folder);
    return rc;
}
