/*
 * What a page tells of an office with planted troubles: each is one line, with its time, and
 * nothing else is told. The oracle is what was planted.
 */
#include "report/page.h"

#include "check.h"
#include "otlp/gzip.h"
#include "planted.h"

#include <time.h>

#define BEGIN_NS (INT64_C(1795392000) * NS_PER_S) /* 2026-11-23T00:00:00Z */
#define HOURS    4

static void take(struct planted *o, enum signal signal, const void *bytes, size_t len,
                 void *user)
{
    void *plain;
    size_t plain_len;
    (void)o;
    CHECK_INT(0, gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &plain_len), "gzip");
    CHECK_INT(0, dataset_add(user, signal, plain, plain_len), "added");
    free(plain);
}

/* Renders the page of an office with these troubles. */
static void render(struct text *page, const struct trouble *troubles, size_t n,
                   size_t targets, uint64_t seed)
{
    static struct planted o;
    static const struct edge_data nothing;
    bool with_gateway = false;
    size_t n_own = 0;
    struct rating ratings[PLANTED_TARGETS_MAX];
    int64_t until_ns = BEGIN_NS + HOURS * 60 * PLANTED_MINUTE_NS;
    struct dataset *p = dataset_create(&planted_kinds, BEGIN_NS, until_ns);
    planted_begin(&o, targets, BEGIN_NS, PLANTED_MINUTE_NS, seed);
    for (size_t i = 0; i < n; i++) {
        if (troubles[i].kind == TROUBLE_METRE || troubles[i].kind == TROUBLE_GATEWAY)
            with_gateway = true;
        if (troubles[i].kind == TROUBLE_MEDIA)
            o.media = troubles[i].target;
    }
    if (with_gateway)
        planted_add_gateway(&o);
    o.choice = (struct metric_choice){.histograms = true};
    o.troubles = troubles;
    o.n_troubles = n;
    planted_run(&o, HOURS * 60, take, p);
    planted_end(&o);
    dataset_end(p);
    for (size_t i = 0; i < p->n_targets; i++) {
        bool own = strcmp(p->targets[i]->host, GATEWAY_HOST) != 0;
        size_t at = own ? n_own++ : p->n_targets - 1;
        rating_make(&ratings[at], p, p->targets[i], &o.targets[0].limits);
    }
    page_render(page, &(struct page){.dataset = p,
                                     .ratings = ratings,
                                     .n_own = n_own,
                                     .known = &nothing,
                                     .now_ns = until_ns});
    for (size_t i = 0; i < p->n_targets; i++)
        rating_free(&ratings[i]);
    dataset_free(p);
}

/* ---- what is told ---- */

enum { TOLD_MAX = 32 };

struct told {
    char who[64], line[512];
    double from_min, to_min;
    bool found;
};

/* Minutes after the beginning of the `number`th time in the line; the end if it has none. */
static double minute_in(const char *line, int number)
{
    static const char marker[] = "<time datetime=\"";
    for (; number > 0 && line != NULL; number--) {
        line = strstr(line, marker);
        line = line != NULL ? line + strlen(marker) : NULL;
    }
    struct tm tm = {0};
    if (line == NULL)
        return HOURS * 60;
    strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);
    return (double)(timegm(&tm) - BEGIN_NS / NS_PER_S) / 60;
}

/* The lines of the first list of the page's head. */
static size_t read_told(const char *page, struct told *told)
{
    size_t n = 0;
    const char *end = strstr(page, "</header>"), *list = strstr(page, "</p>\n<ul>");
    if (list == NULL || list > end)
        return 0;
    end = strstr(list, "</ul>");
    for (const char *li = list; (li = strstr(li, "<li>")) != NULL && li < end; li++) {
        struct told *t = &told[n++];
        const char *stop = strstr(li, "</li>");
        *t = (struct told){.found = false};
        CHECK(n < TOLD_MAX, "too many lines");
        snprintf(t->line, sizeof t->line, "%.*s", (int)(stop - li), li);
        sscanf(t->line, "<li><strong>%63[^<]", t->who);
        t->from_min = minute_in(t->line, 1);
        t->to_min = minute_in(t->line, 2);
    }
    return n;
}

static const char *who_of(const struct trouble *t)
{
    return t->kind == TROUBLE_UPLINK                               ? "The site's line"
           : t->kind == TROUBLE_FAMILY && t->family == FAMILY_IPV6 ? "IPv6"
           : t->kind == TROUBLE_FAMILY                             ? "IPv4"
           : t->kind == TROUBLE_OFF     ? "Nothing was measured"
           : t->kind == TROUBLE_METRE   ? "The site's own network"
           : t->kind == TROUBLE_GATEWAY ? "The site's line"
                                        : planted_names[t->target].name;
}

