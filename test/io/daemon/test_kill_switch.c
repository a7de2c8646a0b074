/* The stop orders, and how they are stored in the state folder. */
#include "daemon/kill_switch.h"

#include "../../unit/cmd/folder.h"

struct bed {
    struct folder folder;
    struct config config;
    struct kill_switch kill_switch;
};

static void begin(struct bed *b)
{
    *b = (struct bed){.folder = folder_make(), .config = config_default()};
    snprintf(b->config.state_dir, FILE_TEXT_MAX, "%s", b->folder.path);
    snprintf(b->config.stop_file, FILE_TEXT_MAX, "%s/stop", b->folder.path);
    snprintf(b->config.collectors[0].url, URL_TEXT_MAX, "http://collector.example");
    kill_switch_begin(&b->kill_switch, &b->config);
}

static void end(struct bed *b)
{
    config_free(&b->config);
    folder_remove(&b->folder);
}

static void check(const struct bed *b, const char *expected, const char *what)
{
    const char *on = kill_switch_reason(&b->kill_switch);
    CHECK_TEXT(expected, on != NULL ? on : "go", what);
}

/* The stored order, "gone" if there is no file. */
static const char *remembered(const struct bed *b)
{
    static char text[256];
    char path[128];
    snprintf(path, sizeof path, "%s/stopped", b->folder.path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return "gone";
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void the_file(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    check(&b, "go", "nobody says stop");
    const char *path = folder_write(&b.folder, "stop", "");
    char text[512];
    snprintf(text, sizeof text, "%s exists", path);
    check(&b, "go", "it was not looked at");
    kill_switch_check(&b.kill_switch);
    check(&b, text, "it is there");
    kill_switch_collector(&b.kill_switch, PROBING_ALLOWED, "");
    check(&b, text, "the collector lifts only its own word");
    kill_switch_begin(&b.kill_switch, &b.config);
    check(&b, text, "an agent that starts looks at once");
    unlink(path);
    kill_switch_check(&b.kill_switch);
    check(&b, "go", "it is gone");
    CHECK_TEXT("gone", remembered(&b), "a file is not remembered");
    end(&b);
}

static void the_collector(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    kill_switch_collector(&b.kill_switch, PROBING_UNKNOWN, "");
    check(&b, "go", "it has said nothing");
    kill_switch_collector(&b.kill_switch, PROBING_STOPPED, "we move");
    check(&b, "by order of the collector: we move", "it says stop");
    CHECK_TEXT("we move\n", remembered(&b), "that is kept");
    kill_switch_begin(&b.kill_switch, &b.config);
    kill_switch_collector(&b.kill_switch, PROBING_UNKNOWN, "");
    check(&b, "by order of the collector: we move", "over a restart");
    kill_switch_collector(&b.kill_switch, PROBING_STOPPED, "");
    check(&b, "by order of the collector", "another reason, none");
    CHECK_TEXT("\n", remembered(&b), "is kept as well");
    kill_switch_collector(&b.kill_switch, PROBING_ALLOWED, "");
    check(&b, "go", "it is lifted");
    CHECK_TEXT("gone", remembered(&b), "and forgotten");
    kill_switch_begin(&b.kill_switch, &b.config);
    check(&b, "go", "over a restart");
    end(&b);
}

static void both(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    const char *path = folder_write(&b.folder, "stop", "");
    char text[512];
    snprintf(text, sizeof text, "%s exists, and by order of the collector: tea", path);
    kill_switch_check(&b.kill_switch);
    kill_switch_collector(&b.kill_switch, PROBING_STOPPED, "tea");
    check(&b, text, "both");
    unlink(path);
    kill_switch_check(&b.kill_switch);
    check(&b, "by order of the collector: tea", "one is left");
    end(&b);
}

static void what_is_not_remembered(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    folder_write(&b.folder, "stopped", "\x1b[2J\n");
    kill_switch_begin(&b.kill_switch, &b.config);
    check(&b, "by order of the collector", "what is no text is no reason");
    b.config.collectors[0].url[0] = '\0';
    kill_switch_begin(&b.kill_switch, &b.config);
    check(&b, "go", "without a collector nobody could lift it");
    snprintf(b.config.state_dir, FILE_TEXT_MAX, "%s/nowhere", b.folder.path);
    kill_switch_collector(&b.kill_switch, PROBING_STOPPED, "tea");
    check(&b, "by order of the collector: tea",
          "a state folder that is gone stops nothing");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file),
        cmocka_unit_test(the_collector),
        cmocka_unit_test(both),
        cmocka_unit_test(what_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
