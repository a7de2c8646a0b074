#include "cmd/media.h"

#include "base/json.h"
#include "cmd/allowance.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "cmd/host.h"
#include "cmd/interrupt.h"
#include "cmd/render.h"
#include "core/emodel.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "probe/kinds.h"
#include "probe/stun/burst.h"
#include "probe/stun/reach.h"
#include "probe/stun/stun.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_MS 1000

struct media_session {
    const struct target *targets;
    size_t n, at; /* the host whose turn it is */
    bool json, stopped;
    uv_loop_t loop;
    uv_timer_t progress;
    struct interrupt interrupt;
    struct resolver *resolver;
    struct data data;
    struct media_limits limits;
    struct endpoint answers[2]; /* of the names of this host; FAMILY_NONE: none */
    const char *error;
    bool temporary; /* no DNS server answered */
    size_t unanswered;
    struct endpoint to;
    struct burst *burst;
    struct burst_end end;
    struct reach *reach;
    int exit_code;
};

static void begin_host(struct media_session *s);

static void end(struct media_session *s)
{
    if (s->stopped)
        return;
    s->stopped = true;
    burst_destroy(s->burst);
    reach_cancel(s->reach);
    resolver_destroy(s->resolver);
    uv_close((uv_handle_t *)&s->progress, NULL);
    interrupt_stop(&s->interrupt);
}

static void worse(struct media_session *s, int code)
{
    s->exit_code = code > s->exit_code ? code : s->exit_code;
}

/* ---- what is printed ---- */

static void value_text(char out[48], enum media_measure m, double value)
{
    if (isnan(value))
        strcpy(out, "-");
    else if (m == MEDIA_DELAY || m == MEDIA_VARIATION)
        snprintf(out, 48, "%.4g ms", value / 1e6);
    else
        snprintf(out, 48, "%.3g %%", 100 * value);
}

static void count_text(char out[48], const struct media_quality *q, enum media_measure m)
{
    uint32_t of[MEDIA_MEASURES][2] = {
        [MEDIA_LOSS] = {q->lost, q->sent},
        [MEDIA_BURST_LOSS] = {q->worst_lost, q->worst_sent},
        [MEDIA_REORDERING] = {q->reordered, q->received},
    };
    out[0] = '\0';
    if (of[m][0] > 0)
        snprintf(out, 48, " (%u of %u)", of[m][0], of[m][1]);
}

static void print_measure(const struct media_session *s, enum media_measure m)
{
    static const char *const verdicts[] = {"-", "within", "cannot tell", "OVER"};
    const struct media_quality *q = &s->end.quality;
    char value[48], count[48], both[96], limit[48];
    value_text(value, m, media_value(q, m));
    count_text(count, q, m);
    snprintf(both, sizeof both, "%s%s", value, count);
    value_text(limit, m, s->limits.of[m].most > 0 ? s->limits.of[m].most : NAN);
    cmd_printf("%-26s %-26s %-11s %s\n", media_measure_names[m].text, both, limit,
               verdicts[media_judge(q, m, &s->limits)]);
}

static void print_call(const struct media_quality *q)
{
    cmd_printf(
        "estimated MOS              %.2f (R %.1f), E-model of ITU-T G.107\n"
        "                           %s: Ie %g, Bpl %g, %s\n"
        "                           mouth to ear %.0f ms with a de-jitter buffer of "
        "%.0f ms; %u packet%s too late for it\n",
        q->mos, q->rating, emodel_g711.name, emodel_g711.ie, emodel_g711.bpl,
        emodel_g711.source, (double)q->mouth_to_ear_ns / 1e6, (double)q->buffer_ns / 1e6,
        q->discarded, q->discarded == 1 ? "" : "s");
}

static void print_text(const struct media_session *s, uint16_t tcp_port)
{
    const struct burst_end *e = &s->end;
    const struct media_quality *q = &e->quality;
    char address[ADDRESS_TEXT_MAX], worst[24];
    if (e->mapped.family != FAMILY_NONE)
        cmd_printf("seen as %s port %u\n", endpoint_address(address, &e->mapped),
                   e->mapped.port);
    cmd_printf("\n%-26s %-26s %-11s %s\n", "round trip", "measured", "limit", "verdict");
    for (int m = 0; m < MEDIA_MEASURES; m++)
        print_measure(s, (enum media_measure)m);
    cmd_printf("worst 200 ms of variation  %s ms\n",
               render_ms(worst, q->variation_worst_ns));
    cmd_printf("longest burst of losses    %u packet%s\n", q->longest_burst,
               q->longest_burst == 1 ? "" : "s");
    cmd_printf("late, duplicates           %u, %u\n", e->late, e->duplicates);
    if (q->mos > 0)
        print_call(q);
    if (s->limits.of[MEDIA_LOSS].source[0] != '\0')
        cmd_printf("Limits: of each direction, from %s\n",
                   s->limits.of[MEDIA_LOSS].source);
    if (e->busy)
        cmd_printf("This host was too busy: %u packets were not sent in time\n",
                   q->not_measured);
    else if (q->not_measured > 0)
        cmd_printf("%u packets were not sent: %s\n", q->not_measured, e->cause);
    if (q->received == 0 && e->refused)
        cmd_printf("No STUN server is at UDP port %u: %s\n", s->to.port, e->cause);
    else if (q->sent > 0 && q->received == 0 && tcp_port != 0)
        cmd_printf(
            "UDP port %u is blocked on the way: TCP port %u of this address answers\n",
            s->to.port, tcp_port);
    else if (q->received == 0)
        cmd_printf("No packet was answered: %s; neither is TCP 443, so it cannot be told "
                   "whether UDP is blocked\n",
                   e->cause);
}

