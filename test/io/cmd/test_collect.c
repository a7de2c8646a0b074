/* `edgelat collect`: starts the program beside it, takes a batch, and ends as asked. */
#include "io/cmd/program.h"
#include "io/net/child.h"

enum { FINE, BAD, CANNOT };

/* The port that it says, within 10 s. */
static uint16_t port_of(const struct ran *r)
{
    static const char at[] = "127.0.0.1:";
    char said[1024];
    for (int i = 0; i < 1000; i++) {
        ssize_t n = pread(fileno(r->files[1]), said, sizeof said - 1, 0);
        said[n > 0 ? n : 0] = '\0';
        const char *found = strstr(said, at);
        if (found != NULL && strchr(found, '\n') != NULL)
            return (uint16_t)atoi(found + sizeof at - 1);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    fail_msg("10 s and no port in: %s", said);
    return 0;
}

/* An empty body is a request without metrics, which is a fine one. */
static void takes_a_request_and_ends(void **state)
{
    (void)state;
    static const char request[] =
        "POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n";
    static struct ran r;
    char answer[64] = "";
    program_start(&r, "", "collect --listen 127.0.0.1:0 --quiet");
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port_of(&r)),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(0, connect(fd, (struct sockaddr *)&a, sizeof a), "it listens");
    CHECK_INT(sizeof request - 1, write(fd, request, sizeof request - 1), "asked");
    CHECK(read(fd, answer, sizeof answer - 1) > 0, "it answers");
    CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0, "%s", answer);
    close(fd);
    kill(r.pid, SIGTERM);
    program_end(&r);
    CHECK_INT(FINE, r.code, r.err);
}

static void usage(void **state)
{
    (void)state;
    static struct ran r;
    program_run(&r, "", "collect");
    CHECK_INT(CANNOT, r.code, "--listen is missing");
    CHECK_HAS(r.err, "--listen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_request_and_ends),
        cmocka_unit_test(usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
