/*
 * The search against scripted paths: each MTU, with and without messages, with loss; the truth
 * is the path's.
 */
#include "probe/path/mtu_search.h"

#include "core/random.h"

#include "check.h"

struct path {
    uint16_t mtu, host; /* of the path, of this host's interface */
    bool tells;         /* a router says fragmentation needed */
    uint16_t lies;      /* and this in place of its MTU; 0: the truth */
    double loss;        /* of each direction's packets together */
    bool dead;
};

static struct mtu_search run(const struct path *path, enum family family,
                             struct random *r)
{
    struct mtu_search s;
    uint16_t size;
    uint8_t packets, enough;
    unsigned rounds = 0;
    mtu_search_begin(&s, family, MTU_MOST);
    while (mtu_search_next(&s, &size, &packets, &enough)) {
        struct mtu_round round = {.local = size > path->host};
        CHECK(size <= MTU_MOST && packets > 0 && ++rounds < 60, "size %u, round %u", size,
              rounds);
        for (; packets > 0 && !round.local && round.answered < enough; packets--) {
            round.sent++;
            if (path->dead || random_unit(r) < path->loss)
                continue;
            if (size <= path->mtu) {
                round.answered++;
            } else if (path->tells) {
                round.reported = path->lies != 0 ? path->lies : path->mtu;
                round.by =
                    (struct endpoint){.family = (uint8_t)family, .bytes = {192, 0, 2, 1}};
            }
        }
        mtu_search_add(&s, &round);
    }
    CHECK(s.packets <= MTU_PACKETS, "%u packets", s.packets);
    return s;
}

/* Every MTU from the least to the largest. */
static void test_each_mtu(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    unsigned most = 0;
    for (int tells = 0; tells < 2; tells++)
        for (int ipv6 = 0; ipv6 < 2; ipv6++)
            for (uint16_t mtu = 68; mtu <= 1500; mtu++) {
                struct path path = {.mtu = mtu, .host = 1500, .tells = tells};
                struct mtu_search s = run(&path, ipv6 ? FAMILY_IPV6 : FAMILY_IPV4, &r);
                CHECK_INT(mtu == 1500 ? MTU_UNLIMITED : MTU_FOUND, s.verdict,
                          "the verdict");
                CHECK_INT(mtu, s.mtu, "the MTU");
                CHECK_INT(mtu == 1500 ? MTU_LIMIT_NONE
                          : tells     ? MTU_LIMIT_REPORTED
                                      : MTU_LIMIT_BLACK_HOLE,
                          s.limit, "what limits it");
                CHECK_INT(tells && mtu < 1500, s.by.family != FAMILY_NONE, "who tells");
                most = s.packets > most ? s.packets : most;
                if (mtu == 1500)
                    CHECK(s.packets <= 6, "no limit: %u packets", s.packets);
            }
    printf("# at most %u packets\n", most);
}

static void test_host_limit(void **state)
{
    (void)state;
    struct random r = random_from(1);
    struct path path = {.mtu = 1500, .host = 1420};
    struct mtu_search s = run(&path, FAMILY_IPV4, &r);
    CHECK_INT(MTU_FOUND, s.verdict, "an interface of 1420 bytes");
    CHECK_INT(1420, s.mtu, "its MTU");
    CHECK_INT(MTU_LIMIT_HOST, s.limit, "this host");
    path = (struct path){.mtu = 1400, .host = 1420};
    s = run(&path, FAMILY_IPV4, &r);
    CHECK_INT(1400, s.mtu, "less on the path");
    CHECK_INT(MTU_LIMIT_BLACK_HOLE, s.limit, "and nobody says so");
}

static void test_silent(void **state)
{
    (void)state;
    struct random r = random_from(1);
    struct path path = {.mtu = 1500, .host = 1500, .dead = true};
    struct mtu_search s = run(&path, FAMILY_IPV4, &r);
    CHECK_INT(MTU_SILENT, s.verdict, "no answer at all");
    CHECK_INT(0, s.mtu, "no MTU");
    CHECK_INT(2 * MTU_TRIES, s.packets, "packets");
}

/* A router that tells 0 (RFC 1191, section 5), more than was sent, or less than passes. */
static void test_lies(void **state)
{
    (void)state;
    static const uint16_t lies[] = {68, 1500, 9000, 65535, 1300, 1450};
    struct random r = random_from(1);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct path path = {.mtu = 1400, .host = 1500, .tells = true, .lies = lies[i]};
        struct mtu_search s = run(&path, FAMILY_IPV4, &r);
        CHECK_INT(MTU_FOUND, s.verdict, "a lying router");
        CHECK(s.mtu <= 1400, "reported %u: no more than passes: %u", lies[i], s.mtu);
        if (lies[i] > 1400)
            CHECK_INT(1400, s.mtu, "what it says is tried");
    }
}

static void test_loss(void **state)
{
    (void)state;
    static const double losses[] = {0.01, 0.05, 0.1, 0.2, 0.3, 0.5};
    struct random r = random_from(check_seed());
    enum { RUNS = 4000 };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        unsigned holes = 0, wrong = 0, unknown = 0;
        for (int k = 0; k < RUNS; k++) {
            bool hole = k % 2 == 1;
            uint16_t mtu = hole ? (uint16_t)(1280 + random_below(&r, 220)) : 1500;
            struct path path = {.mtu = mtu, .host = 1500, .loss = losses[i]};
            struct mtu_search s = run(&path, FAMILY_IPV4, &r);
            unknown += s.verdict == MTU_LOSSY || s.verdict == MTU_SILENT;
            holes += !hole && s.limit == MTU_LIMIT_BLACK_HOLE;
            wrong += s.verdict == MTU_FOUND && s.mtu != mtu;
        }
        printf(
            "# loss %.0f %%: %u of %u black holes that are none, %u wrong MTUs, %.1f %% cannot "
            "tell\n",
            100 * losses[i], holes, RUNS / 2, wrong, 100.0 * unknown / RUNS);
        CHECK(holes <= RUNS / 1000, "loss %.2f: %u black holes that are none", losses[i],
              holes);
        if (losses[i] <= 0.2)
            CHECK(wrong <= RUNS / 200 && unknown <= RUNS / 12,
                  "loss %.2f: %u wrong, %u unknown", losses[i], wrong, unknown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mtu), cmocka_unit_test(test_host_limit),
        cmocka_unit_test(test_silent),   cmocka_unit_test(test_lies),
        cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
