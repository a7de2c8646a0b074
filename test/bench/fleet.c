/*
 * Simulates a fleet against a receiver: sends one batch of a minute per agent, encoded by
 * the agent's own encoder, each with its own instance id, host and site.
 *
 *     fleet ADDRESS:PORT/PATH [-a AGENTS] [-s SECONDS] [-c CONNECTIONS] [-p PASSES]
 *         [-m MINUTES] [-r]
 *
 * Sends as fast as the receiver accepts; with -r in real time, each when the agent would
 * ship it (core/splay.h). Known series cost a receiver less: a second pass sends the same
 * batches again. Prints one line of results per pass.
 */
#include "branch.h"

#include "core/splay.h"
#include "otlp/metrics.h"

#include <getopt.h>
#include <uv.h>

enum {
    BRANCHES = 32, /* that differ; agents of the same one differ in their names */
    MINUTES_MAX = 7 * 1440,
    AGENTS_MAX = 1000000,
    CONNECTIONS_MAX = 256,
    REPLY_MAX = 4096,
};

struct request {
    char *bytes; /* head and body */
    size_t len;
    int64_t due_ns; /* after the window has closed */
    int64_t took_ns;
};

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    bool ready; /* connected, nothing under way */
    struct request *request;
    int64_t began_ns;
    char reply[REPLY_MAX];
    size_t reply_len;
};

static struct {
    uv_loop_t loop;
    uv_timer_t tick;
    struct sockaddr_in address;
    const char *path;
    bool real_time;
    int64_t began_ns, limit_ns;
    struct request *requests;
    size_t agents, minutes, next, done, refused;
    uint64_t body_bytes;
    struct connection connections[CONNECTIONS_MAX];
    size_t n_connections;
} fleet;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "fleet: %s: %s\n", what, why);
    exit(2);
}

/* ---- the batches ---- */

struct making {
    struct request *request;
    char head[512];
};

static void take_part(void *bytes, size_t len, void *user)
{
    struct making *m = user;
    char host[INET_ADDRSTRLEN];
    uv_ip4_name(&fleet.address, host, sizeof host);
    int head = snprintf(m->head, sizeof m->head,
                        "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                        "application/x-protobuf\r\nContent-Encoding: gzip\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        fleet.path, host, len);
    m->request->len = (size_t)head + len;
    m->request->bytes = malloc(m->request->len);
    memcpy(m->request->bytes, m->head, (size_t)head);
    memcpy(m->request->bytes + head, bytes, len);
    fleet.body_bytes += len;
    free(bytes);
}

static void make_request(struct request *request, const struct batch *batch, size_t agent)
{
    char id[64], host[32], site[32];
    struct making making = {.request = request};
    snprintf(id, sizeof id, "00000000-0000-4000-8000-%012zu", agent);
    snprintf(host, sizeof host, "branch-%zu", agent);
    snprintf(site, sizeof site, "site-%zu", agent);
    struct otlp_resource resource = {
        .instance_id = id, .version = EDGELAT_VERSION, .host_name = host, .site = site};
    otlp_metrics(batch, &resource, &METRIC_CHOICE_DEFAULT, take_part, &making);
    request->due_ns = splay_delay(agent, 60 * NS_PER_S, SPLAY_DEFAULT);
}

static int by_due(const void *a, const void *b)
{
    const struct request *x = a, *y = b;
    return (x->due_ns > y->due_ns) - (x->due_ns < y->due_ns);
}

static void make_requests(void)
{
    static struct branch b;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t minute = now.tv_sec / 60 - (int64_t)fleet.minutes;
    fleet.requests = calloc(fleet.agents, sizeof *fleet.requests);
    for (size_t seed = 0; seed < BRANCHES && seed < fleet.agents; seed++) {
        branch_begin(&b, seed, 5, 3, (struct wall){minute * 60 * NS_PER_S});
        for (size_t i = 0; i < fleet.minutes; i++)
            branch_minute(&b);
        for (size_t agent = seed; agent < fleet.agents; agent += BRANCHES)
            make_request(&fleet.requests[agent], &b.batch, agent);
        branch_end(&b);
    }
    if (fleet.real_time)
        qsort(fleet.requests, fleet.agents, sizeof *fleet.requests, by_due);
}

