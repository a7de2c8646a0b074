/* The state of cmd/top_model.h, shared by what changes it and what draws it. */
#ifndef EDGELAT_CMD_TOP_STATE_H
#define EDGELAT_CMD_TOP_STATE_H

#include "base/json_read.h"
#include "base/text.h"
#include "cmd/top_model.h"
#include "core/kind.h"
#include "core/target.h"

enum { TOP_TARGETS_MAX = 1024, TOP_KIND_MAX = 16 };
enum top_page { TOP_LIST, TOP_TARGET, TOP_HELP };
enum top_sort {
    TOP_BY_RANK,
    TOP_BY_STATE,
    TOP_BY_DELAY,
    TOP_BY_LOSS,
    TOP_BY_NAME,
    TOP_SORTS
};

struct top_target {
    char name[TARGET_NAME_MAX];
    double rank;               /* infinite: none */
    int state;                 /* 0 unknown or up, 1 degraded, 2 down */
    double p50_ms, loss_ratio; /* of `stream`; NaN: unknown */
    struct json_span json;
    struct json_span stream; /* the one that is shown; len 0: none */
};

struct top {
    struct text line; /* the status; the spans point into it */
    struct json_span status;
    struct top_target *targets;
    size_t n, room;
    char kinds[KINDS_MAX][TOP_KIND_MAX]; /* in the order of the status */
    size_t n_kinds;

    char source[160];
    enum top_page page;
    enum top_sort sort;
    size_t kind; /* n_kinds: the first that has a delay */
    size_t cursor, scroll;
    size_t rows; /* of the list when it was drawn last */
};

/* The number of a member; NaN if the member is not a number. */
double top_number(struct json_span object, const char *name);

#endif
