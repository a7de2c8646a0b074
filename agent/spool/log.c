#include "spool/log.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *next_step(int rc)
{
    switch (rc) {
    case -ENOSPC:
    case -EDQUOT:
        return "free some space";
    case -EROFS:
        return "mount it writable";
    case -EACCES:
    case -EPERM:
        return "give the folder and its files to the user that runs edgelat";
    case -EWOULDBLOCK:
        return "another edgelat has it: give each its own state_dir";
    case -EMFILE:
    case -ENFILE:
        return "raise the limit of open files";
    default:
        return "look at the disk (dmesg)";
    }
}

void spool_log_written(const char *dir, int before, int rc, size_t in_memory)
{
    if (rc < 0 && rc != before)
        log_warn("spool",
                 "%s: cannot write: %s; %s; until then batches wait in memory, next try "
                 "in %d s",
                 dir, strerror(-rc), next_step(rc), SPOOL_RETRY_MS / 1000);
    else if (rc < 0)
        log_debug("spool", "%s: still cannot write: %s; %zu batches in memory", dir,
                  strerror(-rc), in_memory);
    else if (before < 0)
        log_info("spool", "%s: can be written again, %zu batches wait in memory", dir,
                 in_memory);
}

void spool_log_left(const char *dir, int before, int rc)
{
    if (rc < 0 && rc != before)
        log_warn("spool",
                 "%s: cannot remove what was sent: %s; %s; it is tried again with each "
                 "batch, and a restart before that sends it again",
                 dir, strerror(-rc), next_step(rc));
}

void spool_log_dropping(const char *dir, const char *why, size_t waiting)
{
    log_warn("spool",
             "%s: %s: the oldest batches are dropped, %zu wait; see why the collector "
             "takes none, or change [spool]",
             dir, why, waiting);
}

void spool_log_taken(const char *dir, uint64_t dropped, const char *causes)
{
    log_info("spool",
             "%s: batches are taken again; since the start %" PRIu64 " were dropped: %s",
             dir, dropped, causes);
}

void spool_log_too_large(const char *dir, size_t len)
{
    log_warn(
        "spool",
        "%s: a batch of %zu bytes is dropped: at most %u; fewer targets or a shorter "
        "window make it smaller",
        dir, len, BATCH_FILE_MAX);
}

void spool_log_unreadable(const char *dir, const struct waiting *w, int rc)
{
    char name[BATCH_FILE_NAME_MAX];
    batch_file_name(name, w->id, w->signal);
    if (rc == -ENOENT || rc == -ENOTDIR)
        log_warn("spool", "%s/%s: somebody removed it; it is lost", dir, name);
    else if (rc == -EBADMSG)
        log_warn("spool", "%s/%s: not a whole batch; set aside in bad/", dir, name);
    else
        log_warn("spool",
                 "%s/%s: cannot be read: %s; %s; it is kept and tried again, others are "
                 "sent meanwhile; further ones are not logged",
                 dir, name, strerror(-rc), next_step(rc));
}

void spool_log_readable(const char *dir)
{
    log_info("spool", "%s: all batches can be read again", dir);
}

void spool_log_in_use(const char *state_dir)
{
    log_error("spool",
              "spool %s/spool is in use by another edgelat; stop that one, or give this "
              "one a state_dir of its own",
              state_dir);
}

void spool_log_found(const char *dir, const struct scan_result *found)
{
    if (found->set_aside > 0)
        log_warn("spool",
                 "%s: %zu files are no whole batches and are set aside in bad/: %s is %s",
                 dir, found->set_aside, found->example, found->why);
    if (found->batches.n > 0)
        log_info("spool", "%s: %zu batches wait from the last run", dir,
                 found->batches.n);
}

void spool_log_lost(const char *dir, size_t n)
{
    log_error("spool", "%s: %zu batches could not be written and are lost", dir, n);
}
