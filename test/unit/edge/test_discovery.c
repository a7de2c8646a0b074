#include "core/pipeline.h"
#include "edge/discovery.h"

#include "unit/edge/shipped.h"

static const struct kind icmp = {"icmp", {"rtt"}, false, NS_PER_S, 10 * NS_PER_S};
static const struct kinds kinds = {{&icmp}, 1};

struct bed {
    struct knowledge known;
    struct config config;
    struct discovery *d;
};

static void begin(struct bed *b, const char *text)
{
    struct said said = {.n = 0};
    *b = (struct bed){.config = config_default()};
    SHIPPED_PARSE(catalogue_parse, &b->known.metros, "metros.csv");
    SHIPPED_PARSE(workloads_parse, &b->known.workloads, "targets.csv");
    config_parse(&b->config, &kinds, "f", text, strlen(text), said_add, &said);
    CHECK_INT(0, said.n, text_string(&said.lines));
    b->d = discovery_create(&b->config, &b->known, &kinds);
    discovery_begin(b->d);
}

static void end(struct bed *b)
{
    discovery_destroy(b->d);
    config_free(&b->config);
    knowledge_free(&b->known);
}

static struct found *find(const struct bed *b, const char *host)
{
    for (size_t i = 0; i < discovery_count(b->d); i++)
        if (strcmp(discovery_found(b->d, i)->target.host, host) == 0)
            return discovery_found(b->d, i);
    return NULL;
}

static struct found *expect(const struct bed *b, const char *host)
{
    struct found *f = find(b, host);
    CHECK(f != NULL, "%s is found", host);
    return f;
}

#define OWN "[target mine]\nhost = outlook.office365.com\npayload = 100\n"

static void workloads_that_nobody_configured(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, OWN);
    CHECK_INT(b.known.workloads.n - 1, discovery_count(b.d), "all but the configured");
    CHECK(find(&b, "outlook.office365.com") == NULL, "that one is a target already");
    const struct found *teams = expect(&b, "teams.microsoft.com");
    CHECK(teams->wanted && teams->target.discovered, "marked as ours");
    CHECK(teams->metro == NULL, "and no door of a metro");
    end(&b);
    begin(&b, OWN "[agent]\nworkloads = no\n");
    CHECK_INT(0, discovery_count(b.d), "one line turns them off");
    end(&b);
}

static void doors_of_the_metros_around_the_site(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, OWN "[agent]\nworkloads = no\nlocation = AMS\nfront_doors = 3\n");
    CHECK(discovery_choose(b.d), "the site is known");
    CHECK(!discovery_choose(b.d), "once a look");
    const struct found *ams = expect(&b, "ams-efz.ms-acdc.office.com");
    CHECK_TEXT("outlook.office365.com", ams->target.server_name, "asked by its own name");
    CHECK_TEXT("exchange-ams", ams->target.name, "named after workload and metro");
    CHECK_INT(100, ams->target.payload_bytes, "probed as its target is");
    CHECK(find(&b, "bru-efz.ms-acdc.office.com") != NULL, "Brussels is near");
    CHECK(find(&b, "mdw-efz.ms-acdc.office.com") == NULL, "Chicago is not");
    end(&b);
    begin(&b, OWN "[agent]\nworkloads = no\nlocation = AMS\nfront_doors = 0\n");
    CHECK(!discovery_choose(b.d), "one line turns them off");
    CHECK_INT(0, discovery_count(b.d), "none");
    end(&b);
}

