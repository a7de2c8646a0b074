#include "edge/whereis.h"

#include "shipped.h"

static void load(struct edge_data *k)
{
    *k = (struct edge_data){.metros = {.n = 0}};
    SHIPPED_PARSE(catalogue_parse, &k->metros, "metros.csv");
    SHIPPED_PARSE(catalogue_parse_airports, &k->metros, "airports.csv");
    SHIPPED_PARSE(prefixes_parse, &k->prefixes, "prefixes.csv");
    SHIPPED_PARSE(suffixes_parse, &k->suffixes, "suffixes.csv");
}

struct seen {
    const char *text, *kind, *metro, *site, *city, *service;
    const char *last; /* the basis in `cases`, the verdict in the other tables */
};

/* Copied from public text, the negatives included; see agent/edge/README.md. "-": none. */
static const struct seen cases[] = {
    {"X-MSEdge-Ref: Ref A: C1D267662FE547E49CE0F2F9F66FA8C2 Ref B: AMSEDGE1023 Ref C: "
     "2019-05-04T18:02:21Z",
     "header", "AMS", "-", "Amsterdam", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 19D528D6015B46C4ABCD0FC8B8A99C4D Ref B: LON04EDGE0411 Ref C: "
     "2018-05-31T21:24:10Z",
     "header", "LON", "04", "London", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 51DF6DDA8D7C4966811774D83FB9396C Ref B: FRA31EDGE0515 Ref C: "
     "2025-02-15T11:55:34Z",
     "header", "FRA", "31", "Frankfurt", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 3CC74C94769440C0851D9DF0869FCE7F Ref B: CO1EDGE0315 Ref C: "
     "2018-04-11T18:47:40Z",
     "header", "CO", "1", "Quincy, Washington", "front-door",
     "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 1034B681181A4EDCBA08F39347CBBEF4 Ref B: BL2AA2030110019 Ref "
     "C: 2025-02-11T15:48:03Z",
     "header", "BL", "2", "Ashburn, Virginia", "front-door",
     "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: B35168FEDE1047359F276C0D318CD4E8 Ref B: LON281181714054 Ref "
     "C: 2026-01-14T00:25:34Z",
     "header", "LON", "28", "London", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-Azure-Ref-OriginShield: Ref A: CCB7EE5EACFE4B4E85F6299B812DCD44 Ref B: "
     "SG2EDGE2407 Ref C: 2023-08-29T07:19:15Z",
     "header", "SG", "2", "Singapore", "front-door",
     "X-Azure-Ref-OriginShield, front-door code; the parent PoP of origin shield, not "
     "the client's edge"},
    {"X-Azure-Ref: "
     "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYwYS00YTU0LTk0YzMt"
     "NWZmNzA3NjQ3Nzgz",
     "header", "WST", "-", "Seattle, Washington", "front-door",
     "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20230926T171412Z-81c9dcrw6t2mbaek8smy45twy400000001kg00000000kbgy",
     "header", "-", "-", "-", "-", "-"},
    {"x-azure-ref: 20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf",
     "header", "LON", "-", "London", "front-door", "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20251101T221137Z-1759895c94bdrrpvhC1CO181yw0000000ck0000000007zhh",
     "header", "CO", "1", "Quincy, Washington", "front-door",
     "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20250716T050612Z-r1f84b9445826hlwhC1SG188700000000na000000000a6re",
     "header", "SG", "1", "Singapore", "front-door", "X-Azure-Ref, front-door code"},
    {"X-FEEFZInfo: PHX", "header", "PHX", "-", "Phoenix, Arizona", "exchange",
     "X-FEEFZInfo, exchange-efz code"},
    {"X-FirstHopCafeEFZ: DUB", "header", "DUB", "-", "Dublin", "exchange",
     "X-FirstHopCafeEFZ, exchange-efz code"},
    {"ae25-0.icr02.sg3.ntwk.msn.net", "router", "SG", "3", "Singapore", "backbone",
     "router, backbone-rdns code"},
    {"retn.ier02.sto.ntwk.msn.net", "router", "STO", "-", "Bromma", "backbone",
     "router, backbone-rdns code"},
    {"ae3-0.hkb-96cbe-1b.ntwk.msn.net", "router", "HKB", "-", "Hong Kong", "backbone",
     "router, backbone-rdns code"},
    {"xe-0-0-1-0.co2-96c-1b.ntwk.msn.net", "router", "CO", "2", "Quincy, Washington",
     "backbone", "router, backbone-rdns code"},
    /* seen in public text, and no PoP in it */
    {"X-Azure-Ref: 20260505T101542Z-17b4f7c9f4", "header", "-", "-", "-", "-", "-"},
    {"X-FEServer: EXCH01", "header", "-", "-", "-", "-", "-"},
    {"X-MSEdge-Ref:", "header", "-", "-", "-", "-", "-"},
    {"X-MSEdge-Ref: ", "header", "-", "-", "-", "-", "-"},
    {"X-Azure-Ref: 456def", "header", "-", "-", "-", "-", "-"},
    {"", "unknown", "-", "-", "-", "-", "-"},
    /* values alone, and as they are pasted */
    {"Ref A: 0 Ref B: FRA261110505054 Ref C: 0", "header", "FRA", "26", "Frankfurt",
     "front-door", "layout of X-MSEdge-Ref, front-door code"},
    {"PNQ241100406036", "header", "PNQ", "24", "Pune", "front-door",
     "layout of X-MSEdge-Ref, front-door code"},
    {"20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf", "header", "LON",
     "-", "London", "front-door", "layout of X-Azure-Ref, front-door code"},
    {"20230926T171412Z-81c9dcrw6t2mbaek8smy45twy400000001kg00000000kbgy", "unknown", "-",
     "-", "-", "-", "-"},
    {"SN6PR16CA0066", "header", "SN", "6", "San Antonio, Texas", "exchange",
     "layout of X-FEServer, exchange-site code"},
    {"EXCH01", "unknown", "-", "-", "-", "-", "-"},
    {"< x-feefzinfo:mdw\r\n", "header", "MDW", "-", "Chicago, Illinois", "exchange",
     "X-FEEFZInfo, exchange-efz code"},
    {"  X-FEServer:\tDUZPR01CA0311 ", "header", "DU", "Z", "Dublin", "exchange",
     "X-FEServer, exchange-site code"},
    {"Server: AMSEDGE1023", "header", "-", "-", "-", "-", "-"},
    /* names */
    {"LHR-efz.ms-acdc.office.com", "cname", "LHR", "-", "London", "exchange",
     "cname, exchange-efz code"},
    {"mdw-efz.ms-acdc.office.com.", "cname", "MDW", "-", "Chicago, Illinois", "exchange",
     "cname, exchange-efz code"},
    {"outlook.ms-acdc.office.com", "cname", "-", "-", "-", "exchange",
     "name under ms-acdc.office.com"},
    {"s-0005.s-msedge.net", "cname", "-", "-", "-", "teams", "name under s-msedge.net"},
    {"aa-rt.sharepoint.com.spo-0004.spo-msedge.net", "cname", "-", "-", "-", "sharepoint",
     "name under spo-msedge.net"},
    {"Part-0042.t-0009.fb-t-msedge.net.", "cname", "-", "-", "-", "front-door",
     "name under fb-t-msedge.net"},
    {"tor2.hk2.msedge.net", "router", "HK", "2", "Hong Kong", "backbone",
     "router, backbone-rdns code"},
    {"be-8-0.ibr01.mwh01.ntwk.msn.net", "router", "MWH", "01", "Moses Lake, Washington",
     "backbone", "router, backbone-rdns code"},
    {"x.y-1.ntwk.msn.net", "router", "-", "-", "-", "backbone",
     "name under ntwk.msn.net"},
    {"www.example.com", "unknown", "-", "-", "-", "-", "-"},
    {"https://example.com/", "unknown", "-", "-", "-", "-", "-"},
    /* codes */
    {"LON", "metro", "LON", "-", "London", "-", "catalogue, front-door code"},
    {"lhr", "metro", "LHR", "-", "London", "-", "catalogue, exchange-efz code"},
    {"cle30", "metro", "CLE", "30", "Cleveland, Ohio", "-",
     "catalogue, backbone-rdns code"},
    {"SG1", "metro", "SG", "1", "Singapore", "-", "catalogue, front-door code"},
    {"SAN", "metro", "SAN", "-", "San Antonio, Texas", "-", "catalogue, front-door code"},
    {"XQZ", "unknown", "-", "-", "-", "-", "-"},
    {"LOND", "unknown", "-", "-", "-", "-", "-"},
    {"L", "unknown", "-", "-", "-", "-", "-"},
    {"LON123", "unknown", "-", "-", "-", "-", "-"},
    /* addresses */
    {"52.96.164.146", "address", "-", "-", "-", "exchange",
     "prefix 52.96.0.0/14, published"},
    {" 2603:1063::1 ", "address", "-", "-", "-", "teams",
     "prefix 2603:1063::/39, published"},
    {"104.44.196.131", "address", "-", "-", "-", "backbone",
     "prefix 104.44.0.0/16, inferred"},
    {"192.0.2.1", "address", "-", "-", "-", "-", "-"},
    /* a code that is not in the catalogue passes through */
    {"XQZ04EDGE0411", "header", "XQZ", "04", "-", "front-door",
     "layout of X-MSEdge-Ref, front-door code"},
    {"be-1.ibr01.xqz01.ntwk.msn.net", "router", "XQZ", "01", "-", "backbone",
     "router, backbone-rdns code"},
};

