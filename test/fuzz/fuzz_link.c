/* Answers of rtnetlink(7) and of ethtool netlink about an interface. */
#include "net/link_message.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct link_state state;
    struct link_modes modes;
    int rc = link_read_state(bytes, len, &state);
    assert(rc <= 0 && memchr(state.name, '\0', sizeof state.name) != NULL);
    assert(rc < 0 || (state.index != 0 && state.name[0] != '\0'));
    link_read_family(bytes, len);
    link_read_modes(bytes, len, 21, &modes);
    assert(modes.mbit_s <= INT32_MAX);
    return 0;
}
