/* Who may stop the agent, and what is remembered of that in the state folder. */
#include "daemon/kill_switch.h"

#include "../../unit/cmd/folder.h"

struct bed {
    struct folder folder;
    struct config config;
    struct brake brake;
};

static void begin(struct bed *b)
{
    *b = (struct bed){.folder = folder_make(), .config = config_default()};
    snprintf(b->config.state_dir, FILE_TEXT_MAX, "%s", b->folder.path);
    snprintf(b->config.stop_file, FILE_TEXT_MAX, "%s/stop", b->folder.path);
    snprintf(b->config.collectors[0].url, URL_TEXT_MAX, "http://collector.example");
    brake_begin(&b->brake, &b->config);
}

static void end(struct bed *b)
{
    config_free(&b->config);
    folder_remove(&b->folder);
}

static void check(const struct bed *b, const char *expected, const char *what)
{
    const char *on = brake_on(&b->brake);
    CHECK_TEXT(expected, on != NULL ? on : "go", what);
}

/* What is in the state folder, "gone" when it is not there. */
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
    snprintf(text, sizeof text, "%s is there", path);
    check(&b, "go", "it was not looked at");
    brake_look(&b.brake);
    check(&b, text, "it is there");
    brake_hear(&b.brake, PROBING_ALLOWED, "");
    check(&b, text, "the collector lifts only its own word");
    brake_begin(&b.brake, &b.config);
    check(&b, text, "an agent that starts looks at once");
    unlink(path);
    brake_look(&b.brake);
    check(&b, "go", "it is gone");
    CHECK_TEXT("gone", remembered(&b), "a file is not remembered");
    end(&b);
}

static void the_collector(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    brake_hear(&b.brake, PROBING_UNSAID, "");
    check(&b, "go", "it has said nothing");
    brake_hear(&b.brake, PROBING_STOPPED, "we move");
    check(&b, "the collector says so: we move", "it says stop");
    CHECK_TEXT("we move\n", remembered(&b), "that is kept");
    brake_begin(&b.brake, &b.config);
    brake_hear(&b.brake, PROBING_UNSAID, "");
    check(&b, "the collector says so: we move", "over a restart");
    brake_hear(&b.brake, PROBING_STOPPED, "");
    check(&b, "the collector says so", "another reason, none");
    CHECK_TEXT("\n", remembered(&b), "is kept as well");
    brake_hear(&b.brake, PROBING_ALLOWED, "");
    check(&b, "go", "it is lifted");
    CHECK_TEXT("gone", remembered(&b), "and forgotten");
    brake_begin(&b.brake, &b.config);
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
    snprintf(text, sizeof text, "%s is there, and the collector says so: tea", path);
    brake_look(&b.brake);
    brake_hear(&b.brake, PROBING_STOPPED, "tea");
    check(&b, text, "both");
    unlink(path);
    brake_look(&b.brake);
    check(&b, "the collector says so: tea", "one is left");
    end(&b);
}

static void what_is_not_remembered(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    folder_write(&b.folder, "stopped", "\x1b[2J\n");
    brake_begin(&b.brake, &b.config);
    check(&b, "the collector says so", "what is no text is no reason");
    b.config.collectors[0].url[0] = '\0';
    brake_begin(&b.brake, &b.config);
    check(&b, "go", "without a collector nobody could lift it");
    snprintf(b.config.state_dir, FILE_TEXT_MAX, "%s/nowhere", b.folder.path);
    brake_hear(&b.brake, PROBING_STOPPED, "tea");
    check(&b, "the collector says so: tea", "a state folder that is gone stops nothing");
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
