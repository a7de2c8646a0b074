/*
 * The cost of edge data: the PoP of a header, a pasted text, the longest prefix of an
 * address over all shipped prefixes, the nearest metros, a ranking; compared with a
 * simpler algorithm in the same run. Run from the root of the checkout.
 */
#include "core/nearest.h"
#include "core/random.h"
#include "core/time.h"
#include "edge/whereis.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESSES = 4096, ROUNDS = 500 };

/* Of this process on a processor: what else the machine does costs nothing. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

#define SERVERS                                                                          \
    "Ref B: (([A-Z]{3})([0-9]{2})?EDGE[0-9]{4}|"                                         \
    "([A-Z]{2})([0-9])(EDGE[0-9]{4}|AA[0-9]{10})|([A-Z]{3})([0-9]{2})[0-9]{10})( |$)"
#define AZURE "^[0-9]{8}T[0-9]{6}Z-[0-9a-z]{16}hC1([A-Z]{3}|[A-Z]{2}[0-9])"

static const struct {
    const char *what, *name, *value;
    const char *regex; /* that says the same; NULL: none can */
} headers[] = {
    {"X-MSEdge-Ref", "X-MSEdge-Ref",
     "Ref A: B35168FEDE1047359F276C0D318CD4E8 Ref B: LON281181714054 Ref C: "
     "2026-01-14T00:25:34Z",
     SERVERS},
    {"X-Azure-Ref, packed", "X-Azure-Ref",
     "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYwYS00YTU0LTk0YzMt"
     "NWZmNzA3NjQ3Nzgz",
     NULL},
    {"X-Azure-Ref, 2025", "X-Azure-Ref",
     "20251101T221137Z-1759895c94bdrrpvhC1CO181yw0000000ck0000000007zhh", AZURE},
    {"X-FirstHopCafeEFZ", "X-FirstHopCafeEFZ", "DUB", "^[A-Za-z]{3}$"},
    {"none (Server)", "Server", "Microsoft-IIS/10.0", NULL},
};

/* What regexec() takes for the value alone; 0 where there is no regex. */
static double regex_ns(const char *regex, const char *value)
{
    enum { TIMES = 20000 };
    regex_t compiled;
    regmatch_t match[10];
    if (regex == NULL)
        return 0;
    if (regcomp(&compiled, regex, REG_EXTENDED) != 0)
        fail(regex, NULL);
    double begin = now_ns();
    for (int n = 0; n < TIMES; n++)
        if (regexec(&compiled, value, 10, match, 0) != 0)
            fail(value, NULL);
    double ns = (now_ns() - begin) / TIMES;
    regfree(&compiled);
    return ns;
}

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
        double ns = (now_ns() - begin) / TIMES;
        double peer_ns = regex_ns(headers[i].regex, headers[i].value);
        printf("edge, %-20s %7.1f ns a header  (%s)", headers[i].what, ns,
               found == TIMES ? "known" : "not known");
        if (peer_ns > 0)
            printf("; regexec() %.0f ns, %.1f times that", peer_ns, peer_ns / ns);
        putchar('\n');
    }
}

static void bench_texts(const struct edge_data *known)
{
    enum { TIMES = 200000 };
    static const char text[] = "be-102-0.ibr01.lon24.ntwk.msn.net";
    struct whereis w;
    double begin = now_ns();
    for (int n = 0; n < TIMES; n++)
        whereis(&w, known, text, sizeof text - 1);
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

/* One prefix after the other, bit by bit in bytes: the longest that covers it. */
static const struct prefix *scan(const struct prefixes *p, const struct endpoint *e)
{
    const struct prefix *best = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct prefix *one = &p->all[i];
        size_t whole = one->bits / 8, rest = one->bits % 8;
        if (memcmp(one->bytes, e->bytes, whole) == 0 &&
            (rest == 0 || (one->bytes[whole] ^ e->bytes[whole]) >> (8 - rest) == 0) &&
            (best == NULL || one->bits > best->bits))
            best = one;
    }
    return best;
}

