#include "config/config.h"

#include "base/text.h"
#include "check.h"
#include "config/keys.h"

static const struct kind icmp = {.name = "icmp",
                                 .delays = {"rtt"},
                                 .on_by_default = true,
                                 .packets = 2,
                                 .bytes = 96,
                                 .payloads = 2,
                                 .interval_ns = 10 * NS_PER_S,
                                 .slow_interval_ns = 60 * NS_PER_S};
static const struct kind tcp = {.name = "tcp",
                                .delays = {"rtt"},
                                .uses = USES_PORT,
                                .on_by_default = true,
                                .packets = 4,
                                .bytes = 304,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S};
static const struct kind https = {.name = "https",
                                  .delays = {"rtt"},
                                  .uses = USES_PORT,
                                  .on_by_default = true,
                                  .packets = 80,
                                  .bytes = 70000,
                                  .interval_ns = 60 * NS_PER_S,
                                  .slow_interval_ns = 300 * NS_PER_S,
                                  .waiting_ns = 10 * NS_PER_S};
static const struct kinds kinds = {.list = {&icmp, &tcp, &https}, .n = 3};
enum { ICMP, TCP, HTTPS };

static void add_line(const char *text, void *user)
{
    text_add(user, "%s\n", text);
}

static size_t parse(struct config *c, const char *file, const char *text,
                    struct text *problems)
{
    return config_parse(c, &kinds, file, text, strlen(text), add_line, problems);
}

/* Reads what must be fine. */
static struct config fine(const char *text)
{
    struct config c = config_default();
    struct text problems = {0};
    size_t n = parse(&c, "f", text, &problems);
    n += config_check(&c, &kinds, "f", add_line, &problems);
    CHECK(n == 0, "%s", text_string(&problems));
    text_free(&problems);
    return c;
}

#define HOST "[target t]\nhost = t.example\n"

