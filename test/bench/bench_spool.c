/*
 * The cost of the spool: 1,000 batches of 3 KiB written, read, and shipped to a collector
 * on loopback; and the lag of the loop while the disk takes 500 ms for each fsync().
 * Compared, in the same run, with the bare system calls for the same durability and with
 * SQLite (python3's, synchronous=FULL) as a FIFO. On the disk of $BUILD.
 */
#include "base/log.h"
#include "core/random.h"
#include "net/clock.h"
#include "otlp/gzip.h"
#include "ship/shipper.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCHES = 1000, FEW = 300, BYTES = 3000, SLOW_MS = 500, LAG_S = 6 };

static char folder[256];
static void *batch;
static size_t batch_len;
static _Atomic bool slow_disk;

int fsync(int fd)
{
    if (slow_disk)
        usleep(SLOW_MS * 1000);
    return (int)syscall(SYS_fsync, fd);
}

static double now_s(void)
{
    return (double)mono_now().ns / 1e9;
}

static void check(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "bench_spool: %s\n", what);
    exit(1);
}

static void make_batch(void)
{
    static unsigned char noise[BYTES];
    struct random r = random_from(1);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)random_next(&r);
    batch = gzip_pack(noise, sizeof noise, &batch_len);
}

static void make_folder(void)
{
    const char *build = getenv("BUILD");
    snprintf(folder, sizeof folder, "%s/bench-spool-XXXXXX",
             build != NULL ? build : "build");
    check(mkdtemp(folder) != NULL, "no folder in $BUILD; build first");
}

static void run(const char *command)
{
    check(system(command) == 0, command);
}

/* ---- bare system calls ---- */

/* As durable as the spool: a file each, there whole or not at all. */
static double bare_write(void)
{
    char from[300], to[300];
    snprintf(from, sizeof from, "%s/bare", folder);
    check(mkdir(from, 0700) == 0, "mkdir");
    int dir = open(from, O_RDONLY | O_DIRECTORY);
    double began = now_s();
    for (int i = 0; i < FEW; i++) {
        snprintf(from, sizeof from, "%s/bare/%04d.tmp", folder, i);
        snprintf(to, sizeof to, "%s/bare/%04d", folder, i);
        int fd = open(from, O_WRONLY | O_CREAT, 0600);
        check(write(fd, batch, batch_len) == (ssize_t)batch_len && fsync(fd) == 0,
              "write");
        close(fd);
        check(rename(from, to) == 0 && fsync(dir) == 0, "rename");
    }
    close(dir);
    return FEW / (now_s() - began);
}

static double bare_read(void)
{
    char from[300], to[300];
    static char bytes[2 * BYTES];
    double began = now_s();
    for (int i = 0; i < FEW; i++) {
        snprintf(from, sizeof from, "%s/bare/%04d", folder, i);
        snprintf(to, sizeof to, "%s/bare/%04d.sent", folder, i);
        int fd = open(from, O_RDONLY);
        check(read(fd, bytes, sizeof bytes) == (ssize_t)batch_len, "read");
        close(fd);
        check(rename(from, to) == 0, "rename");
    }
    return FEW / (now_s() - began);
}

/* ---- SQLite ---- */

static void sqlite(double *written, double *taken)
{
    char command[1200];
    snprintf(command, sizeof command,
             "python3 - %s/fifo.db %d %zu <<'END'\n"
             "import os, sqlite3, sys, time\n"
             "n, size = int(sys.argv[2]), int(sys.argv[3])\n"
             "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
             "db.execute('pragma synchronous=full')\n"
             "db.execute('create table fifo (id integer primary key, bytes blob)')\n"
             "batch, began = os.urandom(size), time.monotonic()\n"
             "for i in range(n):\n"
             "    db.execute('insert into fifo (bytes) values (?)', (batch,))\n"
             "wrote, began = n / (time.monotonic() - began), time.monotonic()\n"
             "for i in range(n):\n"
             "    row = db.execute('select id, bytes from fifo order by id limit 1')\n"
             "    db.execute('delete from fifo where id = ?', row.fetchone()[:1])\n"
             "print(wrote, n / (time.monotonic() - began))\n"
             "END",
             folder, FEW, batch_len);
    FILE *f = popen(command, "r");
    check(f != NULL && fscanf(f, "%lf %lf", written, taken) == 2, "python3's sqlite3");
    pclose(f);
}

