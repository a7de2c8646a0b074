#include "report/page.h"

#include "core/time.h"
#include "interned.h"
#include "office.h"

#include <ctype.h>
#include <time.h>

/* Renders the dataset with the given limits, and frees it. */
static void render(struct text *out, struct dataset *p, const struct limits *limits)
{
    static const struct edge_data nothing;
    struct rating ratings[4];
    dataset_end(p);
    CHECK(p->n_targets <= 4, "at most 4 targets");
    for (size_t i = 0; i < p->n_targets; i++)
        rating_make(&ratings[i], p, p->targets[i], limits);
    text_clear(out);
    page_render(out, &(struct page){.dataset = p,
                                    .ratings = ratings,
                                    .n_own = p->n_targets,
                                    .known = &nothing,
                                    .now_ns = p->until_ns});
    for (size_t i = 0; i < p->n_targets; i++)
        rating_free(&ratings[i]);
    dataset_free(p);
}

static const struct limits no_limits;

/* ---- what a page must not do ---- */

/* Every element is closed, in the right order, as XML and HTML require. */
static void check_well_formed(const char *page)
{
    char open[64][16];
    size_t n = 0;
    for (const char *at = strchr(page, '<'); at != NULL; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        char name[16] = "";
        bool closes = at[1] == '/';
        CHECK(end != NULL, "a tag ends: %.40s", at);
        for (size_t i = 0; isalnum((unsigned char)at[1 + closes + i]) && i < 15; i++)
            name[i] = at[1 + closes + i];
        if (at[1] == '!' || end[-1] == '/')
            continue;
        CHECK(name[0] != '\0', "a tag: %.40s", at);
        CHECK(!closes || (n > 0 && strcmp(open[n - 1], name) == 0),
              "closes what is open: %.40s", at);
        if (closes) {
            n--;
            continue;
        }
        CHECK(n < 64, "nested less than 64 deep");
        memcpy(open[n++], name, sizeof name);
    }
    CHECK_INT(0, n, "all are closed");
}

/* The axe-core rules scrollable-region-focusable, empty-table-header and
 * landmark-unique: each scrolling region has a unique name and keyboard focus, and each
 * column a header. */
static void check_reachable(const char *page)
{
    static const char wide[] = "<div class=\"wide";
    static const char expected[] = "\" tabindex=\"0\" role=\"region\" aria-label=\"";
    for (const char *at = strstr(page, wide); at != NULL; at = strstr(at + 1, wide)) {
        char tag[512] = "";
        snprintf(tag, sizeof tag, "%.*s", (int)(strchr(at, '>') - at), at);
        const char *after = strchr(tag + strlen(wide), '"');
        CHECK(strncmp(after, expected, strlen(expected)) == 0, "scrolls: %s", tag);
        CHECK(after[strlen(expected)] != '"', "has a name: %s", tag);
        CHECK(strstr(at + 1, tag) == NULL, "of its own: %s", tag);
    }
    for (const char *at = strstr(page, "<th"); at != NULL; at = strstr(at + 1, "<th")) {
        const char *text = strchr(at, '>') + 1;
        CHECK(strncmp(text, "</th>", 5) != 0, "an empty header: %.60s", at);
    }
    CHECK(strstr(page, "ipv4ipv6") == NULL, "two words");
}

