#include "edge/suffixes.h"

#include "shipped.h"

#include <strings.h>

static size_t parse(struct suffixes *s, const char *text, struct said *said)
{
    struct datafile_source from = source_of(text, strlen(text), said);
    *said = (struct said){.n = 0};
    return suffixes_parse(s, &from);
}

/* Last names of chains as they stand in public transcripts, and names close to them. */
static const struct {
    const char *name, *suffix; /* "": none fits */
    enum suffix_verdict verdict;
    const char *service;
} cases[] = {
    {"e86303.dscx.akamaiedge.net", ".akamaiedge.net", SUFFIX_FOREIGN, "akamai"},
    {"www.bing.com.edgekey.net", ".edgekey.net", SUFFIX_FOREIGN, "akamai"},
    {"a1961.g2.akamai.net.", ".akamai.net", SUFFIX_FOREIGN, "akamai"},
    {"www.msftncsi.com.edgesuite.net", ".edgesuite.net", SUFFIX_FOREIGN, "akamai"},
    {"x.akamaized.net", ".akamaized.net", SUFFIX_FOREIGN, "akamai"},
    {"www.microsoft.com-c-3.edgekey.net.globalredir.akadns.net",
     ".globalredir.akadns.net", SUFFIX_FOREIGN, "akamai"},
    {"e13678.ca2.s.tl88.net", ".tl88.net", SUFFIX_FOREIGN, "akamai"},
    {"china.bing123.com", ".bing123.com", SUFFIX_FOREIGN, "bing-china"},
    {"x.ks-cdn.com", ".ks-cdn.com", SUFFIX_FOREIGN, "kingsoft"},
    {"x.ksyuncdn.com", ".ksyuncdn.com", SUFFIX_FOREIGN, "kingsoft"},
    {"cs1.wpc.alphacdn.net", ".alphacdn.net", SUFFIX_FOREIGN, "edgio"},
    {"cs9.wpc.v0cdn.net", ".v0cdn.net", SUFFIX_FOREIGN, "edgio"},
    {"x.edgecastdns.net", ".edgecastdns.net", SUFFIX_FOREIGN, "edgio"},
    {"fg.footprint.net", ".footprint.net", SUFFIX_FOREIGN, "lumen"},
    {"d1.cloudfront.net", ".cloudfront.net", SUFFIX_FOREIGN, "cloudfront"},
    {"j.sni.global.fastly.net", ".fastly.net", SUFFIX_FOREIGN, "fastly"},
    {"x.cdn.cloudflare.net", ".cloudflare.net", SUFFIX_FOREIGN, "cloudflare"},
    {"x.akamaihd.net", ".akamaihd.net", SUFFIX_FOREIGN, "akamai"},
    {"x.llnwi.net", ".llnwi.net", SUFFIX_FOREIGN, "edgio"},
    {"x.azure.cn", ".azure.cn", SUFFIX_FOREIGN, "azure-china"},
    {"a-0003.a-msedge.net", ".a-msedge.net", SUFFIX_EDGE, "front-door"},
    {"home-office365-com.b-0004.b-msedge.net", ".b-msedge.net", SUFFIX_EDGE, "office"},
    {"c-0001.c-msedge.net", ".c-msedge.net", SUFFIX_EDGE, "front-door"},
    {"l-0007.l-msedge.net", ".l-msedge.net", SUFFIX_EDGE, "front-door"},
    {"ln-0007.LN-MSEDGE.net", ".ln-msedge.net", SUFFIX_EDGE, "front-door"},
    {"s-0005.s-msedge.net", ".s-msedge.net", SUFFIX_EDGE, "teams"},
    {"s-0005.dual-s-msedge.net", ".dual-s-msedge.net", SUFFIX_EDGE, "teams"},
    {"part-0024.t-0009.t-msedge.net", ".t-msedge.net", SUFFIX_EDGE, "front-door"},
    {"x.t-s1-msedge.net", ".t-s1-msedge.net", SUFFIX_EDGE, "front-door"},
    {"part-0024.t-0009.fb-t-msedge.net", ".fb-t-msedge.net", SUFFIX_EDGE, "front-door"},
    {"ax-0001.ax-msedge.net", ".ax-msedge.net", SUFFIX_EDGE, "front-door"},
    {"wac-0003.wac-msedge.net", ".wac-msedge.net", SUFFIX_EDGE, "office-online"},
    {"spo-0004.spo-msedge.net", ".spo-msedge.net", SUFFIX_EDGE, "sharepoint"},
    {"x.spov-msedge.net", ".spov-msedge.net", SUFFIX_EDGE, "sharepoint"},
    {"x.spv-msedge.net", ".spv-msedge.net", SUFFIX_EDGE, "sharepoint"},
    {"q-0001.q-msedge.net", "-msedge.net", SUFFIX_EDGE, "front-door"},
    {"x.z01.azurefd.net", ".azurefd.net", SUFFIX_EDGE, "front-door"},
    {"mr-z01.tm-azurefd.net", ".tm-azurefd.net", SUFFIX_EDGE, "front-door"},
    {"azurefd-t-prod.trafficmanager.net", "azurefd-t-prod.trafficmanager.net",
     SUFFIX_EDGE, "front-door"},
    {"firstparty-azurefd-prod.trafficmanager.net",
     "firstparty-azurefd-prod.trafficmanager.net", SUFFIX_EDGE, "front-door"},
    {"LHR-efz.ms-acdc.office.com", "-efz.ms-acdc.office.com", SUFFIX_EDGE, "exchange"},
    {"outlook.ms-acdc.office.com", ".ms-acdc.office.com", SUFFIX_EDGE, "exchange"},
    {"atm.outlook.mira.tm.svc.cloud.microsoft", ".outlook.mira.tm.svc.cloud.microsoft",
     SUFFIX_EDGE, "exchange"},
    {"atm.autodiscover.mira.tm.svc.cloud.microsoft",
     ".autodiscover.mira.tm.svc.cloud.microsoft", SUFFIX_EDGE, "exchange"},
    {"shed.outlook.acdc.tm.svc.cloud.microsoft", ".outlook.acdc.tm.svc.cloud.microsoft",
     SUFFIX_EDGE, "exchange"},
    {"outlook.cloud.microsoft", "outlook.cloud.microsoft", SUFFIX_EDGE, "exchange"},
    {"ooc-g2.tm-4.office.com", ".tm-4.office.com", SUFFIX_EDGE, "exchange"},
    {"x.office.mira.tm.svc.cloud.microsoft", ".office.mira.tm.svc.cloud.microsoft",
     SUFFIX_EDGE, "office"},
    {"a-0016.dc-msedge.net", ".dc-msedge.net", SUFFIX_FALLBACK, "front-door"},
    {"a-0016.ax-dc-msedge.net", ".ax-dc-msedge.net", SUFFIX_FALLBACK, "front-door"},
    {"s-0005.dual-s-dc-msedge.net", ".dual-s-dc-msedge.net", SUFFIX_FALLBACK, "teams"},
    {"x.ln-dc-msedge.net", ".ln-dc-msedge.net", SUFFIX_FALLBACK, "front-door"},
    {"x.wac-dc-msedge.net", ".wac-dc-msedge.net", SUFFIX_FALLBACK, "office-online"},
    {"x.q-dc-msedge.net", "-dc-msedge.net", SUFFIX_FALLBACK, "front-door"},
    {"b-tr-teasc-ukwe-01.ukwest.cloudapp.azure.com", ".cloudapp.azure.com", SUFFIX_REGION,
     "azure"},
    {"x.cloudapp.net", ".cloudapp.net", SUFFIX_REGION, "azure"},
    {"x.azurewebsites.net", ".azurewebsites.net", SUFFIX_REGION, "azure"},
    {"x.azurewebsites.windows.net", ".azurewebsites.windows.net", SUFFIX_REGION, "azure"},
    {"blob.ams20.store.core.windows.net", ".core.windows.net", SUFFIX_REGION, "azure"},
    {"www.tm.ak.prd.aadg.trafficmanager.net", ".aadg.trafficmanager.net", SUFFIX_REGION,
     "entra"},
    {"www.tm.ak.prd.aadg.akadns.net", ".aadg.akadns.net", SUFFIX_REGION, "entra"},
    {"ak.privatelink.msidentity.com", ".msidentity.com", SUFFIX_REGION, "entra"},
    {"www.tm.prd.ags.trafficmanager.net", ".ags.trafficmanager.net", SUFFIX_REGION,
     "graph"},
    {"www.tm.prd.ags.akadns.net", ".ags.akadns.net", SUFFIX_REGION, "graph"},
    {"x.flightproxy.teams.microsoft.com", ".flightproxy.teams.microsoft.com",
     SUFFIX_REGION, "teams-relay"},
    {"go.trouter.teams.microsoft.com", ".trouter.teams.microsoft.com", SUFFIX_REGION,
     "teams-relay"},
    {"worldaz.relay.teams.microsoft.com", ".relay.teams.microsoft.com", SUFFIX_REGION,
     "teams-relay"},
    {"gateway-eu.az.relay.teams.cloud.microsoft", ".relay.teams.cloud.microsoft",
     SUFFIX_REGION, "teams-relay"},
    {"worldaz.tr.teams.microsoft.com", ".tr.teams.microsoft.com", SUFFIX_REGION,
     "teams-relay"},
    {"x.azureedge.net", ".azureedge.net", SUFFIX_EITHER, "cdn"},
    {"x.vo.msecnd.net", ".vo.msecnd.net", SUFFIX_EITHER, "cdn"},
    {"outlook.ha.office365.com", ".ha.office365.com", SUFFIX_EDGE, "exchange"},
    {"login.microsoftonline.com", "login.microsoftonline.com", SUFFIX_REGION, "entra"},
    {"graph.microsoft.com", "graph.microsoft.com", SUFFIX_REGION, "graph"},
    {"BL2NAM06FT004.mail.protection.outlook.com", ".mail.protection.outlook.com",
     SUFFIX_REGION, "exchange-protection"},
    /* names before the end of a chain, or names that users type */
    {"187170-ipv4e.farm.dprodmgd104.sharepointonline.com.akadns.net",
     ".sharepointonline.com.akadns.net", SUFFIX_EITHER, "sharepoint"},
    {"contoso.sharepoint.com", ".sharepoint.com", SUFFIX_EITHER, "sharepoint"},
    {"outlook.office365.com", "outlook.office365.com", SUFFIX_EITHER, "exchange"},
    {"outlook.office.com", "outlook.office.com", SUFFIX_EITHER, "exchange"},
    {"smtp.office365.com", "smtp.office365.com", SUFFIX_EITHER, "exchange"},
    {"x.office365.com", ".office365.com", SUFFIX_EITHER, "microsoft-365"},
    {"www.office.com", ".office.com", SUFFIX_EITHER, "microsoft-365"},
    {"res.cdn.office.net", ".office.net", SUFFIX_EITHER, "microsoft-365"},
    {"teams.cloud.microsoft", ".cloud.microsoft", SUFFIX_EITHER, "microsoft-365"},
    {"x.outlook.cloud.microsoft", ".cloud.microsoft", SUFFIX_EITHER, "microsoft-365"},
    {"teams.microsoft.com", "teams.microsoft.com", SUFFIX_EITHER, "teams"},
    {"www.microsoft.com", ".microsoft.com", SUFFIX_EITHER, "microsoft"},
    {"microsoft.com", "microsoft.com", SUFFIX_EITHER, "microsoft"},
    {"www.bing.com", ".bing.com", SUFFIX_EITHER, "bing"},
    {"bing.com", "bing.com", SUFFIX_EITHER, "bing"},
    {"www.msn.com", ".msn.com", SUFFIX_EITHER, "msn"},
    {"outlook.live.com", ".live.com", SUFFIX_EITHER, "microsoft"},
    {"config.edge.skype.com", ".skype.com", SUFFIX_EITHER, "skype"},
    {"portal.azure.com", ".azure.com", SUFFIX_EITHER, "azure"},
    /* suffixes match whole labels; names that only redirect in DNS decide nothing */
    {"x.notedgekey.net", "", SUFFIX_EITHER, ""},
    {"edgekey.net.example.org", "", SUFFIX_EITHER, ""},
    {"www.bing.com.trafficmanager.net", "", SUFFIX_EITHER, ""},
    {"net", "", SUFFIX_EITHER, ""},
    {".", "", SUFFIX_EITHER, ""},
    {"", "", SUFFIX_EITHER, ""},
};

