/* The status socket: clients answered and dropped, ownership of the file. */
#include "status/socket.h"

#include "../../unit/cmd/folder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    LIMIT_S = 10,
    SMALL = 100,
    LARGE = 2 << 20
}; /* LARGE: exceeds any socket buffer */

struct bed {
    struct folder folder;
    char path[128];
    uv_loop_t loop;
    struct status_socket *socket;
    size_t len; /* of an answer */
    unsigned asked;
};

static void on_ask(struct text *answer, void *user)
{
    struct bed *b = user;
    char *bytes = malloc(b->len);
    memset(bytes, 'a', b->len);
    text_add_bytes(answer, bytes, b->len);
    free(bytes);
    b->asked++;
}

static void begin(struct bed *b, size_t len)
{
    *b = (struct bed){.folder = folder_make(), .len = len};
    snprintf(b->path, sizeof b->path, "%s/status", b->folder.path);
    uv_loop_init(&b->loop);
}

static int create(struct bed *b)
{
    return status_socket_create(&b->socket, &b->loop, b->path, STATUS_ONCE, on_ask, b);
}

static void end(struct bed *b)
{
    status_socket_destroy(b->socket);
    CHECK(b->socket == NULL || access(b->path, F_OK) < 0, "its file is gone");
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    folder_remove(&b->folder);
}

static int ask(const struct bed *b)
{
    int fd = status_connect(b->path, NS_PER_S);
    CHECK(fd >= 0, "connected: %s", strerror(-fd));
    return fd;
}

/* Runs the loop until the agent closes; reads everything, or nothing. */
static size_t wait_for_end(struct bed *b, int fd, bool reads)
{
    static char piece[65536];
    struct pollfd poll_fd = {.fd = fd, .events = reads ? POLLIN : POLLRDHUP};
    uint64_t until = uv_hrtime() + LIMIT_S * NS_PER_S;
    size_t len = 0;
    for (;;) {
        CHECK(uv_hrtime() < until, "%d s and the agent has not hung up", LIMIT_S);
        uv_run(&b->loop, UV_RUN_NOWAIT);
        if (poll(&poll_fd, 1, 5) == 0)
            continue;
        if (!reads)
            return 0;
        ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return len;
        if (n > 0)
            len += (size_t)n;
    }
}

static void check_served(struct bed *b, const char *what)
{
    int fd = ask(b);
    CHECK_INT(b->len, wait_for_end(b, fd, true), what);
    close(fd);
}

static void each_is_answered(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bed b;
        struct stat is;
        begin(&b, i == 0 ? SMALL : LARGE);
        mode_t before = umask(077);
        CHECK_INT(0, create(&b), "created");
        umask(before);
        CHECK(stat(b.path, &is) == 0, "its file");
        CHECK_INT(0660, is.st_mode & 0777, "is for owner and group, by whatever umask");
        for (int n = 0; n < 3 * STATUS_CLIENTS_MAX; n++)
            check_served(&b, "a whole answer");
        CHECK_INT(3 * STATUS_CLIENTS_MAX, b.asked, "once for each");
        end(&b);
    }
}

static void nothing_is_read(void **state)
{
    (void)state;
    static char noise[65536];
    struct bed b;
    begin(&b, SMALL);
    CHECK_INT(0, create(&b), "created");
    int fd = ask(&b);
    CHECK(send(fd, noise, sizeof noise, MSG_DONTWAIT | MSG_NOSIGNAL) > 0, "noise");
    CHECK_INT(SMALL, wait_for_end(&b, fd, true), "answered nevertheless");
    close(fd);
    for (int i = 0; i < 20; i++) { /* clients that close before the answer */
        close(ask(&b));
        uv_run(&b.loop, UV_RUN_NOWAIT);
    }
    check_served(&b, "the next one is served");
    end(&b);
}

/* STATUS_CLIENTS_MAX are served at a time; on a slow machine some may have ended. */
static void check_places(const struct bed *b, const int *fds)
{
    unsigned over = 0, asked = b->asked;
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++) {
        struct pollfd poll_fd = {.fd = fds[i], .events = POLLRDHUP};
        over += poll(&poll_fd, 1, 0) == 1;
    }
    CHECK(asked <= STATUS_CLIENTS_MAX + over, "%u are served, %u are over", asked, over);
}

static void who_does_not_read_is_dropped(void **state)
{
    (void)state;
    struct bed b;
    int slow[STATUS_CLIENTS_MAX];
    begin(&b, LARGE);
    CHECK_INT(0, create(&b), "created");
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
        slow[i] = ask(&b);
    for (int i = 0; i < 100; i++)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    int next = ask(&b);
    uv_run(&b.loop, UV_RUN_NOWAIT);
    check_places(&b, slow);
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
        wait_for_end(&b, slow[i], false);
    CHECK_INT(LARGE, wait_for_end(&b, next, true), "then the waiting client");
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
        close(slow[i]);
    close(next);
    end(&b);
}

