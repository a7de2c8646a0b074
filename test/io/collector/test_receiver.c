/*
 * The receiver as edgelat-collect runs it, in a process of its own, through HTTP written
 * by hand: what it answers, what it stores, what it prints, how it ends.
 */
#include "../../unit/cmd/folder.h"
#include "../../unit/cmd/requests.h"
#include "../net/child.h"
#include "cmd/cmd.h"
#include "collector/collect.h"
#include "collector/receiver.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"

#include <errno.h>
#include <getopt.h>
#include <strings.h>
#include <sys/resource.h>

struct bed {
    struct folder folder;
    char dir[96];
    pid_t pid;
    int out, err; /* what it prints */
    uint16_t port;
    void *plain, *packed; /* a good batch */
    size_t plain_len, packed_len;
};

static void make_batch(struct bed *b)
{
    static const char *const key[] = {"teams", "icmp", "ipv4", "LON"};
    struct made m;
    made_begin(&m);
    made_resource(&m, "host.name", "branch-17");
    made_results(&m, key, "reply", 3);
    made_results(&m, key, "loss", 1);
    b->plain = made_pack(&m, &b->plain_len);
    b->packed = gzip_pack(b->plain, b->plain_len, &b->packed_len);
    made_end(&m);
}

/* edgelat-collect with these arguments. */
static pid_t collect(char **argv, int *out, int *err)
{
    int o[2], e[2];
    CHECK(pipe2(o, O_CLOEXEC) == 0 && pipe2(e, O_CLOEXEC) == 0, "pipes");
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int argc = 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(o[1], STDOUT_FILENO);
        dup2(e[1], STDERR_FILENO);
        while (argv[argc] != NULL)
            argc++;
        optind = 0;
        exit(getppid() == parent ? collect_run(argc, argv) : 1);
    }
    close(o[1]);
    close(e[1]);
    *out = o[0];
    *err = e[0];
    return pid;
}

/* Reads up to `end`, or all there is where that is ""; waits 10 s at most. */
static const char *read_until(int fd, const char *end)
{
    static char text[65536];
    struct timeval patience = {.tv_sec = 10};
    size_t n = 0, end_len = strlen(end);
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fd, &readable);
    while (n + 1 < sizeof text && select(fd + 1, &readable, NULL, NULL, &patience) > 0) {
        if (read(fd, text + n, 1) <= 0)
            break;
        n++;
        if (end_len > 0 && n >= end_len && memcmp(text + n - end_len, end, end_len) == 0)
            break;
    }
    text[n] = '\0';
    return text;
}

static void begin_with(struct bed *b, const char *option, const char *value)
{
    *b = (struct bed){.folder = folder_make()};
    snprintf(b->dir, sizeof b->dir, "%s/received", b->folder.path);
    char *argv[] = {"collect", "--listen",     "127.0.0.1:0", "--dir",
                    b->dir,    (char *)option, (char *)value, NULL};
    make_batch(b);
    b->pid = collect(argv, &b->out, &b->err);
    const char *said = read_until(b->err, "\n");
    unsigned port = 0;
    char rest;
    CHECK(sscanf(said, "listening on 127.0.0.1:%u%c", &port, &rest) == 2 && rest == '\n',
          "got %s", said);
    b->port = (uint16_t)port;
}

static void begin(struct bed *b)
{
    begin_with(b, NULL, NULL);
}

/* Ends it as a service manager does; nothing more has been said. */
static void end(struct bed *b, int signal)
{
    int status;
    kill(b->pid, signal);
    CHECK_TEXT("", read_until(b->err, ""), "standard error");
    CHECK(waitpid(b->pid, &status, 0) == b->pid && WIFEXITED(status), "it ended");
    CHECK_INT(CMD_FINE, WEXITSTATUS(status), "exit code");
    close(b->out);
    close(b->err);
    free(b->plain);
    free(b->packed);
    folder_remove(&b->folder);
}

static int dial(const struct bed *b)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(b->port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(connect(fd, (struct sockaddr *)&a, sizeof a) == 0, "connected");
    return fd;
}

#define PROTOBUF "Content-Type: application/x-protobuf\r\n"
#define GZIP     "Content-Encoding: gzip\r\n"

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* it may refuse before it has read all */
        bytes += n;
        len -= (size_t)n;
    }
}

static void send_request(int fd, const char *line, const char *headers, const void *body,
                         size_t len)
{
    char head[512];
    int n = snprintf(head, sizeof head,
                     "%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", line, len,
                     headers);
    send_all(fd, head, (size_t)n);
    send_all(fd, body, len);
}

struct answer {
    int status;
    char head[1024], body[512];
};

