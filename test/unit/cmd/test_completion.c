#include "cmd/completion.h"

#include "check.h"

/* Their behaviour is tested in test/packages/test_completions. */
static void test_committed(void **state)
{
    (void)state;
    static const struct {
        const char *shell, *path;
    } files[] = {
        {"bash", "packaging/completions/edgelat"},
        {"zsh", "packaging/completions/_edgelat"},
        {"fish", "packaging/completions/edgelat.fish"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char bytes[1 << 15];
        struct text text = {0};
        FILE *file = fopen(files[i].path, "r");
        CHECK(file != NULL, "%s can be read; tests run in the top folder", files[i].path);
        bytes[fread(bytes, 1, sizeof bytes - 1, file)] = '\0';
        fclose(file);
        CHECK(completion_render(&text, files[i].shell), "%s", files[i].shell);
        CHECK(strcmp(bytes, text_string(&text)) == 0,
              "%s is not what the program makes; run: make completions", files[i].path);
        text_free(&text);
    }
}

static void test_other(void **state)
{
    (void)state;
    struct text text = {0};
    CHECK(!completion_render(&text, "csh"), "another shell");
    CHECK(!completion_render(&text, ""), "no name");
    CHECK_INT(0, text.len, "nothing is rendered");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed),
        cmocka_unit_test(test_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