#define N_CASES (sizeof cases / sizeof *cases)

static void test_shipped(void **state)
{
    (void)state;
    struct suffixes s;
    SHIPPED_PARSE(suffixes_parse, &s, "suffixes.csv");
    CHECK_TEXT("2026-11-29", s.version, "version");
    for (size_t i = 0; i < N_CASES; i++) {
        const struct suffix *found = suffixes_find(&s, cases[i].name);
        CHECK_TEXT(cases[i].suffix, found != NULL ? found->text : "", cases[i].name);
        if (found == NULL)
            continue;
        CHECK_INT(cases[i].verdict, found->verdict, cases[i].name);
        CHECK_TEXT(cases[i].service, found->service, cases[i].name);
    }
    for (size_t i = 0; i < s.n; i++) { /* no row without a case */
        size_t c = 0;
        while (c < N_CASES && strcmp(cases[c].suffix, s.all[i].text) != 0)
            c++;
        CHECK(c < N_CASES, "%s has a case here", s.all[i].text);
    }
    suffixes_free(&s);
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *row, *said;
    } rows[] = {
        {",edge,a", "the suffix is missing"},
        {"net,edge,a", "suffix net: must be the end of a host name"},
        {"..example.net,edge,a", "suffix ..example.net: must be"},
        {"example.net.,edge,a", "suffix example.net.: must be"},
        {".exa mple.net,edge,a", "suffix .exa mple.net: must be"},
        {".example.net,ours,a", "verdict ours: must be edge, edge-fallback, region, "},
        {".example.net,edge,", "the service is missing"},
        {".a.example,edge,a\n.A.example,foreign,b", "suffix .a.example: duplicate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct said said;
        struct suffixes s;
        struct text file = {0};
        text_add(&file,
                 "# edgelat suffixes 1\nsuffix,verdict,service\n%s\n"
                 ".fine.example,region,a\n",
                 rows[i].row);
        CHECK_INT(1, parse(&s, text_string(&file), &said), rows[i].row);
        CHECK(strstr(text_string(&said.lines), rows[i].said) != NULL, "%s",
              text_string(&said.lines));
        CHECK(suffixes_find(&s, "x.fine.example") != NULL, "the others count");
        suffixes_free(&s);
        text_free(&said.lines);
        text_free(&file);
    }
}

/* The longest one decides, wherever it stands in the file. */
static void test_longest(void **state)
{
    (void)state;
    struct said said;
    struct suffixes s;
    parse(&s,
          "# edgelat suffixes 1\nsuffix,verdict,service\n"
          ".example.net,foreign,a\n-b.example.net,edge,b\nx-b.example.net,region,c\n"
          "b.example.net,either,d\n",
          &said);
    CHECK_TEXT("a", suffixes_find(&s, "b-c.example.net")->service, "the names under it");
    CHECK_TEXT("b", suffixes_find(&s, "y-b.example.net")->service,
               "the names that end so");
    CHECK_TEXT("c", suffixes_find(&s, "X-B.example.net")->service, "that name");
    CHECK_TEXT("d", suffixes_find(&s, "b.example.net")->service,
               "that name, of two labels");
    CHECK_TEXT("a", suffixes_find(&s, "z.b.example.net")->service,
               "not the names under it");
    CHECK(suffixes_find(&s, "example.net") == NULL, "not the name itself");
    suffixes_free(&s);
    text_free(&said.lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
