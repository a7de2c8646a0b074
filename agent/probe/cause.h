#ifndef EDGELAT_PROBE_CAUSE_H
#define EDGELAT_PROBE_CAUSE_H

#include <stddef.h>

/* Why this host could not send: one plain clause for an errno, positive or negative. */
void cause_not_sent(char *cause, size_t size, int error);

#endif
