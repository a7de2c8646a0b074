/*
 * Loads the line by downloads, to see what the delay becomes: LOAD_CONNECTIONS at a time, for
 * LOAD_NS or LOAD_BYTES, whichever comes first.
 */
#ifndef EDGELAT_DIAGNOSE_LOAD_ROUND_H
#define EDGELAT_DIAGNOSE_LOAD_ROUND_H

#include "core/time.h"
#include "net/http.h"

#include <stdint.h>
#include <uv.h>

#define LOAD_NS    (6 * NS_PER_S)
#define LOAD_BYTES (25 << 20)

enum { LOAD_CONNECTIONS = 8, LOAD_URLS = 16, LOAD_URL_MAX = 768 };

struct load_urls {
    char list[LOAD_URLS][LOAD_URL_MAX];
    size_t n;
};

struct load_round;

/* The URLs are taken in turn; `urls` and `http` are borrowed. */
struct load_round *load_round_start(struct http *http, const struct load_urls *urls);

/* No download begins after LOAD_NS. True: none is under way any more. */
bool load_round_over(struct load_round *l);

/* So far; those under way do not count. `error`: of the last download that failed, or "". */
uint64_t load_round_bytes(const struct load_round *l, const char **error);
void load_round_destroy(struct load_round *l); /* before `http`; NULL is fine */

#endif
