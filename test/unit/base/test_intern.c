#include "base/intern.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

static void equal_texts_are_one(void **state)
{
    (void)state;
    enum { TEXTS = 500 };
    const char *first[TEXTS];
    char text[16];
    for (int i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "%d", i * 7919 % TEXTS);
        first[i] = intern(text);
        CHECK_TEXT(text, first[i], "a copy");
    }
    for (int i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "%d", i * 7919 % TEXTS);
        CHECK(intern(text) == first[i], "%s again", text);
    }
    CHECK(intern("") == intern(""), "none");
    CHECK_TEXT("", intern_text(NULL), "NULL is none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