static struct answer read_answer(int fd)
{
    struct answer a = {0};
    size_t n = 0, len = 0;
    while (n + 1 < sizeof a.head && strstr(a.head, "\r\n\r\n") == NULL &&
           recv(fd, a.head + n, 1, 0) == 1)
        n++;
    const char *length = strstr(a.head, "Content-Length: ");
    if (length != NULL)
        len = strtoul(length + strlen("Content-Length: "), NULL, 10);
    CHECK(len < sizeof a.body, "answers are short, got %s", a.head);
    if (len > 0)
        CHECK_INT(len, recv(fd, a.body, len, MSG_WAITALL), "the body of the answer");
    sscanf(a.head, "HTTP/1.1 %d ", &a.status);
    return a;
}

static struct answer post(const struct bed *b, const char *line, const char *headers,
                          const void *body, size_t len)
{
    int fd = dial(b);
    send_request(fd, line, headers, body, len);
    struct answer a = read_answer(fd);
    close(fd);
    return a;
}

static bool has(const struct answer *a, const char *header)
{
    return strstr(a->head, header) != NULL;
}

static void check_accepted(const struct answer *a)
{
    CHECK_INT(200, a->status, "status");
    CHECK(has(a, "\r\n" PROTOBUF), "a protobuf answer: %s", a->head);
    CHECK(has(a, "\r\nContent-Length: 0\r\n"), "an empty response: %s", a->head);
}

/* File `i` holds the good batch, gzipped. */
static void check_stored(const struct bed *b, unsigned i)
{
    char path[192], bytes[4096];
    void *plain;
    size_t len;
    snprintf(path, sizeof path, "%s/%020u-metrics.pb.gz", b->dir, i);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL, "%s is there", path);
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    CHECK_INT(0, gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &len), "it is gzip");
    CHECK(len == b->plain_len && memcmp(plain, b->plain, len) == 0, "what was sent");
    free(plain);
}

static void check_stored_count(const struct bed *b, int expected)
{
    char command[256], said[16] = "";
    snprintf(command, sizeof command, "ls -A %s | wc -l", b->dir);
    FILE *ls = popen(command, "r");
    CHECK(fgets(said, sizeof said, ls) != NULL, "ls");
    pclose(ls);
    CHECK_INT(expected, atoi(said), "files in the folder");
}

static void check_table(const struct bed *b, size_t bytes)
{
    char head[128];
    const char *said = read_until(b->out, "\n\n");
    snprintf(head, sizeof head,
             "2026-11-23T09:00:00.000000Z  host branch-17  %zu bytes\n"
             "delays in ms: icmp rtt\n"
             "rank  target  PoP ",
             bytes);
    CHECK(strncmp(said, head, strlen(head)) == 0, "expected %s, got %s", head, said);
    CHECK(strstr(said, "\n-     teams   LON  icmp  ipv4       4  25.0%  ") != NULL,
          "got %s", said);
}

static void test_accepted(void **state)
{
    (void)state;
    struct bed b;
    struct stat dir;
    begin(&b);
    struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    check_table(&b, b.plain_len);
    a = post(&b, "POST /v1/metrics", PROTOBUF GZIP, b.packed, b.packed_len);
    check_accepted(&a);
    check_table(&b, b.packed_len);

    int fd =
        dial(&b); /* two on one connection, the second before the first is answered */
    send_request(fd, "POST /v1/metrics", "content-type: Application/X-Protobuf; a=b\r\n",
                 b.plain, b.plain_len);
    send_request(fd, "POST /v1/metrics", PROTOBUF GZIP, b.packed, b.packed_len);
    for (int i = 0; i < 2; i++) {
        a = read_answer(fd);
        check_accepted(&a);
        check_table(&b, i == 0 ? b.plain_len : b.packed_len);
    }
    close(fd);

    for (unsigned i = 1; i <= 4; i++)
        check_stored(&b, i);
    check_stored_count(&b, 4);
    CHECK(stat(b.dir, &dir) == 0 && (dir.st_mode & 0777) == 0700, "mode 0700");
    end(&b, SIGTERM);
}

