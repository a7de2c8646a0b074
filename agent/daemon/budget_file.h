/* Keeps what is spent of the budget in the state folder (core/budget.h), in the file
 * "budget". */
#ifndef EDGELAT_DAEMON_BUDGET_FILE_H
#define EDGELAT_DAEMON_BUDGET_FILE_H

#include "core/budget.h"

/* Begins the budget with what the file says. */
void budget_file_load(const char *state_dir, struct budget_amount limit,
                      struct budget *b);

/*
 * Writes the file when more has to be granted, about twenty times a day; `stop`: what was not
 * spent is not granted any more. If it cannot be written, that is logged once and the budget goes
 * on without it: a restart may then spend again what was spent since the last time.
 */
void budget_file_keep(const char *state_dir, struct budget *b, bool stop);

#endif
