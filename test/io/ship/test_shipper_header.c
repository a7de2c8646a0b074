/* The header that a collector asks for, of a file or of the environment. */
#include "ship/header_file.h"

#include "../../unit/cmd/capture.h"
#include "io/ship/shipper_bed.h"

static void header_file(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    struct bed *b = begin(answers, 1, 1);
    snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
             b->spool.folder.path);
    child_write(b->spool.folder.path, "token", "Authorization: Bearer one\n");
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "\r\nAuthorization: Bearer one\r\n") != NULL,
          "%s", b->peer.requests[0].head);
    child_write(b->spool.folder.path, "token.new",
                "\xEF\xBB\xBF"
                "Authorization: Bearer two\r\n"); /* as Windows writes it */
    char from[256];
    snprintf(from, sizeof from, "%s/token.new", b->spool.folder.path);
    CHECK_INT(0, rename(from, b->collector->header_file), "renewed");
    bed_add(&b->spool, 2);
    RUN_UNTIL(b, b->peer.n == 2 && waiting(b) == 0);
    CHECK(strstr(b->peer.requests[1].head, "\r\nAuthorization: Bearer two\r\n") != NULL,
          "%s", b->peer.requests[1].head);
    end(b);

    static const char *const wrong[] = {"", "no colon\n", "A: b\nC: d\n",
                                        "A: b\r\n\r\nGET"};
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        b = begin(answers, 1, 1);
        snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
                 b->spool.folder.path);
        if (i < sizeof wrong / sizeof *wrong) /* else there is no such file */
            child_write(b->spool.folder.path, "token", wrong[i]);
        start(b);
        run_for(b, 100);
        CHECK(counters(b).failed >= 1, "counts as an attempt");
        CHECK_INT(0, b->peer.n, "nothing is sent without it");
        CHECK_INT(1, waiting(b), "kept");
        child_write(b->spool.folder.path, "token", "A: b\n");
        RUN_UNTIL(b, waiting(b) == 0); /* soon: it bothered nobody */
        CHECK(strstr(b->peer.requests[0].head, "\r\nA: b\r\n") != NULL, "%s",
              b->peer.requests[0].head);
        end(b);
    }
}

static void header_of_the_environment(void **state)
{
    (void)state;
    static const struct answer answers[] = {OK};
    setenv(HEADER_VARIABLE, "Authorization: Bearer environment", 1);
    struct bed *b = begin(answers, 1, 1);
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "\r\nAuthorization: Bearer environment\r\n") !=
              NULL,
          "%s", b->peer.requests[0].head);
    end(b);

    b = begin(answers, 1, 1);
    snprintf(b->collector->header_file, sizeof b->collector->header_file, "%s/token",
             b->spool.folder.path);
    child_write(b->spool.folder.path, "token", "Authorization: Bearer file\n");
    start(b);
    RUN_UNTIL(b, waiting(b) == 0);
    CHECK(strstr(b->peer.requests[0].head, "Bearer file") != NULL, "a file wins: %s",
          b->peer.requests[0].head);
    end(b);

    setenv(HEADER_VARIABLE, "no colon", 1);
    b = begin(answers, 1, 1);
    start(b);
    run_for(b, 100);
    CHECK_INT(0, b->peer.n, "nothing is sent without it");
    CHECK_INT(1, waiting(b), "kept");
    end(b);
    unsetenv(HEADER_VARIABLE);
}

/* A collector that says in its answer what we sent: the log does not repeat it. */
static void secrets_do_not_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says, *logged;
    } cases[] = {
        {"Authorization: Bearer sesame-open-1234", "bad token: Bearer sesame-open-1234",
         "HTTP 401: bad token: Bearer ...;"},
        {"Authorization: Bearer sesame-open-1234", "sesame-open-12", "HTTP 401: ...;"},
        {"X-Key:sesame-open-1234", "no such key: sesame-open-1234!",
         "HTTP 401: no such key: ...;"},
        {"X-Key: tenant-17 sesame-open-1234", "is sesame-open-1234 of tenant-17?",
         "HTTP 401: is ...;"},
        {"X-Key: no", "no", "HTTP 401: no;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct capture said;
        char text[256];
        snprintf(text, sizeof text,
                 "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(cases[i].says), cases[i].says);
        const struct answer answers[] = {{text, 0}};
        setenv(HEADER_VARIABLE, cases[i].line, 1);
        struct bed *b = begin(answers, 1, 1);
        capture_begin(&said);
        start(b);
        RUN_UNTIL(b, counters(b).failed == 1);
        capture_end(&said);
        CHECK(strstr(said.err, "sesame") == NULL, "%s", said.err);
        CHECK(strstr(said.err, cases[i].logged) != NULL, "%s: %s", cases[i].says,
              said.err);
        end(b);
    }
    unsetenv(HEADER_VARIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_file),
        cmocka_unit_test(header_of_the_environment),
        cmocka_unit_test(secrets_do_not_come_back),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
