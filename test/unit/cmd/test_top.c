/* The model of `edgelat top`: what is on the screen after a status and some keys. */
#include "base/text.h"
#include "check.h"
#include "cmd/top_model.h"

#include <string.h>

#define STREAM(kind, state, loss, p50, history)                                          \
    "{\"kind\":\"" kind "\",\"family\":\"ipv4\",\"address\":\"203.0.113.10\",\"pop\":"   \
    "\"AMS\",\"state\":\"" state "\",\"silent\":false,\"sent\":10,\"failed\":0,"         \
    "\"loss_ratio\":" loss ",\"p50\":" p50 ",\"p95\":9.125,\"p99\":1072.9,"              \
    "\"unsupported\":[\"p99\"],\"history\":" history ",\"delays\":{\"rtt\":3.1,"         \
    "\"tls\":6.24,\"first_byte\":3.13,\"total\":13.1,\"warm_first_byte\":3.14},\"histogram\":{\"min\":3,\"max\":48,\"counts\":[1,8,4,0,1]}}"

#define TARGET(name, rank, state, streams)                                               \
    "{\"target\":\"" name "\",\"host\":\"" name ".example\",\"rank\":" rank              \
    ",\"pop\":\"AMS\",\"state\":\"" state "\",\"streams\":[" streams "]}"

static const char status[] =
    "{\"host_name\":\"edge1\",\"site\":\"Lyon\",\"stopped\":null,\"window\":{\"end\":"
    "\"2026-11-23T09:00:00Z\"},\"targets\":[" TARGET(
        "far", "2", "degraded",
        STREAM(
            "icmp", "degraded", "0.1", "61.04",
            "[20,60.0,null,61]")) "," TARGET("near", "1", "up",
                                             STREAM("icmp", "up", "0", "null", "[]") "," STREAM(
                                                 "https", "up", "0", "3.1049",
                                                 "[3,3.1]")) "," TARGET("evil\\u001b[31m",
                                                                        "null", "unknown",
                                                                        "") "],"
                                                                            "\"paths\":{\"targets\":[{\"target\":\"near\",\"family\":\"ipv4\",\"entry\":\"AMS\","
                                                                            "\"provider\":\"AS64500\",\"hops\":7,\"segments\":{\"local\":0.31}}]},"
                                                                            "\"events\":[{\"time\":\"2026-11-23T08:59:58Z\",\"severity\":\"WARN\",\"name\":\"x\","
                                                                            "\"subject\":\"far\",\"text\":\"degraded by delay\"}],\"too_early\":false,"
                                                                            "\"findings\":[\"far is degraded by icmp\"]}";

static struct screen screen;