static void test_every_key(void **state)
{
    (void)state;
    struct config c = fine("[agent]\nsite = K\xC3\xB6ln 1\nwindow = 5s\nnearest = 7\n"
                           "schedule = poisson\nstate_dir = /srv/e\nloss_limit = 25%\n"
                           "hysteresis = 12.5%\nhysteresis_least = 500us\n"
                           "budget = 50M/200K\n"
                           "[dns]\nservers = 192.0.2.1, [2001:db8::1]:5353\n"
                           "[collector]\nurl = https://c.example:4318/base/\n"
                           "ca_file = /a\ncert_file = /b\nkey_file = /c\n"
                           "header_file = /d\ntimeout = 3s\nspread = 4s\nevents = no\n"
                           "proxy = none\ncatch_up = 0\ntemporality = delta\n"
                           "histograms = no\nquantiles = all\nvariation = no\n"
                           "[collector b.2]\nurl = http://d.example\n"
                           "header_file = /e\n"
                           "[spool]\nsize = 2G\nbatches = 9\nage = 1.5d\n"
                           "history = 0\nhistory_age = 365d\n"
                           "[target ams-1.x_y]\nhost = ams.example\nservice = s\n"
                           "port = 8443\npath = /p?q=1\nserver_name = s.example\nproxy = "
                           "http://p.example:3128\nca_file = /e\nfamily = ipv6\n"
                           "kinds = https  icmp\ninterval = 2s\nwaiting = 100ms\n"
                           "payload = 1400\ndscp = 46\ndont_fragment = yes\n");
    CHECK_TEXT("K\xC3\xB6ln 1", c.site, "site");
    CHECK_INT(5 * NS_PER_S, c.window_ns, "window");
    CHECK_INT(7, c.nearest, "nearest");
    CHECK_INT(PATTERN_POISSON, c.pattern, "schedule");
    CHECK_TEXT("/srv/e", c.state_dir, "state_dir");
    CHECK_NEAR(0.25, c.ranking.loss_limit, 1e-12, "loss_limit");
    CHECK_NEAR(0.125, c.ranking.margin_ratio, 1e-12, "hysteresis");
    CHECK_INT(500 * NS_PER_US, c.ranking.margin_ns, "hysteresis_least");
    CHECK_TEXT("192.0.2.1, [2001:db8::1]:5353", c.dns_servers, "servers");
    CHECK_TEXT("https://c.example:4318/base", c.collectors[0].url,
               "url, without its end");
    CHECK_TEXT("/a", c.collectors[0].ca_file, "ca_file");
    CHECK_TEXT("/b", c.collectors[0].cert_file, "cert_file");
    CHECK_TEXT("/c", c.collectors[0].key_file, "key_file");
    CHECK_TEXT("/d", c.collectors[0].header_file, "header_file");
    CHECK_INT(3 * NS_PER_S, c.collectors[0].timeout_ns, "timeout");
    CHECK_INT(4 * NS_PER_S, c.shipping.splay_ns, "spread");
    CHECK(!c.shipping.events, "events");
    CHECK_INT(0, c.shipping.catch_up, "catch_up");
    CHECK(c.shipping.delta, "temporality");
    CHECK(!c.shipping.choice.histograms, "histograms");
    CHECK_INT(QUANTILES_ALL, c.shipping.choice.quantiles, "quantiles");
    CHECK(!c.shipping.choice.variation, "variation");
    CHECK_TEXT("none", c.collectors[0].proxy, "proxy");
    CHECK_INT(2, c.n_collectors, "collectors");
    CHECK_TEXT("b.2", c.collectors[1].name, "name");
    CHECK_TEXT("http://d.example", c.collectors[1].url, "url of the second");
    CHECK_TEXT("/e", c.collectors[1].header_file, "header_file of the second");
    CHECK_TEXT("", c.collectors[1].ca_file, "which has nothing of the first");
    CHECK_INT(10 * NS_PER_S, c.collectors[1].timeout_ns, "but the defaults");
    CHECK_NEAR(50 << 20, c.budget.bytes, 0, "bytes of the budget");
    CHECK_NEAR(200 << 10, c.budget.packets, 0, "packets of the budget");
    CHECK_INT(INT64_C(2) << 30, c.spool_bytes, "size");
    CHECK_INT(9, c.spool_count, "batches");
    CHECK_INT(36 * 3600 * NS_PER_S, c.spool_age_ns, "age");
    CHECK_INT(0, c.history_bytes, "history");
    CHECK_INT(365 * 86400 * NS_PER_S, c.history_age_ns, "history_age");

    CHECK_INT(1, c.n_targets, "targets");
    const struct target *t = &c.targets[0];
    CHECK_TEXT("ams-1.x_y", t->name, "name");
    CHECK_TEXT("ams.example", t->host, "host");
    CHECK_TEXT("s", t->service, "service");
    CHECK_INT(8443, t->port, "port");
    CHECK_TEXT("/p?q=1", t->path, "path");
    CHECK_TEXT("s.example", t->server_name, "server_name");
    CHECK_TEXT("http://p.example:3128", t->proxy, "proxy");
    CHECK_TEXT("/e", t->ca_file, "ca_file of the target");
    CHECK(!t->ipv4 && t->ipv6, "family");
    CHECK(t->kinds[ICMP] && !t->kinds[TCP] && t->kinds[HTTPS], "kinds");
    CHECK_INT(2 * NS_PER_S, t->interval_ns[HTTPS], "interval");
    CHECK_INT(100 * NS_PER_MS, t->waiting_ns[HTTPS], "waiting");
    CHECK_INT(100 * NS_PER_MS, t->waiting_ns[ICMP], "of every kind");
    CHECK_INT(1400, t->payload_bytes, "payload");
    CHECK_INT(46, t->dscp, "dscp");
    CHECK(t->dont_fragment, "dont_fragment");
    config_free(&c);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config c = fine(HOST);
    CHECK_INT(60 * NS_PER_S, c.window_ns, "window");
    struct config short_ones = fine(HOST "https_interval = 5s\nicmp_interval = 1s\n");
    CHECK_INT(10 * NS_PER_S, c.targets[0].waiting_ns[HTTPS], "waiting, https");
    CHECK_INT(2 * NS_PER_S, c.targets[0].waiting_ns[TCP], "waiting, tcp");
    CHECK_INT(5 * NS_PER_S, short_ones.targets[0].waiting_ns[HTTPS], "its interval");
    CHECK_INT(2 * NS_PER_S, short_ones.targets[0].waiting_ns[ICMP], "never less than 2s");
    config_free(&short_ones);
    CHECK_INT(3, c.nearest, "nearest");
    CHECK_TEXT("/var/lib/edgelat", c.state_dir, "state_dir");
    CHECK_TEXT("", c.collectors[0].url, "collector");
    CHECK_INT(64 << 20, c.spool_bytes, "size");
    const struct target *t = &c.targets[0];
    CHECK(t->ipv4 && t->ipv6, "both families");
    CHECK(t->kinds[ICMP] && t->kinds[TCP] && t->kinds[HTTPS], "all kinds");
    CHECK_INT(10 * NS_PER_S, t->interval_ns[TCP], "the kind's interval");
    CHECK_INT(300 * NS_PER_S, t->slow_interval_ns[HTTPS], "the kind's slow interval");
    config_free(&c);
}

