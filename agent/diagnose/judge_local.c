/* What is nearest: the interface, the gateway, a proxy or VPN in the way, the clock. */
#include "core/last_metre.h"
#include "diagnose/judge.h"

#include <math.h>
#include <string.h>

static void judge_link(const struct judging *j)
{
    const struct facts_interface *i = &j->f->interface;
    if (!j->f->has_interface) {
        struct check_row *row = diagnosis_row(j->out, CHECK_INTERFACE, GRADE_UNKNOWN, "");
        JUDGE_SET(row->text, "no interface carries a route to the services");
        return;
    }
    struct check_row *row = diagnosis_row(j->out, CHECK_INTERFACE, GRADE_GOOD, i->name);
    uint64_t errors = i->after.received.errors - i->before.received.errors +
                      i->after.sent.errors - i->before.sent.errors;
    uint64_t packets = i->after.received.packets - i->before.received.packets +
                       i->after.sent.packets - i->before.sent.packets;
    uint64_t drops = i->after.received.drops - i->before.received.drops +
                     i->after.sent.drops - i->before.sent.drops;
    double share = packets > 0 ? (double)errors / (double)packets : 0;
    const char *duplex = link_duplex_name(i->modes.duplex);
    row->value = 100 * share;
    row->unit = "%";
    row->threshold = 100 * JUDGE_ERRORS_RATIO;
    text_copy(row->source, sizeof row->source, JUDGE_OWN);
    JUDGE_SET(row->text, "%s%s%s, %llu errors and %llu drops among %llu packets",
              i->after.up ? "up" : "down", duplex != NULL ? ", duplex " : "",
              duplex != NULL ? duplex : "", (unsigned long long)errors,
              (unsigned long long)drops, (unsigned long long)packets);
    if (i->modes.duplex == DUPLEX_IS_HALF) {
        row->grade = GRADE_BAD;
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_LINK_DUPLEX, CERTAINTY_SURE, 0);
        JUDGE_SET(x->what,
                  "The interface %s runs at half duplex (%u Mbit/s), which loses packets "
                  "under load.",
                  i->name, i->modes.mbit_s);
        JUDGE_SET(x->next,
                  "Set autonegotiation on both ends of the cable, and replace the "
                  "cable; check with: ethtool %s",
                  i->name);
    }
    if (errors >= 3 && share > JUDGE_ERRORS_RATIO) {
        row->grade = GRADE_BAD;
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_LINK_ERRORS, CERTAINTY_SURE, 0);
        JUDGE_SET(x->what,
                  "The interface %s counted %llu errors among %llu packets (%.1f %%).",
                  i->name, (unsigned long long)errors, (unsigned long long)packets,
                  100 * share);
        JUDGE_SET(x->next,
                  "Replace the cable and try another port of the switch; compare "
                  "duplex and speed on both ends (ethtool %s).",
                  i->name);
    }
    if (wifi_has_link(&i->wifi) && i->wifi.signal_dbm < WIFI_WEAK_DBM) {
        row->grade = row->grade == GRADE_BAD ? GRADE_BAD : GRADE_POOR;
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_LINK_SIGNAL, CERTAINTY_LIKELY, 0);
        JUDGE_SET(x->what, "The Wi-Fi signal of %s is weak (%d dBm; limit %d dBm, %s).",
                  i->name, i->wifi.signal_dbm, WIFI_WEAK_DBM, JUDGE_OWN);
        JUDGE_SET(x->next, "Go nearer to the access point, or use a cable, and run this "
                           "again.");
    }
}

/* A service surely answers sooner than the gateway, so that answers ICMP late. */
static bool services_are_sooner(const struct facts *f, const struct facts_probes *gateway)
{
    struct facts_median hop = facts_median(&gateway->delays);
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            struct facts_median m = facts_median(&f->services[i].by[k].tcp.delays);
            if (m.n > 0 && m.high_ms < hop.low_ms)
                return gateway->lost == 0;
        }
    return false;
}

bool judge_gateway_is_slow(const struct judging *j, size_t family)
{
    const struct facts_gateway *g = &j->f->gateways[family];
    struct facts_median m = facts_median(&g->icmp.delays);
    return !g->first_hop && m.n > 0 && m.low_ms > JUDGE_GATEWAY_MS &&
           !(j->varies && m.min_ms < JUDGE_GATEWAY_MS) &&
           !services_are_sooner(j->f, &g->icmp);
}