static void doors_around_the_serving_metro(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, OWN "[agent]\nworkloads = no\nfront_doors = 2\n");
    CHECK(!discovery_choose(b.d), "nothing is known of where we are");
    discovery_hint(b.d, 0, "");
    discovery_hint(b.d, 0, "XQZ");
    CHECK(!discovery_choose(b.d), "nor by an unknown code");
    discovery_hint(b.d, 0, "SG1");
    discovery_hint(b.d, 0, "LON");
    CHECK(discovery_choose(b.d), "a PoP tells");
    CHECK(find(&b, "sin-efz.ms-acdc.office.com") != NULL, "the first one: Singapore");
    CHECK(find(&b, "lhr-efz.ms-acdc.office.com") == NULL, "and not the second");

    struct found *singapore = expect(&b, "sin-efz.ms-acdc.office.com");
    singapore->number = 7;
    CHECK(discovery_by_number(b.d, 7) == singapore, "found again by its number");
    discovery_begin(b.d);
    discovery_hint(b.d, 7, "SYD");
    CHECK(!discovery_choose(b.d), "a front door is no hint where we are");
    discovery_hint(b.d, 0, "LON");
    CHECK(discovery_choose(b.d), "the next look");
    CHECK(!singapore->wanted, "Singapore is far now");
    CHECK(expect(&b, "lhr-efz.ms-acdc.office.com")->wanted, "London is wanted");
    end(&b);
}

static void doors_around_the_nearest(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, OWN "[agent]\nworkloads = no\nfront_doors = 2\n");
    discovery_hint(b.d, 0, "SG1");
    CHECK(discovery_choose(b.d), "who answers first");
    CHECK(!discovery_nearest(b.d, "XQZ"), "of an unknown code nothing is known");
    CHECK(!discovery_nearest(b.d, "SIN"), "where it was looked, by another code");
    CHECK(!discovery_choose(b.d), "nothing new");
    CHECK(discovery_nearest(b.d, "LON"), "another one is nearer than that");
    CHECK(discovery_choose(b.d), "in the same look");
    CHECK(expect(&b, "lhr-efz.ms-acdc.office.com")->wanted, "around that one at once");
    discovery_begin(b.d);
    discovery_hint(b.d, 0, "SG1");
    CHECK(discovery_choose(b.d), "the next look");
    CHECK(expect(&b, "lhr-efz.ms-acdc.office.com")->wanted, "still around that one");
    CHECK(!expect(&b, "sin-efz.ms-acdc.office.com")->wanted, "and not the first again");
    CHECK(!discovery_nearest(b.d, "LON"), "it is still that one");
    discovery_moved(b.d);
    discovery_begin(b.d);
    CHECK(!discovery_choose(b.d), "in another network nothing is known");
    end(&b);
    begin(&b, OWN "[agent]\nlocation = AMS\n");
    CHECK(!discovery_nearest(b.d, "LON"), "somebody has said where we are");
    end(&b);
}

static void one_door_a_metro_is_enough(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, OWN "[agent]\nworkloads = no\nlocation = NYC\nfront_doors = 2\n");
    CHECK(discovery_choose(b.d), "chosen");
    struct found *first = NULL, *second = NULL;
    for (size_t i = 0; i < discovery_count(b.d); i++) {
        struct found *f = discovery_found(b.d, i);
        second = first != NULL && second == NULL ? f : second;
        first = first == NULL ? f : first;
    }
    CHECK(first != NULL && second != NULL, "a metro with several codes");
    CHECK(discovery_named(b.d, second), "the first that resolves");
    CHECK(discovery_named(b.d, second), "also in the other family");
    CHECK(!discovery_named(b.d, first), "then the other one is not wanted");
    CHECK(!first->wanted && second->wanted, "as it says");
    end(&b);
}

static void the_serving_door_is_no_second_target(void **state)
{
    (void)state;
    static const char chain[] = "outlook.ha.office365.com -> outlook.ms-acdc.office.com "
                                "-> LHR-efz.ms-acdc.office.com";
    struct bed b;
    begin(&b, OWN "[agent]\nworkloads = no\nlocation = LON\nfront_doors = 2\n");
    CHECK(discovery_choose(b.d), "chosen before an answer came");
    CHECK(expect(&b, "lhr-efz.ms-acdc.office.com")->wanted, "wanted at first");
    CHECK(discovery_chain(b.d, 0, chain), "then the target itself leads there");
    CHECK(!expect(&b, "lhr-efz.ms-acdc.office.com")->wanted, "not wanted any more");
    CHECK(!discovery_chain(b.d, 0, chain), "said once");
    CHECK(!discovery_chain(b.d, 0, ""), "no chain, nothing new");

    discovery_begin(b.d);
    discovery_chain(b.d, 0, "AMS-efz.ms-acdc.office.com");
    CHECK(discovery_choose(b.d), "the next look, in which it leads elsewhere");
    CHECK(expect(&b, "lhr-efz.ms-acdc.office.com")->wanted,
          "London is worth a look again");
    end(&b);
}

