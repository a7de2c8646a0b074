/*
 * The table of kinds: every kind of probe that this program knows, in the order in which
 * they are numbered and shown. A new kind is one folder and one line here.
 */
#ifndef EDGELAT_PROBE_KINDS_H
#define EDGELAT_PROBE_KINDS_H

#include "probe/probe.h"

extern const struct probe_kind *const probe_kinds[];
extern const size_t probe_kinds_count;

const struct kinds *probe_kind_words(void); /* the same table, as the core knows it */

#endif