static const struct {
    const char *what, *lines;
    int fast_s[3], slow_s[3];
} interval_cases[] = {
    {"for all", "interval = 5s\n", {5, 5, 5}, {60, 60, 300}},
    {"one kind", "tcp_interval = 5s\n", {10, 5, 60}, {60, 60, 300}},
    {"own before all", "icmp_interval = 1s\ninterval = 5s\n", {1, 5, 5}, {60, 60, 300}},
    {"own after all", "interval = 5s\nicmp_interval = 1s\n", {1, 5, 5}, {60, 60, 300}},
    {"slow for all", "slow_interval = 120s\n", {10, 10, 60}, {120, 120, 120}},
    {"slow of one", "https_slow_interval = 120s\n", {10, 10, 60}, {60, 60, 120}},
    {"slow is never faster", "interval = 2m\n", {120, 120, 120}, {120, 120, 300}},
    {"not even when told", "slow_interval = 5s\n", {10, 10, 60}, {10, 10, 60}},
};

static void test_intervals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof interval_cases / sizeof *interval_cases; i++) {
        struct text text = {0};
        text_add(&text, HOST "%s", interval_cases[i].lines);
        struct config c = fine(text_string(&text));
        for (size_t k = 0; k < kinds.n; k++) {
            CHECK_INT(interval_cases[i].fast_s[k] * NS_PER_S, c.targets[0].interval_ns[k],
                      interval_cases[i].what);
            CHECK_INT(interval_cases[i].slow_s[k] * NS_PER_S,
                      c.targets[0].slow_interval_ns[k], interval_cases[i].what);
        }
        config_free(&c);
        text_free(&text);
    }
}

static void test_drop_in(void **state)
{
    (void)state;
    struct config c = config_default();
    struct text problems = {0};
    size_t n = parse(
        &c, "a",
        "[agent]\nwindow = 30s\nsite = x\n"
        "[collector]\nurl = http://z.example\n[collector y]\nurl = http://y.example\n"
        "[collector x]\nca_file = /x\n"
        "[target t]\nhost = t.example\nicmp_interval = 2s\nport = 80\n",
        &problems);
    n += parse(&c, "b",
               "[agent]\nwindow = 10s\n"
               "[collector x]\nurl = http://x.example\ntimeout = 2s\n"
               "[target u]\nhost = u.example\n"
               "[target t]\ninterval = 5s\nport = 443\n",
               &problems);
    CHECK(n == 0, "%s", text_string(&problems));
    CHECK_INT(10 * NS_PER_S, c.window_ns, "the later value wins");
    CHECK_TEXT("x", c.site, "what it does not name stays");
    CHECK_INT(3, c.n_collectors, "a collector is changed, not doubled");
    CHECK_TEXT("y", c.collectors[1].name, "in the order in which they first stand");
    CHECK_TEXT("/x", c.collectors[2].ca_file, "its file stays");
    CHECK_TEXT("http://x.example", c.collectors[2].url, "its url is added");
    CHECK_INT(2, c.n_targets, "a target is changed, not doubled");
    CHECK_TEXT("t.example", c.targets[0].host, "its host stays");
    CHECK_INT(443, c.targets[0].port, "its port is changed");
    CHECK_INT(2 * NS_PER_S, c.targets[0].interval_ns[ICMP],
              "a kind's own interval stays");
    CHECK_INT(5 * NS_PER_S, c.targets[0].interval_ns[TCP], "the others follow");

    n = parse(&c, "c", "[target w]\nservice = x\n", &problems);
    n += config_check(&c, &kinds, "a", add_line, &problems);
    CHECK_INT(1, n, "no host in a file");
    CHECK_TEXT("c:1: [target w] needs a host: host = NAME\n", text_string(&problems),
               "the file and line where it began");
    text_free(&problems);
    config_free(&c);
}