/* ---- the connections ---- */

static void dial(struct connection *c);
static void send_what_is_due(void);

static void on_closed(uv_handle_t *handle)
{
    dial(handle->data);
}

/* 0: not all of it is there. */
static int status_of(struct connection *c)
{
    c->reply[c->reply_len] = '\0';
    const char *end = strstr(c->reply, "\r\n\r\n");
    const char *length = strcasestr(c->reply, "content-length:");
    int status = 0;
    if (end == NULL)
        return 0;
    size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - c->reply) + body;
    if (c->reply_len < whole && whole < REPLY_MAX)
        return 0;
    sscanf(c->reply, "HTTP/1.1 %d", &status);
    return status;
}

static void finish(struct connection *c, bool accepted)
{
    c->request->took_ns = (int64_t)uv_hrtime() - c->began_ns;
    c->request = NULL;
    fleet.done++;
    fleet.refused += !accepted;
    if (fleet.done == fleet.agents)
        uv_stop(&fleet.loop);
}

static void room(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    struct connection *c = handle->data;
    (void)hint;
    *out = uv_buf_init(c->reply + c->reply_len, (unsigned)(REPLY_MAX - 1 - c->reply_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *unused)
{
    struct connection *c = stream->data;
    (void)unused;
    if (n < 0) {
        if (c->request != NULL)
            finish(c, false);
        c->ready = false;
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    c->reply_len += (size_t)n;
    int status = c->request == NULL ? 0 : status_of(c);
    if (status == 0)
        return;
    finish(c, status == 200);
    c->ready = true;
    send_what_is_due();
}

static void on_connected(uv_connect_t *request, int status)
{
    struct connection *c = request->data;
    free(request);
    if (status < 0)
        fail("connecting", uv_strerror(status));
    c->ready = true;
    uv_read_start((uv_stream_t *)&c->tcp, room, on_read);
    send_what_is_due();
}

static void dial(struct connection *c)
{
    uv_connect_t *request = malloc(sizeof *request);
    request->data = c;
    uv_tcp_init(&fleet.loop, &c->tcp);
    uv_tcp_nodelay(&c->tcp, 1);
    c->tcp.data = c;
    uv_tcp_connect(request, &c->tcp, (const struct sockaddr *)&fleet.address,
                   on_connected);
}

static void post(struct connection *c, struct request *request)
{
    uv_buf_t buffer = uv_buf_init(request->bytes, (unsigned)request->len);
    c->ready = false;
    c->request = request;
    request->took_ns = 0;
    c->reply_len = 0;
    c->began_ns =
        fleet.real_time ? fleet.began_ns + request->due_ns : (int64_t)uv_hrtime();
    uv_write(&c->write, (uv_stream_t *)&c->tcp, &buffer, 1, NULL);
}

static void send_what_is_due(void)
{
    int64_t now_ns = (int64_t)uv_hrtime() - fleet.began_ns;
    for (size_t i = 0; i < fleet.n_connections && fleet.next < fleet.agents; i++) {
        struct request *next = &fleet.requests[fleet.next];
        if (fleet.real_time && next->due_ns > now_ns)
            return;
        if (!fleet.connections[i].ready)
            continue;
        fleet.next++;
        post(&fleet.connections[i], next);
    }
}

static void on_tick(uv_timer_t *timer)
{
    send_what_is_due();
    if ((int64_t)uv_hrtime() - fleet.began_ns > fleet.limit_ns)
        uv_stop(timer->loop);
}

/* ---- what came of it ---- */

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Most arrivals in one second, when each agent ships at its own moment. */
static size_t busiest_second(void)
{
    size_t seconds[61] = {0}, most = 0;
    for (size_t i = 0; i < fleet.agents; i++)
        seconds[fleet.requests[i].due_ns / NS_PER_S]++;
    for (size_t s = 0; s < 61; s++)
        most = seconds[s] > most ? seconds[s] : most;
    return most;
}

static void report(double seconds)
{
    size_t most = busiest_second(), n = 0;
    int64_t *took = malloc((fleet.next + 1) * sizeof *took);
    for (size_t i = 0; i < fleet.next; i++)
        if (fleet.requests[i].took_ns > 0) /* else it is under way */
            took[n++] = fleet.requests[i].took_ns;
    qsort(took, n, sizeof *took, by_number);
    double each = (double)fleet.body_bytes / (double)fleet.agents;
    printf("%zu of %zu agents in %.1f s: %.0f requests/s, %.1f MB/s, %zu not accepted; "
           "replies p50 %.1f ms, p99 %.1f ms; %.0f bytes a batch, %.1f MB an agent and "
           "day; busiest second %zu arrivals\n",
           n, fleet.agents, seconds, (double)n / seconds,
           (double)n * each / seconds / 1e6, fleet.refused,
           n > 0 ? (double)took[n / 2] / 1e6 : 0,
           n > 0 ? (double)took[n * 99 / 100] / 1e6 : 0, each, each * 1440 / 1e6, most);
}

/* Where the time is over the pass ends, with what is under way forgotten. */
static void play(void)
{
    fleet.next = fleet.done = 0;
    fleet.began_ns = (int64_t)uv_hrtime();
    uv_timer_start(&fleet.tick, on_tick, 1, 1);
    uv_run(&fleet.loop, UV_RUN_DEFAULT);
    uv_timer_stop(&fleet.tick);
    report((double)((int64_t)uv_hrtime() - fleet.began_ns) / (double)NS_PER_S);
}

static void parse_where(char *where)
{
    char *colon = strchr(where, ':');
    char *slash = colon == NULL ? NULL : strchr(colon, '/');
    if (slash == NULL)
        fail(where, "is not ADDRESS:PORT/PATH");
    *colon = '\0';
    fleet.path = slash;
    if (uv_ip4_addr(where, atoi(colon + 1), &fleet.address) < 0)
        fail(where, "is no IPv4 address");
}

int main(int argc, char **argv)
{
    size_t passes = 1;
    fleet.agents = 10000;
    fleet.minutes = 60;
    fleet.limit_ns = 60 * NS_PER_S;
    fleet.n_connections = 32;
    for (int c; (c = getopt(argc, argv, "a:s:c:p:m:r")) != -1;) {
        if (c == 'a')
            fleet.agents = strtoul(optarg, NULL, 10);
        else if (c == 's')
            fleet.limit_ns = atoll(optarg) * NS_PER_S;
        else if (c == 'c')
            fleet.n_connections = strtoul(optarg, NULL, 10);
        else if (c == 'p')
            passes = strtoul(optarg, NULL, 10);
        else if (c == 'm')
            fleet.minutes = strtoul(optarg, NULL, 10);
        else if (c == 'r')
            fleet.real_time = true;
        else
            return 2;
    }
    if (optind + 1 != argc || fleet.agents == 0 || fleet.agents > AGENTS_MAX ||
        fleet.n_connections == 0 || fleet.n_connections > CONNECTIONS_MAX ||
        fleet.minutes == 0 || fleet.minutes > MINUTES_MAX)
        fail("usage",
             "fleet ADDRESS:PORT/PATH [-a N] [-s SECONDS] [-c N] [-p N] [-m N] [-r]");
    parse_where(argv[optind]);
    make_requests();
    uv_loop_init(&fleet.loop);
    uv_timer_init(&fleet.loop, &fleet.tick);
    for (size_t i = 0; i < fleet.n_connections; i++)
        dial(&fleet.connections[i]);
    for (size_t i = 0; i < passes; i++)
        play();
    return fleet.refused > 0;
}
