/* The header that a collector asks for, of a file or of the environment. */
#include "export/header_file.h"

#include "io/export/shipper_bed.h"

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
    child_write(b->spool.folder.path, "token.new", "Authorization: Bearer two\n");
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
        CHECK_INT(1, counters(b).failed, "counts as an attempt");
        CHECK_INT(0, b->peer.n, "nothing is sent without it");
        CHECK_INT(1, waiting(b), "kept");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_file),
        cmocka_unit_test(header_of_the_environment),
    };
    return cmocka_run_group_tests(tests, without_proxies, NULL);
}