static void check_harmless(const char *page)
{
    check_reachable(page);
    static const char *const never[] = {"<script", "javascript:", "http://", "https://",
                                        "src=",    "url(",        "<img",    "<link",
                                        "onload",  "@import",     "<iframe", "<object"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        CHECK(strstr(page, never[i]) == NULL, "no %s: %.80s", never[i],
              strstr(page, never[i]));
    CHECK(strstr(page, "content=\"default-src 'none'; style-src 'unsafe-inline'\"") !=
              NULL,
          "a policy that forbids the rest");
    check_well_formed(page);
}

static void test_hostile_texts(void **state)
{
    (void)state;
    static const char evil[] = "\"><script>alert('1')</script>&<b onload='x'>";
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    office_open(&o);
    o.target.name = intern(evil);
    snprintf(o.target.service, sizeof o.target.service, "%s", evil);
    o.target.host = intern(evil);
    snprintf(o.series.pop, sizeof o.series.pop, "<i>A&'\"");
    o.kind.name = "<svg/onload=1>";
    o.resource.site = o.resource.host_name = o.resource.version = o.resource.instance_id =
        evil;
    for (int i = 0; i < 3; i++) {
        office_window(&o, 6, 1, 10);
        office_event(&o, "edgelat.state.changed", "up", "degraded", evil);
        office_add(&o, p);
    }
    render(&page, p, &no_limits);
    const char *text = text_string(&page);
    check_well_formed(text);
    CHECK(strstr(text, "<script") == NULL && strstr(text, "<b ") == NULL &&
              strstr(text, "<i>") == NULL && strstr(text, "<svg/") == NULL,
          "no text is an element");
    CHECK(strstr(text, "<title>Latency to the Microsoft edge: "
                       "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;"
                       "&lt;b onload=&#39;x&#39;&gt;</title>") != NULL,
          "the text is shown unchanged");
    text_free(&page);
    office_close(&o);
}

/* ---- texts ---- */

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

/* The text between two markers; overwritten by the next call. */
static const char *between(const struct text *page, const char *begin, const char *end)
{
    static char out[1 << 16];
    const char *from = strstr(text_string(page), begin);
    CHECK(from != NULL, "there is %s", begin);
    from += strlen(begin);
    const char *to = strstr(from, end);
    CHECK(to != NULL, "and %s after it", end);
    snprintf(out, sizeof out, "%.*s", (int)(to - from), from);
    return out;
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double ms;
        unsigned lost; /* of 6 in each of 30 windows */
        bool degraded; /* in the third to sixth one */
        struct limits limits;
        const char *expected;
    } cases[] = {
        {"fine",
         10,
         0,
         false,
         {.delay_ns = 60 * NS_PER_MS},
         "good\">Good: within the limits throughout"},
        {"slow",
         70,
         0,
         false,
         {.delay_ns = 60 * NS_PER_MS},
         "bad\">1 of 1 targets over their limits or failing for the period as a whole: "
         "<span data-finding=\"service_slow\">Service slow</span>: teams (median "
         "70."},
        {"lossy",
         10,
         1,
         false,
         {.loss_ratio = 0.01},
         "bad\">1 of 1 targets over their limits or failing for the period as a whole: "
         "<span data-finding=\"service_loss\">Packets to a service lost</span>: teams "
         "(tcp loss "
         "17"},
        {"lossy, no limit", 10, 1, false, {.loss_ratio = 0}, "good\">Good"},
        {"incidents",
         10,
         0,
         true,
         {.delay_ns = 60 * NS_PER_MS},
         "fair\">teams was degraded for 4 min. Apart from that within the limits "
         "throughout."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(30));
        office_open(&o);
        for (int w = 0; w < 30; w++) {
            office_window(&o, 6 - cases[i].lost, cases[i].lost, cases[i].ms);
            if (cases[i].degraded && (w == 2 || w == 6))
                office_event(&o, "edgelat.state.changed", w == 2 ? "up" : "degraded",
                             w == 2 ? "degraded" : "up", "its delay varies");
            office_add(&o, p);
        }
        render(&page, p, &cases[i].limits);
        check_harmless(text_string(&page));
        const char *verdict = between(&page, "<p class=\"verdict ", "</p>");
        CHECK(strncmp(verdict, cases[i].expected, strlen(cases[i].expected)) == 0,
              "%s: %s", cases[i].what, verdict);
        CHECK(strstr(text_string(&page),
                     "<p>Served by <strong>AMS</strong> for teams.</p>") != NULL,
              "who served");
        if (cases[i].degraded)
            CHECK_TEXT("<strong>teams</strong> <time "
                       "datetime=\"2026-11-23T00:03:00.000000Z\" title=\"2026-11-23 "
                       "00:03:00 UTC\">01:03:00</time> to <time "
                       "datetime=\"2026-11-23T00:07:00.000000Z\" title=\"2026-11-23 "
                       "00:07:00 UTC\">01:07:00</time> (4 min): <span "
                       "data-finding=\"delay_variation\">Delay varies</span>: its delay "
                       "varies (tcp, ipv4)",
                       between(&page, "<li>", "</li>"), "when it was bad");
        CHECK(strstr(text_string(&page), "Times are local (CET, UTC+1)") != NULL, "zone");
        CHECK(strstr(text_string(&page), "percentiles are within 0.55\u00a0%)") != NULL,
              "their error");
        text_free(&page);
        office_close(&o);
    }
}

/* What an event left is on the page until an event ends it, or the agent starts again;
 * "Good" is not said beside it. */