static const struct {
    const char *what, *text, *expected;
} problem_cases[] = {
    {"a budget", "[agent]\nbudget = 50M/lots\n",
     "f:2: budget = 50M/lots in [agent]: must be bytes from 0 to 64G, or bytes/packets, "
     "with K, M or G for their units: 50M/200K\n"},
    {"a budget of no packets", "[agent]\nbudget = 50M/0\n",
     "f:2: budget = 50M/0 in [agent]: must be bytes from 0 to 64G, or bytes/packets, with "
     "K, M or G for their units: 50M/200K\n"},
    {"unknown key", "[target ams]\nhost = a.b\nintervall = 5s\n",
     "f:3: unknown key 'intervall' in [target ams]; did you mean 'interval'?\n"},
    {"a kind's key", HOST "icmp_intervl = 5s\n",
     "f:3: unknown key 'icmp_intervl' in [target t]; did you mean 'icmp_interval'?\n"},
    {"a kind that is none", HOST "udp_slow_interval = 5s\n",
     "f:3: unknown key 'udp_slow_interval' in [target t]; did you mean "
     "'tcp_slow_interval'?\n"},
    {"key of another section", "[agent]\nheader_file = /a\n" HOST,
     "f:2: unknown key 'header_file' in [agent]; it belongs in [collector]\n"},
    {"a key of all of them", "[collector b]\nurl = http://b.example\nspread = 1s\n" HOST,
     "f:3: unknown key 'spread' in [collector b]; it belongs in [collector]\n"},
    {"collector twice",
     "[collector b]\nurl = http://b\n[collector]\n[collector b]\n" HOST,
     "f:4: [collector b] is there already, in line 1\n"},
    {"too many collectors",
     "[collector b]\n[collector c]\n[collector d]\n[collector e]\nurl = 5\n" HOST,
     "f:4: more than 4 collectors\n"},
    {"name of a collector", "[collector a b]\n" HOST,
     "f:1: collector name 'a b' must be of letters, digits, '.', '_' and '-'\n"},
    {"key of nowhere", "[agent]\nfrobnicate = 1\n" HOST,
     "f:2: unknown key 'frobnicate' in [agent]; `edgelat check-config --keys` lists "
     "all\n"},
    {"unknown section", "[colector]\nurl = x\n" HOST,
     "f:1: unknown section [colector]; did you mean [collector]?\n"},
    {"section of targets", "[targets x]\nhost = x\n" HOST,
     "f:1: unknown section [targets]; did you mean [target NAME]?\n"},
    {"section of nowhere", "[xyzzyxyzzy]\n" HOST,
     "f:1: unknown section [xyzzyxyzzy]; there are [agent], [peering_service], [bmp], "
     "[traffic], [path], [dns], [collector], [spool], [uplink NAME] and [target NAME]\n"},
    {"name where none belongs", "[agent x]\n" HOST, "f:1: [agent] takes no name\n"},
    {"key before a section", "site = x\n" HOST,
     "f:1: key 'site' stands before the first [section]\n"},
    {"missing '='", "[agent]\nsite x\n" HOST,
     "f:2: no '=' in this line; it must be 'key = value', a [section], or a comment that "
     "begins with '#'\n"},
    {"duplicate key", "[agent]\nsite = x\nnearest = 1\nsite = y\n" HOST,
     "f:4: site is there already, in line 2; one of them has to go\n"},
    {"duplicate section", "[agent]\n[spool]\n[agent]\n" HOST,
     "f:3: [agent] is there already, in line 1\n"},
    {"duplicate target", HOST "[agent]\n[target t]\nport = 1\n",
     "f:4: [target t] is there already, in line 1; a target has one section\n"},
    {"target without a name", "[target]\nhost = a.b\n",
     "f:1: a target needs a name: [target NAME]\n"},
    {"bad name", "[target a b]\nhost = a.b\n",
     "f:1: target name 'a b' must be of letters, digits, '.', '_' and '-'\n"},
    {"bad name, bad key", "[target \xC3\xA4]\nhost = a.b\nport = x\n",
     "f:1: target name '\xC3\xA4' must be of letters, digits, '.', '_' and '-'\n"
     "f:3: port = x in [target \xC3\xA4]: must be a whole number from 1 to 65535\n"},
    {"no value", "[agent]\nsite =\n" HOST,
     "f:2: site in [agent] has no value; without the line the default holds\n"},
    {"comment behind a value", "[agent]\nwindow = 60s # slow\n" HOST,
     "f:2: window = 60s # slow in [agent]: must be a duration from 5s to 1h; a comment "
     "needs a line of its own\n"},
    {"comment behind a text", "[agent]\nsite = x # the main one\n" HOST,
     "f:2: site = x # the main one in [agent]: must be without a comment; a comment needs "
     "a line of its own\n"},
    {"number in a text", "[agent]\nsite = Building #4; second floor\n" HOST, ""},
    {"all in one run",
     "[agent]\nwindow = 1s\nnearest = 0\nfoo\n[target t]\nhost = t\nport = 0\n",
     "f:2: window = 1s in [agent]: must be a duration from 5s to 1h\n"
     "f:3: nearest = 0 in [agent]: must be a whole number from 1 to 256\n"
     "f:4: no '=' in this line; it must be 'key = value', a [section], or a comment that "
     "begins with '#'\n"
     "f:7: port = 0 in [target t]: must be a whole number from 1 to 65535\n"},
};

