/* Questions to ModemManager over a real bus (dbus-daemon), answered by modem_service.py. */
#include "net/modem.h"

#include "base/privileges.h"
#include "child.h"

#include <math.h>
#include <stdlib.h>

/* LeakSanitizer stops other threads by ptrace(), which the filter forbids. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct child_folder folder;
static char address[128], log_path[128];
static pid_t bus_pid, service_pid;

static void wait_for_line(const char *path, const char *line)
{
    for (int i = 0; i < 1000; i++) {
        char text[256] = "";
        FILE *f = fopen(path, "r");
        if (f != NULL) {
            size_t n = fread(text, 1, sizeof text - 1, f);
            text[n] = '\0';
            fclose(f);
        }
        if (strstr(text, line) != NULL)
            return;
        usleep(10000);
    }
    fail_msg("%s does not come", line);
}

static int begin(void **state)
{
    (void)state;
    char option[160];
    child_folder(&folder);
    snprintf(address, sizeof address, "unix:path=%s/bus", folder.path);
    snprintf(option, sizeof option, "--address=%s", address);
    snprintf(log_path, sizeof log_path, "%s/bus.log", folder.path);
    const char *const argv[] = {"dbus-daemon",     "--session", "--nofork",
                                "--print-address", option,      NULL};
    bus_pid = child_start(argv, log_path);
    wait_for_line(log_path, "unix:");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    child_end(bus_pid);
    child_folder_remove(&folder);
    return 0;
}

static void serve(const char *what)
{
    char log[192];
    snprintf(log, sizeof log, "%s/%s.log", folder.path, what);
    unlink(log); /* of an earlier one */
    const char *const argv[] = {"test/io/net/modem_service.py", address, what, NULL};
    service_pid = child_start(argv, log);
    wait_for_line(log, "ready");
}

static void reads_the_modem(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool found;
        const char *radio;
        int quality;
        double rsrp_dbm, snr_db;
    } cases[] = {
        {"lte", true, "LTE", 67, -98, 9.4},
        {"5g", true, "5G", 81, -87, 17},
        {"not-set-up", true, "3G", 40, NAN, NAN},
        {"two", true, "LTE", 67, -98, 9.4},
        {"many", true, "LTE", 67, -98, 9.4},
        {"none", false, "", -1, NAN, NAN},
        {"wrong-types", false, "", -1, NAN, NAN},
        {"odd-values", true, "5G", -1, NAN, NAN},
        {"other-answer", false, "", -1, NAN, NAN},
        {"silent", false, "", -1, NAN, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        serve(cases[i].what);
        struct modem_link m = modem_read("wwan0");
        child_end(service_pid);
        CHECK(m.found == cases[i].found, "%s: found", cases[i].what);
        CHECK_TEXT(cases[i].radio, m.radio, cases[i].what);
        CHECK_INT(cases[i].quality, m.quality, cases[i].what);
        CHECK(m.rsrp_dbm == cases[i].rsrp_dbm ||
                  (isnan(m.rsrp_dbm) && isnan(cases[i].rsrp_dbm)),
              "%s: RSRP %f", cases[i].what, m.rsrp_dbm);
        CHECK(m.snr_db == cases[i].snr_db || (isnan(m.snr_db) && isnan(cases[i].snr_db)),
              "%s: SNR %f", cases[i].what, m.snr_db);
    }
}

static void nobody_answers(void **state)
{
    (void)state;
    CHECK(!modem_read("wwan0").found, "no ModemManager on the bus");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    CHECK(!modem_read("wwan0").found, "no bus");
    setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
    CHECK(!modem_has("lo"), "the loopback interface has no modem");
    CHECK(!modem_has("no-such-interface"), "nor has one that is not there");
}

static void under_the_agents_filter(void **state) /* the last: it stays */
{
    (void)state;
    serve("lte");
    CHECK_INT(0, privileges_limit_calls(), "the filter of system calls");
    CHECK(modem_read("wwan0").found, "no call that it needs is denied");
    child_end(service_pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_modem),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(under_the_agents_filter),
    };
    return cmocka_run_group_tests_name("net/modem", tests, begin, end);
}
