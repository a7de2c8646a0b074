/*
 * How `edgelat collect` finds and starts edgelat-collect. This program is copied to where
 * edgelat would be, and runs the command there; a script is in place of the collector.
 */
#include "../net/child.h"
#include "cmd/cmd.h"

#include <limits.h>

static const char absent[] =
    "edgelat collect: the package edgelat-collect is not installed; "
    "apt install edgelat-collect (or dnf)\n";

static const struct {
    const char *what;
    const char *program, *collector; /* below the folder; "": no collector */
    const char *mode;                /* of the collector */
    int code;
    const char *said; /* with the folder's path in place of %s */
} cases[] = {
    {"a build", "build/edgelat", "build/edgelat-collect", "755", 7,
     "--listen 127.0.0.1:0 -q --stop  end\n"},
    {"a build below the build", "build/clang/edgelat", "build/clang/edgelat-collect",
     "755", 7, "--listen 127.0.0.1:0 -q --stop  end\n"},
    {"installed", "usr/bin/edgelat", "usr/libexec/edgelat/edgelat-collect", "755", 7,
     "--listen 127.0.0.1:0 -q --stop  end\n"},
    {"not installed", "usr/bin/edgelat", "", "", CMD_CANNOT, absent},
    {"not installed, elsewhere", "opt/edgelat", "usr/libexec/edgelat/edgelat-collect",
     "755", CMD_CANNOT, absent},
    {"a file in place of the folder", "usr/bin/edgelat", "usr/libexec/edgelat", "755",
     CMD_CANNOT, absent},
    {"no program", "usr/bin/edgelat", "usr/libexec/edgelat/edgelat-collect", "644",
     CMD_CANNOT,
     "edgelat: collect: cannot start %s/usr/bin/../libexec/edgelat/edgelat-collect: "
     "Permission denied\n"},
};

static void run_shell(const char *format, ...)
{
    char command[4 * PATH_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    child_run(command);
}

static void put_collector(const char *folder, size_t i)
{
    static const char script[] = "#!/bin/sh\\nprintf \"%s \" \"$@\"; echo end; exit 7\\n";
    if (cases[i].collector[0] != '\0')
        run_shell("f=%s/%s; mkdir -p ${f%%/*} && printf '%%b' '%s' >$f && chmod %s $f",
                  folder, cases[i].collector, script, cases[i].mode);
}

static void test_found_by_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[] = "/tmp/edgelat-collect.XXXXXX", line[PATH_MAX],
             said[PATH_MAX] = "", expected[PATH_MAX];
        CHECK(mkdtemp(folder) != NULL, "a folder");
        put_collector(folder, i);
        run_shell("p=%s/%s; mkdir -p ${p%%/*} && cp /proc/%d/exe $p", folder,
                  cases[i].program, (int)getpid());
        snprintf(line, sizeof line,
                 "%s/%s collect --listen 127.0.0.1:0 -q --stop '' 2>&1", folder,
                 cases[i].program);
        FILE *output = popen(line, "r");
        said[fread(said, 1, sizeof said - 1, output)] = '\0';
        int status = pclose(output);
        snprintf(expected, sizeof expected, cases[i].said, folder);
        CHECK_TEXT(expected, said, cases[i].what);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == cases[i].code,
              "%s: exit code %d", cases[i].what, WEXITSTATUS(status));
        run_shell("rm -r %s", folder);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_place),
    };
    if (argc > 1)
        return command_collect.run(argc - 1, argv + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