static void test_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof problem_cases / sizeof *problem_cases; i++) {
        struct config c = config_default();
        struct text problems = {0};
        size_t n = parse(&c, "f", problem_cases[i].text, &problems);
        CHECK_TEXT(problem_cases[i].expected, text_string(&problems),
                   problem_cases[i].what);
        size_t lines = 0;
        for (const char *at = text_string(&problems); *at != '\0'; at++)
            lines += *at == '\n';
        CHECK_INT(lines, n, problem_cases[i].what);
        text_free(&problems);
        config_free(&c);
    }
}

static const struct {
    const char *what, *text, *expected;
} check_cases[] = {
    {"a wait that is longer than the interval",
     HOST "kinds = tcp https\nhttps_interval = 5s\nhttps_waiting = 8s\nwaiting = 3s\n",
     "f:1: [target t] waits 8s for an answer to https, but sends a probe every 5s; set "
     "https_waiting to at most 5s, or a longer https_interval\n"},
    {"no target", "[agent]\nworkloads = no\n",
     "f: there is no target, and workloads = no; add for example these three lines:\n    "
     "[target teams]\n"
     "    service = teams\n    host = teams.microsoft.com\n"},
    {"no host", "[agent]\n\n[target x]\nport = 80\n",
     "f:3: [target x] needs a host: host = NAME\n"},
    {"the other family", "[target x]\nhost = 192.0.2.1\nfamily = ipv6\n",
     "f:1: [target x] can never be probed: its host is an ipv4 address and its family "
     "the "
     "other one\n"},
    {"a station that is off", "[bmp]\nrouters = 192.0.2.1\n" HOST,
     "f: [bmp] has routers but no listen, so the station is off; set listen = "
     "ADDRESS:PORT, or remove routers\n"},
    {"a validator of no station", "[bmp]\nvalidator = 192.0.2.20:323\n" HOST,
     "f: [bmp] has validator but no listen, so the station is off; set listen = "
     "ADDRESS:PORT, or remove validator\n"},
    {"a station for nobody", "[bmp]\nlisten = 192.0.2.10:11019\n" HOST,
     "f: [bmp] has listen but no routers; name the addresses that may connect: routers "
     "= ADDRESS\n"},
    {"flows of nobody", "[traffic]\nflows = 192.0.2.10:2055\n" HOST,
     "f: [traffic] has flows but no exporters; name the routers that may send flows: "
     "exporters = ADDRESS\n"},
    {"a receiver that is off", "[traffic]\nexporters = 192.0.2.1\n" HOST,
     "f: [traffic] has exporters but no flows, so the receiver is off; set flows = "
     "ADDRESS:PORT, or remove exporters\n"},
    {"sampling of another exporter",
     "[traffic]\nflows = 192.0.2.10:2055\nexporters = 192.0.2.1 2001:db8::1\n"
     "sampling = 2001:db8:0::1=50 192.0.2.2=100\n" HOST,
     "f: [traffic] has sampling of 192.0.2.2, which is not in exporters; add it there, or "
     "remove it from sampling\n"},
    {"sampling of a receiver that is off", "[traffic]\nsampling = 192.0.2.1=100\n" HOST,
     "f: [traffic] has sampling but no flows, so the receiver is off; set flows = "
     "ADDRESS:PORT, or remove sampling\n"},
    {"a neighbour at both locations",
     "[bmp]\nlisten = 192.0.2.10:11019\nrouters = 192.0.2.1\nprimary_peers = 198.51.100.2, "
     "2001:db8::1\nbackup_peers = 198.51.100.6 2001:DB8::1\n" HOST,
     "f: [bmp] has 2001:db8::1 in both primary_peers and backup_peers; a BGP neighbour is at "
     "one location, so remove it from one of them\n"},
    {"an address outside of the registered prefixes",
     "[peering_service]\nconnection = b\nprefixes = 203.0.113.0/25 2001:db8::/48\n"
     "public_addresses = 203.0.113.127 203.0.113.128 2001:db8:0:1::1\n" HOST,
     "f: [peering_service] public_addresses has 203.0.113.128, which is in none of the "
     "prefixes: Peering Service does not route its traffic; correct the address, or "
     "register its prefix in Azure and add it to prefixes\n"},
    {"a nameless connection", "[peering_service]\nprimary_metro = AMS\n" HOST,
     "f: [peering_service] has no connection; name it as in Azure: connection = NAME\n"},
    {"no url", "[collector]\nheader_file = /x\n" HOST,
     "f: [collector] has no url, so nothing would be shipped: url = https://COLLECTOR\n"},
    {"nothing says how long it took",
     "[collector]\nurl = https://c\nhistograms = no\nquantiles = no\n" HOST,
     "f: [collector] has histograms = no and quantiles = no, so no delay would be sent; "
     "remove one of them\n"},
    {"no url of the second", "[collector]\nurl = https://c.example\n[collector b]\n" HOST,
     "f: [collector b] has no url, so nothing would be shipped: url = "
     "https://COLLECTOR\n"},
    {"no first", "[collector b]\nurl = https://c.example\n" HOST,
     "f: [collector] has no url, so nothing would be shipped: url = https://COLLECTOR\n"},
    {"no key of the second",
     "[collector]\nurl = https://c.example\n[collector b]\nurl = https://d.example\n"
     "key_file = /x\n" HOST,
     "f: [collector b] has a key_file, but no cert_file; mutual TLS needs both\n"},
    {"no key", "[collector]\nurl = https://c.example\ncert_file = /x\n" HOST,
     "f: [collector] has a cert_file, but no key_file; mutual TLS needs both\n"},
};