static const char *row(int n)
{
    static char text[SCREEN_COLUMNS_MAX * 12 + 1];
    char *to = text;
    for (int x = 0; x < screen.columns; x++) {
        const struct screen_cell *c = &screen.cells[n][x];
        if (c->character == 0) /* of a wide one */
            continue;
        CHECK(c->character >= ' ' && c->character != 0x7f, "no control characters");
        to += text_encode(to, c->character);
        for (size_t i = 0; i < SCREEN_MARKS && c->marks[i] != 0; i++)
            to += text_encode(to, c->marks[i]);
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
    return text;
}

static void draw(struct top *t, int rows, int columns, bool utf8)
{
    screen_clear(&screen, rows, columns);
    screen.utf8 = utf8;
    top_draw(t, &screen);
}

static bool shows(const char *words)
{
    for (int i = 0; i < screen.rows; i++)
        if (strstr(row(i), words) != NULL)
            return true;
    return false;
}

static struct top *begun(void)
{
    struct top *t = top_create();
    top_source(t, "agent");
    CHECK(top_update(t, status, sizeof status - 1), "a status");
    return t;
}

static void a_list_of_80_columns(void **state)
{
    (void)state;
    struct top *t = begun();
    draw(t, 24, 80, false);
    CHECK_TEXT(" edgelat top  edge1, Lyon  agent  window 09:00:00 UTC", row(0), "head");
    CHECK(strstr(row(2), "  1 near ") == row(2), "the nearest first: %s", row(2));
    CHECK(strstr(row(2), "    3.10     9.12 ") != NULL,
          "three digits, of the first kind with a delay: %s", row(2));
    CHECK(strstr(row(3), "  2 far ") == row(3), "%s", row(3));
    CHECK(strstr(row(3), " degraded  10.0 %     61.0 ") != NULL, "%s", row(3));
    CHECK(strstr(row(3), ":#!#") != NULL, "a plot, with a window without a reply: %s",
          row(3));
    CHECK(strstr(row(4), "  - evil?[31m ") == row(4), "nothing reaches the terminal: %s",
          row(4));
    CHECK(shows("Problems: 1"), "problems");
    CHECK(shows("  far is degraded by icmp"), "the problem");
    CHECK(shows("  08:59:58 far: degraded by delay"), "an event");
    CHECK_TEXT(" q quit  ? help  Enter target  s sort: rank  k kind: any", row(23),
               "foot");
    draw(t, 24, 80, true);
    CHECK(strstr(row(3), "\xe2\x96\x88!\xe2\x96\x88") != NULL, "in UTF-8: %s", row(3));
    top_destroy(t);
}

/* Nothing is drawn outside, whatever the size and the page. */
static void any_size(void **state)
{
    (void)state;
    struct top *t = begun();
    static const int keys[] = {0, TOP_KEY_ENTER, TOP_KEY_ESCAPE, '?'};
    for (size_t k = 0; k < 4; k++) {
        top_key(t, keys[k]);
        for (int rows = 0; rows <= 50; rows++)
            for (int columns = 0; columns <= 140; columns += 7)
                draw(t, rows, columns, rows % 2);
    }
    top_key(t, 'x');
    draw(t, 43, 132, false);
    CHECK(strstr(row(1), "p99") != NULL && strstr(row(1), "kind") != NULL,
          "more columns: %s", row(1));
    CHECK(strstr(row(2), "(1073)") != NULL, "too few samples, still ms: %s", row(2));
    draw(t, 8, 40, false);
    CHECK(strstr(row(2), "near") != NULL && strstr(row(2), "3.10") != NULL,
          "what matters is left: %s", row(2));
    top_destroy(t);
}

static void keys(void **state)
{
    (void)state;
    struct top *t = begun();
    top_key(t, 's');
    draw(t, 24, 80, false);
    CHECK(strstr(row(2), "far") != NULL, "by state: %s", row(2));
    top_key(t, 'k');
    draw(t, 24, 80, false);
    CHECK(strstr(row(23), "kind: icmp") != NULL, "%s", row(23));
    CHECK(strstr(row(3), "3.10") == NULL, "near has no delay by icmp: %s", row(3));
    top_key(t, 'k');
    top_key(t, TOP_KEY_DOWN);
    top_key(t, TOP_KEY_ENTER);
    draw(t, 24, 80, false);
    CHECK(strstr(row(1), "near  near.example  rank 1, PoP AMS, up") != NULL, "%s",
          row(1));
    CHECK_TEXT(
        "https/ipv4  203.0.113.10             up         0.0 %     3.10     9.12   "
        "(1073)",
        row(7), "all of a stream");
    CHECK_TEXT("            rtt 3.10  tls 6.24  first_byte 3.13  total 13.1", row(8),
               "phases");
    CHECK_TEXT("            warm_first_byte 3.14", row(9), "the last one");
    CHECK(shows("14 delays by https/ipv4, of 8 h at most; most: 8 in a bar"),
          "histogram");
    CHECK(
        shows(
            "path ipv4: enters Microsoft at AMS, provider AS64500, 7 hops; local 0.310"),
        "path");
    CHECK(top_update(t, status, sizeof status - 1), "a new window");
    draw(t, 24, 80, false);
    CHECK(strstr(row(1), "near") != NULL, "the same target: %s", row(1));
    CHECK(top_key(t, TOP_KEY_ESCAPE) && top_key(t, '?') && !top_key(t, 'q'), "q ends it");
    top_destroy(t);
}

/* Names of sites are in any language. */
static void beyond_ascii(void **state)
{
    (void)state;
    static const char tokyo[] =
        "{\"host_name\":\"edge1\",\"site\":\"Z\xc3\xbcrich \xe6\x9d\xb1\\u4eac\","
        "\"window\":{\"end\":\"2026-11-23T09:00:00Z\"},\"targets\":[]}";
    struct top *t = top_create();
    top_source(t, "agent");
    CHECK(top_update(t, tokyo, sizeof tokyo - 1), "a status");
    draw(t, 24, 80, true);
    CHECK_TEXT(
        " edgelat top  edge1, Z\xc3\xbcrich \xe6\x9d\xb1\xe4\xba\xac  agent  window "
        "09:00:00 UTC",
        row(0), "in UTF-8");
    draw(t, 24, 80, false);
    CHECK_TEXT(" edgelat top  edge1, Z?rich ??  agent  window 09:00:00 UTC", row(0),
               "in ASCII");
    top_destroy(t);
}

static void not_a_status(void **state)
{
    (void)state;
    struct top *t = top_create();
    static const char *const bad[] = {"", "{}", "[]", "{\"targets\":[}", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!top_update(t, bad[i], strlen(bad[i])), "%s", bad[i]);
    CHECK(top_update(t, "{\"targets\":[1,{},\"x\"]}", 22), "odd, but one");
    top_key(t, TOP_KEY_ENTER);
    draw(t, 24, 80, false);
    top_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_80_columns),
        cmocka_unit_test(any_size),
        cmocka_unit_test(keys),
        cmocka_unit_test(beyond_ascii),
        cmocka_unit_test(not_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
