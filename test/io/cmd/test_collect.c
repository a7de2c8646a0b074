/* `edgelat collect`: finds and starts edgelat-collect, which takes a batch and ends as
 * asked. */
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

/* ---- where edgelat-collect may be ---- */

#define STARTED "--listen 127.0.0.1:0 -q --stop  end\n"
#define ABSENT                                                                           \
    "edgelat collect: the package edgelat-collect is not installed; "                    \
    "apt install edgelat-collect (or dnf)\n"

static const struct {
    const char *what;
    const char *program, *collector; /* below a folder; "": no collector */
    const char *mode;                /* of the collector, which is a script here */
    int code;
    const char *said; /* %s: the folder */
} places[] = {
    {"a build", "build/edgelat", "build/edgelat-collect", "755", 7, STARTED},
    {"a build below the build", "build/cfi/edgelat", "build/cfi/edgelat-collect", "755",
     7, STARTED},
    {"installed", "usr/bin/edgelat", "usr/libexec/edgelat/edgelat-collect", "755", 7,
     STARTED},
    {"not installed", "usr/bin/edgelat", "", "", CANNOT, ABSENT},
    {"not installed, another prefix", "opt/bin/edgelat",
     "usr/libexec/edgelat/edgelat-collect", "755", CANNOT, ABSENT},
    {"a file in place of the folder", "usr/bin/edgelat", "usr/libexec/edgelat", "755",
     CANNOT, ABSENT},
    {"not executable", "usr/bin/edgelat", "usr/libexec/edgelat/edgelat-collect", "644",
     CANNOT,
     "edgelat: collect: cannot start %s/usr/bin/../libexec/edgelat/edgelat-collect: "
     "Permission denied\n"},
};

__attribute__((format(printf, 1, 2))) static void run_shell(const char *format, ...)
{
    char command[4 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    child_run(command);
}

static void found_by_place(void **state)
{
    static const char script[] = "#!/bin/sh\\nprintf \"%s \" \"$@\"; echo end; exit 7\\n";
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char folder[] = "/tmp/edgelat-collect.XXXXXX", line[PATH_MAX],
             said[PATH_MAX] = "", expected[PATH_MAX];
        CHECK(mkdtemp(folder) != NULL, "a folder");
        if (places[i].collector[0] != '\0')
            run_shell(
                "f=%s/%s; mkdir -p ${f%%/*} && printf '%%b' '%s' >$f && chmod %s $f",
                folder, places[i].collector, script, places[i].mode);
        run_shell("p=%s/%s; mkdir -p ${p%%/*} && cp %s $p", folder, places[i].program,
                  program_path());
        snprintf(line, sizeof line,
                 "%s/%s collect --listen 127.0.0.1:0 -q --stop '' 2>&1", folder,
                 places[i].program);
        FILE *output = popen(line, "r");
        said[fread(said, 1, sizeof said - 1, output)] = '\0';
        int status = pclose(output);
        snprintf(expected, sizeof expected, places[i].said, folder);
        CHECK_TEXT(expected, said, places[i].what);
        CHECK_INT(places[i].code, WEXITSTATUS(status), places[i].what);
        run_shell("rm -r %s", folder);
    }
}

int main(void)
{
    /* LeakSanitizer stops other threads by ptrace(), which the filter forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_request_and_ends),
        cmocka_unit_test(usage),
        cmocka_unit_test(found_by_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