static void print_json(const struct media_session *s, uint16_t tcp_port)
{
    const struct burst_end *e = &s->end;
    const struct media_quality *q = &e->quality;
    char text[WALL_TEXT_MAX], address[ADDRESS_TEXT_MAX];
    struct text out = {0};
    struct json j = json_to(&out);
    json_object(&j, NULL);
    json_bool(&j, "media", true);
    json_string(&j, "time", wall_text(text, e->began));
    json_string(&j, "target", s->targets[s->at].name);
    json_string(&j, "kind", stun_kind.kind.name);
    json_text(&j, "address", endpoint_address(address, &s->to));
    json_string(&j, "family", family_name(s->to.family));
    json_integer(&j, "port", s->to.port);
    render_mapped_json(&j, &e->mapped);
    json_integer(&j, "sent", q->sent);
    json_integer(&j, "received", q->received);
    json_integer(&j, "lost", q->lost);
    json_integer(&j, "not_measured", q->not_measured);
    json_integer(&j, "late", e->late);
    json_integer(&j, "duplicates", e->duplicates);
    json_integer(&j, "reordered", q->reordered);
    json_integer(&j, "longest_loss_burst", q->longest_burst);
    json_bool(&j, "busy", e->busy);
    json_object(&j, "delays");
    json_object(&j, "rtt");
    delay_json(&j, "min", q->min_ns);
    delay_json(&j, "p50", q->median_ns);
    delay_json(&j, "p95", q->p95_ns);
    delay_json(&j, "max", q->max_ns);
    json_object_end(&j);
    json_object_end(&j);
    json_object(&j, "delay_variation");
    delay_json(&j, "mean", q->variation_ns);
    delay_json(&j, "worst_200ms", q->variation_worst_ns);
    json_object_end(&j);
    json_object(&j, "measures");
    for (int i = 0; i < MEDIA_MEASURES; i++) {
        enum media_measure m = (enum media_measure)i;
        bool ms = m == MEDIA_DELAY || m == MEDIA_VARIATION;
        double unit = ms ? 1e6 : 1, most = s->limits.of[m].most;
        json_object(&j, media_measure_names[m].key);
        json_number(&j, ms ? "ms" : "ratio", media_value(q, m) / unit);
        json_number(&j, "limit", most > 0 ? most / unit : NAN);
        json_text(&j, "source", s->limits.of[m].source);
        json_string(&j, "verdict", media_verdict_names[media_judge(q, m, &s->limits)]);
        json_object_end(&j);
    }
    json_object_end(&j);
    json_number(&j, "mos", q->mos > 0 ? q->mos : NAN);
    json_number(&j, "rating", q->mos > 0 ? q->rating : NAN);
    json_string(&j, "codec", emodel_g711.name);
    delay_json(&j, "jitter_buffer", q->mos > 0 ? q->buffer_ns : DELAY_UNDEFINED);
    json_integer(&j, "discarded", q->discarded);
    delay_json(&j, "mouth_to_ear", q->mos > 0 ? q->mouth_to_ear_ns : DELAY_UNDEFINED);
    json_bool(&j, "udp_blocked",
              q->sent > 0 && q->received == 0 && !e->refused && tcp_port != 0);
    json_text(&j, "cause", e->cause);
    json_object_end(&j);
    printf("%s\n", text_string(&out));
    text_free(&out);
}

static void print(struct media_session *s, uint16_t tcp_port)
{
    const struct media_quality *q = &s->end.quality;
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (s->json)
        print_json(s, tcp_port);
    else
        print_text(s, tcp_port);
    fflush(stdout);
    for (int m = 0; m < MEDIA_MEASURES; m++)
        if (media_judge(q, (enum media_measure)m, &s->limits) == MEDIA_OVER)
            worse(s, CMD_BAD);
    if (q->received == 0)
        worse(s, q->sent == 0 ? CMD_CANNOT : CMD_BAD);
}

/* ---- one host after the other ---- */

static void next_host(struct media_session *s)
{
    s->at++;
    begin_host(s);
}

static void on_reach(uint16_t tcp_port, void *user)
{
    struct media_session *s = user;
    s->reach = NULL;
    print(s, tcp_port);
    next_host(s);
}

