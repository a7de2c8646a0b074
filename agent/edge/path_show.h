/*
 * What is known of the paths, for `edgelat status`: as text and as JSON. Pure.
 */
#ifndef EDGELAT_EDGE_PATH_SHOW_H
#define EDGELAT_EDGE_PATH_SHOW_H

#include "base/text.h"
#include "edge/path_watch.h"

struct json;

/* Adds a table and some lines; nothing if no path was traced. */
void path_show_text(const struct path_watch *w, struct text *out);

/* Adds "paths": an object with "targets", "locations" and "last_failover". */
void path_show_json(const struct path_watch *w, struct json *j);

#endif
