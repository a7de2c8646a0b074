/*
 * The delays of each series over the last hour, day and three days, for percentiles at
 * probe rates that give a window of a minute too few values.
 *
 * Values are counted in tallies (core/tally.h): of five minutes for the hour, of an hour
 * for the longer periods. A period ends now and begins with a whole tally, so an hour
 * covers 55 to 60 minutes and a day 23 to 24 hours. A longer period is stated only once
 * it has more values than the shorter one. The intervals assume independent values
 * (core/percentile.h); delays measured soon after each other are not quite independent.
 *
 * Time is the monotonic clock, so steps of the wall clock have no effect, and the time for
 * which the host was suspended, which that clock does not count. Over a restart the wall
 * clock tells how much time has passed; if it went backwards, none.
 *
 * Memory: 1 or 2 bytes for each distinct step of a tally, 3 if it has several values, plus
 * some 5 per tally (84 at most). A delay with noise of 15 % takes 0.9 kB after an hour,
 * 8.3 kB after a day and 24 kB after three if it is probed every 10 s; 0.3, 0.7 and 1.5 kB
 * if every 5 minutes. Beyond ROLLING_BYTES_MAX in total, the delay that takes most loses its
 * oldest tally, and so on until it fits, so that one that is probed rarely keeps its three
 * days beside many that are probed each second. Only the newest tallies and the keys are
 * never dropped. Not thread-safe.
 *
 * A series is identified by a text key, so that its values are found after a restart.
 */
#ifndef EDGELAT_CORE_ROLLING_H
#define EDGELAT_CORE_ROLLING_H

#include "core/time.h"
#include "core/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLLING_BYTES_MAX  (1 << 20)
#define ROLLING_SERIES_MAX 4096
#define ROLLING_KEY_MAX    1024
#define ROLLING_FILE_MAX   (16 << 20) /* four times 3 MiB, the bound of older versions */

enum period { PERIOD_HOUR, PERIOD_DAY, PERIOD_3_DAYS, PERIODS };
extern const char *const period_name[PERIODS]; /* "hour", "day", "3 days" */
#define PERIOD_WINDOW_NAME "window"            /* of a single window, beside those */

/* Statements of a period are this far apart: its percentiles hardly change sooner. */
extern const int64_t period_pace_ns[PERIODS]; /* 10 minutes, an hour, an hour */

struct period_summary {
    int64_t age_ns;  /* of the oldest value, rounded up to a tally */
    struct wall end; /* set by the caller of rolling_summary() */
    /* Percentiles and intervals of the period; min, max and mean are not set. None is
     * supported while the shorter period has all values. */
    struct delay_summary delay;
};

struct rolling_set;
struct rolling; /* the values of one series */

struct rolling_set *rolling_set_create(struct mono now);
void rolling_set_destroy(struct rolling_set *l);

/* Advances to `now`: drops what is too old, or too much. Returns whether an hour ended. */
bool rolling_set_now(struct rolling_set *l, struct mono now);

/* The host was suspended for `ns` since the last call of rolling_set_now(). */
void rolling_set_suspended(struct rolling_set *l, int64_t ns);

size_t rolling_set_bytes(const struct rolling_set *l);

/*
 * The series with that key, which keeps its values until they are too old; created if
 * needed. NULL: too many series or delays, or the key is too long. A claimed series is
 * never removed; after rolling_release() it is removed once it has no values.
 */
struct rolling *rolling_claim(struct rolling_set *l, const char *key, size_t n_delays);
void rolling_release(struct rolling *r); /* NULL is fine */

void rolling_add(struct rolling_set *l, struct rolling *r, size_t delay,
                 const struct tally *values);

/* The periods that are due; the others are set to 0. */
void rolling_summary(const struct rolling_set *l, const struct rolling *r, size_t delay,
                     const bool due[PERIODS], struct period_summary out[PERIODS]);

/*
 * Makes a file with all series, a piece of some 16 kB at a time (more if a tally is longer),
 * as the whole may take more memory than the set. Ends if the set changes meanwhile.
 */
struct rolling_saver;
struct rolling_saver *rolling_saver_create(const struct rolling_set *l, struct wall wall);
void rolling_saver_destroy(struct rolling_saver *s); /* NULL is fine */

enum rolling_saved {
    ROLLING_PIECE,  /* `*bytes` and `*len`, until the next call */
    ROLLING_SAVED,  /* the piece before was the last one */
    ROLLING_CHANGED /* the set has changed: the pieces are no file */
};
enum rolling_saved rolling_saver_next(struct rolling_saver *s, const void **bytes,
                                      size_t *len);

/* Gives some of the next bytes of a file, at most `room`. Returns how many; 0: none. */
typedef size_t rolling_read_cb(void *user, void *bytes, size_t room);

/* Loads such a file of `len` bytes into an empty set, as of `wall` now. False: it is damaged
 * or of another version, and nothing is loaded. Any bytes are allowed. */
bool rolling_load(struct rolling_set *l, struct wall wall, size_t len,
                  rolling_read_cb *read, void *user);

/* The checksum at the end of a file (64-bit FNV-1a), for tests that make files. */
uint64_t rolling_checksum(const void *bytes, size_t len);

#endif
