/* BGP and BMP bytes: the form of NLRI, the width of AS numbers, lengths; and the recorded
 * sessions of FRR 8.4 and GoBGP 3.10 in test/fuzz/corpus/bmp. */
#include "router.h"

#include <errno.h>

/* ---- NLRI ---- */

static const struct {
    const char *what;
    enum bgp_nlri_form known;
    bool may_have_ids;
    uint8_t bytes[24];
    size_t len;
    enum bgp_nlri_form expected, known_after;
} lists[] = {
    {"one prefix (FRR with ADD-PATH)",
     NLRI_UNKNOWN,
     true,
     {24, 13, 107, 6},
     4,
     NLRI_PLAIN,
     NLRI_PLAIN},
    {"one with an id (GoBGP, BIRD)",
     NLRI_UNKNOWN,
     true,
     {0, 0, 0, 3, 24, 13, 107, 6},
     8,
     NLRI_IDS,
     NLRI_IDS},
    {"an id that the OPENs do not have",
     NLRI_UNKNOWN,
     false,
     {0, 0, 0, 3, 24, 13, 107, 6},
     8,
     NLRI_IDS,
     NLRI_IDS},
    {"id and default route", NLRI_UNKNOWN, true, {0, 0, 0, 2, 0}, 5, NLRI_IDS, NLRI_IDS},
    {"two prefixes that are one with an id",
     NLRI_UNKNOWN,
     false,
     {24, 13, 107, 6, 24, 13, 107, 7},
     8,
     NLRI_PLAIN,
     NLRI_UNKNOWN},
    {"the same where ids are negotiated",
     NLRI_UNKNOWN,
     true,
     {24, 13, 107, 6, 24, 13, 107, 7},
     8,
     NLRI_PLAIN, /* an id of 0x180d6b06 is not likely */
     NLRI_UNKNOWN},
    {"the same of a peer that sends ids",
     NLRI_IDS,
     true,
     {24, 13, 107, 6, 24, 13, 107, 7},
     8,
     NLRI_IDS,
     NLRI_IDS},
    {"the same of a peer without ids",
     NLRI_PLAIN,
     true,
     {24, 13, 107, 6, 24, 13, 107, 7},
     8,
     NLRI_PLAIN,
     NLRI_PLAIN},
    {"ids begin later",
     NLRI_PLAIN,
     true,
     {0, 0, 0, 3, 24, 13, 107, 6},
     8,
     NLRI_IDS,
     NLRI_IDS},
    {"bits behind the length",
     NLRI_UNKNOWN,
     false,
     {23, 13, 107, 7},
     4,
     NLRI_PLAIN,
     NLRI_UNKNOWN},
    {"longer than an address",
     NLRI_UNKNOWN,
     true,
     {33, 13, 107, 7},
     4,
     NLRI_UNKNOWN,
     NLRI_UNKNOWN},
    {"cut", NLRI_PLAIN, true, {24, 13, 107}, 3, NLRI_UNKNOWN, NLRI_PLAIN},
};

static void test_nlri(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        enum bgp_nlri_form known = lists[i].known;
        enum bgp_nlri_form form =
            bgp_nlri_form(wire_from(lists[i].bytes, lists[i].len), FAMILY_IPV4, &known,
                          lists[i].may_have_ids);
        CHECK_INT(lists[i].expected, form, lists[i].what);
        CHECK_INT(lists[i].known_after, known, lists[i].what);
    }
}

/* ---- paths ---- */

static const struct {
    const char *what;
    bool two_byte;
    uint8_t attributes[48];
    size_t len;
    const char *path; /* NULL: malformed */
    uint16_t length;
    uint32_t origin;
} paths[] = {
    {"4-byte",
     false,
     {0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 0, 0x1f, 0x8b},
     13,
     "65002 8075",
     2,
     8075},
    {"4-byte, though the flag says 2",
     true,
     {0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xea, 0, 0, 0x1f, 0x8b},
     13,
     "65002 8075",
     2,
     8075},
    {"2-byte, though the flag says 4",
     false,
     {0x40, 2, 6, 2, 2, 0xfd, 0xea, 0x1f, 0x8b},
     9,
     "65002 8075",
     2,
     8075},
    {"AS_TRANS and AS4_PATH",
     true,
     {0x40, 2,  8, 2, 3,    0xfd, 0xea, 0x5b, 0xa0, 0x1f, 0x8b, 0xc0,
      17,   10, 2, 2, 0xfa, 0x56, 0xea, 1,    0,    0,    0x1f, 0x8b},
     24,
     "65002 4200000001 8075",
     3,
     8075},
    {"a set counts once and has no origin",
     false,
     {0x40, 2, 16, 2, 1, 0, 0, 0xfd, 0xea, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2},
     19,
     "65002 1 2",
     2,
     0},
    {"confederation",
     false,
     {0x40, 2, 12, 3, 1, 0, 0, 0xfe, 1, 2, 1, 0, 0, 0x1f, 0x8b},
     15,
     "8075",
     1,
     8075},
    {"an attribute twice: the first counts (RFC 7606)",
     false,
     {0x40, 2, 6, 2, 1, 0, 0, 0x1f, 0x8b, 0x40, 2, 6, 2, 1, 0, 0, 0, 1},
     18,
     "8075",
     1,
     8075},
    {"empty", false, {0x40, 2, 0}, 3, "", 0, 0},
    {"segment that is cut", false, {0x40, 2, 4, 2, 9, 0, 0}, 7, NULL, 0, 0},
    {"communities of 3 bytes", false, {0xc0, 8, 3, 1, 2, 3}, 6, NULL, 0, 0},
    {"length behind the end", false, {0x40, 2, 200, 2}, 4, NULL, 0, 0},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct bgp_update u = {.attributes =
                                   wire_from(paths[i].attributes, paths[i].len)};
        struct bgp_path path;
        char text[BGP_PATH_TEXT_MAX];
        bool ok = bgp_path_read(&path, &u, false, paths[i].two_byte);
        CHECK_INT(paths[i].path != NULL, ok, paths[i].what);
        if (!ok)
            continue;
        CHECK_TEXT(paths[i].path, bgp_path_text(text, &path), paths[i].what);
        CHECK_INT(paths[i].length, path.length, paths[i].what);
        CHECK_INT(paths[i].origin, path.origin_as, paths[i].what);
    }
}