static void test_left(void **state)
{
    (void)state;
    static const char suboptimal[] = "edgelat.edge.suboptimal";
    static const struct {
        const char *what, *name, *first, *second;
        int restart;
        const char *verdict, *line;
    } cases[] = {
        {"a finding", suboptimal, "suboptimal", NULL, 0,
         "fair\">Within the limits, but not through the nearest front door",
         "<strong>teams</strong> (ipv4) since <time datetime=\"2026-11-23T00:05:00."},
        {"taken back", suboptimal, "suboptimal", "optimal", 0,
         "fair\">teams was not served through the nearest front door for 5 min. Apart",
         "<strong>teams</strong> (IPv4) <time datetime=\"2026-11-23T00:05:00."},
        {"told again", suboptimal, "suboptimal", "suboptimal", 8, "fair\">Within",
         "<strong>teams</strong> (ipv4) since <time datetime=\"2026-11-23T00:10:00."},
        {"started again without it", suboptimal, "suboptimal", NULL, 8,
         "good\">Good: within", NULL},
        {"a black hole", "edgelat.path.black_hole", "black hole", NULL, 0,
         "fair\">Within the limits, but large packets vanish.",
         "<strong>teams</strong> (ipv4) since <time datetime=\"2026-11-23T00:05:00."},
        {"gone", "edgelat.path.black_hole", "black hole", "clear", 0,
         "good\">Good: within", NULL},
        {"a note", "edgelat.front_door.away", "neither", NULL, 0, "good\">Within the",
         "<strong>teams</strong> (ipv4) since "},
        {"back", "edgelat.front_door.away", "neither", "primary", 0,
         "good\">Good: within", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(20));
        office_open(&o);
        for (int w = 0; w < 20; w++) {
            if (w > 0 && w == cases[i].restart)
                office_start(&o);
            office_window(&o, 6, 0, 10);
            if (w == 4)
                office_event(&o, cases[i].name, "", cases[i].first, "<you lose> 15.0 ms");
            if (w == 9 && cases[i].second != NULL)
                office_event(&o, cases[i].name, "", cases[i].second, "you lose 16.0 ms");
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        check_harmless(text_string(&page));
        const char *verdict = between(&page, "<p class=\"verdict ", "</p>");
        CHECK(strncmp(verdict, cases[i].verdict, strlen(cases[i].verdict)) == 0, "%s: %s",
              cases[i].what, verdict);
        bool there = strstr(text_string(&page), "<li><strong>teams") != NULL;
        CHECK(there == (cases[i].line != NULL), "%s: a line", cases[i].what);
        if (there) {
            const char *line = between(&page, "<li>", "</li>");
            CHECK(strncmp(line, cases[i].line, strlen(cases[i].line)) == 0, "%s: %s",
                  cases[i].what, line);
        }
        text_free(&page);
        office_close(&o);
    }
}

/* The period begins at minute 10. What began before it is on the page, if it is still the
 * case when the period begins (a state) or ends (a finding). */
static void test_before_the_period(void **state)
{
    (void)state;
    static const char suboptimal[] = "edgelat.edge.suboptimal",
                      changed[] = "edgelat.state.changed";
    static const struct {
        const char *what, *name, *after, *then;
        int at, then_at, restart;
        const char *verdict, *line;
    } cases[] = {
        {"a finding", suboptimal, "suboptimal", NULL, 3, 0, 0, "fair\">Within the limits",
         "<strong>teams</strong> (ipv4) since <time datetime=\"2026-11-23T00:03:00."},
        {"taken back before", suboptimal, "suboptimal", "optimal", 3, 6, 0, "good\">Good",
         NULL},
        {"taken back in the period", suboptimal, "suboptimal", "optimal", 3, 14, 0,
         "good\">Good", NULL},
        {"the agent started again", suboptimal, "suboptimal", NULL, 3, 0, 7,
         "good\">Good", NULL},
        {"degraded throughout", changed, "degraded", NULL, 3, 0, 0,
         "fair\">teams was degraded for 10 min.",
         "<strong>teams</strong> <time datetime=\"2026-11-23T00:10:00."},
        {"degraded until minute 14", changed, "degraded", "up", 3, 14, 0,
         "fair\">teams was degraded for 4 min.",
         "<strong>teams</strong> <time datetime=\"2026-11-23T00:10:00."},
        {"up again before", changed, "degraded", "up", 3, 6, 0, "good\">Good", NULL},
        {"degraded, then the agent started again", changed, "degraded", NULL, 3, 0, 7,
         "good\">Good", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(10), office_at(20));
        office_open(&o);
        for (int w = 1; w <= 20; w++) {
            if (w == cases[i].restart)
                office_start(&o);
            office_window(&o, 6, 0, 10);
            if (w == cases[i].at)
                office_event(&o, cases[i].name, "up", cases[i].after, "the reason");
            if (cases[i].then != NULL && w == cases[i].then_at)
                office_event(&o, cases[i].name, cases[i].after, cases[i].then, "over");
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        const char *verdict = between(&page, "<p class=\"verdict ", "</p>");
        CHECK(strncmp(verdict, cases[i].verdict, strlen(cases[i].verdict)) == 0, "%s: %s",
              cases[i].what, verdict);
        bool there = strstr(text_string(&page), "<li><strong>teams") != NULL;
        CHECK(there == (cases[i].line != NULL), "%s: a line", cases[i].what);
        if (there) {
            const char *line = between(&page, "<li>", "</li>");
            CHECK(strncmp(line, cases[i].line, strlen(cases[i].line)) == 0 &&
                      strstr(line, "the reason") != NULL,
                  "%s: %s", cases[i].what, line);
        }
        text_free(&page);
        office_close(&o);
    }
}

/* One of three addresses does not answer, from window `from` to before `until`. */
static void test_silent_address(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int from, until;
        const char *verdict, *line;
    } cases[] = {
        {"now", 15, 99, "fair\">Within the limits, but not every address",
         "<strong>teams</strong> (ipv4) since <time datetime=\"2026-11-23T00:15:00.000000Z"
         "\" title=\"2026-11-23 00:15:00 UTC\">Mon 23 Nov, 01:15</time>: "
         "<span data-finding=\"service_address_down\">Address of a service down</span>: 1 of 3 "
         "addresses of teams.example does not answer: 192.0.2.9"},
        {"since before", 2, 99, "fair\">Within the limits, but not every address",
         "<strong>teams</strong> (ipv4) since before this period: "
         "<span data-finding=\"service_address_down\">Address of a service down</span>: 1 of 3 addresses of "
         "teams.example does not answer: 192.0.2.9"},
        {"over", 12, 16, "good\">Good", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(10), office_at(20));
        office_open(&o);
        for (int w = 0; w < 20; w++) {
            struct target_address_state *a = &o.state.addresses[0];
            bool down = w >= cases[i].from && w < cases[i].until;
            office_window(&o, 6, 0, 10);
            struct address_state all[3];
            for (uint8_t k = 0; k < 3; k++)
                all[k] = (struct address_state){
                    .to = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 7 + k}},
                    .state = k == 2 && down ? STATE_DOWN : STATE_UP,
                    .has_slot = true,
                    .median_ns = 10 * NS_PER_MS};
            a->to = all[0].to;
            a->all = all;
            a->n_all = 3;
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        check_harmless(text_string(&page));
        const char *verdict = between(&page, "<p class=\"verdict ", "</p>");
        CHECK(strncmp(verdict, cases[i].verdict, strlen(cases[i].verdict)) == 0, "%s: %s",
              cases[i].what, verdict);
        bool there = strstr(text_string(&page), "<li><strong>teams") != NULL;
        CHECK(there == (cases[i].line != NULL), "%s: a line", cases[i].what);
        if (there)
            CHECK_TEXT(cases[i].line, between(&page, "<li>", "</li>"), cases[i].what);
        text_free(&page);
        office_close(&o);
    }
}

