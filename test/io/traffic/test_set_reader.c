/*
 * The reader against a helper of the test on a socket: an answer in pieces, differences by service,
 * a helper that is not there, hangs up, is silent, sends an error, garbage or without end; each
 * problem once, and every handle is closed. test/lab/test_gateway.py has it with nftables.
 */
#include "traffic/set_reader.h"

#include "../../unit/cmd/folder.h"
#include "check.h"
#include "net/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct config config;
    struct edge_data data;
    struct set_reader *reader;
    struct folder folder;
    int listener;
};

static struct prefix list[] = {
    {.bits = 96 + 24, .service = "exchange", .bytes = {[10] = 0xff, 0xff, 13, 107, 6}}};

static void helper_listen(struct bed *b)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, b->config.traffic_counters);
    unlink(at.sun_path);
    b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK_INT(0, bind(b->listener, (struct sockaddr *)&at, sizeof at), "bound");
    CHECK_INT(0, listen(b->listener, 4), "the helper listens");
}

static void begin(struct bed *b)
{
    *b =
        (struct bed){.config = config_default(), .folder = folder_make(), .listener = -1};
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&b->loop);
    b->data.prefixes = (struct prefixes){.all = list, .n = 1};
    snprintf(b->config.traffic_counters, sizeof b->config.traffic_counters, "%s/counters",
             b->folder.path);
    b->reader = set_reader_create(&b->loop, &b->config, &b->data);
}

static void end(struct bed *b)
{
    set_reader_destroy(b->reader);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    if (b->listener >= 0)
        close(b->listener);
    folder_remove(&b->folder);
    config_free(&b->config);
}

static void turn(struct bed *b)
{
    uv_run(&b->loop, UV_RUN_NOWAIT);
    usleep(2000);
}

static int accept_one(struct bed *b)
{
    int fd = -1;
    for (int i = 0; i < 3000 && fd < 0; i++) {
        turn(b);
        fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    CHECK(fd >= 0, "the reader asks");
    return fd;
}

/* Answers the next question, in two pieces. */
static void answer(struct bed *b, const char *text)
{
    int fd = accept_one(b);
    size_t half = strlen(text) / 2;
    CHECK_INT(half, write(fd, text, half), "the first half");
    turn(b);
    CHECK_INT(strlen(text) - half, write(fd, text + half, strlen(text) - half),
              "the rest");
    close(fd);
    for (int i = 0; i < 10; i++)
        turn(b);
}

static const char *problem(struct bed *b)
{
    static char copy[512];
    struct text text = {0};
    size_t n = set_reader_problems(b->reader, &text);
    CHECK_INT(text.len > 0, n, "counted as one");
    snprintf(copy, sizeof copy, "%s", text_string(&text));
    text_free(&text);
    return copy;
}

static void wait_for_problem(struct bed *b, const char *what)
{
    for (int i = 0; i < 3000 && strstr(problem(b), what) == NULL; i++)
        turn(b);
    CHECK(strstr(problem(b), what) != NULL, "'%s' in '%s'", what, problem(b));
    CHECK(strncmp(problem(b), "traffic through this host is not counted: ", 42) == 0,
          "%s", problem(b));
}

static void differences(void **state)
{
    struct bed b;
    struct text text = {0};
    static struct self_value values[SET_READER_VALUES_MAX];
    (void)state;
    begin(&b);
    wait_for_problem(&b, "no such file or directory; start edgelat-traffic.service");
    helper_listen(&b);
    answer(&b, "transmit 13.107.6.0 1000\nreceive 13.107.6.0 5000\nend\n");
    CHECK_TEXT("", problem(&b), "it answers");
    answer(&b, "transmit 13.107.6.0 1600\nreceive 13.107.6.0 9000\nend\n");
    set_reader_flush(b.reader);
    const struct rates *r = set_reader_rates(b.reader);
    CHECK_INT(2, r->n, "both directions");
    for (size_t i = 0; i < r->n; i++)
        CHECK_INT(r->rows[i].direction == RATE_TRANSMIT ? 600 : 4000,
                  r->rows[i].total.bytes, "since the first answer");
    CHECK(set_reader_window(b.reader, false, values) > 0, "metrics");
    set_reader_text(b.reader, &text);
    CHECK(strstr(text_string(&text), "exchange, to: 0.0 MB forwarded") != NULL, "%s",
          text_string(&text));
    text_free(&text);
    end(&b);
}

static void bad_helpers(void **state)
{
    struct bed b;
    (void)state;
    begin(&b);
    helper_listen(&b);
    answer(&b, "error reading nftables needs root\n");
    CHECK_TEXT("traffic through this host is not counted: reading nftables needs root\n",
               problem(&b), "its own words");
    answer(&b, "\xff\xfe garbage\n");
    CHECK(strstr(problem(&b), "incomplete or of another version") != NULL, "%s",
          problem(&b));
    close(accept_one(&b)); /* hangs up */
    for (int i = 0; i < 10; i++)
        turn(&b);
    CHECK(strstr(problem(&b), "incomplete or of another version") != NULL, "%s",
          problem(&b));
    int silent = accept_one(&b);
    wait_for_problem(&b, "the helper does not answer; restart edgelat-traffic.service");
    close(silent);
    end(&b);
}

/* An answer without end: bounded by SET_ANSWER_MAX, and cut off. */
static void endless(void **state)
{
    static const char line[] = "transmit 13.107.6.0 1\n";
    struct bed b;
    size_t sent = 0;
    int idle = 0;
    (void)state;
    begin(&b);
    helper_listen(&b);
    int fd = accept_one(&b);
    while (idle < 200 && sent < 4 * (size_t)SET_ANSWER_MAX) {
        ssize_t n = write(fd, line, sizeof line - 1);
        if (n < 0 && errno != EAGAIN)
            break;
        sent += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        if (n <= 0)
            uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    CHECK(sent >= SET_ANSWER_MAX && sent < 2 * (size_t)SET_ANSWER_MAX, "%zu bytes taken",
          sent);
    CHECK(problem(&b)[0] != '\0', "a problem");
    close(fd);
    end(&b);
}

/* The agent ends while a question is under way. */
static void destroyed_in_between(void **state)
{
    struct bed b;
    (void)state;
    begin(&b);
    helper_listen(&b);
    int fd = accept_one(&b);
    end(&b);
    close(fd);
    set_reader_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences),
        cmocka_unit_test(bad_helpers),
        cmocka_unit_test(endless),
        cmocka_unit_test(destroyed_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