static void test_logs(void **state)
{
    (void)state;
    static struct events events;
    static const struct otlp_resource none = {"", "", "", "", NULL};
    struct bed b;
    char path[160];
    size_t len;
    begin(&b);
    struct event *e = events_add(&events, "edgelat.pop.changed", SEVERITY_WARN,
                                 (struct wall){1795424400 * NS_PER_S}, NULL);
    event_change(e, "", "LON");
    event_say(e, "is another PoP now");
    struct batch batch = {.events = events.list, .n_events = events.n};
    void *logs = otlp_logs(&batch, &none, &len);
    struct answer a = post(&b, "POST /v1/logs", PROTOBUF GZIP, logs, len);
    check_accepted(&a);
    CHECK_TEXT("2026-11-23T09:00:00.000000Z  WARN  edgelat.pop.changed  - -> LON  is "
               "another PoP now\n\n",
               read_until(b.out, "\n\n"), "a line");
    snprintf(path, sizeof path, "%s/%020d-logs.pb.gz", b.dir, 1);
    CHECK_INT(0, access(path, R_OK), "stored under its name");
    a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    check_stored(&b, 2);
    free(logs);
    end(&b, SIGTERM);
}

static void test_refused(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    size_t bomb_len, large_len = RECEIVER_BODY_MAX + 1, zeros_len = OTLP_BYTES_MAX + 1;
    char *zeros = calloc(1, zeros_len);
    void *bomb = gzip_pack(zeros, zeros_len, &bomb_len);
    char *torn = b.packed;
    const struct {
        const char *what, *line, *headers;
        const void *body;
        size_t len;
        int status;
        const char *says;
    } cases[] = {
        {"wrong path", "POST /v1/traces", PROTOBUF, b.plain, b.plain_len, 404,
         "Metrics go to /v1/metrics, logs to /v1/logs."},
        {"wrong method", "GET /v1/metrics", PROTOBUF, "", 0, 405,
         "Batches come by POST."},
        {"another one", "PUT /v1/metrics", PROTOBUF, b.plain, b.plain_len, 405,
         "Batches come by POST."},
        {"JSON", "POST /v1/metrics", "Content-Type: application/json\r\n", "{}", 2, 415,
         "The content type has to be application/x-protobuf."},
        {"no type", "POST /v1/metrics", "", b.plain, b.plain_len, 415,
         "The content type has to be application/x-protobuf."},
        {"zstd", "POST /v1/metrics", PROTOBUF "Content-Encoding: zstd\r\n", b.plain,
         b.plain_len, 415, "The content encoding has to be gzip, or none."},
        {"torn gzip", "POST /v1/metrics", PROTOBUF GZIP, torn, b.packed_len - 1, 400,
         "The body is not one whole gzip."},
        {"no gzip", "POST /v1/metrics", PROTOBUF GZIP, b.plain, b.plain_len, 400,
         "The body is not one whole gzip."},
        {"gzip that is not named", "POST /v1/metrics", PROTOBUF, b.packed, b.packed_len,
         400, "The body is not an ExportMetricsServiceRequest."},
        {"torn protobuf", "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len - 1, 400,
         "The body is not an ExportMetricsServiceRequest."},
        {"metrics as logs", "POST /v1/logs", PROTOBUF, b.plain, b.plain_len, 400,
         "The body is not an ExportLogsServiceRequest."},
        {"too large", "POST /v1/metrics", PROTOBUF, zeros, large_len, 413,
         "The body is larger than 4 MiB; send smaller batches."},
        {"too large unpacked", "POST /v1/metrics", PROTOBUF GZIP, bomb, bomb_len, 413,
         "Unpacked the body is larger than 16 MiB."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[128];
        struct answer a =
            post(&b, cases[i].line, cases[i].headers, cases[i].body, cases[i].len);
        snprintf(expected, sizeof expected, "%s\n", cases[i].says);
        CHECK_INT(cases[i].status, a.status, cases[i].what);
        CHECK_TEXT(expected, a.body, cases[i].what);
        CHECK(has(&a, "\r\nContent-Type: text/plain\r\n"), "%s: %s", cases[i].what,
              a.head);
        CHECK_INT(a.status == 405, has(&a, "\r\nAllow: POST\r\n"), cases[i].what);
    }
    check_stored_count(&b, 0);
    struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    check_stored(&b, 1);
    free(zeros);
    free(bomb);
    end(&b, SIGINT);
}

/* What libevent refuses by itself, and those who say nothing, leave it at work. */
static void test_nonsense(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    int fd = dial(&b);
    send_all(fd, "garbage\r\n\r\n", 11);
    CHECK_INT(400, read_answer(fd).status, "not HTTP");
    close(fd);
    fd = dial(&b);
    static const char head[] = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\n" PROTOBUF
                               "Content-Length: 9000000000000\r\n\r\n";
    send_all(fd, head, sizeof head - 1);
    struct answer a = read_answer(fd);
    CHECK_INT(413, a.status, "announced too large");
    close(fd);
    close(dial(&b)); /* nothing said */
    a = post(&b, "POST /v1/metrics", PROTOBUF, "", 0);
    check_accepted(&a); /* an empty request is one */
    a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    end(&b, SIGTERM);
}

/* Arguments that it does not take. */
static void test_wrong_arguments(void **state)
{
    static const struct {
        char *argv[6];
        const char *said;
    } cases[] = {
        {{"collect", "--listen", "127.0.0.1:99999"},
         "edgelat: --listen '127.0.0.1:99999': the port is a number from 0 to 65535; it "
         "takes ADDR:PORT, such as 127.0.0.1:4318, [::1]:4318 or :4318\n"},
        {{"collect", "--listen", "127.0.0.1"},
         "edgelat: --listen '127.0.0.1': the port is missing; it takes ADDR:PORT, such "
         "as 127.0.0.1:4318, [::1]:4318 or :4318\n"},
        {{"collect"},
         "edgelat: --listen ADDR:PORT is required, such as 127.0.0.1:4318\n"},
        {{"collect", "-l", "127.0.0.1:0", "-d", "/dev/null"},
         "edgelat: cannot collect on 127.0.0.1:0 into /dev/null: the folder cannot be "
         "used: Not a directory\n"},
        {{"collect", "--lisen", "x"},
         "edgelat: collect has no option --lisen; did you mean --listen?\n"},
        {{"collect", "-l", "127.0.0.1:0", "more"},
         "edgelat: collect takes no argument 'more'; `edgelat collect --help` has "
         "examples\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status, out, err;
        pid_t pid = collect((char **)cases[i].argv, &out, &err);
        CHECK_TEXT(cases[i].said, read_until(err, ""), "standard error");
        CHECK_TEXT("", read_until(out, ""), "nothing else");
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "it ended");
        CHECK_INT(CMD_CANNOT, WEXITSTATUS(status), "exit code");
        close(out);
        close(err);
    }
}

/* The same folder again: numbers go on, nothing is written over. */
static void test_again(void **state)
{
    (void)state;
    struct bed b;
    int status, out, err;
    char line[32];
    begin(&b);
    struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);

    snprintf(line, sizeof line, "127.0.0.1:%u", b.port);
    char *taken[] = {"collect", "-l", line, NULL};
    pid_t pid = collect(taken, &out, &err);
    char expected[128];
    snprintf(expected, sizeof expected,
             "edgelat: cannot collect on %s: cannot listen there: Address already in "
             "use\n",
             line);
    CHECK_TEXT(expected, read_until(err, ""), "the port is taken");
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == CMD_CANNOT, "code");
    close(out);
    close(err);

    char *argv[] = {"collect", "-q", "-l", "127.0.0.1:0", "-d", b.dir, NULL};
    struct bed second = b;
    unsigned port = 0;
    second.pid = collect(argv, &second.out, &second.err);
    sscanf(read_until(second.err, "\n"), "listening on 127.0.0.1:%u", &port);
    second.port = (uint16_t)port;
    a = post(&second, "POST /v1/metrics", PROTOBUF GZIP, b.packed, b.packed_len);
    check_accepted(&a);
    check_stored(&b, 2);
    check_stored_count(&b, 2);
    kill(second.pid, SIGTERM);
    CHECK_TEXT("", read_until(second.out, ""), "--quiet prints no table");
    CHECK(waitpid(second.pid, &status, 0) == second.pid && status == 0, "it ended");
    close(second.out);
    close(second.err);
    end(&b, SIGTERM);
}