/* ---- the spool ---- */

static const struct spool_limits limits = {
    .bytes = 1u << 30, .count = 20000, .history = {.bytes = 1u << 30}};

static void add(struct spool *s)
{
    void *bytes = malloc(batch_len);
    memcpy(bytes, batch, batch_len);
    spool_add(s, SIGNAL_METRICS, bytes, batch_len);
}

static void turn_until_quiet(uv_loop_t *loop)
{
    while (loop->active_reqs.count > 0)
        uv_run(loop, UV_RUN_ONCE);
}

static double spool_write(uv_loop_t *loop, struct spool *s, int n)
{
    double began = now_s();
    for (int i = 0; i < n; i++)
        add(s);
    turn_until_quiet(loop);
    check(spool_counters(s).waiting == (uint64_t)n, "not all were written");
    return n / (now_s() - began);
}

static double spool_take(uv_loop_t *loop, struct spool *s)
{
    struct spooled one;
    double began = now_s();
    for (int i = 0; i < FEW; i++) {
        check(spool_first(s, &one), "nothing waits");
        free(one.bytes);
        spool_done(s, one.id);
        uv_run(loop, UV_RUN_NOWAIT);
    }
    turn_until_quiet(loop);
    return FEW / (now_s() - began);
}

/* ---- how late the loop is ---- */

struct lag {
    uv_poll_t poll;
    int fd; /* a timer of the kernel's, each millisecond */
    int64_t due_ns;
    unsigned n;
    double us[LAG_S * 1000];
    struct spool *spool; /* NULL: an idle loop */
};

/* Each 250 ms a batch comes and one goes. */
static void on_tick(uv_poll_t *poll, int status, int events)
{
    struct lag *l = poll->data;
    struct spooled one;
    uint64_t ticks;
    (void)events;
    check(status == 0 && read(l->fd, &ticks, sizeof ticks) == sizeof ticks, "timer");
    for (; ticks > 0 && l->n < LAG_S * 1000; ticks--, l->due_ns += NS_PER_MS)
        l->us[l->n++] = (double)(mono_now().ns - l->due_ns) / 1e3;
    if (l->spool != NULL && l->n % 250 == 0)
        add(l->spool);
    if (l->spool != NULL && l->n % 250 == 125 && spool_first(l->spool, &one)) {
        free(one.bytes);
        spool_done(l->spool, one.id);
    }
    if (l->n == LAG_S * 1000) {
        slow_disk = false; /* what is under way need not take 500 ms each */
        uv_close((uv_handle_t *)poll, NULL);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double lag_p99(uv_loop_t *loop, struct spool *s, double *most)
{
    static struct lag l;
    l = (struct lag){.spool = s, .fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)};
    l.due_ns = mono_now().ns + NS_PER_MS;
    struct itimerspec each = {
        .it_value = {.tv_sec = l.due_ns / NS_PER_S, .tv_nsec = l.due_ns % NS_PER_S},
        .it_interval = {.tv_nsec = NS_PER_MS}};
    check(timerfd_settime(l.fd, TFD_TIMER_ABSTIME, &each, NULL) == 0, "timer");
    uv_poll_init(loop, &l.poll, l.fd);
    l.poll.data = &l;
    uv_poll_start(&l.poll, UV_READABLE, on_tick);
    uv_run(loop, UV_RUN_DEFAULT);
    close(l.fd);
    qsort(l.us, l.n, sizeof *l.us, by_size);
    *most = l.us[l.n - 1];
    return l.us[l.n * 99 / 100];
}

/* ---- shipped ---- */

struct caller {
    uv_tcp_t tcp;
    uv_write_t write;
    char got[65536];
    size_t len;
};

static void room(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    struct caller *c = handle->data;
    (void)hint;
    *out = uv_buf_init(c->got + c->len, (unsigned)(sizeof c->got - 1 - c->len));
}

static void free_caller(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *unused)
{
    static char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct caller *c = stream->data;
    (void)unused;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, free_caller);
        return;
    }
    c->len += (size_t)n;
    c->got[c->len] = '\0';
    const char *end = strstr(c->got, "\r\n\r\n");
    if (end == NULL || c->len < (size_t)(end + 4 - c->got) + batch_len)
        return;
    c->len = 0; /* one request at a time */
    uv_buf_t buffer = uv_buf_init(ok, sizeof ok - 1);
    uv_write(&c->write, stream, &buffer, 1, NULL);
}

