/*
 * Drives the prober for the benchmarks, without schedule, windows or printing:
 *
 *     drive [-r] [-s] [-t SECONDS] [-C CA] [-N NAME] KIND ADDRESS RATE [KIND ADDRESS RATE]...
 *
 * Sends each KIND to ADDRESS, RATE times a second, all in one process. Prints one JSON
 * object: for each KIND what was sent, answered, lost and not measured, and the CPU time
 * of the process; -r: the first delay of each probe of the first KIND in the order of
 * sending, in ns (null: none); -s: sends and reads in slots, as the agent does.
 */
#include "interned.h"
#include "net/clock.h"
#include "probe/kinds.h"
#include "probe/prober.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

enum { STREAMS_MAX = 8, WAITING_S = 2 };

struct stream {
    size_t kind, sent, came, outcomes[OUTCOME_COUNT];
    double rate;
    struct target target;
    struct endpoint to;
    int64_t *delays; /* by probe; DELAY_UNDEFINED: no reply */
    size_t room;
};

static struct {
    uv_loop_t loop;
    struct prober *prober;
    struct stream streams[STREAMS_MAX];
    size_t n;
    double seconds;
    bool results;
    enum prober_reading reading;
    struct mono began;
} drive = {.seconds = 2};

static int64_t cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

/* A stream of the prober is one probe: results come in the order of answers. */
static void on_result(const struct result *result, void *user)
{
    struct stream *s = &drive.streams[result->stream % STREAMS_MAX];
    size_t number = result->stream / STREAMS_MAX;
    (void)user;
    s->came++;
    s->outcomes[result->outcome]++;
    s->delays[number] =
        result->outcome == OUTCOME_REPLY ? result->delays[0] : DELAY_UNDEFINED;
}

static void on_tick(uv_timer_t *timer)
{
    double now = (double)(mono_now().ns - drive.began.ns) / (double)NS_PER_S;
    bool done = now > drive.seconds;
    for (size_t i = 0; i < drive.n; i++) {
        struct stream *s = &drive.streams[i];
        size_t due = (size_t)((now < drive.seconds ? now : drive.seconds) * s->rate);
        for (; s->sent < due && s->sent < s->room; s->sent++)
            prober_send(drive.prober, (uint32_t)(s->sent * STREAMS_MAX + i), s->kind,
                        &s->target, &s->to);
        done &= s->came == s->sent;
    }
    if (done)
        uv_stop(timer->loop);
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "drive: %s: %s\n", what, why);
    exit(2);
}

static size_t kind_named(const char *name)
{
    for (size_t k = 0; k < probe_kinds_count; k++)
        if (strcasecmp(probe_kinds[k]->kind.name, name) == 0)
            return k;
    fail(name, "no such kind");
}

static void print(double cpu_us, double seconds)
{
    struct prober_counters c = prober_counters(drive.prober);
    printf("{\"seconds\":%.3f,\"cpu_us\":%.0f,\"fallbacks\":%llu,\"streams\":[", seconds,
           cpu_us, (unsigned long long)c.timestamp_fallbacks);
    for (size_t i = 0; i < drive.n; i++) {
        struct stream *s = &drive.streams[i];
        printf("%s{\"kind\":\"%s\",\"sent\":%zu", i > 0 ? "," : "",
               probe_kinds[s->kind]->kind.name, s->sent);
        for (size_t o = 0; o < OUTCOME_COUNT; o++)
            printf(",\"%s\":%zu", outcome_name(o), s->outcomes[o]);
        printf("}");
    }
    printf("]");
    if (drive.results) {
        struct stream *s = &drive.streams[0];
        printf(",\"results\":[");
        for (size_t i = 0; i < s->sent; i++)
            if (s->delays[i] == DELAY_UNDEFINED)
                printf("%snull", i > 0 ? "," : "");
            else
                printf("%s%lld", i > 0 ? "," : "", (long long)s->delays[i]);
        printf("]");
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    const char *ca = "", *name = "";
    for (int c; (c = getopt(argc, argv, "rst:C:N:")) != -1;) {
        switch (c) {
        case 'r':
            drive.results = true;
            break;
        case 's':
            drive.reading = PROBER_IN_SLOTS;
            break;
        case 't':
            drive.seconds = strtod(optarg, NULL);
            break;
        case 'C':
            ca = optarg;
            break;
        case 'N':
            name = optarg;
            break;
        default:
            fail("usage",
                 "drive [-r] [-s] [-t SECONDS] [-C CA] [-N NAME] KIND ADDRESS RATE...");
        }
    }
    struct kinds words = *probe_kind_words();
    struct resolver *resolver;
    struct http *http;
    uv_timer_t timer;
    char why[256];
    uv_loop_init(&drive.loop);
    uv_timer_init(&drive.loop, &timer);
    if (resolver_create(&resolver, &drive.loop, NULL) < 0 ||
        http_create(&http, &drive.loop) < 0)
        fail("resolver or http", "not created");
    http_preload(http, ca);
    drive.prober = prober_create(
        &drive.loop, probe_kinds, probe_kinds_count, resolver, http,
        (struct prober_events){.on_result = on_result, .reading = drive.reading});
    for (; optind + 2 < argc && drive.n < STREAMS_MAX; optind += 3, drive.n++) {
        struct stream *s = &drive.streams[drive.n];
        s->kind = kind_named(argv[optind]);
        s->rate = strtod(argv[optind + 2], NULL);
        s->room = (size_t)(s->rate * drive.seconds) + 1;
        s->delays = calloc(s->room, sizeof *s->delays);
        s->target = target_default(&words);
        target_wait(&s->target, WAITING_S * NS_PER_S);
        s->target.host = intern(argv[optind + 1]);
        s->target.path = "/";
        s->target.ca_file = ca;
        s->target.query = intern(name);
        endpoint_parse(&s->to, argv[optind + 1],
                       target_port(&s->target, &probe_kinds[s->kind]->kind));
        if (prober_open(drive.prober, s->kind, why, sizeof why) < 0)
            fail(argv[optind], why);
    }
    int64_t cpu = cpu_ns();
    drive.began = mono_now();
    uint64_t tick_ms = drive.reading == PROBER_IN_SLOTS ? PROBER_SLOT_NS / NS_PER_MS : 1;
    uv_timer_start(&timer, on_tick, tick_ms, tick_ms);
    uv_run(&drive.loop, UV_RUN_DEFAULT);
    print((double)(cpu_ns() - cpu) / NS_PER_US,
          (double)(mono_now().ns - drive.began.ns) / (double)NS_PER_S);
    return 0; /* the kernel closes the rest */
}