/* What the line has to say besides. */
static const char *word_of(const struct trouble *t)
{
    static const char *const words[] = {
        [TROUBLE_UPLINK] = "no target answered",
        [TROUBLE_FAMILY] = "no target answered over it",
        [TROUBLE_SERVICE] = "down",
        [TROUBLE_POP] = "times the delay",
        [TROUBLE_SLOW] = "degraded",
        [TROUBLE_LOSS] = "degraded",
        [TROUBLE_SUBOPTIMAL] = "not through the nearest front door",
        [TROUBLE_OFF] = "the agent was not running",
        [TROUBLE_METRE] = "packets to the default gateway",
        [TROUBLE_GATEWAY] = "answers neither ICMP nor ",
        [TROUBLE_MEDIA] = "over Microsoft's limits for media in ",
    };
    return words[t->kind];
}

/* Detection of a state takes windows, and the slowest probe comes each five minutes. */
static double tolerance_min(const struct trouble *t)
{
    return t->kind == TROUBLE_SERVICE || t->kind == TROUBLE_SLOW ? 7
           : t->kind == TROUBLE_MEDIA ? 20 /* one each so long */
           : t->kind == TROUBLE_METRE ? METRE_WINDOWS + 2
                                      : 1.2;
}

static void check_told(const char *what, struct told *told, size_t n_told,
                       const struct trouble *troubles, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct trouble *t = &troubles[i];
        size_t lines = 0;
        for (size_t k = 0; k < n_told; k++) {
            struct told *l = &told[k];
            if (l->found || strcmp(l->who, who_of(t)) != 0 ||
                strstr(l->line, word_of(t)) == NULL ||
                fabs(l->from_min - t->from_min) > tolerance_min(t) ||
                fabs(l->to_min - t->to_min) > tolerance_min(t))
                continue;
            l->found = true;
            lines++;
            if (t->kind == TROUBLE_POP) {
                char pops[64];
                snprintf(pops, sizeof pops, "served by %s instead of %s: ", t->pop,
                         planted_names[t->target].pop);
                const char *times = strstr(l->line, " ms, ");
                CHECK(strstr(l->line, pops) != NULL, "%s: %s", what, l->line);
                CHECK_NEAR(t->times, strtod(times + 5, NULL), 0.15, what);
            }
        }
        CHECK(lines == 1, "%s: trouble %zu is told %zu times", what, i + 1, lines);
    }
    for (size_t k = 0; k < n_told; k++)
        CHECK(told[k].found, "%s: told, but not planted: %s", what, told[k].line);
}

/* ---- the cases ---- */

#define ALL PLANTED_ALL

