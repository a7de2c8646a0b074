/*
 * STATE_DIR/doors: the front doors that the last sweep found (edge/kept_doors.h). A
 * restart in the same network resumes with them; a file that cannot be used is logged in
 * one sentence and ignored.
 */
#ifndef EDGELAT_DAEMON_DOORS_FILE_H
#define EDGELAT_DAEMON_DOORS_FILE_H

#include "daemon/measurer.h"

/* Call it before the first measurer_resume(). */
void doors_file_load(const char *state_dir, struct measurer *m);

/* Replaces the file, atomically. */
void doors_file_store(const char *state_dir, const struct measurer *m);

#endif
