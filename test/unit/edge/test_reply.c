#include "edge/reply.h"

#include "check.h"

#include <string.h>

#define DATE   "Mon, 29 Jan 2024 11:57:09 GMT"
#define REF_B  "Ref A: 3CC74C94769440C0851D9DF0869FCE7F Ref B: MAA02EDGE0311 Ref C: "
#define MSEDGE "X-MSEdge-Ref: " REF_B "2024-01-29T11:57:09Z"
#define AZURE                                                                            \
    "X-Azure-Ref: 20240129T115709Z-r15774cf85dn94vbhC1LONx000000002d00000000017pf"

/* "Name: value" lines. */
static struct reply read_lines(const char *lines)
{
    struct reply r = {0};
    char copy[2048], *at = copy;
    snprintf(copy, sizeof copy, "%s", lines);
    for (char *line; (line = strsep(&at, "\n")) != NULL;) {
        char *value = strstr(line, ": ");
        if (value == NULL)
            continue;
        *value = '\0';
        reply_header(&r, line, value + 2, strlen(value + 2));
    }
    return r;
}

static const struct {
    const char *what, *lines;
    const char *pop;
    const char *foreign; /* "": no mark */
} cases[] = {
    {"the edge itself", "Date: " DATE "\n" MSEDGE, "MAA", ""},
    {"nothing", "Date: " DATE, "", ""},
    /* www.bing.com of 2024-01-29, both in one reply */
    {"Akamai in front", MSEDGE "\nX-Cdn-Traceid: 0.0e0a2c17.1706529365.1a2b3c", "",
     "X-CDN-TraceID of Akamai"},
    {"in whatever order", "x-cdn-traceid: 0.0e0a2c17.1706529365.1a2b3c\n" MSEDGE, "",
     "X-CDN-TraceID of Akamai"},
    {"EdgeScape", MSEDGE "\nX-EdgeScape-Location: georegion=104", "",
     "X-EdgeScape-Location of Akamai"},
    {"its cookie", MSEDGE "\nSet-Cookie: ak_bmsc=1F2E; Path=/", "",
     "cookie ak_bmsc of Akamai"},
    {"another cookie", MSEDGE "\nSet-Cookie: MUID=1; ak_bmsc=2", "MAA", ""},
    {"the second cookie", MSEDGE "\nSet-Cookie: MUID=1\nSet-Cookie: ak_bmsc=2", "",
     "cookie ak_bmsc of Akamai"},
    {"GRN", "Akamai-GRN: 0.85ce2e17.177\n" MSEDGE, "", "Akamai-GRN of Akamai"},
    {"GHost", "Server: AkamaiGHost\n" MSEDGE, "", "Server of Akamai"},
    {"as an author wrote it", "Server: (Akamai CDN)\n" MSEDGE, "", "Server of Akamai"},
    {"Cloudflare", "CF-RAY: 8f0a-AMS\n" AZURE, "", "CF-RAY of Cloudflare"},
    {"Fastly", "X-Served-By: cache-ams21034-AMS\n" AZURE, "", "X-Served-By of Fastly"},
    {"another X-Served-By", "X-Served-By: web-17\n" AZURE, "LON", ""},
    {"CloudFront", "X-Amz-Cf-Pop: AMS58-P1\n" AZURE, "", "X-Amz-Cf-Pop of CloudFront"},
    {"another server", "Server: Microsoft-IIS/10.0\nX-Cache: CONFIG_NOCACHE\n" MSEDGE,
     "MAA", ""},
    {"a shorter value than a mark", "Server: Ak\nX-Served-By: \n" MSEDGE, "MAA", ""},
    /* the header's own clock, and the Akamai copy of www.microsoft.com, 266 s old */
    {"30 s before", "Date: Mon, 29 Jan 2024 11:57:39 GMT\n" MSEDGE, "MAA", ""},
    {"31 s before", "Date: Mon, 29 Jan 2024 11:57:40 GMT\n" MSEDGE, "", ""},
    {"30 s after", "Date: Mon, 29 Jan 2024 11:56:39 GMT\n" MSEDGE, "MAA", ""},
    {"31 s after", "Date: Mon, 29 Jan 2024 11:56:38 GMT\n" MSEDGE, "", ""},
    {"over midnight and the year",
     "Date: Mon, 01 Jan 2024 00:00:10 GMT\nX-MSEdge-Ref: " REF_B "2023-12-31T23:59:50Z",
     "MAA", ""},
    {"a year old", "Date: Wed, 29 Jan 2025 11:57:09 GMT\n" MSEDGE, "", ""},
    {"29 February",
     "Date: Fri, 01 Mar 2024 00:00:00 GMT\nX-MSEdge-Ref: " REF_B "2024-02-29T23:59:59Z",
     "MAA", ""},
    {"an old X-Azure-Ref", "Date: Mon, 29 Jan 2024 12:01:35 GMT\n" AZURE, "", ""},
    {"a new X-Azure-Ref", "Date: " DATE "\n" AZURE, "LON", ""},
    {"the better one's clock counts",
     "Date: " DATE "\n" MSEDGE "\nX-Azure-Ref: 20230129T115709Z-"
     "r15774cf85dn94vbhC1LONx000000002d00000000017pf",
     "MAA", ""},
    {"no Date", MSEDGE, "MAA", ""},
    {"a Date that is none", "Date: yesterday\n" MSEDGE, "MAA", ""},
    {"a month that is none", "Date: Mon, 29 Foo 2024 11:00:00 GMT\n" MSEDGE, "MAA", ""},
    {"a day that is none", "Date: Mon, 32 Jan 2024 11:00:00 GMT\n" MSEDGE, "MAA", ""},
    {"a Date that is cut", "Date: Mon, 29 Jan 2024 11:0\n" MSEDGE, "MAA", ""},
    {"no Ref C", "Date: " DATE "\nX-MSEdge-Ref: Ref A: 1 Ref B: MAA02EDGE0311", "MAA",
     ""},
    /* the front end that the client reached adds its name behind the others */
    {"two front ends", "X-FEServer: DB3PR0102CA0017\nX-FEServer: AM0PR04CA0024", "AM0",
     ""},
    {"in the other order", "X-FEServer: AM0PR04CA0024\nX-FEServer: DB3PR0102CA0017",
     "DB3", ""},
    {"in one line", "x-feserver: SN6PR16CA0066, PH7PR17CA0070", "PH7", ""},
    {"with others between",
     "X-FEServer: BYAPR06CA0017\nServer: x\nX-BEServer: "
     "BY5PR06MB6961\nx-feserver: BL1PR13CA0024",
     "BL1", ""},
    {"both forms", "X-FEServer: SN6PR16CA0066, PH7PR17CA0070\nX-FEServer: AM0PR04CA0024",
     "AM0", ""},
    {"the last one is the customer's own",
     "X-FEServer: AM0PR04CA0024\nX-FEServer: EXCH01", "", ""},
    {"the zone says more",
     "X-FirstHopCafeEFZ: DUB\nX-FEServer: PA7P264CA0121\nX-FEServer: DUZPR01CA0311",
     "DUB", ""},
    {"a copy of X-FD-Ref",
     "Date: " DATE "\nX-FD-Ref: Ref A: 1 Ref B: MRS211050618011 Ref C: "
     "2024-06-27T18:29:37Z",
     "", ""},
    /* www.microsoft.com, a public capture of 2026-06-24 */
    {"Akamai's old copy",
     "x-azure-ref: 20260624T183457Z-1688c65dfff452sphC1MAA4ymn000000041g0000000009kx\n"
     "Date: Wed, 24 Jun 2026 18:39:23 GMT\nx-edgescape-location: country_code=IN",
     "", "X-EdgeScape-Location of Akamai"},
    {"an old copy of Exchange's, by another header's clock",
     "Date: Mon, 29 Jan 2024 12:01:35 GMT\nX-FirstHopCafeEFZ: LHR\n" AZURE, "", ""},
};

static void test_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = read_lines(cases[i].lines);
        struct pop pop = reply_pop(&r);
        char text[POP_TEXT_MAX];
        CHECK_TEXT(cases[i].pop, pop_text(text, &pop), cases[i].what);
        CHECK_TEXT(cases[i].foreign, r.foreign != NULL ? r.foreign : "", cases[i].what);
        CHECK(pop.source != NULL, "%s: a source", cases[i].what);
    }
    struct reply none = {0};
    CHECK_INT(POP_UNKNOWN, reply_pop(&none).family, "no header at all");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