static void test_checks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof check_cases / sizeof *check_cases; i++) {
        struct config c = config_default();
        struct text problems = {0};
        CHECK_INT(0, parse(&c, "f", check_cases[i].text, &problems), check_cases[i].what);
        CHECK_INT(1, config_check(&c, &kinds, "f", add_line, &problems),
                  check_cases[i].what);
        CHECK_TEXT(check_cases[i].expected, text_string(&problems), check_cases[i].what);
        text_free(&problems);
        config_free(&c);
    }
}

static struct config many(size_t targets, const char *agent, const char *keys,
                          struct text *problems)
{
    struct config c = config_default();
    struct text text = {0};
    text_add(&text, "[agent]\n%s", agent);
    for (size_t i = 0; i < targets; i++)
        text_add(&text, "[target t%zu]\nhost = t%zu.example\n%s", i, i, keys);
    parse(&c, "f", text_string(&text), problems);
    text_free(&text);
    return c;
}

static void test_limits(void **state)
{
    (void)state;
    struct text problems = {0};

    struct config c = many(TARGETS_MAX, "", "", &problems);
    CHECK_TEXT("", text_string(&problems), "the most targets");
    /* a target: 2 * (2/60 + 1/300) slow, and 2 * (2/10 + 1/60) of the three nearest */
    CHECK_NEAR(253 * 2 * (2 / 60.0 + 1 / 300.0) + 3 * 2 * (2 / 10.0 + 1 / 60.0),
               config_rate(&c, &kinds), 1e-9, "probes a second");
    /* four front doors and three of five names in full, two slowly */
    CHECK_NEAR(7 * 2 * (2 / 10.0 + 1 / 60.0) + 2 * 2 * (2 / 60.0 + 1 / 300.0),
               config_rate_found(&c, &kinds, 5), 1e-9, "what is found");
    config_free(&c);

    c = many(TARGETS_MAX + 1, "", "port = x\n", &problems);
    CHECK(strstr(text_string(&problems), "f:770: more than 256 targets\n") != NULL,
          "one more: %s", text_string(&problems));
    CHECK_INT(TARGETS_MAX, c.n_targets, "is not taken");
    config_free(&c);

    text_clear(&problems);
    c = config_default();
    char *large = malloc(CONFIG_BYTES_MAX + 1);
    memset(large, '\n', CONFIG_BYTES_MAX + 1);
    large[0] = '#';
    CHECK_INT(0,
              config_parse(&c, &kinds, "f", large, CONFIG_BYTES_MAX, add_line, &problems),
              "the largest file");
    CHECK_INT(
        1,
        config_parse(&c, &kinds, "f", large, CONFIG_BYTES_MAX + 1, add_line, &problems),
        "one byte more");
    CHECK_TEXT("f:1: longer than 1024 KiB; this is no configuration\n",
               text_string(&problems), "says so");
    free(large);
    config_free(&c);
    text_free(&problems);
}