/* The logarithm of how much more likely `lost` of `sent` is at the loss `p` than at `q`. */
static double likelier(const struct loss_count *c, double p, double q)
{
    return (double)c->lost * log(p / q) +
           (double)(c->sent - c->lost) * log((1 - p) / (1 - q));
}

/* The rule of the agent decides (core/last_metre.h). Where it cannot tell, it is likely the site
 * if the gateway's echoes are so much more likely with their own loss than with none over the
 * limit, and that is half of the other one; far more lost echoes are a limit of ICMP. It is
 * likely beyond if the limit explains them much better than the loss of the services. */
enum charge judge_charge(const struct facts *f, enum certainty *certainty)
{
    struct loss_count hop = {0}, path = {0};
    bool one_family = false;
    for (size_t k = 0; k < FACTS_FAMILIES; k++) {
        const struct facts_probes *p = &f->gateways[k].icmp;
        struct loss_count beyond = judge_loss(f, k, 0);
        one_family |=
            beyond.sent > 0 && loss_exceeds(beyond.lost, beyond.sent, JUDGE_LOSS_RATIO);
        path.sent += beyond.sent;
        path.lost += beyond.lost;
        hop.sent += p->answered > 0 ? p->sent : 0;
        hop.lost += p->answered > 0 ? p->lost : 0;
    }
    *certainty = CERTAINTY_SURE;
    if (!loss_exceeds(path.lost, path.sent, JUDGE_LOSS_RATIO))
        return one_family ? CHARGE_UNKNOWN : CHARGE_NOTHING;
    if (hop.sent == 0)
        return CHARGE_UNKNOWN;
    enum charge charge = charge_of_loss(&hop, &path, &path);
    if (charge == CHARGE_SITE || charge == CHARGE_BEYOND)
        return charge;
    *certainty = CERTAINTY_LIKELY;
    double own = (double)hop.lost / (double)hop.sent, q = JUDGE_LOSS_RATIO,
           behind = (double)path.lost / (double)path.sent, p = fmin(own, behind);
    bool limited = loss_interval(hop.lost, hop.sent).low >
                   2 * loss_interval(path.lost, path.sent).high;
    if (!limited && 2 * own >= behind && p > q && p < 1 &&
        likelier(&hop, p, q) > log(JUDGE_LIKELIER))
        return CHARGE_SITE;
    return 2 * own < behind && behind < 1 && likelier(&hop, q, behind) > log(JUDGE_CLEAN)
               ? CHARGE_BEYOND
               : CHARGE_UNKNOWN;
}

static void judge_gateway(const struct judging *j, size_t family)
{
    const struct facts_gateway *g = &j->f->gateways[family];
    const struct facts_probes *p = &g->icmp;
    char address[ADDRESS_TEXT_MAX];
    if (g->to.family == FAMILY_NONE || p->sent == 0)
        return;
    struct facts_median m = facts_median(&p->delays);
    struct check_row *row = diagnosis_row(j->out, CHECK_GATEWAY, GRADE_GOOD,
                                          endpoint_address(address, &g->to));
    const char *what = g->first_hop ? "the first router" : "the gateway";
    row->family = (enum family)g->to.family;
    judge_delay(row, &m, g->first_hop ? NAN : JUDGE_GATEWAY_MS, JUDGE_OWN);
    JUDGE_SET(row->text, "%s: %u of %u echoes lost", what, p->lost, p->sent);
    if (p->answered == 0) {
        row->grade = GRADE_UNKNOWN;
        JUDGE_SET(row->text, "%s does not answer ICMP", what);
        return;
    }
    /* A gateway that answers ICMP late or rarely forwards packets all the same. */
    bool lossy = loss_exceeds(p->lost, p->sent, JUDGE_LOSS_RATIO);
    enum certainty certainty;
    if (p->lost > 0 && judge_charge(j->f, &certainty) == CHARGE_SITE) {
        row->grade = GRADE_BAD;
        struct loss_interval i = loss_interval(p->lost, p->sent);
        struct fault_found *x = diagnosis_fault(j->out, FAULT_GATEWAY_LOSS, certainty, 0);
        JUDGE_SET(
            x->what,
            "The first hop loses packets: %u of %u to %s %s (%.1f %%, 95 %% interval "
            "%.1f to %.1f %%), and as many are lost to the services behind it.",
            p->lost, p->sent, what, address, 100.0 * p->lost / p->sent, 100 * i.low,
            100 * i.high);
        JUDGE_SET(x->next, "Connect this host to the router by a cable, or replace the "
                           "cable and the port of the switch; then run this again.");
    } else if (lossy) {
        JUDGE_SET(
            row->text,
            "%s: %u of %u echoes lost, but packets to the services pass: it answers "
            "ICMP rarely",
            what, p->lost, p->sent);
    }
    if (row->grade == GRADE_BAD && j->varies && m.min_ms < JUDGE_GATEWAY_MS) {
        row->grade = GRADE_POOR;
    } else if (row->grade == GRADE_BAD && services_are_sooner(j->f, p)) {
        row->grade = GRADE_GOOD;
        JUDGE_SET(row->text, "%s answers ICMP late: services behind it answer sooner",
                  what);
    } else if (judge_gateway_is_slow(j, family)) {
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_GATEWAY_SLOW, CERTAINTY_SURE, 0);
        JUDGE_SET(x->what,
                  "The local network is slow: %s %s takes %.1f ms (limit %.0f ms, %s).",
                  what, address, m.ms, JUDGE_GATEWAY_MS, JUDGE_OWN);
        JUDGE_SET(x->next,
                  "Look for a saturated Wi-Fi or switch: connect this host to the "
                  "router by a cable and run this again.");
    }
}

