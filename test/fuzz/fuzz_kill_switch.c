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
    struct brake brake;
    if (folder < 0) {
        assert(mkdtemp(config.state_dir) != NULL);
        folder = open(config.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        atexit(end);
    }
    int fd = openat(folder, "stopped", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
    brake_begin(&brake, &config);
    assert(brake.collector && brake_on(&brake) != NULL);
    assert(text_wrong(brake.reason, strlen(brake.reason)) == NULL);
    return 0;
}