/* The event that opened the finding is older than the history: the windows tell. Neither
 * is a window older than the last one believed, nor that of another family. */
static void test_finding_without_event(void **state)
{
    (void)state;
    for (int until = 15; until <= 20; until += 5) {
        struct text page = {0};
        struct office o;
        struct edge_gain gain = {.family = FAMILY_IPV6};
        struct dataset *p = dataset_create(&office_kinds, office_at(10), office_at(20));
        office_open(&o);
        gain.target = &o.target;
        o.batch.gains = &gain;
        o.batch.n_gains = 1;
        for (int w = 0; w < 20; w++) {
            gain.suboptimal = w < until;
            office_window(&o, 6, 0, 10);
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        check_harmless(text_string(&page));
        bool there = strstr(text_string(&page), "<li><strong>teams") != NULL;
        CHECK(there == (until == 20), "until %d", until);
        if (there)
            CHECK_TEXT(
                "<strong>teams</strong> (ipv6) since before this period: "
                "<span data-finding=\"far_front_door\">Far front door</span>: another "
                "front door of the same service answers sooner",
                between(&page, "<li>", "</li>"), "a line");
        text_free(&page);
        office_close(&o);
    }
}

static void test_down(void **state)
{
    (void)state;
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    office_open(&o);
    for (int w = 0; w < 10; w++) {
        bool down = w >= 4 && w < 7;
        office_window(&o, down ? 0 : 6, down ? 6 : 0, 10);
        office_add(&o, p);
    }
    render(&page, p, &no_limits);
    const char *notice = between(&page, "<li>", "</li>");
    CHECK(strstr(notice, "teams") != NULL && strstr(notice, ">01:04:00<") != NULL &&
              strstr(notice, ">01:07:00<") != NULL && strstr(notice, "(3 min)") != NULL,
          "one target alone does not tell of the line: %s", notice);
    CHECK_INT(1, count(text_string(&page), "<li>"), "reported once");
    text_free(&page);
    office_close(&o);
}

static void test_intercepted_tls(void **state)
{
    (void)state;
    static const char notice[] =
        "<p><strong>teams</strong>: <span data-finding=\"tls_intercepted\">"
        "TLS intercepted</span>: TLS was intercepted by "
        "Contoso &amp; Co, the issuer of the certificate of "
        "teams.example";
    for (int foreign = 0; foreign < 2; foreign++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
        office_open(&o);
        o.state.addresses[0].issuer = "Contoso & Co";
        o.state.addresses[0].to.family = FAMILY_IPV4;
        o.state.addresses[0].issuer_foreign = foreign;
        for (int w = 0; w < 10; w++) {
            office_window(&o, 6, 0, 10);
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        CHECK_INT(foreign, strstr(text_string(&page), notice) != NULL, "in the headline");
        text_free(&page);
        office_close(&o);
    }
}

static void test_foreign(void **state)
{
    (void)state;
    static const char notice[] = "<p><strong>teams</strong>: teams.example was not on "
                                 "Microsoft's edge here: another network answered";
    for (int foreign = 0; foreign < 2; foreign++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
        office_open(&o);
        o.state.owner = &(struct owner){.type = foreign ? OWNER_FOREIGN : OWNER_EDGE};
        for (int w = 0; w < 10; w++) {
            office_window(&o, 6, 0, 10);
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        CHECK_INT(foreign, strstr(text_string(&page), notice) != NULL, "in the headline");
        CHECK_INT(foreign, strstr(text_string(&page), "A network other than") != NULL,
                  "and with its plot");
        text_free(&page);
        office_close(&o);
    }
}

static void test_front_doors(void **state)
{
    (void)state;
    static const struct {
        size_t rows; /* of the agent's own metrics */
        double left;
        const char *sentence;
    } cases[] = {
        {3, 0,
         "is the nearest of 20 front doors that answered; no other could be nearer."},
        {3, 3,
         "is the nearest of 20 front doors that answered; 3 that did not answer could "
         "be nearer (by the speed of light)."},
        {1, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
        office_open(&o);
        o.self[1] = o.self[2] =
            (struct self_value){"edgelat.agent.front_doors", "{name}",   "", false, 20,
                                "edgelat.front_door.state",  "answering"};
        o.self[2].value = cases[i].left;
        o.self[2].attribute_value = "left";
        o.batch.n_self = cases[i].rows;
        office_window(&o, 6, 0, 10);
        office_add(&o, p);
        render(&page, p, &no_limits);
        const char *said = strstr(text_string(&page), "front doors that answered");
        CHECK_INT(cases[i].sentence != NULL, said != NULL, "only after a sweep");
        if (said != NULL)
            CHECK(strstr(text_string(&page), cases[i].sentence) != NULL, "%s",
                  cases[i].sentence);
        text_free(&page);
        office_close(&o);
    }
}

/* ---- plots ---- */

static void test_gaps_stay_gaps(void **state)
{
    (void)state;
    static const struct {
        const char *what, *windows; /* '6' answers, 'D' all lost, '|' no window */
        size_t lines, losses, uncovered;
    } cases[] = {
        {"one line", "66666666", 1, 0, 0},
        {"nothing answered", "666DD666", 2, 2, 0},
        {"the agent did not run", "666|||666", 2, 0, 1},
        {"both", "66DD66|||66", 3, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        int minutes = (int)strlen(cases[i].windows);
        struct dataset *p =
            dataset_create(&office_kinds, office_at(0), office_at(minutes));
        office_open(&o);
        for (const char *w = cases[i].windows; *w != '\0'; w++) {
            if (*w == '|') {
                o.minute++;
                continue;
            }
            office_window(&o, *w == '6' ? 6 : 0, *w == '6' ? 0 : 6, 10 + o.minute % 3);
            office_add(&o, p);
        }
        render(&page, p, &no_limits);
        CHECK_INT(cases[i].lines, count(between(&page, "\"p50 v4\" d=\"", "\""), "M"),
                  cases[i].what);
        CHECK_INT(cases[i].losses, count(between(&page, "class=\"loss\"", "/>"), "M"),
                  cases[i].what);
        CHECK_INT(cases[i].uncovered, count(text_string(&page), "rect class=\"none\""),
                  cases[i].what);
        CHECK_INT(cases[i].uncovered > 0,
                  strstr(text_string(&page), "<strong>Nothing was measured") != NULL,
                  cases[i].what);
        text_free(&page);
        office_close(&o);
    }
}

/* The number of steps of a path that go at least `far` up or down. */
static size_t steps_over(const char *path, long far)
{
    size_t n = 0;
    for (char *end; (path = strpbrk(path, "vl")) != NULL; path = end) {
        long step = strtol(path + 1, &end, 10);
        if (*path == 'l')
            step = strtol(end, &end, 10);
        n += labs(step) >= far;
    }
    return n;
}

/* A day's windows are downsampled; the only spike must stay visible. */
static void test_a_day(void **state)
{
    (void)state;
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(1440));
    office_open(&o);
    for (int w = 0; w < 1440; w++) {
        office_window(&o, 6, 0, w == 700 ? 90 : 20 + (w * 37) % 11);
        office_add(&o, p);
    }
    render(&page, p, &no_limits);
    check_harmless(text_string(&page));
    CHECK(strstr(between(&page, "<th>max</th>", "</table>"), "<td>90.0</td></tr>") !=
              NULL,
          "the maximum is in the table");
    const char *line = between(&page, "\"p50 v4\" d=\"", "\"");
    CHECK_INT(strlen(line), strspn(line, "Mhvlz0123456789 -"), "whole numbers");
    CHECK_INT(2, steps_over(line, 60), "up to the spike and down again");
    CHECK(page.len < 50000, "%zu bytes for one stream", page.len);
    text_free(&page);
    office_close(&o);
}

static void add_events(struct office *o, struct dataset *p, struct event *events,
                       size_t n)
{
    o->batch.events = events;
    o->batch.n_events = n;
    CHECK_INT(0, office_add_signal(o, p, SIGNAL_LOGS), "added");
}

/* Each numbered event has a bubble, alone or with its neighbours, that tells its text. */
static void test_bubbles(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int minutes[8]; /* of the events; 0: no more */
        size_t bubbles;
    } cases[] = {
        {"far apart", {60, 300, 700, 1300}, 4},
        {"two close together", {60, 300, 302, 700}, 3},
        {"all at once", {500, 500, 500, 501, 501, 502}, 1},
        {"in a row, at the end", {1200, 1400, 1420, 1425, 1430, 1437, 1439}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text page = {0};
        struct office o;
        struct event events[8];
        char texts[8][32];
        size_t n = 0, told = 0, bubbles = 0;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(1440));
        office_open(&o);
        for (int w = 0; w < 1440; w++) {
            office_window(&o, 6, 0, 10);
            office_add(&o, p);
        }
        for (; n < 8 && cases[i].minutes[n] > 0; n++) {
            snprintf(texts[n], sizeof texts[n], "event <%zu>", n + 1);
            office_event(&o, "edgelat.pop.changed", "AMS", "LON", texts[n]);
            events[n] = o.event;
            events[n].time.ns = office_at(cases[i].minutes[n]);
        }
        add_events(&o, p, events, n);
        render(&page, p, &no_limits);
        check_harmless(text_string(&page));
        long last_end = 0;
        static const char rect[] = "<rect class=\"mark";
        for (const char *at = text_string(&page); (at = strstr(at, rect)) != NULL; at++) {
            long x = strtol(strstr(at, " x=") + 4, NULL, 10);
            long width = strtol(strstr(at, " width=") + 8, NULL, 10);
            char *end;
            const char *label = strchr(strstr(at, "<text class=\"mark\""), '>') + 1;
            size_t first = strtoul(label, &end, 10);
            size_t last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
            CHECK_INT(told + 1, first, cases[i].what);
            CHECK(x >= last_end && x + width <= 1560, "%s: %ld to %ld", cases[i].what, x,
                  x + width);
            told = last;
            last_end = x + width;
            bubbles++;
        }
        CHECK_INT(n, told, cases[i].what);
        if (cases[i].bubbles > 0)
            CHECK_INT(cases[i].bubbles, bubbles, cases[i].what);
        for (size_t e = 1; e <= n; e++) {
            char expected[64];
            snprintf(expected, sizeof expected, "%zu: ", e);
            const char *line =
                strstr(strstr(text_string(&page), "<g><title>1: "), expected);
            CHECK(line != NULL, "%s: text of %zu", cases[i].what, e);
            snprintf(expected, sizeof expected, " event &lt;%zu&gt;", e);
            CHECK(strncmp(strchr(line + 3, ' '), expected, strlen(expected)) == 0,
                  "%s: %.60s", cases[i].what, line);
        }
        text_free(&page);
        office_close(&o);
    }
}

/* One change, reported for both families and without a kind. */
static void test_streams_of_an_event(void **state)
{
    (void)state;
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    office_open(&o);
    office_window(&o, 6, 0, 20);
    CHECK_INT(0, office_add(&o, p), "added");
    struct event events[4];
    for (int i = 0; i < 4; i++) {
        office_event(&o, "edgelat.pop.changed", "AMS", "LON", i < 2 ? "moved" : "went");
        events[i] = o.event;
        events[i].family = i % 2 == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
        events[i].kind = i < 2 ? NULL : &o.kind;
    }
    add_events(&o, p, events, 4);
    render(&page, p, &no_limits);
    check_harmless(text_string(&page));
    CHECK(strstr(text_string(&page), "<td class=\"l w\">ipv4, ipv6</td>") != NULL,
          "without a kind: %s", between(&page, "Events", "</table>"));
    CHECK(strstr(text_string(&page), "<td class=\"l w\">tcp ipv4, tcp ipv6</td>") != NULL,
          "with one: %s", between(&page, "Events", "</table>"));
    text_free(&page);
    office_close(&o);
}

/* Many events at the same time: a history that an attacker filled with events must not
 * take minutes. Comparing each pair takes ten times the limit. */
/* Two sessions over ten minutes: one was down for two, in minutes 3 to 5. */
static void test_bgp(void **state)
{
    (void)state;
    struct office o;
    struct text page = {0};
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    struct self_label first[] = {{"edgelat.bgp.router", "r1"},
                                 {"network.peer.address", "198.51.100.2"},
                                 {"edgelat.bgp.peer_as", "65002"},
                                 {"edgelat.bgp.location", "Ashburn"}};
    struct self_label second[] = {{"edgelat.bgp.router", "r<1>"},
                                  {"network.peer.address", "2001:db8::6"},
                                  {"edgelat.bgp.peer_as", "4200000003"}};
    struct event lost = {.name = "edgelat.bgp.session.lost",
                         .severity = SEVERITY_ERROR,
                         .time = {office_at(3)},
                         .before = "",
                         .after = "",
                         .text = "session lost"},
                 origin = {.name = "PrefixOriginAsChangeEvent",
                           .severity = SEVERITY_CRITICAL,
                           .time = {office_at(5)},
                           .before = "",
                           .after = "",
                           .text = "another <origin>"};
    office_open(&o);
    o.self[1] = (struct self_value){
        "edgelat.bgp.session.availability", "1", "Up", false, 1, NULL, NULL};
    o.self[2] = (struct self_value){
        "edgelat.bgp.session.flaps", "{flap}", "Flaps", true, 0, NULL, NULL};
    o.self[1].labels = o.self[2].labels = first;
    o.self[1].n_labels = o.self[2].n_labels = 4;
    o.self[3] = o.self[1];
    o.self[3].labels = second;
    o.self[3].n_labels = 3;
    o.batch.n_self = 4;
    for (int minute = 0; minute < 10; minute++) {
        o.self[1].value = minute == 3 ? 0 : minute == 4 || minute == 5 ? 0.5 : 1;
        o.self[2].value = minute >= 3 ? 2 : 0;
        office_window(&o, 6, 0, 20);
        CHECK_INT(0, office_add(&o, p), "added");
    }
    add_events(&o, p, &lost, 1);
    add_events(&o, p, &origin, 1);
    CHECK_INT(2, p->n_sessions, "sessions");
    int64_t down_ns, known_ns = dataset_session_known(p->sessions[0], &down_ns);
    CHECK_INT(10 * MINUTE_NS, known_ns, "known all the time");
    CHECK_INT(2 * MINUTE_NS, down_ns, "down for two minutes");
    double flaps = p->sessions[1]->flaps;
    p->sessions[1]->flaps = 1;
    page_routing_problems(&page, &(struct page){.dataset = p});
    CHECK(strstr(text_string(&page), "up 100.00 % of the time, lost 1 time</li>") != NULL,
          "lost while nobody reported: %s", text_string(&page));
    p->sessions[1]->flaps = flaps;
    render(&page, p, &no_limits);
    check_well_formed(text_string(&page));
    const char *text = text_string(&page);
    CHECK(strstr(text, "Within the limits, but BGP had problems.") != NULL,
          "the verdict");
    CHECK(strstr(
              text,
              "<li><strong>Session with 198.51.100.2 (AS65002, Ashburn) of "
              "r1</strong>: up 80.00 % of the time, down for 2 min, lost 2 times</li>") !=
              NULL,
          "the outage: %s", strstr(text, "Session with"));
    CHECK(strstr(text, ": another &lt;origin&gt;</li>") != NULL, "a problem of a prefix");
    CHECK(strstr(text, "Session with 2001:db8::6") == NULL, "the other one was up");
    CHECK(strstr(text, "r&lt;1&gt;") != NULL, "escaped");
    /* The section, and the time line of the target: both sessions, and marks of the events. */
    const char *target = strstr(text, "<section id=\"t0\">"),
               *bgp = strstr(text, "<section id=\"bgp\">");
    CHECK(target != NULL && bgp != NULL && target < bgp, "sections");
    CHECK(strstr(target, "BGP session with 198.51.100.2: 50.0 % up") < bgp,
          "on its plot");
    CHECK(strstr(target, "<title>session lost</title>") < bgp, "an event on its plot");
    CHECK(strstr(bgp, "class=\"n error\">1</span>") != NULL, "numbered in the section");
    text_free(&page);
    office_close(&o);
}

/* The last state of each prefix by RPKI; a problem if it is older than the period and its event. */
static void test_origins_by_rpki(void **state)
{
    (void)state;
    struct office o;
    struct text page = {0};
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    struct self_label labels[3][4];
    static const char *const prefixes[3] = {"13.107.6.0/24", "203.0.113.0/24",
                                            "52.96.0.0/14"};
    office_open(&o);
    for (size_t i = 0; i < 3; i++) {
        labels[i][0] = (struct self_label){"network.peer.address", "198.51.100.2"};
        labels[i][1] = (struct self_label){"edgelat.prefix", prefixes[i]};
        labels[i][2] = (struct self_label){"edgelat.service", "<exchange>"};
        o.self[1 + i] =
            (struct self_value){.name = "edgelat.prefix.origin",
                                .unit = "",
                                .description = "Origin",
                                .value = 8075,
                                .attribute = "edgelat.route.origin_validation",
                                .attribute_value = "valid",
                                .labels = labels[i],
                                .n_labels = 3};
    }
    o.self[2].attribute_value = "invalid";
    o.self[2].value = 174;
    o.batch.n_self = 4;
    for (int minute = 0; minute < 10; minute++) {
        o.self[3].attribute_value = minute < 5 ? "not_found" : "invalid";
        office_window(&o, 6, 0, 20);
        CHECK_INT(0, office_add(&o, p), "added");
    }
    render(&page, p, &no_limits);
    check_well_formed(text_string(&page));
    const char *text = text_string(&page);
    CHECK(
        strstr(text,
               "<li><strong>203.0.113.0/24</strong>: its origin AS174 is invalid by RPKI "
               "(RFC 6811) since before this period") != NULL,
        "a problem: %s", strstr(text, "203.0.113"));
    CHECK(strstr(text, "<strong>52.96.0.0/14</strong>") == NULL, "that one has an event");
    const char *table = strstr(text, "by RPKI</th>");
    CHECK(table != NULL, "the table");
    CHECK(strstr(table,
                 "<td class=\"l\">203.0.113.0/24</td><td class=\"l\">&lt;exchange&gt;"
                 "</td><td>174</td><td class=\"l\">invalid</td><td class=\"l\">all "
                 "of the period</td>") != NULL,
          "escaped: %.600s", table);
    CHECK(strstr(table, "52.96.0.0/14") < strstr(table, "13.107.6.0/24"),
          "invalid ones first");
    text_free(&page);
    office_close(&o);
}

/* An interface and two services over ten minutes: on the time line of the target are the
 * interface and the target's service; the section has all. */
static void test_traffic(void **state)
{
    (void)state;
    struct office o;
    struct text page = {0};
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    struct self_label link[] = {{"network.interface.name", "w<0>"},
                                {"network.io.direction", "receive"}},
                      own[] = {{"edgelat.service", "teams"},
                               {"network.io.direction", "transmit"},
                               {"edgelat.traffic.source", "nftables"}},
                      other[] = {{"edgelat.service", "exchange"},
                                 {"network.io.direction", "transmit"},
                                 {"edgelat.traffic.source", "nftables"}};
    office_open(&o);
    o.self[1] = (struct self_value){"edgelat.interface.rate", "By/s", "Mean",
                                    .labels = link, .n_labels = 2};
    o.self[2] = (struct self_value){"edgelat.interface.rate.max", "By/s", "Highest",
                                    .labels = link, .n_labels = 2};
    o.self[3] = (struct self_value){"edgelat.interface.drops",
                                    "{packet}",
                                    "Drops",
                                    true,
                                    .labels = link,
                                    .n_labels = 2};
    o.self[4] = (struct self_value){"edgelat.traffic.rate", "By/s", "Mean", .labels = own,
                                    .n_labels = 3};
    o.self[5] = o.self[4];
    o.self[5].labels = other;
    o.batch.n_self = 6;
    for (int minute = 0; minute < 10; minute++) {
        o.self[1].value = 1e6;
        o.self[2].value = minute == 4 ? 5e6 : 2e6;
        o.self[3].value = minute >= 3 ? 12 : 0;
        o.self[4].value = o.self[5].value = 1000;
        office_window(&o, 6, 0, 20);
        CHECK_INT(0, office_add(&o, p), "added");
    }
    CHECK_INT(3, p->n_traffic, "an interface and two services");
    struct traffic_window all = dataset_traffic_all(p->traffic[0]);
    CHECK_INT(1000000, all.mean, "mean");
    CHECK_INT(5000000, all.highest, "highest second");
    CHECK_INT(office_at(4), all.start_ns, "in the fifth minute");
    CHECK_INT(12, p->traffic[0]->counts[TRAFFIC_DROPS].sum, "drops");
    render(&page, p, &no_limits);
    check_well_formed(text_string(&page));
    const char *text = text_string(&page), *target = strstr(text, "<section id=\"t0\">"),
               *traffic = strstr(text, "<section id=\"traffic\">");
    CHECK(target != NULL && traffic != NULL && target < traffic, "sections");
    static const char row[] =
        "<title>w&lt;0&gt;, receive: mean 8.0 Mbit/s, highest second "
        "40.0 Mbit/s; the full height is 40.0 Mbit/s</title>";
    CHECK(strstr(target, row) < traffic, "on the time line of the target");
    CHECK(strstr(target, "<title>teams, transmit") < traffic, "with its service");
    CHECK(strstr(target, "<title>exchange, transmit") > traffic, "without others");
    CHECK(strstr(traffic, row) != NULL, "and in the section");
    CHECK(strstr(traffic, "<td>0</td><td>12</td></tr>") != NULL, "drops");
    text_free(&page);
    office_close(&o);
}

static void test_many_events(void **state)
{
    (void)state;
    enum { BATCHES = 250, EACH = 256 };
    static struct event events[EACH];
    static char texts[EACH][32];
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(10));
    office_open(&o);
    office_window(&o, 6, 0, 20);
    CHECK_INT(0, office_add(&o, p), "added");
    clock_t began = clock();
    for (int b = 0; b < BATCHES; b++) {
        for (int i = 0; i < EACH; i++) {
            snprintf(texts[i], sizeof texts[i], "%d %d", b, i);
            office_event(&o, "edgelat.state.changed", "up", "down", texts[i]);
            events[i] = o.event;
        }
        add_events(&o, p, events, EACH);
        if (b % 50 == 0)
            add_events(&o, p, events, EACH); /* twice */
    }
    CHECK_INT(DATASET_EVENTS_MAX, p->n_events, "up to the limit");
    /* of the batches added twice the first was kept; for the others the list was full */
    CHECK_INT(BATCHES * EACH - DATASET_EVENTS_MAX + 4 * EACH, p->left_out, "the others");
    render(&page, p, &no_limits);
    double took_s = (double)(clock() - began) / CLOCKS_PER_SEC;
    CHECK(took_s < 5, "%.1f s for %d events", took_s, BATCHES * EACH);
    CHECK(page.len < 200000, "%zu bytes", page.len);
    check_harmless(text_string(&page));
    text_free(&page);
    office_close(&o);
}

/* The entry moves, then is hidden. */
static void test_entries(void **state)
{
    (void)state;
    struct text page = {0};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(60));
    struct path_state path = {.family = FAMILY_IPV4, .hops = 9};
    for (size_t i = 0; i < SEGMENTS; i++)
        path.segment_ns[i] = DELAY_UNDEFINED;
    office_open(&o);
    path.target = &o.target;
    o.batch.paths = (const struct path_state *[]){&path};
    o.batch.n_paths = 1;
    for (int w = 0; w < 60; w++) {
        const char *entry = w < 20 ? "LON" : w < 40 ? "PAR<x>" : "";
        path.entry_state = w < 40 ? ENTRY_FOUND : ENTRY_HIDDEN;
        text_copy(path.entry, sizeof path.entry, entry);
        office_window(&o, 6, 0, 10);
        office_add(&o, p);
    }
    CHECK_INT(2, p->targets[0]->n_entries, "two entries");
    CHECK_INT(office_at(1), p->targets[0]->entries[0].first_ns, "from the first window");
    CHECK_INT(office_at(20), p->targets[0]->entries[0].last_ns, "to its last one");
    render(&page, p, &no_limits);
    CHECK_INT(1, count(text_string(&page), ">entry IPv4<"), "a lane");
    CHECK_INT(1, count(text_string(&page), "enters Microsoft's network at LON"),
              "London");
    CHECK_INT(1, count(text_string(&page), "enters Microsoft's network at PAR&lt;x&gt;"),
              "Paris, escaped");
    CHECK_INT(0, count(text_string(&page), "network at hidden"), "not a place");
    check_harmless(text_string(&page));
    text_free(&page);
    office_close(&o);
}

int main(void)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_before_the_period),
        cmocka_unit_test(test_finding_without_event),
        cmocka_unit_test(test_silent_address),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_gaps_stay_gaps),
        cmocka_unit_test(test_a_day),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_intercepted_tls),
        cmocka_unit_test(test_front_doors),
        cmocka_unit_test(test_bubbles),
        cmocka_unit_test(test_streams_of_an_event),
        cmocka_unit_test(test_bgp),
        cmocka_unit_test(test_origins_by_rpki),
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_many_events),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