/* Public text of 2017 to 2026: GitHub issues and repositories, transcripts of dig and
 * traceroute in forums. "0" stands for what is left out. */
static const struct seen public_text[] = {
    {"X-MSEdge-Ref: Ref A: 0 Ref B: TEB31EDGE0206 Ref C: 2026-03-13T13:10:02Z", "header",
     "TEB", "31", "Secaucus, New Jersey", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: GVA201070811060 Ref C: 2026-02-03T15:03:36Z",
     "header", "GVA", "20", "Geneva", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: PNQ231110907034 Ref C: 2026-05-12T11:22:28Z",
     "header", "PNQ", "23", "Pune", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: CO6AA3150217045 Ref C: 2026-07-10T07:20:57Z",
     "header", "CO", "6", "Quincy, Washington", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: ATL331000107047 Ref C: 2026-07-10T19:42:55Z",
     "header", "ATL", "33", "Atlanta, Georgia", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: SVG20EDGE0108 Ref C: 2025-06-24T19:45:26Z", "header",
     "SVG", "20", "Stavanger", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: HKG201051218023 Ref C: 2025-12-10T00:22:01Z",
     "header", "HKG", "20", "Hong Kong", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: EWR311000108047 Ref C: 2025-02-06T21:33:20Z",
     "header", "EWR", "31", "Newark, New Jersey", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: BN3EDGE1113 Ref C: 2024-03-30T00:36:13Z", "header",
     "BN", "3", "Boydton, Virginia", "front-door", "edge"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: SIN30EDGE0518 Ref C: 2024-12-06T02:30:22Z", "header",
     "SIN", "30", "Singapore", "front-door", "edge"},
    {"X-FD-Ref: Ref A: C0DCF8AD66014CD28F8B621AD77D8FBE Ref B: MRS211050618011 Ref C: 2024-06-27T18:29:37Z",
     "header", "MRS", "21", "Marseilles", "front-door", "edge"},
    {"X-Msedge-Ref: Ref A: C58D Ref B: BKK3Q@EDGE@511 Ref C: 0", "header", "-", "-", "-",
     "-", "-"},
    {"x-azure-ref: 20260128T051445Z-15f8bd58b94hwsb7hC1FRA6pv800000020a00000000012bp",
     "header", "FRA", "-", "Frankfurt", "front-door", "edge"},
    {"x-azure-ref: 20260807T090544Z-17565954d7bt8blrhC1CO1xnns0000000uyg00000001yz64",
     "header", "CO", "1", "Quincy, Washington", "front-door", "edge"},
    {"x-azure-ref: 20260927T085021Z-17879df44c9zwtnmhC1CO176e00000000mu0000000002da8",
     "header", "CO", "1", "Quincy, Washington", "front-door", "edge"},
    {"x-azure-ref: 20260523T203349Z-157794674c5tgkdkhC1FRA2thc0000000nqg00000000ec25",
     "header", "FRA", "-", "Frankfurt", "front-door", "edge"},
    {"x-azure-ref: 20250330T110504Z-18477bc996c8lvv6hC1SG1zcrg000000030000000000cpey",
     "header", "SG", "1", "Singapore", "front-door", "edge"},
    {"x-azure-ref: 20260514T173852Z-r1756c5b488hh4gphC1SJCrpxg0000000ff...", "header",
     "SJC", "-", "San Jose, California", "front-door", "edge"},
    {"x-azure-ref: 0Z6P5XgAAAAB8oaJAZ38cSLOiBxu2HwfkVFlPMDFFREdFMDQxMQBkMzI4YjRiNi00ODE0LTQ2OTgtOWFlYS1hY2U3YzU4ZTk0NTQ=",
     "header", "TYO", "01", "Tokyo", "front-door", "edge"},
    {"x-azure-ref: 20260125T000818Z-xxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "header", "-", "-",
     "-", "-", "-"},
    {"Date: Wed, 24 Jun 2026 18:39:23 GMT\nx-azure-ref: 20260624T183457Z-1688c65dfff452sphC1MAA4ymn000000041g0000000009kx\nx-edgescape-location: country_code=IN\nset-cookie: ak_bmsc=0",
     "header", "-", "-", "-", "-", "foreign"},
    {"Date: Wed, 24 Jun 2026 18:39:23 GMT\nx-azure-ref: 20260624T183457Z-1688c65dfff452sphC1MAA4ymn000000041g0000000009kx",
     "header", "-", "-", "-", "-", "-"},
    {"X-Azure-Ref: 0zxV+XAAAAABKMMOJBV2NT4TY6SQVJC0zV1NURURHRTA2MTKANDM3YzgyY2QtMzYwYS00YTU0LTU0LT0YZMTNHMNzA3NjQ3Nzgz",
     "header", "-", "-", "-", "-", "-"},
    {"X-FEServer: BMXPR01CA0083", "header", "BM", "X", "Mumbai", "exchange", "edge"},
    {"X-FEServer: CY4PR02CA0010", "header", "CY", "4", "Cheyenne, Wyoming", "exchange",
     "edge"},
    {"X-FEServer: PA7P264CA0121", "header", "PA", "7", "Paris", "exchange", "edge"},
    {"X-FEServer: HK2P15301CA0023", "header", "HK", "2", "Hong Kong", "exchange", "edge"},
    {"X-FEServer: WIN-V2JNEUVOLJV", "header", "-", "-", "-", "-", "-"},
    {"WIN-V2JNEUVOLJV", "unknown", "-", "-", "-", "-", "-"},
    {"X-FEServer: NHEXCHANGE2016", "header", "-", "-", "-", "-", "-"},
    {"NHEXCHANGE2016", "unknown", "-", "-", "-", "-", "-"},
    {"X-FEServer: EX19-01", "header", "-", "-", "-", "-", "-"},
    {"EX19-01", "unknown", "-", "-", "-", "-", "-"},
    {"X-FEServer: MAIL-SRV01", "header", "-", "-", "-", "-", "-"},
    {"MAIL-SRV01", "unknown", "-", "-", "-", "-", "-"},
    {"X-CalculatedFETarget: PS2PR02CU002.internal.outlook.com", "header", "-", "-", "-",
     "-", "-"},
    {"X-CalculatedFETarget: PS2PR02CU002.internal.outlook.com\nX-FirstHopCafeEFZ: SIN",
     "header", "SIN", "-", "Singapore", "exchange", "edge"},
    {"X-BEServer: PH7PR13MB4482", "header", "-", "-", "-", "-", "-"},
    {"x-ms-ests-server: 2.1.23687.3 - WEULR1 ProdSlices", "header", "-", "-", "-",
     "entra", "region"},
    {"x-ms-ests-server: 2.1.9966.8 - AMS2 ProdSlices", "header", "-", "-", "-", "entra",
     "region"},
    {"x-ms-ests-server: 2.1.19005.9 - NEULR1 ProdSlices", "header", "-", "-", "-",
     "entra", "region"},
    {"x-ms-ests-server: 2.1.17396.8 - JPE ProdSlices", "header", "-", "-", "-", "entra",
     "region"},
    {"x-ms-ests-server: 2.1.24997.11", "header", "-", "-", "-", "entra", "region"},
    {"2.1.9966.8 - AMS2 ProdSlices", "header", "-", "-", "-", "entra", "region"},
    {"dxb-efz.ms-acdc.office.com", "cname", "DXB", "-", "Dubai", "exchange", "edge"},
    {"doh-efz.ms-acdc.office.com", "cname", "DOH", "-", "Doha", "exchange", "edge"},
    {"hkg-efz.ms-acdc.office.com", "cname", "HKG", "-", "Hong Kong", "exchange", "edge"},
    {"KUL-efz.ms-acdc.office.com", "cname", "KUL", "-", "Kuala Lumpur", "exchange",
     "edge"},
    {"SCL-efz.ms-acdc.office.com", "cname", "SCL", "-", "Santiago", "exchange", "edge"},
    {"AMS-efz.ms-acdc.office.com", "cname", "AMS", "-", "Amsterdam", "exchange", "edge"},
    {"hhn-efz.ms-acdc.office.com", "cname", "HHN", "-", "Hahn near Frankfurt", "exchange",
     "edge"},
    {"outlook.cloud.microsoft", "cname", "-", "-", "-", "exchange", "edge"},
    {"atm.outlook.mira.tm.svc.cloud.microsoft", "cname", "-", "-", "-", "exchange",
     "edge"},
    {"atm.autodiscover.mira.tm.svc.cloud.microsoft", "cname", "-", "-", "-", "exchange",
     "edge"},
    {"ooc-g2.tm-4.office.com", "cname", "-", "-", "-", "exchange", "edge"},
    {"dual-spov-0006.spov-msedge.net", "cname", "-", "-", "-", "sharepoint", "edge"},
    {"194770-ipv4v6.farm.dprodmgd105.aa-rt.sharepoint.com.dual-spo-0005.spo-msedge.net",
     "cname", "-", "-", "-", "sharepoint", "edge"},
    {"a-0016.dc-msedge.net", "cname", "-", "-", "-", "front-door", "edge"},
    {"www.bing.com.edgekey.net", "cname", "-", "-", "-", "akamai", "foreign"},
    {"e86303.dscx.akamaiedge.net", "cname", "-", "-", "-", "akamai", "foreign"},
    {"a1961.g2.akamai.net", "cname", "-", "-", "-", "akamai", "foreign"},
    {"e13678.ca2.s.tl88.net", "cname", "-", "-", "-", "akamai", "foreign"},
    {"china.bing123.com", "cname", "-", "-", "-", "bing-china", "foreign"},
    {"187170-ipv4e.farm.dprodmgd104.sharepointonline.com.akadns.net", "cname", "-", "-",
     "-", "sharepoint", "-"},
    {"www.tm.ak.prd.aadg.akadns.net", "cname", "-", "-", "-", "entra", "region"},
    {"a-tr-teasc-euwe-02.westeurope.cloudapp.azure.com", "cname", "-", "-", "-", "azure",
     "region"},
    {"portal-prod-eastus-02.eastus.cloudapp.azure.com", "cname", "-", "-", "-", "azure",
     "region"},
    {"be-2-0.ibr04.orf70.ntwk.msn.net", "router", "ORF", "70", "Norfolk, Virginia",
     "backbone", "-"},
    {"ae14-0.was02-96cbe-1a.ntwk.msn.net", "router", "WAS", "02",
     "Washington, District of Columbia", "backbone", "-"},
    {"be-3-0.ibr01.dub08.ntwk.msn.net", "router", "DUB", "08", "Dublin", "backbone", "-"},
    {"xe-1-2-2-0.mel01-96cbe-1b.ntwk.msn.net", "router", "MEL", "01", "Melbourne",
     "backbone", "-"},
    {"ae64-0.ier01.mow30.ntwk.msn.net", "router", "MOW", "30", "Moscow", "backbone", "-"},
    {"ae26-0.icr01.cpq02.ntwk.msn.net", "router", "CPQ", "02", "Campinas", "backbone",
     "-"},
    {"ae18-0.sge-96cbe-1a.ntwk.msn.net", "router", "SGE", "-", "Singapore", "backbone",
     "-"},
    {"as8075-20g-sk1.sthix.net", "unknown", "-", "-", "-", "-", "-"},
    {"as12076.cust.bdr02.syd03.nsw.vocus.net.au", "unknown", "-", "-", "-", "-", "-"},
    {"204.79.197.200", "address", "-", "-", "-", "front-door", "edge"},
    {"13.107.21.200", "address", "-", "-", "-", "front-door", "edge"},
    {"13.107.42.16", "address", "-", "-", "-", "front-door", "edge"},
    {"13.107.6.156", "address", "-", "-", "-", "front-door", "edge"},
    {"131.253.33.219", "address", "-", "-", "-", "front-door", "edge"},
    {"2620:1ec:bdf::38", "address", "-", "-", "-", "front-door", "edge"},
    {"2620:1ec:29:1::67", "address", "-", "-", "-", "front-door", "edge"},
    {"150.171.27.10", "address", "-", "-", "-", "front-door", "edge"},
    {"150.171.28.10", "address", "-", "-", "-", "front-door", "edge"},
    {"2620:1ec:33::10", "address", "-", "-", "-", "front-door", "edge"},
    {"2620:1ec:33:1::10", "address", "-", "-", "-", "front-door", "edge"},
    {"2620:1ec:46::52", "address", "-", "-", "-", "front-door", "edge"},
    {"13.107.4.52", "address", "-", "-", "-", "front-door", "edge"},
    {"204.79.197.254", "address", "-", "-", "-", "front-door", "edge"},
    {"198.200.130.132", "address", "-", "-", "-", "backbone", "-"},
    {"207.46.33.149", "address", "-", "-", "-", "backbone", "-"},
    {"191.234.84.171", "address", "-", "-", "-", "backbone", "-"},
    {"52.113.194.132", "address", "-", "-", "-", "teams", "edge"},
    {"52.123.128.14", "address", "-", "-", "-", "teams", "edge"},
    {"13.107.136.9", "address", "-", "-", "-", "sharepoint", "edge"},
    {"40.99.70.178", "address", "-", "-", "-", "exchange", "edge"},
    {"13.107.246.38", "address", "-", "-", "-", "front-door", "edge"},
    {"20.190.160.1", "address", "-", "-", "-", "entra", "region"},
};