static void judge_silence(const struct judging *j)
{
    const struct facts *f = j->f;
    char address[ADDRESS_TEXT_MAX];
    bool answers = f->gateways[0].icmp.answered + f->gateways[1].icmp.answered > 0;
    size_t named = 0;
    for (size_t i = 0; i < f->n_services; i++)
        named += f->services[i].by[0].route || f->services[i].by[1].route;
    if (!judge_nothing_answers(f))
        return;
    const struct facts_gateway *g = f->gateways[SLOT_IPV4].to.family != FAMILY_NONE
                                        ? &f->gateways[SLOT_IPV4]
                                        : &f->gateways[SLOT_IPV6];
    if (!f->has_route) {
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_NO_ROUTE, CERTAINTY_SURE, 0);
        JUDGE_SET(x->what, "This host has no route to the internet%s%s.",
                  f->uplink[0] != '\0' ? " over " : "", f->uplink);
        JUDGE_SET(x->next, "Check cable or Wi-Fi, the address and the default route: "
                           "ip address; ip route.");
    } else if (g->to.family != FAMILY_NONE && g->icmp.sent > 0 && !answers) {
        struct fault_found *x =
            diagnosis_fault(j->out, FAULT_GATEWAY_SILENT, CERTAINTY_LIKELY, 0);
        JUDGE_SET(x->what, "Nothing answers, not even the gateway %s.",
                  endpoint_address(address, &g->to));
        JUDGE_SET(x->next, "Check the cable or Wi-Fi, and that the router is on; see: "
                           "ip neighbour.");
    } else if (named > 0) { /* else all that is known is that DNS does not answer */
        struct fault_found *x = diagnosis_fault(
            j->out, FAULT_PATH_BROKEN, answers ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
        JUDGE_SET(x->what, "Nothing on the internet answers%s.",
                  answers ? ", but the gateway does" : "");
        JUDGE_SET(x->next,
                  "Look at the uplink of the router (modem, provider's outage), or "
                  "at its firewall.");
    }
}

/* The proxy of a service did not connect to it. */
static bool proxy_fails(const struct facts_https *h)
{
    return h->replies + h->http_errors + h->tls_errors == 0 && h->tunnel.n == 0;
}

static void judge_proxy_failure(const struct judging *j, const char *subject,
                                uint32_t services, bool blocked, bool works)
{
    const struct facts *f = j->f;
    const char *cause = "", *host = "";
    uint32_t failing = 0;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_https *h = &f->services[i].by[SLOT_PROXY].https;
        if ((services & (UINT32_C(1) << i)) == 0 || (h->proxy_status == 403) != blocked)
            continue;
        failing |= UINT32_C(1) << i;
        host = f->services[i].target.host;
        cause = h->cause[0] != '\0' ? h->cause : cause;
    }
    if (failing == 0)
        return;
    struct text names = {0};
    if (works)
        text_add(&names, " of ");
    if (works)
        judge_add_services(&names, f, failing);
    struct fault_found *x =
        diagnosis_fault(j->out, FAULT_PROXY_FAILS, CERTAINTY_SURE, failing);
    JUDGE_SET(x->what, "HTTPS%s goes through the HTTP proxy %s, which %s: %s.",
              text_string(&names), subject, blocked ? "does not let it through" : "fails",
              f->proxy_wrong[0] != '\0' ? f->proxy_wrong : cause);
    if (blocked) {
        x->title = "Blocked by the proxy";
        JUDGE_SET(x->next,
                  "Have %s allowed by the policy of the proxy, or let the optimize "
                  "endpoints of Microsoft 365 bypass it (no_proxy, PAC file).",
                  host);
    } else {
        JUDGE_SET(
            x->next,
            "Check https_proxy, and try the proxy: curl -v -x http://%s https://%s/",
            subject, host);
    }
    text_free(&names);
}

