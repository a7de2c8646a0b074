/*
 * What the spool holds when it is opened: sorts the files of its folder, moves foreign
 * ones to bad/, removes what a crash has left half-written. Blocking, without a loop.
 */
#ifndef EDGELAT_SPOOL_SCAN_H
#define EDGELAT_SPOOL_SCAN_H

#include "spool/batch_file.h"
#include "spool/quarantine.h"

#include <stddef.h>
#include <stdint.h>

struct scan_result {
    struct batch_files batches; /* by id; free() `all` */
    uint64_t highest;           /* id ever seen, 0 when there was none */
    size_t set_aside;           /* entries that are no batches, now in bad/ */
    char example[256];          /* the first of them ... */
    const char *why;            /* ... and what it is; static, NULL when there was none */
};

/* Scans the folder `path`, open as `folder`; history/ stands beside it. `*found` is
 * { 0 } before. Returns 0 or -errno: nothing was sorted. */
int scan_folder(const char *path, int folder, const struct quarantine *bad,
                struct scan_result *found);

#endif
