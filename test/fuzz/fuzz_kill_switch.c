/* What lies in the state folder as the word of a collector that said stop: whatever it
 * is, nothing is probed, and the reason is text. */
#include "daemon/kill_switch.h"

#include "base/text.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config config = {.state_dir = "/dev/shm/edgelat-fuzz-XXXXXX",
                               .collectors[0].url = "http://collector.example"};
static int folder = -1;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void end(void)
{
    unlinkat(folder, "stopped", 0);
    rmdir(config.state_dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct kill_switch kill_switch;
    if (folder < 0) {
        assert(mkdtemp(config.state_dir) != NULL);
        folder = open(config.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        atexit(end);
    }
    int fd = openat(folder, "stopped", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
    kill_switch_begin(&kill_switch, &config);
    assert(kill_switch.collector && kill_switch_reason(&kill_switch) != NULL);
    assert(text_wrong(kill_switch.reason, strlen(kill_switch.reason)) == NULL);
    return 0;
}