/* What the proxy takes to connect, of the service where it takes most besides what distance
 * takes: a reply is at least one round trip to the service. True: too long. */
static bool judge_tunnel(const struct judging *j, const char *subject, char *slow,
                         size_t room)
{
    const struct facts *f = j->f;
    struct facts_median worst = {0};
    double most_ms = -INFINITY;
    const char *name = "";
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_https *h = &f->services[i].by[SLOT_PROXY].https;
        struct facts_median tunnel = facts_median(&h->tunnel),
                            reply = facts_median(&h->first_byte),
                            tls = facts_median(&h->tls);
        double path_ms = fmin(reply.ms, tls.ms); /* NaN: none */
        double more_ms = tunnel.low_ms - 2 * (isnan(path_ms) ? 0 : path_ms);
        if (tunnel.n == 0 || more_ms <= most_ms)
            continue;
        most_ms = more_ms;
        worst = tunnel;
        name = f->services[i].target.name;
    }
    if (worst.n == 0)
        return false;
    struct check_row *row = diagnosis_row(j->out, CHECK_PROXY, GRADE_GOOD, subject);
    judge_delay(row, &worst, JUDGE_TUNNEL_MS, JUDGE_OWN);
    JUDGE_SET(row->text, "what it takes to connect to %s", name);
    bool over = worst.n > 2 && most_ms > JUDGE_TUNNEL_MS;
    if (row->grade != GRADE_GOOD && !over) {
        row->grade = GRADE_GOOD;
        JUDGE_ADD(row->text, "; within the limit without two round trips");
    }
    if (over)
        judge_set(slow, room, "%.0f ms to connect to %s (limit %.0f ms, %s)", worst.ms,
                  name, JUDGE_TUNNEL_MS, JUDGE_OWN);
    return over;
}

static void judge_proxy(const struct judging *j)
{
    const struct facts *f = j->f;
    char subject[HOST_TEXT_MAX + 10], away[32] = "", slow[HOST_TEXT_MAX + 80];
    uint32_t working = 0, failing = 0;
    if (f->proxy[0] == '\0') {
        bool wrong = f->proxy_wrong[0] != '\0';
        struct check_row *row =
            diagnosis_row(j->out, CHECK_PROXY, wrong ? GRADE_UNKNOWN : GRADE_GOOD, "");
        JUDGE_SET(row->text, "%s%s", wrong ? f->proxy_wrong : "none is set",
                  wrong ? "; all is checked without a proxy" : "");
        return;
    }
    for (size_t i = 0; i < f->n_services; i++) {
        const struct facts_address *a = &f->services[i].by[SLOT_PROXY];
        if (a->to.family != FAMILY_NONE)
            *(proxy_fails(&a->https) ? &failing : &working) |= UINT32_C(1) << i;
    }
    bool colons = strchr(f->proxy, ':') != NULL;
    JUDGE_SET(subject, "%s%s%s:%u", colons ? "[" : "", f->proxy, colons ? "]" : "",
              f->proxy_port);
    struct facts_median m = facts_median(&f->proxy_tcp.delays);
    struct check_row *row = diagnosis_row(j->out, CHECK_PROXY, GRADE_POOR, subject);
    judge_delay(row, &m, NAN, "");
    row->grade = failing == 0 ? GRADE_POOR : GRADE_BAD;
    JUDGE_SET(row->text, "HTTPS goes through it; handshakes with it: %u of %u answered",
              f->proxy_tcp.answered, f->proxy_tcp.sent);
    judge_proxy_failure(j, subject, failing, false, working != 0);
    judge_proxy_failure(j, subject, failing, true, working != 0);
    if (working == 0)
        return;
    struct text names = {0};
    judge_add_services(&names, f, working);
    struct fault_found *x = diagnosis_fault(j->out, FAULT_PROXY, CERTAINTY_SURE, working);
    if (m.n > 0)
        JUDGE_SET(away, ", %.1f ms away", m.ms);
    JUDGE_SET(x->what,
              "HTTPS of %s goes through the HTTP proxy %s%s; Microsoft advises direct "
              "connections.",
              text_string(&names), subject, away);
    JUDGE_SET(x->next,
              "Let the optimize endpoints of Microsoft 365 bypass the proxy "
              "(no_proxy, PAC file), and compare: no_proxy='*' edgelat diagnose");
    if (judge_tunnel(j, subject, slow, sizeof slow)) {
        x->title = "Proxy slow";
        JUDGE_SET(
            x->what,
            "The HTTP proxy %s is slow: it takes %s; HTTPS of %s goes through it, and "
            "Microsoft advises direct connections.",
            subject, slow, text_string(&names));
    }
    text_free(&names);
}