#define ALONE         "workloads = no\nfront_doors = 0\n"
#define PINGS         "kinds = icmp tcp\ninterval = 1s\n"
#define TOGETHER      "f: the targets, their paths, and what discovery adds, make up to "
#define OF_THAT(LINE) "; [target t0] of f:" LINE " alone "
#define TOO_MUCH                                                                         \
    "; fewer targets, longer intervals, or a lower nearest or front_doors are needed\n"
#define OF_HOST(LINE, NAME) "f:" LINE ": with [target " NAME "] the targets of host "
#define TOO_MUCH_OF_ONE     "; fewer targets of that host or longer intervals are needed\n"

/* All that one target may have, each second and in both families: 172 packets, 146 kB. */
#define UTMOST "interval = 1s\npayload = 1400\n"

static void test_traffic(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t targets;
        const char *agent, *keys, *expected;
        bool dns; /* the DNS servers are probed */
    } cases[] = {
        {"the utmost of one target", 1, ALONE, UTMOST, ""},
        {"and of so many", 13, "nearest = 256\n" ALONE, UTMOST, ""},
        {"one more", 14, "nearest = 256\n" ALONE, UTMOST,
         TOGETHER
         "2103600 bytes a second, more than 2000000" OF_THAT("5") "146400" TOO_MUCH},
        {"while not all are near", 200, "nearest = 12\n" ALONE, UTMOST, ""},
        {"what is found counts", 10, "workloads = no\nfront_doors = 4\nnearest = 10\n",
         UTMOST,
         TOGETHER
         "2103600 bytes a second, more than 2000000" OF_THAT("5") "146400" TOO_MUCH},
        {"so many probes", 250, "nearest = 256\n" ALONE, PINGS, ""},
        {"and of DNS servers", 250, "nearest = 256\n" ALONE, PINGS,
         TOGETHER "1004 probes a second, more than 1000" OF_THAT("5") "4" TOO_MUCH, true},
        {"more probes", 251, "nearest = 256\n" ALONE, PINGS,
         TOGETHER "1004 probes a second, more than 1000" OF_THAT("5") "4" TOO_MUCH},
        {"with the names of targets.csv", 245, "nearest = 245\nfront_doors = 0\n", PINGS,
         TOGETHER "1008 probes a second, more than 1000" OF_THAT("4") "4" TOO_MUCH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text problems = {0};
        struct config c =
            many(cases[i].targets, cases[i].agent, cases[i].keys, &problems);
        c.dns_probe = cases[i].dns;
        config_check(&c, &kinds, "f", add_line, &problems);
        CHECK_TEXT(cases[i].expected, text_string(&problems), cases[i].what);
        text_free(&problems);
        config_free(&c);
    }
}