static void test_stop(void **state)
{
    (void)state;
    struct bed b;
    begin_with(&b, "--stop", "we move");
    struct answer a = post(&b, "POST /v1/metrics", PROTOBUF GZIP, b.packed, b.packed_len);
    CHECK_INT(403, a.status, "status");
    CHECK_TEXT("edgelat: stop probing: we move\n", a.body, "the order, and why");
    a = post(&b, "POST /v1/logs", PROTOBUF GZIP, b.packed, b.packed_len);
    CHECK_INT(403, a.status, "logs as well");
    check_stored_count(&b, 0);
    end(&b, SIGTERM);
    begin_with(&b, "--stop", "");
    a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    CHECK_TEXT("edgelat: stop probing\n", a.body, "no reason");
    end(&b, SIGTERM);
}

/* ---- more than it can hold ---- */

enum { MANY = 120, PEAK_MAX_KIB = 160 << 10 };

/* `n` connections, with these bytes on each. */
static void crowd_in(const struct bed *b, int *fds, int n, const void *bytes, size_t len)
{
    for (int i = 0; i < n; i++) {
        fds[i] = dial(b);
        fcntl(fds[i], F_SETFL, O_NONBLOCK); /* whatever is read of it */
        send_all(fds[i], bytes, len);
    }
}