/* By the routes of the services; by that of the interface where all go through a proxy. */
static void judge_vpn(const struct judging *j)
{
    const struct facts *f = j->f;
    const struct facts_tunnel *t = NULL;
    uint32_t services = 0, routed = 0;
    struct text names = {0};
    if (!f->has_interface)
        return;
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t k = 0; k < FACTS_FAMILIES; k++) {
            const struct facts_address *a = &f->services[i].by[k];
            routed |= (uint32_t)a->route << i;
            if (!a->route || a->tunnel.name[0] == '\0')
                continue;
            services |= UINT32_C(1) << i;
            t = t == NULL ? &a->tunnel : t;
        }
    if (routed == 0 && f->interface.tunnel.name[0] != '\0')
        t = &f->interface.tunnel;
    struct check_row *row =
        diagnosis_row(j->out, CHECK_VPN, t != NULL ? GRADE_POOR : GRADE_GOOD,
                      t != NULL ? t->name : f->interface.name);
    if (t == NULL) {
        JUDGE_SET(row->text, "traffic to the services does not leave through a VPN");
        return;
    }
    const char *outer = t->of[0] != '\0' ? t->of : "another interface";
    bool whole = services == routed, all = whole && judge_count(services) != 1;
    judge_add_services(&names, f, services);
    JUDGE_SET(row->text, "traffic%s%s leaves through this tunnel, which %s carries",
              all ? "" : " to ", all ? "" : text_string(&names), outer);
    bool resolvers = f->interface.tunnel.name[0] != '\0'; /* it is that of the first */
    struct fault_found *x = diagnosis_fault(j->out, FAULT_VPN, CERTAINTY_SURE,
                                            whole && resolvers ? 0 : services);
    x->shared = all;
    JUDGE_SET(x->what,
              "Traffic to %s leaves through the VPN tunnel %s (carried by %s), so "
              "it takes the way of the VPN and its exit.",
              all ? "Microsoft" : text_string(&names), t->name, outer);
    JUDGE_SET(x->next,
              "Exclude the optimize endpoints of Microsoft 365 from the VPN (split "
              "tunnel), or compare with the VPN switched off.");
    text_free(&names);
}

static void judge_clock(const struct judging *j)
{
    const struct facts *f = j->f;
    double ahead_s = (double)f->date_ahead_ns / 1e9, off_s = fabs(ahead_s);
    struct check_row *row = diagnosis_row(j->out, CHECK_CLOCK, GRADE_UNKNOWN, "");
    if (f->dates == 0) {
        JUDGE_SET(row->text, "no reply had a date to compare with");
        return;
    }
    row->value = -ahead_s;
    row->low = -ahead_s - 1; /* a Date has whole seconds */
    row->high = -ahead_s + 1;
    row->unit = "s";
    row->threshold = JUDGE_CLOCK_S;
    text_copy(row->source, sizeof row->source, JUDGE_OWN);
    row->grade = off_s <= JUDGE_CLOCK_S + 1   ? GRADE_GOOD
                 : off_s <= JUDGE_CLOCK_BAD_S ? GRADE_POOR
                                              : GRADE_BAD;
    JUDGE_SET(row->text, "against the Date of %u HTTPS replies", f->dates);
    if (row->grade == GRADE_GOOD)
        return;
    struct fault_found *x = diagnosis_fault(
        j->out, FAULT_CLOCK, f->dates > 1 ? CERTAINTY_SURE : CERTAINTY_LIKELY, 0);
    JUDGE_SET(
        x->what,
        "The clock of this host is %.0f s %s; from 300 s on sign-in fails (Kerberos, "
        "tokens).",
        off_s, ahead_s > 0 ? "behind" : "ahead");
    JUDGE_SET(x->next,
              "Set the clock by NTP: timedatectl set-ntp true; check: timedatectl.");
}

void judge_local(const struct judging *j)
{
    judge_link(j);
    for (size_t f = 0; f < FACTS_FAMILIES; f++)
        judge_gateway(j, f);
    judge_silence(j);
    judge_proxy(j);
    judge_vpn(j);
    judge_clock(j);
}