static void test_traffic_of_a_host(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text, *expected;
    } cases[] = {
        {"two that make less than the limit",
         "[target a]\nhost = edge.example\n" UTMOST
         "[target b]\nhost = edge.example\nkinds = icmp\ninterval = 1s\n",
         ""},
        {"two that make too much",
         "[target a]\nhost = edge.example\n" UTMOST "[target c]\nhost = other.example\n"
         "[target b]\nhost = Edge.example\nport = 8443\n" UTMOST,
         OF_HOST("7", "b") "Edge.example make up to 292800 bytes a second, more than "
                           "160000" TOO_MUCH_OF_ONE},
        {"an address, however it is written",
         "[target a]\nhost = 2001:db8::1\n" PINGS
         "[target b]\nhost = 2001:db8:0::1\nport = 80\n" PINGS
         "[target c]\nhost = 2001:DB8::1\nport = 81\n" PINGS
         "[target d]\nhost = 2001:db8::1\nport = 82\n" PINGS
         "[target e]\nhost = 2001:db8::1\nport = 83\n" PINGS
         "[target f]\nhost = 2001:db8::1\nport = 84\n" PINGS,
         OF_HOST("25", "f") "2001:db8::1 make up to 12 probes a second, more than "
                            "10" TOO_MUCH_OF_ONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text problems = {0};
        struct config c = config_default();
        parse(&c, "f", cases[i].text, &problems);
        config_check(&c, &kinds, "f", add_line, &problems);
        CHECK_TEXT(cases[i].expected, text_string(&problems), cases[i].what);
        text_free(&problems);
        config_free(&c);
    }
}

/* The name of a target is often its host's: 253 bytes are taken whole, 254 are too many. */
static void long_names(void **state)
{
    (void)state;
    char text[400], name[300];
    for (int len = 253; len <= 254; len++) {
        struct config c = config_default();
        struct text said = {0};
        memset(name, 'n', (size_t)len);
        name[len] = '\0';
        snprintf(text, sizeof text, "[target %s]\nhost = a.example\n", name);
        size_t problems = parse(&c, "f", text, &said);
        CHECK_INT(len > 253, problems, "254 are too many");
        if (problems == 0)
            CHECK_TEXT(name, c.targets[0].name, "whole");
        text_free(&said);
        config_free(&c);
    }
}

/* A kind may have a limit of its own: probes of a target a second, over both families. */
static void a_kind_that_is_probed_seldom(void **state)
{
    (void)state;
    static const struct kind seldom = {.name = "seldom",
                                       .interval_ns = 10 * NS_PER_S,
                                       .slow_interval_ns = 10 * NS_PER_S,
                                       .most_per_s = 1,
                                       .on_by_default = true};
    static const struct kinds one = {.list = {&seldom}, .n = 1};
    static const struct {
        const char *text, *expected;
    } limits[] = {
        {"host = a.example\ninterval = 2s\n", ""},
        {"host = 192.0.2.1\ninterval = 1s\n", ""},
        {"host = a.example\nfamily = ipv6\ninterval = 1s\n", ""},
        {"host = a.example\ninterval = 1s\n",
         "f:1: [target t] would get 2 seldom probes a second over its address families; "
         "at most 1: set seldom_interval to 2s or more\n"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct text problems = {0}, text = {0};
        struct config c = config_default();
        text_add(&text, "[target t]\n%s", limits[i].text);
        CHECK_INT(0,
                  config_parse(&c, &one, "f", text_string(&text), text.len, add_line,
                               &problems),
                  "parsed");
        config_check(&c, &one, "f", add_line, &problems);
        CHECK_TEXT(limits[i].expected, text_string(&problems), limits[i].text);
        text_free(&problems);
        text_free(&text);
        config_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_drop_in),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_traffic_of_a_host),
        cmocka_unit_test(long_names),
        cmocka_unit_test(a_kind_that_is_probed_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