static bool answered(struct bed *b, size_t number, bool zone, const char *first,
                     const char *second)
{
    struct endpoint all[2];
    CHECK(endpoint_parse(&all[0], first, 443), "%s", first);
    CHECK(endpoint_parse(&all[1], second, 443), "%s", second);
    return discovery_addresses(b->d, number, FAMILY_IPV4, all, 2, zone);
}

#define CHOSEN OWN "[agent]\nworkloads = no\nlocation = LON\nfront_doors = 4\n"

/* Exchange's chains of 2026 show no zone: the address or the answer tells. */
static void the_serving_door_without_a_zone(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, CHOSEN);
    CHECK(discovery_choose(b.d), "chosen");
    struct found *lhr = expect(&b, "lhr-efz.ms-acdc.office.com");
    struct found *ams = expect(&b, "ams-efz.ms-acdc.office.com");
    lhr->number = 1;
    ams->number = 2;
    CHECK(!answered(&b, 0, false, "192.0.2.1", "192.0.2.2"),
          "no door has an address yet");
    CHECK(!answered(&b, 2, true, "192.0.2.8", "192.0.2.9"), "another one");
    CHECK(answered(&b, 1, true, "192.0.2.7", "192.0.2.2"), "one of the target's own");
    CHECK(!lhr->wanted && ams->wanted, "the door is that target");
    CHECK(!discovery_named(b.d, lhr), "it is not probed");
    CHECK(discovery_named(b.d, ams), "the other one is");
    discovery_begin(b.d);
    CHECK(discovery_choose(b.d), "the next look");
    CHECK(!lhr->wanted && ams->wanted, "it is still known");
    CHECK(!answered(&b, 0, false, "192.0.2.21", "192.0.2.22"), "led elsewhere");
    discovery_begin(b.d);
    CHECK(discovery_choose(b.d) && lhr->wanted, "London is worth a look again");
    end(&b);

    begin(&b, CHOSEN);
    CHECK(discovery_choose(b.d), "chosen");
    lhr = expect(&b, "lhr-efz.ms-acdc.office.com");
    lhr->number = 1;
    answered(&b, 0, false, "192.0.2.1", "192.0.2.2");
    CHECK(!answered(&b, 1, true, "192.0.2.7", "192.0.2.8"), "at another address");
    CHECK(!discovery_told(b.d, 1, "LHR"), "what the door says of itself");
    CHECK(discovery_told(b.d, 0, "LON"), "the target's answer names the same metro");
    CHECK(!lhr->wanted, "so it is that one");
    CHECK(!discovery_told(b.d, 0, "LON"), "said once");
    end(&b);

    begin(&b, CHOSEN);
    CHECK(discovery_choose(b.d), "chosen");
    lhr = expect(&b, "lhr-efz.ms-acdc.office.com");
    lhr->number = 1;
    answered(&b, 0, true, "192.0.2.1", "192.0.2.2");
    CHECK(!discovery_told(b.d, 0, "LON") && lhr->wanted,
          "where the chain shows a zone, the answer says nothing of doors");
    end(&b);

    begin(&b, CHOSEN "[target t]\nhost = teams.microsoft.com\nservice = teams\n");
    CHECK(discovery_choose(b.d), "chosen");
    lhr = expect(&b, "lhr-efz.ms-acdc.office.com");
    lhr->number = 2;
    answered(&b, 1, false, "192.0.2.1", "192.0.2.2");
    answered(&b, 2, true, "192.0.2.1", "192.0.2.2");
    CHECK(!discovery_told(b.d, 1, "LON") && lhr->wanted, "of another service nothing is");
    discovery_moved(b.d);
    CHECK(lhr->wanted, "as before");
    end(&b);
}