static void bench_prefixes(const struct prefixes *p)
{
    static struct endpoint addresses[ADDRESSES];
    size_t found = 0, same = 0;
    make_addresses(addresses, p);
    double begin = now_ns();
    for (int n = 0; n < ROUNDS; n++)
        for (size_t i = 0; i < ADDRESSES; i++)
            found += prefixes_find(p, &addresses[i]) != NULL;
    double ns = (now_ns() - begin) / ROUNDS / ADDRESSES;
    begin = now_ns();
    for (int n = 0; n < ROUNDS; n++)
        for (size_t i = 0; i < ADDRESSES; i++)
            same += scan(p, &addresses[i]) != NULL;
    double peer_ns = (now_ns() - begin) / ROUNDS / ADDRESSES;
    if (same != found)
        fail("the scan finds others", NULL);
    printf("edge, %-20s %7.1f ns an address (%zu prefixes, %.0f %% found); one after the "
           "other %.0f ns, %.1f times that\n",
           "longest prefix", ns, p->n, 100.0 * (double)found / ROUNDS / ADDRESSES,
           peer_ns, peer_ns / ns);
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

/* ---- ranking ---- */

enum { CANDIDATES = 200 };

static int by_delay(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->min_ns > y->min_ns) - (x->min_ns < y->min_ns);
}

static void shuffle(struct candidate *c, struct random *r)
{
    for (size_t i = 0; i < CANDIDATES; i++)
        c[i] = (struct candidate){NS_PER_MS + random_below(r, 200 * NS_PER_MS), 100,
                                  (uint64_t)random_below(r, 12)};
}

/* What the next window brings: about the same. */
static void tremble(struct candidate *c, struct random *r)
{
    for (size_t i = 0; i < CANDIDATES; i++)
        c[i].min_ns += random_below(r, NS_PER_MS / 10) - NS_PER_MS / 20;
}

enum life { LIFE_NEW, LIFE_SETTLED, LIFE_MOVED };

/* Of new candidates, of those that were ranked the window before, and of those of which
 * every one is somewhere else now. */
static void bench_ranking(enum life life)
{
    enum { TIMES = 2000 };
    static const char *const names[] = {"ranking, new ones", "ranking, settled",
                                        "ranking, all moved"};
    static const struct nearest_policy policy = {0.1, 0.1, NS_PER_MS};
    struct candidate c[CANDIDATES], sorted[CANDIDATES];
    size_t order[CANDIDATES] = {0}, previous[CANDIDATES], eligible = 0;
    struct random r = random_from(1);
    double spent_ns = 0, peer_ns = 0;
    shuffle(c, &r);
    for (int n = 0; n < TIMES; n++) {
        (life == LIFE_SETTLED ? tremble : shuffle)(c, &r);
        memcpy(previous, order, sizeof order);
        memcpy(sorted, c, sizeof c);
        double begin = now_ns();
        eligible = nearest_rank(c, CANDIDATES, previous, life == LIFE_NEW ? 0 : eligible,
                                &policy, order);
        double between = now_ns();
        qsort(sorted, CANDIDATES, sizeof *sorted, by_delay);
        spent_ns += between - begin;
        peer_ns += now_ns() - between;
    }
    printf("edge, %-20s %7.1f us for %d; qsort() by delay %.1f us, %.2f of that\n",
           names[life], spent_ns / TIMES / 1e3, CANDIDATES, peer_ns / TIMES / 1e3,
           peer_ns / spent_ns);
}

int main(void)
{
    struct edge_data known = {.metros = {.n = 0}};
    struct datafile_source metros = load("packaging/data/metros.csv");
    struct datafile_source airports = load("packaging/data/airports.csv");
    struct datafile_source prefixes = load("packaging/data/prefixes.csv");
    struct datafile_source suffixes = load("packaging/data/suffixes.csv");
    double begin = now_ns();
    catalogue_parse(&known.metros, &metros);
    catalogue_parse_airports(&known.metros, &airports);
    prefixes_parse(&known.prefixes, &prefixes);
    suffixes_parse(&known.suffixes, &suffixes);
    printf("edge, %-20s %7.1f us\n", "reading four files", (now_ns() - begin) / 1e3);
    bench_headers(&known.metros);
    bench_texts(&known);
    bench_prefixes(&known.prefixes);
    bench_nearest(&known.metros);
    bench_ranking(LIFE_NEW);
    bench_ranking(LIFE_SETTLED);
    bench_ranking(LIFE_MOVED);
    edge_data_free(&known);
    return 0;
}