static void finish(struct media_session *s)
{
    burst_destroy(s->burst);
    s->burst = NULL;
    uv_timer_stop(&s->progress);
    if (s->end.quality.sent > 0 && s->end.quality.received == 0) {
        s->reach = reach_start(&s->loop, &s->to, s->targets[s->at].uplink, on_reach, s);
        return;
    }
    print(s, 0);
    next_host(s);
}

static void on_end(const struct burst_end *e, void *user)
{
    struct media_session *s = user;
    s->end = *e;
    finish(s);
}

static void on_progress(uv_timer_t *timer)
{
    struct media_session *s = timer->data;
    struct burst_progress p = burst_progress(s->burst);
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%u of %d sent, %u answered, %u lost ", p.sent, MEDIA_PACKETS,
                p.received, p.lost);
    else if (!s->json)
        cmd_printf("%u of %d sent, %u answered, %u lost\n", p.sent, MEDIA_PACKETS,
                   p.received, p.lost);
    fflush(stdout);
}

/* False: reported. */
static bool choose_address(struct media_session *s, const struct target *t)
{
    struct endpoint *a = s->answers;
    bool second = a[0].family == FAMILY_NONE ||
                  (a[1].family != FAMILY_NONE && !socket_has_route(&a[0], t->uplink) &&
                   socket_has_route(&a[1], t->uplink));
    s->to = a[second];
    if (s->to.family != FAMILY_NONE && socket_has_route(&s->to, t->uplink))
        return true;
    if (s->to.family != FAMILY_NONE) {
        worse(s,
              cmd_cannot("%s: this host has no route to its address%s%s; see: ip route",
                         t->host, t->uplink != NULL ? " over " : "",
                         t->uplink != NULL ? t->uplink->name : ""));
        return false;
    }
    worse(s, cmd_no_address(t->host, s->error, s->temporary));
    return false;
}

static void begin_burst(struct media_session *s)
{
    const struct target *t = &s->targets[s->at];
    char address[ADDRESS_TEXT_MAX];
    struct text why = {0};
    if (!choose_address(s, t)) {
        next_host(s);
        return;
    }
    if (!allowance_take(&s->to, ALLOWANCE_PER_S, &why)) {
        worse(s, cmd_cannot("%s", text_string(&why)));
        text_free(&why);
        next_host(s);
        return;
    }
    if (!s->json)
        cmd_printf("%sSTUN to %s, %s port %u: %d packets in %d s, as a call sends them\n",
                   s->at > 0 ? "\n" : "", t->name, endpoint_address(address, &s->to),
                   s->to.port, MEDIA_PACKETS,
                   (int)(MEDIA_PACKETS * MEDIA_PACE_NS / NS_PER_S));
    fflush(stdout);
    s->burst = burst_start(&s->loop, &s->to, t->uplink, t->dscp, on_end, s);
    uv_timer_start(&s->progress, on_progress, PROGRESS_MS, PROGRESS_MS);
}

static void on_resolution(const struct resolution *r, void *user)
{
    struct media_session *s = user;
    const char *host = s->targets[s->at].host;
    struct endpoint first[1];
    if (r->error != NULL) {
        s->error = r->error;
        s->temporary = r->temporary;
    }
    if (resolution_addresses(r, host, first, 1) > 0)
        s->answers[first[0].family == FAMILY_IPV6] = first[0];
    if (--s->unanswered == 0)
        begin_burst(s);
}

static void begin_host(struct media_session *s)
{
    if (s->at == s->n || ferror(stdout)) {
        end(s);
        return;
    }
    const struct target *t = &s->targets[s->at];
    uint16_t port = target_port(t, &stun_kind.kind);
    s->answers[0] = s->answers[1] = (struct endpoint){.family = FAMILY_NONE};
    s->error = NULL;
    s->temporary = false;
    s->unanswered = (size_t)t->ipv4 + t->ipv6;
    bool ipv6 = t->ipv6;
    if (t->ipv4)
        resolver_lookup(s->resolver, t->host, FAMILY_IPV4, port, on_resolution, s);
    if (ipv6)
        resolver_lookup(s->resolver, t->host, FAMILY_IPV6, port, on_resolution, s);
}

static void on_interrupt(void *user)
{
    struct media_session *s = user;
    if (s->burst != NULL && burst_progress(s->burst).sent > 0) {
        burst_so_far(s->burst, &s->end);
        print(s, 0);
    }
    end(s);
}

int media_run(const struct target *targets, size_t n, bool json)
{
    struct media_session s = {.targets = targets, .n = n, .json = json};
    struct data_folders folders = data_folders();
    data_load(&s.data, &folders);
    thresholds_media(&s.data.known.thresholds, &s.limits);
    uv_loop_init(&s.loop);
    uv_timer_init(&s.loop, &s.progress);
    s.progress.data = &s;
    interrupt_start(&s.interrupt, &s.loop, on_interrupt, &s);
    resolver_create(&s.resolver, &s.loop, NULL);
    begin_host(&s);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    uv_loop_close(&s.loop);
    data_free(&s.data);
    return s.exit_code;
}
