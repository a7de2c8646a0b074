/*
 * What knowing costs: a header's PoP, a pasted text, the longest prefix of an address
 * over all that is shipped, the nearest metros. From the root of the checkout.
 */
#include "core/random.h"
#include "edge/whereis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESSES = 4096, ROUNDS = 500 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *text, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static struct datafile_source load(const char *path)
{
    char *text = malloc(DATAFILE_BYTES_MAX);
    FILE *f = fopen(path, "r");
    if (f == NULL || text == NULL)
        fail(path, NULL);
    size_t len = fread(text, 1, DATAFILE_BYTES_MAX, f);
    fclose(f);
    return (struct datafile_source){path, text, len, fail, NULL};
}

static const struct {
    const char *what, *name, *value;
} headers[] = {
    {"X-MSEdge-Ref", "X-MSEdge-Ref",
     "Ref A: B35168FEDE1047359F276C0D318CD4E8 Ref B: LON281181714054 Ref C: "
     "2026-01-14T00:25:34Z"},
    {"X-Azure-Ref, packed", "X-Azure-Ref",
     "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYwYS00YTU0LTk0YzMt"
     "NWZmNzA3NjQ3Nzgz"},
    {"X-Azure-Ref, 2025", "X-Azure-Ref",
     "20251101T221137Z-1759895c94bdrrpvhC1CO181yw0000000ck0000000007zhh"},
    {"X-FirstHopCafeEFZ", "X-FirstHopCafeEFZ", "DUB"},
    {"none (Server)", "Server", "Microsoft-IIS/10.0"},
};

/* The PoP of a header and its place in the catalogue. */
static void bench_headers(const struct catalogue *c)
{
    enum { TIMES = 200000 };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        size_t len = strlen(headers[i].value), found = 0;
        double begin = now_ns();
        for (int n = 0; n < TIMES; n++) {
            struct pop p;
            if (pop_from_header(&p, headers[i].name, headers[i].value, len))
                found += catalogue_find(c, p.metro, p.family) != NULL;
        }
        printf("edge, %-20s %7.1f ns a header  (%s)\n", headers[i].what,
               (now_ns() - begin) / TIMES, found == TIMES ? "known" : "not known");
    }
}

static void bench_texts(const struct catalogue *c, const struct prefixes *p)
{
    enum { TIMES = 200000 };
    static const char text[] = "be-102-0.ibr01.lon24.ntwk.msn.net";
    struct whereis w;
    double begin = now_ns();
    for (int n = 0; n < TIMES; n++)
        whereis(&w, c, p, text, sizeof text - 1);
    printf("edge, %-20s %7.1f ns a text\n", "whereis", (now_ns() - begin) / TIMES);
}

/* Half of the addresses are in one of the prefixes, the others anywhere. */
static void make_addresses(struct endpoint *out, const struct prefixes *p)
{
    struct random r = random_from(1);
    for (size_t i = 0; i < ADDRESSES; i++) {
        const struct prefix *in = &p->all[random_below(&r, (int64_t)p->n)];
        out[i] = (struct endpoint){.family = FAMILY_IPV6};
        memcpy(out[i].bytes, in->bytes, 16);
        size_t from = i % 2 == 0 ? (in->bits + 7u) / 8 : 0;
        for (size_t k = from; k < 16; k++)
            out[i].bytes[k] = (uint8_t)random_next(&r);
    }
}

static void bench_prefixes(const struct prefixes *p)
{
    static struct endpoint addresses[ADDRESSES];
    size_t found = 0;
    make_addresses(addresses, p);
    double begin = now_ns();
    for (int n = 0; n < ROUNDS; n++)
        for (size_t i = 0; i < ADDRESSES; i++)
            found += prefixes_find(p, &addresses[i]) != NULL;
    printf("edge, %-20s %7.1f ns an address (%zu prefixes, %.0f %% found)\n",
           "longest prefix", (now_ns() - begin) / ROUNDS / ADDRESSES, p->n,
           100.0 * (double)found / ROUNDS / ADDRESSES);
}

static void bench_nearest(const struct catalogue *c)
{
    enum { TIMES = 500 };
    struct near_metro out[10];
    double begin = now_ns();
    for (int n = 0; n < TIMES; n++)
        if (catalogue_nearest(c, (struct position){n % 90, n % 180}, out, 10) != 10)
            abort();
    printf("edge, %-20s %7.1f us a place (%zu codes)\n", "ten nearest metros",
           (now_ns() - begin) / TIMES / 1e3, c->n);
}

int main(void)
{
    struct catalogue c;
    struct prefixes p;
    struct datafile_source metros = load("packaging/data/metros.csv");
    struct datafile_source prefixes = load("packaging/data/prefixes.csv");
    double begin = now_ns();
    catalogue_parse(&c, &metros);
    prefixes_parse(&p, &prefixes);
    printf("edge, %-20s %7.1f us\n", "reading both files", (now_ns() - begin) / 1e3);
    bench_headers(&c);
    bench_texts(&c, &p);
    bench_prefixes(&p);
    bench_nearest(&c);
    catalogue_free(&c);
    prefixes_free(&p);
    return 0;
}