/* Reads what has come for it, in a turn of the loop. False: the agent has hung up. */
static bool take(struct bed *b, int fd, size_t *got)
{
    static char piece[65536];
    ssize_t n;
    uv_run(&b->loop, UV_RUN_NOWAIT);
    while ((n = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        *got += (size_t)n;
    return n < 0 && errno == EAGAIN;
}

/* A stream: who reads gets each answer, who does not is dropped at the next one, and its
 * place is free. */
static void a_stream_goes_on_without_who_does_not_read(void **state)
{
    (void)state;
    struct bed b;
    int slow[STATUS_CLIENTS_MAX - 1];
    size_t got = 0;
    begin(&b, LARGE);
    CHECK_INT(0,
              status_socket_create(&b.socket, &b.loop, b.path, STATUS_STREAM, on_ask, &b),
              "created");
    for (size_t i = 0; i < STATUS_CLIENTS_MAX - 1; i++)
        slow[i] = ask(&b);
    int quick = ask(&b);
    for (size_t answers = 1; answers <= 3; answers++) {
        while (got < answers * LARGE)
            CHECK(take(&b, quick, &got), "who reads is kept");
        status_socket_publish(b.socket);
    }
    for (size_t i = 0; i < STATUS_CLIENTS_MAX - 1; i++)
        wait_for_end(&b, slow[i], false);
    CHECK_INT(STATUS_CLIENTS_MAX - 1 + 4, b.asked, "no second answer for who is slow");
    int next = ask(&b);
    got = 0;
    while (got < LARGE)
        CHECK(take(&b, next, &got), "a place is free");
    close(quick); /* while it is written to */
    status_socket_publish(b.socket);
    for (size_t i = 0; i < STATUS_CLIENTS_MAX - 1; i++)
        close(slow[i]);
    close(next);
    end(&b);
}

static void it_ends_in_the_middle(void **state)
{
    (void)state;
    struct bed b;
    int fds[STATUS_CLIENTS_MAX + 1];
    begin(&b, LARGE);
    CHECK_INT(0, create(&b), "created");
    for (size_t i = 0; i <= STATUS_CLIENTS_MAX; i++)
        fds[i] = ask(&b);
    for (int i = 0; i < 100; i++)
        uv_run(&b.loop, UV_RUN_NOWAIT);
    check_places(&b, fds);
    end(&b);
    for (size_t i = 0; i <= STATUS_CLIENTS_MAX; i++)
        close(fds[i]);
}

/* Another process's socket at the path, alive until closed. */
static int another(const struct bed *b, int backlog)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    text_copy(a.sun_path, sizeof a.sun_path, b->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, backlog) == 0,
          "a listener");
    return fd;
}

static void a_living_agent_keeps_its_file(void **state)
{
    (void)state;
    struct bed b;
    struct status_socket *second = NULL;
    begin(&b, SMALL);
    CHECK_INT(0, create(&b), "created");
    CHECK_INT(-EADDRINUSE,
              status_socket_create(&second, &b.loop, b.path, STATUS_ONCE, on_ask, &b),
              "it is taken");
    check_served(&b, "the first one answers as before");
    status_socket_destroy(b.socket);
    b.socket = NULL;
    uv_run(&b.loop, UV_RUN_DEFAULT);

    int busy = another(&b, 0), waiting = ask(&b); /* the backlog is full */
    CHECK_INT(-EADDRINUSE, create(&b), "one that is busy lives as well");
    close(waiting);
    close(busy);
    CHECK_INT(0, create(&b), "it is dead now: its file is replaced");
    check_served(&b, "and ours answers");
    end(&b);
}

static void what_others_put_there_stays(void **state)
{
    (void)state;
    struct bed b;
    struct stat is;
    begin(&b, SMALL);
    CHECK_INT(0, create(&b), "created");
    unlink(b.path);
    folder_write(&b.folder, "status", "a file\n");
    status_socket_destroy(b.socket);
    b.socket = NULL;
    CHECK(stat(b.path, &is) == 0 && is.st_size == 7, "a file of somebody's");
    unlink(b.path);
    uv_run(&b.loop, UV_RUN_DEFAULT);

    CHECK_INT(0, create(&b), "created");
    unlink(b.path);
    int fd = another(&b, 1);
    status_socket_destroy(b.socket);
    b.socket = NULL;
    CHECK(stat(b.path, &is) == 0, "the socket of another agent");
    close(fd);
    end(&b);
}

static void where_it_cannot_be(void **state)
{
    (void)state;
    struct bed b;
    char link[128];
    struct stat is;
    begin(&b, SMALL);
    folder_write(&b.folder, "status", "a file\n");
    CHECK_INT(-EEXIST, create(&b), "a file of somebody's");
    CHECK(stat(b.path, &is) == 0 && is.st_size == 7, "is left as it is");
    unlink(b.path);
    snprintf(link, sizeof link, "%s/nowhere", b.folder.path);
    CHECK(symlink(link, b.path) == 0, "a link");
    CHECK_INT(-EEXIST, create(&b), "a link to nowhere");
    CHECK(lstat(b.path, &is) == 0, "is left as it is");
    unlink(b.path);
    snprintf(b.path, sizeof b.path, "%s/no/status", b.folder.path);
    CHECK_INT(-ENOENT, create(&b), "no such folder");
    memset(b.path, 'x', sizeof b.path - 1);
    CHECK_INT(-ENAMETOOLONG, create(&b), "longer than a socket's path may be");
    CHECK_INT(-ENAMETOOLONG, status_connect(b.path, NS_PER_S), "for who asks, too");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_answered),
        cmocka_unit_test(nothing_is_read),
        cmocka_unit_test(who_does_not_read_is_dropped),
        cmocka_unit_test(a_stream_goes_on_without_who_does_not_read),
        cmocka_unit_test(it_ends_in_the_middle),
        cmocka_unit_test(a_living_agent_keeps_its_file),
        cmocka_unit_test(what_others_put_there_stays),
        cmocka_unit_test(where_it_cannot_be),
    };
    signal(SIGPIPE, SIG_IGN); /* as `edgelat run` does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