/* The same in the formats of many tools. */
static const struct seen pasted[] = {
    {"headers[\"x-azure-ref\"] = \"20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab\"",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"Azure Front Door reference 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"Ref: 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab", "header",
     "OSL", "-", "Oslo", "front-door", "edge"},
    {"X-Request-Ref: 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "-", "-", "-", "-", "-"},
    {"KUL-efz...", "cname", "KUL", "-", "Kuala Lumpur", "exchange", "edge"},
    {"new york", "metro", "NYC", "-", "New York City, New York", "-", "-"},
    {"HONG KONG", "metro", "HKG", "-", "Hong Kong", "-", "-"},
    {"tokyo, japan", "metro", "TYO", "-", "Tokyo", "-", "-"},
    {" 8  ae22-0.ear01.osl30.ntwk.msn.net (192.0.2.8)  18.030 ms  18.111 ms", "router",
     "OSL", "30", "Oslo", "backbone", "-"},
    {"  7    38 ms     2 ms     2 ms  be-102-0.ibr01.lon24.ntwk.msn.net [192.0.2.9]",
     "router", "LON", "24", "London", "backbone", "-"},
    {" 8:  ae22-0.ear01.osl30.ntwk.msn.net                      18.030ms asymm  9",
     "router", "OSL", "30", "Oslo", "backbone", "-"},
    {"  8.|-- be-102-0.ibr01.lon24.ntwk.msn.net    0.0%    10    2.1   2.3", "router",
     "LON", "24", "London", "backbone", "-"},
    {" 9  104.44.21.109 (104.44.21.109)  3.1 ms * *", "address", "-", "-", "-",
     "backbone", "-"},
    {"64 bytes from 13.107.21.200: icmp_seq=1 ttl=118 time=11.2 ms", "address", "-", "-",
     "-", "front-door", "edge"},
    {"* Connected to outlook.office365.com (52.96.164.146) port 443", "address", "-", "-",
     "-", "exchange", "edge"},
    {"*   Trying 52.96.164.146:443...", "address", "-", "-", "-", "exchange", "edge"},
    {"*   Trying [2620:1ec:bdf::38]:443...", "address", "-", "-", "-", "front-door",
     "edge"},
    {"outlook.ms-acdc.office.com. 12 IN CNAME AMS-efz.ms-acdc.office.com.", "cname",
     "AMS", "-", "Amsterdam", "exchange", "edge"},
    {"AMS-efz.ms-acdc.office.com. 7 IN A 52.97.137.66", "cname", "AMS", "-", "Amsterdam",
     "exchange", "edge"},
    {"outlook.ms-acdc.office.com\tcanonical name = mdw-efz.ms-acdc.office.com.", "cname",
     "MDW", "-", "Chicago, Illinois", "exchange", "edge"},
    {"Name:    MDW-efz.ms-acdc.office.com", "cname", "MDW", "-", "Chicago, Illinois",
     "exchange", "edge"},
    {"NameHost   : mdw-efz.ms-acdc.office.com", "cname", "MDW", "-", "Chicago, Illinois",
     "exchange", "edge"},
    {"Addresses:  52.96.164.146", "address", "-", "-", "-", "exchange", "edge"},
    {"outlook.office365.com is an alias for outlook.cloud.microsoft.", "cname", "-", "-",
     "-", "exchange", "edge"},
    {"www.microsoft.com-c-3.edgekey.net. 900 IN CNAME e13678.dscb.akamaiedge.net.",
     "cname", "-", "-", "-", "akamai", "foreign"},
    {"www.bing.com -> www-www.bing.com.trafficmanager.net -> www.bing.com.edgekey.net -> e86303.dscx.akamaiedge.net",
     "cname", "-", "-", "-", "akamai", "foreign"},
    {"https://outlook.office365.com/owa/", "cname", "-", "-", "-", "exchange", "-"},
    {"220 BMXPR01CA0083.outlook.office365.com Microsoft ESMTP MAIL Service ready at Sat, 26 Apr 2025 18:06:30 +0000 [08DD842467C8274D]",
     "banner", "BM", "X", "Mumbai", "exchange", "edge"},
    {"250-SY5P282CA0097.outlook.office365.com Hello [192.0.2.1]", "banner", "SY", "5",
     "Sydney", "exchange", "edge"},
    {"220 BL2NAM06FT004.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready",
     "cname", "-", "-", "-", "exchange-protection", "region"},
    {"220 mail1.example.com Microsoft ESMTP MAIL Service ready at Fri, 5 Aug 2016 16:24:41 -0700",
     "unknown", "-", "-", "-", "-", "-"},
    {"X-FEServer : AM0PR02CA0107", "header", "AM", "0", "Amsterdam", "exchange", "edge"},
    {"X-FEServer                     AM0PR02CA0107", "header", "AM", "0", "Amsterdam",
     "exchange", "edge"},
    {"X-FEServer                     {DB3PR0102CA0017, AM0PR02CA0107}", "header", "AM",
     "0", "Amsterdam", "exchange", "edge"},
    {"Headers : {[X-FEServer, AM0PR02CA0107], [Request-Id, 0]}", "header", "AM", "0",
     "Amsterdam", "exchange", "edge"},
    {"'x-azure-ref': '20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab',",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"{'Date': 'Fri, 20 Nov 2026 10:11:13 GMT', 'x-azure-ref': '20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab', 'Server': 'x'}",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"('x-azure-ref', '20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab')",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"(b'X-Azure-Ref', b'20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab')",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"\"x-azure-ref\": [\"20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab\"],",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"\\\"x-azure-ref\\\": \\\"20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab\\\",",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"{\"name\": \"x-azure-ref\", \"value\": \"20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab\"}",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"{\"name\":\"X-MSEdge-Ref\",\"value\":\"Ref A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z\"}",
     "header", "LON", "04", "London", "front-door", "edge"},
    {"map[X-Azure-Ref:[20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab] X-Cache:[CONFIG_NOCACHE]]",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"'x-azure-ref' => '20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab'",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"x-azure-ref=20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"12:x-azure-ref: 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"| x-azure-ref | 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab |",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"`x-azure-ref: 20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab`",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"x-azure-ref\n20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"x-azure-ref:\n20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab",
     "header", "OSL", "-", "Oslo", "front-door", "edge"},
    {"< x-msedge-ref: Ref A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z",
     "header", "LON", "04", "London", "front-door", "edge"},
    {"> X-MSEdge-Ref: Ref A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z\\r\\n",
     "header", "LON", "04", "London", "front-door", "edge"},
    {"recv (stream_id=1) x-msedge-ref: Ref A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z",
     "header", "LON", "04", "London", "front-door", "edge"},
    {"X-MSEdge-Ref\tRef A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z", "header",
     "LON", "04", "London", "front-door", "edge"},
    {"<p>Ref A: 0 Ref B: LON04EDGE0411<br>Ref C: 2026-05-31T21:24:10Z</p>", "header",
     "LON", "04", "London", "front-door", "edge"},
    {"\"20261120T101112Z-r1aaaabbbbccccddhC1OSLzzz0000000000000000000000ab\"", "header",
     "OSL", "-", "Oslo", "front-door", "edge"},
    {"'X-FEServer': ['DB3PR0102CA0017', 'AM0PR02CA0107']", "header", "AM", "0",
     "Amsterdam", "exchange", "edge"},
    {"\"x-feserver\": \"AM0PR02CA0107\", \"x-beserver\": \"DB3PR0102CA0017\"", "header",
     "AM", "0", "Amsterdam", "exchange", "edge"},
    {"X-FEServer: DB3PR0102CA0017\r\nX-FEServer: AM0PR02CA0107\r\n", "header", "AM", "0",
     "Amsterdam", "exchange", "edge"},
    {"X-FEServer: DB3PR0102CA0017, AM0PR02CA0107", "header", "AM", "0", "Amsterdam",
     "exchange", "edge"},
    {"X-FEServer: AM0PR02CA0107\nX-BEServer: DB3PR0102MB0017\nx-feserver: EXCH01",
     "header", "-", "-", "-", "-", "-"},
    {"HTTP/2 401\nserver: x\nx-firsthopcafeefz: DUB\nx-feserver: PA7P264CA0121\n",
     "header", "DUB", "-", "Dublin", "exchange", "edge"},
    {"'X-FirstHopCafeEFZ': 'DUB'", "header", "DUB", "-", "Dublin", "exchange", "edge"},
    {"X-FEServer:\nX-BEServer: DB3PR0102CA0017", "header", "-", "-", "-", "-", "-"},
    {"access-control-expose-headers: X-Azure-Ref, X-FEServer", "header", "-", "-", "-",
     "-", "-"},
    {"X-MSEdge-Ref: Ref A: 0 Ref B: LON04EDGE0411 Ref C: 2026-05-31T21:24:10Z\nX-CDN-TraceID: 0.85ce2e17.177",
     "header", "-", "-", "-", "-", "foreign"},
    {"Amsterdam", "metro", "AMS", "-", "Amsterdam", "-", "-"},
    {"frankfurt", "metro", "FRA", "-", "Frankfurt", "-", "-"},
    {"San Jose, California", "metro", "SJC", "-", "San Jose, California", "-", "-"},
    {"London, United Kingdom", "metro", "LON", "-", "London", "-", "-"},
    {"Stockholm", "metro", "STO", "-", "Bromma", "-", "-"},
    {"Lyon", "metro", "LYS", "-", "Lyon", "-", "-"},
    {"ams", "metro", "AMS", "-", "Amsterdam", "-", "-"},
    {"lys", "metro", "LYS", "-", "Lyon", "-", "-"},
    {"orf", "metro", "ORF", "-", "Norfolk, Virginia", "-", "-"},
    {"PS", "metro", "PS", "-", "Busan", "-", "-"},
    {"bm", "metro", "BM", "-", "Mumbai", "-", "-"},
    {"Nowhere at all", "unknown", "-", "-", "-", "-", "-"},
    {"BMX", "unknown", "-", "-", "-", "-", "-"},
    {"X-FEEFZInfo: LYS", "header", "LYS", "-", "Lyon", "exchange", "edge"},
    {"GOT30EDGE0411", "header", "GOT", "30", "Gothenburg", "front-door", "edge"},
};

static const char *or_dash(const char *text)
{
    return text != NULL && *text != '\0' ? text : "-";
}

/* All but the last column of a row. */
static struct whereis check_row(const struct seen *row, const struct edge_data *t)
{
    struct whereis w;
    size_t len = strlen(row->text);
    char *exact = malloc(len + (len == 0)); /* no NUL: reading on would be seen */
    memcpy(exact, row->text, len);
    whereis(&w, t, exact, len);
    free(exact);
    CHECK_TEXT(row->kind, whereis_kind_name(w.kind), row->text);
    CHECK_TEXT(row->metro, or_dash(w.pop.metro), row->text);
    CHECK_TEXT(row->site, or_dash(w.pop.site), row->text);
    CHECK_TEXT(row->city, w.metro != NULL ? w.metro->city : "-", row->text);
    CHECK_TEXT(row->service, or_dash(w.service), row->text);
    return w;
}

static void test_vectors(void **state)
{
    (void)state;
    struct edge_data t;
    load(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct seen *row = &cases[i];
        struct whereis w = check_row(row, &t);
        CHECK_TEXT(row->last, or_dash(w.basis), row->text);
        bool named = strcmp(row->metro, "-") != 0;
        CHECK_INT(strcmp(named ? row->city : row->service, "-") != 0, whereis_known(&w),
                  row->text);
    }
    edge_data_free(&t);
}

static void check_seen(const struct seen *rows, size_t n)
{
    struct edge_data t;
    load(&t);
    for (size_t i = 0; i < n; i++) {
        struct whereis w = check_row(&rows[i], &t);
        CHECK_TEXT(rows[i].last, w.owner == OWNER_UNKNOWN ? "-" : owner_name(w.owner),
                   rows[i].text);
    }
    edge_data_free(&t);
}

static void test_public_text(void **state)
{
    (void)state;
    check_seen(public_text, sizeof public_text / sizeof *public_text);
}

static void test_pasted(void **state)
{
    (void)state;
    check_seen(pasted, sizeof pasted / sizeof *pasted);
}

/* A server's site is its first two letters, of whatever code of the family. */
static void test_every_site(void **state)
{
    (void)state;
    struct edge_data t;
    size_t sites = 0;
    load(&t);
    for (size_t i = 0; i < t.metros.n_others; i++) {
        const struct metro *m = &t.metros.others[i];
        if (m->family != POP_EXCHANGE_SITE)
            continue;
        sites++;
        for (const char *of = "1XY"; *of != '\0'; of++) {
            struct whereis w;
            char text[64];
            snprintf(text, sizeof text, "X-FEServer: %s%cPR01CA0001", m->code, *of);
            whereis(&w, &t, text, strlen(text));
            CHECK(w.metro == m && w.pop.family == POP_EXCHANGE_SITE, "%s: %s", text,
                  w.metro != NULL ? w.metro->city : "no city");
        }
    }
    CHECK(sites > 30, "%zu sites", sites);
    edge_data_free(&t);
}

/* Every code of the catalogue, in every form in which one comes. */
static void test_every_code(void **state)
{
    (void)state;
    struct edge_data t;
    load(&t);
    for (size_t i = 0; i < t.metros.n; i++) {
        const struct metro *m = &t.metros.metros[i];
        const char *digit = strlen(m->code) == 2 ? "1" : "";
        char texts[4][64];
        snprintf(texts[0], sizeof *texts, "%s", m->code);
        snprintf(texts[1], sizeof *texts, "%s%sEDGE1234", m->code, digit);
        snprintf(texts[2], sizeof *texts, "X-FEEFZInfo: %s%s", m->code, digit);
        snprintf(texts[3], sizeof *texts, "a.%s%s.ntwk.msn.net", m->code, digit);
        for (size_t k = 0; k < 4; k++) {
            struct whereis w;
            whereis(&w, &t, texts[k], strlen(texts[k]));
            CHECK(w.metro != NULL && strcmp(w.metro->code, m->code) == 0 &&
                      strcmp(w.metro->city, m->city) == 0,
                  "%s is %s", texts[k], m->city);
        }
    }
    edge_data_free(&t);
}

static void test_without_tables(void **state)
{
    (void)state;
    struct edge_data none = {.metros = {.n = 0}};
    static const char *const texts[] = {"LON", "52.96.164.146", "LONEDGE1234",
                                        "a.lon24.ntwk.msn.net"};
    static const char *const metros[] = {"", "", "LON", "LON"};
    for (size_t i = 0; i < 4; i++) {
        struct whereis w;
        whereis(&w, &none, texts[i], strlen(texts[i]));
        CHECK_TEXT(metros[i], w.pop.metro, texts[i]);
        CHECK(w.metro == NULL && !whereis_known(&w), "%s: the rest is unknown", texts[i]);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    struct edge_data t;
    struct whereis w;
    char *text = malloc(1 << 20);
    load(&t);
    memset(text, 'A', 1 << 20);
    whereis(&w, &t, text, 1 << 20);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a megabyte of letters");
    memset(text, ' ', 1 << 20);
    whereis(&w, &t, text, 1 << 20);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a megabyte of blanks");
    memcpy(text + 500000, "LON", 3);
    whereis(&w, &t, text, 1 << 20);
    CHECK_INT(WHEREIS_METRO, w.kind, "with something in them");
    whereis(&w, &t, "LON\0LON", 7);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a NUL within");
    free(text);
    edge_data_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),    cmocka_unit_test(test_public_text),
        cmocka_unit_test(test_pasted),     cmocka_unit_test(test_every_site),
        cmocka_unit_test(test_every_code), cmocka_unit_test(test_without_tables),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