static void whose_chain_leads_to_a_door(void **state)
{
    (void)state;
    static const char chain[] =
        "outlook.ms-acdc.office.com -> LHR-efz.ms-acdc.office.com";
    struct bed b;
    begin(&b, "[target mine]\nhost = www.example.com\n[agent]\nlocation = LON\n");
    struct found *workload = expect(&b, "outlook.office365.com");
    CHECK(discovery_choose(b.d), "chosen");
    struct found *london = expect(&b, "lhr-efz.ms-acdc.office.com");
    workload->number = 1;
    london->number = 2;
    CHECK(!discovery_chain(b.d, 2, chain), "its own says nothing");
    CHECK(london->wanted, "it is still wanted");
    CHECK(discovery_chain(b.d, 1, chain), "that of a workload nobody configured does");
    CHECK(!london->wanted && workload->wanted, "the door is that workload");
    end(&b);
}

static void a_name_that_is_taken(void **state)
{
    (void)state;
    struct bed b;
    begin(&b, "[target exchange-ams]\nhost = www.example.com\n[target teams]\nhost = "
              "www.example.com\n[agent]\nlocation = AMS\n");
    CHECK(discovery_choose(b.d), "chosen");
    CHECK_TEXT("teams.microsoft.com", expect(&b, "teams.microsoft.com")->target.name,
               "a workload beside a target of its name");
    CHECK_TEXT("ams-efz.ms-acdc.office.com",
               expect(&b, "ams-efz.ms-acdc.office.com")->target.name,
               "a front door, too");
    CHECK_TEXT("exchange-bru", expect(&b, "bru-efz.ms-acdc.office.com")->target.name,
               "the others as ever");
    end(&b);
}

static size_t wanted(const struct bed *b)
{
    size_t n = 0;
    for (size_t i = 0; i < discovery_count(b->d); i++)
        n += discovery_found(b->d, i)->wanted;
    return n;
}

static void look_near(struct bed *b, const char *pop)
{
    discovery_begin(b->d);
    discovery_hint(b->d, 0, pop);
    discovery_choose(b->d);
}

static void once_around_the_world(void **state)
{
    (void)state;
    struct bed traveller, local;
    begin(&traveller, OWN "[agent]\nfront_doors = 16\n");
    for (size_t i = 0; i < traveller.known.metros.n; i++) {
        const struct metro *m = &traveller.known.metros.metros[i];
        if (m->family != POP_FRONT_DOOR)
            continue;
        begin(&local, OWN "[agent]\nfront_doors = 16\n");
        look_near(&local, m->code);
        look_near(&traveller, m->code);
        CHECK_INT(wanted(&local), wanted(&traveller), m->code);
        for (size_t f = 0; f < discovery_count(local.d); f++) {
            const char *host = discovery_found(local.d, f)->target.host;
            CHECK(expect(&traveller, host)->wanted, "%s: %s", m->code, host);
        }
        CHECK(wanted(&local) <= PIPELINE_ADDED_AT_A_TIME, "%s", m->code);
        end(&local);
    }
    end(&traveller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workloads_that_nobody_configured),
        cmocka_unit_test(doors_of_the_metros_around_the_site),
        cmocka_unit_test(doors_around_the_serving_metro),
        cmocka_unit_test(doors_around_the_nearest),
        cmocka_unit_test(one_door_a_metro_is_enough),
        cmocka_unit_test(the_serving_door_is_no_second_target),
        cmocka_unit_test(the_serving_door_without_a_zone),
        cmocka_unit_test(whose_chain_leads_to_a_door),
        cmocka_unit_test(a_name_that_is_taken),
        cmocka_unit_test(once_around_the_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
