/* The route to an address, of the RIB and of the JSON that the routes socket sends. */
#include "router.h"

#include "route/rib_lookup.h"
#include "route/rib_show.h"

static const struct neighbour first = {0xc6336402, 65002, 0, 0}; /* 198.51.100.2 */
static const struct neighbour second = {0xc6336406, 4200000003, 0, 0};

static struct bytes b;

static void announce(struct world *w, const struct neighbour *p, const char *prefix,
                     const char *path)
{
    struct announcement a = {.path = path, .next_hop = p->address};
    put_route(&b, p, prefix, &a, 0);
    feed_bytes(w, &b);
}

/* "PREFIX PEER ROUTER AS_PATH ORIGIN", or "none". */
static const char *text_of(bool found, const struct route_found *is)
{
    static char text[512];
    char prefix[BGP_PREFIX_TEXT_MAX], peer[ADDRESS_TEXT_MAX];
    if (!found)
        return "none";
    int n = snprintf(text, sizeof text, "%s %s %s", bgp_prefix_text(prefix, &is->prefix),
                     endpoint_address(peer, &is->peer), is->router);
    for (size_t i = 0; i < is->n_as; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " %u", is->as[i]);
    snprintf(text + n, sizeof text - (size_t)n, " origin %u", is->origin_as);
    return text;
}

static void check_route(const struct world *w, const char *address, const char *expected)
{
    struct endpoint e;
    struct route_found is;
    struct text json = {0};
    CHECK(endpoint_parse(&e, address, 0), "%s", address);
    bool found = rib_lookup(&w->rib, &e, &is);
    CHECK_TEXT(expected, text_of(found, &is), "of the RIB");
    rib_json(&w->rib, "127.0.0.1:11019", &json);
    found = rib_lookup_answer(json_span_of(text_string(&json), json.len), &e, &is);
    CHECK_TEXT(expected, text_of(found, &is), "of the answer");
    text_free(&json);
}

static void test_longest(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    put_initiation(&b, "r1");
    put_peer_up(&b, &first, 65001, false);
    put_peer_up(&b, &second, 65001, false);
    feed_bytes(&w, &b);
    announce(&w, &first, "52.96.0.0/14", "65002 3356 8075");
    announce(&w, &second, "52.97.0.0/16", "4200000003 8075");
    check_route(&w, "52.96.1.1",
                "52.96.0.0/14 198.51.100.2 r1 65002 3356 8075 origin 8075");
    check_route(&w, "52.97.1.1",
                "52.97.0.0/16 198.51.100.6 r1 4200000003 8075 origin 8075");
    check_route(&w, "52.100.0.1", "none");
    check_route(&w, "8.8.8.8", "none");
    check_route(&w, "2603:1006::1", "none");
    put_route(&b, &second, "52.97.0.0/16", NULL, 0);
    feed_bytes(&w, &b);
    check_route(&w, "52.97.1.1",
                "52.96.0.0/14 198.51.100.2 r1 65002 3356 8075 origin 8075");
    world_end(&w);
}

static void test_odd_answers(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "{}",
        "[]",
        "{\"prefixes\": {}}",
        "{\"prefixes\": [1, \"a\", {}, {\"prefix\": \"10.0.0.0/99\", \"paths\": []}]}",
        "{\"prefixes\": [{\"prefix\": \"10.0.0.0/8\", \"paths\": [{\"role\": \"backup\"}]}]}",
    };
    struct endpoint e;
    struct route_found is;
    CHECK(endpoint_parse(&e, "10.0.0.1", 0), "an address");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        CHECK(!rib_lookup_answer(json_span_of(answers[i], strlen(answers[i])), &e, &is),
              "no route in %s", answers[i]);
    e.family = FAMILY_NONE;
    CHECK(!rib_lookup_answer(json_span_of("{}", 2), &e, &is), "no address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_odd_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