static void on_call(uv_stream_t *listener, int status)
{
    struct caller *c = calloc(1, sizeof *c);
    check(status == 0 && uv_tcp_init(listener->loop, &c->tcp) == 0 &&
              uv_accept(listener, (uv_stream_t *)&c->tcp) == 0,
          "no connection");
    c->tcp.data = c;
    uv_read_start((uv_stream_t *)&c->tcp, room, on_read);
}

static double ship_all(uv_loop_t *loop, struct spool *s)
{
    struct sockaddr_in a;
    int len = sizeof a;
    uv_tcp_t listener;
    struct http *http;
    struct shipper *shipper;
    struct config config = config_default();
    uv_tcp_init(loop, &listener);
    uv_ip4_addr("127.0.0.1", 0, &a);
    check(uv_tcp_bind(&listener, (struct sockaddr *)&a, 0) == 0 &&
              uv_listen((uv_stream_t *)&listener, 4, on_call) == 0,
          "cannot listen");
    uv_tcp_getsockname(&listener, (struct sockaddr *)&a, &len);
    config.shipping.catch_up = 0;
    snprintf(config.collectors[0].url, sizeof config.collectors[0].url,
             "http://127.0.0.1:%d", ntohs(a.sin_port));
    check(http_create(&http, loop) == 0 &&
              shipper_create(&shipper, loop, http, s, &config, 1) == 0,
          "no shipper");
    double began = now_s();
    shipper_wake(shipper);
    while (spool_counters(s).waiting > 0)
        uv_run(loop, UV_RUN_ONCE);
    double took = now_s() - began;
    check(shipper_counters(shipper).accepted == BATCHES, "not all were accepted");
    shipper_destroy(shipper);
    http_destroy(http);
    uv_close((uv_handle_t *)&listener, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    return took;
}

int main(void)
{
    uv_loop_t loop;
    struct spool *s;
    double sqlite_written, sqlite_taken, most, idle_most;
    char command[300];
    log_set_level(LOG_LEVEL_ERROR);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    make_folder();
    make_batch();
    uv_loop_init(&loop);
    check(spool_open(&s, &loop, folder, limits, NULL, NULL) == 0, "cannot open a spool");

    double written = spool_write(&loop, s, FEW), bare = bare_write();
    double taken = spool_take(&loop, s), bare_taken = bare_read();
    sqlite(&sqlite_written, &sqlite_taken);
    printf("spool, written         %8.0f batches a second; bare calls %.0f (%.2f of it), "
           "SQLite %.0f (%.2f)\n",
           written, bare, written / bare, sqlite_written, written / sqlite_written);
    printf("spool, taken           %8.0f batches a second; bare calls, without a check "
           "of the bytes %.0f (%.2f of it), SQLite %.0f (%.2f)\n",
           taken, bare_taken, taken / bare_taken, sqlite_taken, taken / sqlite_taken);

    spool_write(&loop, s, BATCHES);
    printf("spool, shipped         %8.2f s for %d batches on loopback, without a limit\n",
           ship_all(&loop, s), BATCHES);

    double idle = lag_p99(&loop, NULL, &idle_most);
    spool_write(&loop, s, FEW);
    slow_disk = true;
    double lag = lag_p99(&loop, s, &most);
    printf("spool, loop lag p99    %8.1f us (most %.1f) with %d ms an fsync; idle loop "
           "%.1f us (most %.1f)\n",
           lag, most, SLOW_MS, idle, idle_most);
    spool_close(s);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop) == 0, "a handle is open");
    free(batch);
    snprintf(command, sizeof command, "rm -r %s", folder);
    run(command);
    return 0;
}
