/*
 * What `edgelat status` shows of path MTUs (edge/mtu_watch.h).
 */
#ifndef EDGELAT_EDGE_MTU_SHOW_H
#define EDGELAT_EDGE_MTU_SHOW_H

#include "base/text.h"
#include "edge/mtu_watch.h"

struct json;

/* A line for each path whose MTU is limited. */
void mtu_show_text(const struct mtu_watch *w, struct text *out);

/* The array "path_mtus" with each path whose MTU is known. */
void mtu_show_json(const struct mtu_watch *w, struct json *j);

#endif