/* ---- BMP framing ---- */

static const struct {
    const char *what;
    uint8_t bytes[8];
    size_t len;
    ssize_t expected;
} messages[] = {
    {"nothing", {0}, 0, 0},
    {"half a header", {3, 0, 0}, 3, 0},
    {"body still missing", {3, 0, 0, 0, 8, 4, 1}, 7, 0},
    {"whole", {3, 0, 0, 0, 8, 4, 1, 2}, 8, 8},
    {"another version", {4, 0, 0, 0, 8, 4}, 6, -EBADMSG},
    {"shorter than its header", {3, 0, 0, 0, 5, 4}, 6, -EBADMSG},
    {"longer than accepted", {3, 0xff, 0, 0, 0, 0}, 6, -EBADMSG},
    {"a mirrored message is skipped", {3, 0, 16, 0, 0, 6}, 6, 6},
};

static void test_framing(void **state)
{
    (void)state;
    struct bmp_message m;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        CHECK_INT(messages[i].expected, bmp_next(&m, messages[i].bytes, messages[i].len),
                  messages[i].what);
}

/* ---- recorded sessions ---- */

static size_t read_recorded(uint8_t *out, size_t room, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "test/fuzz/corpus/bmp/%s", name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL, "%s can be read", path);
    fgetc(file); /* the size of the pieces, for the fuzz target */
    size_t n = fread(out, 1, room, file);
    fclose(file);
    return n;
}

/* What vtysh showed: of the peer 198.51.100.2, AS 65002; local AS 4200000001. At the end all
 * routes were announced again. */
static void check_recorded(const char *name, size_t piece)
{
    static uint8_t bytes[65536];
    size_t len = read_recorded(bytes, sizeof bytes, name), from = 0, end = 0;
    struct world w;
    world_begin(&w);
    while (end < len) {
        end = len - end < piece ? len : end + piece;
        ssize_t used = feed_take(&w.feed, bytes + from, end - from, w.now);
        CHECK(used >= 0, "%s in pieces of %zu: %s", name, piece, w.feed.error);
        from += (size_t)used;
    }
    CHECK_INT(len, from, "all is taken");
    const struct rib_peer *p = NULL;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        if (w.rib.peers[i].used && rib_is_session(&w.rib.peers[i]))
            p = &w.rib.peers[i];
    CHECK(p != NULL && p->state == SESSION_UP, "%s: the session is up", name);
    CHECK_INT(65002, p->as, "its AS");
    CHECK_INT(1, p->flaps, "it was shut down once");
    CHECK_INT(4200000001, w.rib.routers[0].local_as, "4-byte local AS");
    static const char *const expected[] = {"13.107.6.0/24", "52.96.0.0/14",
                                           "2603:1006::/40"};
    CHECK_INT(3, w.rib.n_prefixes, "watched prefixes");
    for (size_t i = 0; i < 3; i++) {
        char text[BGP_PATH_TEXT_MAX];
        const struct rib_prefix *is = &w.rib.prefixes[i];
        CHECK_TEXT(expected[i], bgp_prefix_text(text, &is->prefix), name);
        CHECK(rib_prefix_path(&w.rib, is) != NULL, "%s: %s is announced", name,
              expected[i]);
        const struct bgp_path *path = rib_prefix_path(&w.rib, is)->path;
        CHECK_TEXT("65002 8075", bgp_path_text(text, path), "AS path");
        CHECK(bgp_path_has_community(path, 8075, 8007), "community");
        CHECK_INT(8075, path->large[0].global, "large community");
        CHECK_INT(i == 2 ? FAMILY_IPV6 : FAMILY_IPV4, path->next_hop.family, "next hop");
    }
    world_end(&w);
}

static void test_recorded(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 100, 1 << 20};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        check_recorded("frr", pieces[i]);
        check_recorded("gobgp", pieces[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nlri),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
