/*
 * edgelat-collect, which `edgelat collect` starts with its arguments.
 */
#include "base/log.h"
#include "base/privileges.h"
#include "base/start.h"
#include "cmd/cmd.h"
#include "collector/collect.h"

#include <string.h>

static const struct start_needs needs = {.descriptors = 16, .memory_bytes = 48 << 20};

static int perform(int argc, char **argv)
{
    struct text why = {0};
    int rc = start_has(&needs, &why) ? collect_run(argc, argv)
                                     : cmd_cannot("%s: %s", argv[0], text_string(&why));
    text_free(&why);
    return rc;
}

int main(int argc, char **argv)
{
    if (!start_program())
        return CMD_CANNOT;
    int rc = privileges_limit_calls();
    if (rc < 0)
        log_warn("receiver", "no filter for system calls: %s; going on without",
                 strerror(-rc));
    argv[0] = (char *)command_collect.name; /* in its messages */
    return cmd_finish(perform(argc, argv));
}