static const struct {
    const char *what;
    struct trouble troubles[6];
    const char *verdict; /* with what it begins */
    size_t changes; /* numbered rows: one for all kinds and families; 0: not counted */
} cases[] = {
    {"nothing", {{0}}, "good\">Good: within the limits throughout."},
    {"the line is down",
     {{TROUBLE_UPLINK, 100.3, 118.3, ALL, FAMILY_NONE, NULL, 0}},
     "fair\">The site's line was down for 18 min. Apart from that within the limits",
     .changes = 6}, /* down and up of three targets */
    {"the line is down twice",
     {{TROUBLE_UPLINK, 40, 44, ALL, FAMILY_NONE, NULL, 0},
      {TROUBLE_UPLINK, 150.5, 158.5, ALL, FAMILY_NONE, NULL, 0}},
     "fair\">The site's line was down 2 times, 12 min in all. Apart"},
    {"half an hour without IPv6",
     {{TROUBLE_FAMILY, 60.4, 90.4, ALL, FAMILY_IPV6, NULL, 0}},
     "fair\">IPv6 did not work for 30 min. Apart from that within the limits"},
    {"without IPv4",
     {{TROUBLE_FAMILY, 60.4, 90.4, ALL, FAMILY_IPV4, NULL, 0}},
     "fair\">IPv4 did not work for 30 min. Apart from that within the limits"},
    {"a PoP is away for three hours",
     {{TROUBLE_POP, 20, 100, 1, FAMILY_NONE, "FRA", 3}},
     "fair\">sharepoint was served by FRA with "},
    {"a PoP is away over IPv6",
     {{TROUBLE_POP, 20, 100, 0, FAMILY_IPV6, "FRA", 2}},
     "fair\">exchange was served by FRA with "},
    {"a suboptimal edge",
     {{TROUBLE_SUBOPTIMAL, 30, 150, 2, FAMILY_IPV4, "LON", 0}},
     "fair\">teams was not served through the nearest front door for 2 h. Apart"},
    {"a service is down",
     {{TROUBLE_SERVICE, 100, 112, 2, FAMILY_NONE, NULL, 0}},
     "bad\">teams was down for 1",
     .changes = 2},
    {"two services are slow, one after the other",
     {{TROUBLE_SLOW, 60, 80, 0, FAMILY_NONE, NULL, 9},
      {TROUBLE_SLOW, 64, 84, 1, FAMILY_NONE, NULL, 9}},
     "fair\">"},
    {"a service is slow",
     {{TROUBLE_SLOW, 60, 108, 0, FAMILY_NONE, NULL, 9}},
     "fair\">exchange was degraded for 4"},
    {"the agent did not run",
     {{TROUBLE_OFF, 60, 100, ALL, FAMILY_NONE, NULL, 0}},
     "good\">"},
    {"the site's own network loses packets",
     {{TROUBLE_METRE, 60, 120, ALL, FAMILY_NONE, NULL, 0.08}},
     "fair\">The site's own network lost or delayed packets for "},
    {"a service is down while the site's own network loses packets",
     {{TROUBLE_METRE, 60, 160, ALL, FAMILY_NONE, NULL, 0.08},
      {TROUBLE_SERVICE, 100, 112, 2, FAMILY_NONE, NULL, 0}},
     "bad\">The site's own network lost or delayed packets for "},
    {"the default gateway is away",
     {{TROUBLE_GATEWAY, 100.3, 118.3, ALL, FAMILY_NONE, NULL, 0}},
     "fair\">The site's line was down for 18 min. Apart from that within the limits"},
    {"media over the limits",
     {{TROUBLE_MEDIA, 90, 150, 2, FAMILY_NONE, NULL, 0}},
     "fair\">teams was over the limits for media in 3 of 12 bursts. Apart"},
    {"all of it",
     {{TROUBLE_UPLINK, 10.3, 28.3, ALL, FAMILY_NONE, NULL, 0},
      {TROUBLE_POP, 40, 100, 1, FAMILY_NONE, "FRA", 3},
      {TROUBLE_FAMILY, 105, 125, ALL, FAMILY_IPV6, NULL, 0},
      {TROUBLE_SUBOPTIMAL, 130, 180, 0, FAMILY_IPV4, "LON", 0},
      {TROUBLE_SERVICE, 140, 152, 2, FAMILY_NONE, NULL, 0},
      {TROUBLE_OFF, 200, 220, ALL, FAMILY_NONE, NULL, 0}},
     "bad\">The site's line was down for 18 min; IPv6 did not work for 20 min; sharepoint "
     "was served by FRA with "},
};

static size_t n_of(const struct trouble *troubles)
{
    size_t n = 0;
    while (n < 6 && troubles[n].to_min > 0)
        n++;
    return n;
}

static void test_each_is_one_line(void **state)
{
    (void)state;
    uint64_t seed = check_seed();
    size_t all = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < all; i++) {
        if (check_quick() && i % 3 != 1 && i + 1 < all)
            continue;
        struct text page = {0};
        struct told told[TOLD_MAX];
        size_t n = n_of(cases[i].troubles);
        render(&page, cases[i].troubles, n, 3, seed + i);
        size_t n_told = read_told(text_string(&page), told);
        check_told(cases[i].what, told, n_told, cases[i].troubles, n);
        CHECK(strstr(text_string(&page), "percentiles are within 0.55\u00a0%)") != NULL &&
                  strstr(text_string(&page), "in ms (within 1.09\u00a0%)") != NULL,
              "%s: the errors of main delays and phases", cases[i].what);
        const char *verdict = strstr(text_string(&page), "<p class=\"verdict ") + 18;
        CHECK(strncmp(verdict, cases[i].verdict, strlen(cases[i].verdict)) == 0,
              "%s: %.300s", cases[i].what, verdict);
        size_t changes = 0;
        for (const char *at = text_string(&page);
             (at = strstr(at, "<td class=\"l\"><span class=\"n")) != NULL; at++)
            changes++;
        if (cases[i].changes > 0)
            CHECK_INT(cases[i].changes, changes, cases[i].what);
        size_t charged = 0; /* the target that was down itself */
        for (const char *at = text_string(&page);
             (at = strstr(at, "class=\"bad\">loss over")) != NULL; at++)
            charged++;
        CHECK_INT(strncmp(cases[i].verdict, "bad", 3) == 0, charged, cases[i].what);
        text_free(&page);
    }
}

int main(void)
{
    setenv("TZ", "UTC0", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_is_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