static void crowd_out(int *fds, int n)
{
    for (int i = 0; i < n; i++)
        close(fds[i]);
}

static void check_one_warning(const struct bed *b, const char *begins, const char *says)
{
    const char *said = read_until(b->err, "\n");
    CHECK(strncmp(said, begins, strlen(begins)) == 0 && strstr(said, says) != NULL,
          "expected %s ... %s, got %s", begins, says, said);
}

/* Idle ones make room, so that a batch is accepted while all of them are held. */
static void test_more_connections_than_descriptors(void **state)
{
    (void)state;
    struct bed b;
    struct rlimit before, few;
    int fds[MANY];
    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){64, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    begin(&b);
    setrlimit(RLIMIT_NOFILE, &before);
    crowd_in(&b, fds, MANY, "", 0);
    for (int i = 0; i < 3; i++) {
        struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
        check_accepted(&a);
        check_stored(&b, (unsigned)i + 1);
    }
    check_one_warning(&b, "warn receiver: more than 48 connections", "ulimit -n");
    crowd_out(fds, MANY);
    end(&b, SIGTERM);
}

static rlim_t descriptors_of(pid_t pid)
{
    char command[64], said[16] = "";
    snprintf(command, sizeof command, "ls /proc/%d/fd | wc -l", (int)pid);
    FILE *ls = popen(command, "r");
    CHECK(fgets(said, sizeof said, ls) != NULL, "ls");
    pclose(ls);
    return (rlim_t)atoi(said);
}

/* accept() itself fails: here by a limit that is lowered later, as on a full system. */
static void test_accept_fails(void **state)
{
    (void)state;
    struct bed b;
    struct rlimit before, few;
    int fds[10];
    begin(&b);
    crowd_in(&b, fds, 2, "", 0);
    struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    CHECK(prlimit(b.pid, RLIMIT_NOFILE, NULL, &before) == 0, "limits");
    few = (struct rlimit){3, before.rlim_max};
    CHECK(descriptors_of(b.pid) > 3, "it has more open");
    CHECK(prlimit(b.pid, RLIMIT_NOFILE, &few, NULL) == 0, "lowered");
    crowd_in(&b, fds + 2, 8, "", 0);
    check_one_warning(&b, "warn receiver: cannot accept connections: Too many open files",
                      "ulimit -n");
    usleep(300000); /* time for many more lines */
    prlimit(b.pid, RLIMIT_NOFILE, &before, NULL);
    check_one_warning(&b, "info receiver: accepting connections again", "");
    a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
    check_accepted(&a);
    crowd_out(fds, 10);
    end(&b, SIGTERM);
}

static long peak_kib(pid_t pid)
{
    char path[64], line[128];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmHWM: %ld", &kib);
    fclose(file);
    return kib;
}

/* Whatever 24 senders begin and never end. */
static void test_memory(void **state)
{
    (void)state;
    static const struct {
        const char *what, *head;
        size_t body;
    } cases[] = {
        {"length announced", "Content-Length: 16000000\r\n\r\n", 15 << 20},
        {"one chunk", "Transfer-Encoding: chunked\r\n\r\nf00000\r\n", 15 << 20},
        {"the next request in the body's place", "Content-Length: 0\r\n\r\n", 15 << 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        int fds[24];
        char head[256];
        int head_len = snprintf(head, sizeof head,
                                "POST /v1/metrics HTTP/1.1\r\nHost: a\r\n" PROTOBUF "%s",
                                cases[i].head);
        size_t len = (size_t)head_len + cases[i].body;
        char *bytes = malloc(len);
        memset(bytes, 'a', len);
        memcpy(bytes, head, (size_t)head_len);
        begin(&b);
        for (int f = 0; f < 24; f++) {
            struct timeval patience = {.tv_usec = 50000};
            fds[f] = dial(&b);
            setsockopt(fds[f], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            send_all(fds[f], bytes, len);
        }
        struct answer a = post(&b, "POST /v1/metrics", PROTOBUF, b.plain, b.plain_len);
        check_accepted(&a);
        long peak = peak_kib(b.pid);
        CHECK(CHECK_SANITIZED || peak < PEAK_MAX_KIB, "%s: %ld KiB", cases[i].what, peak);
        crowd_out(fds, 24);
        free(bytes);
        kill(b.pid, SIGTERM);
        const char *said = read_until(b.err, "");
        CHECK(said[0] == '\0' || strchr(said, '\n') == said + strlen(said) - 1,
              "%s: one line at most, got %s", cases[i].what, said);
        end(&b, SIGTERM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_connections_than_descriptors),
        cmocka_unit_test(test_accept_fails),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
