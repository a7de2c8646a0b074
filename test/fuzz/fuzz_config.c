/* The configuration is written by an administrator, or by a tool that went wrong. */
#include "config/config.h"

#include "probe/kinds.h"

static void on_problem(const char *text, void *user)
{
    *(size_t *)user += text[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct config c = config_default();
    size_t said = 0;
    size_t problems = config_parse(&c, probe_kind_words(), "f", (const char *)bytes, len,
                                   on_problem, &said);
    problems += config_check(&c, probe_kind_words(), "f", on_problem, &said);
    if (problems != said)
        __builtin_trap();
    config_free(&c);
    return 0;
}
