#include "net/stamps.h"

#include <stdbool.h>

/* Whether both stamps are there and make sense. */
static bool good(int64_t sent, int64_t received, int64_t bound)
{
    return sent > 0 && received > 0 && received >= sent && received - sent <= bound;
}

void stamps_add(struct stamps *all, struct stamps more)
{
    if (more.software_ns != 0)
        all->software_ns = more.software_ns;
    if (more.hardware_ns != 0)
        all->hardware_ns = more.hardware_ns;
}

int64_t stamps_user_delay(struct mono sent, struct mono read, struct wall read_wall,
                          int64_t received_ns)
{
    int64_t waited_ns = received_ns > 0 ? read_wall.ns - received_ns : 0;
    int64_t delay = read.ns - sent.ns;
    return waited_ns > 0 && waited_ns < delay ? delay - waited_ns : delay;
}

int64_t stamps_delay(int64_t user_ns, struct stamps sent, struct stamps received,
                     enum stamp_basis *basis)
{
    int64_t delay = user_ns;
    *basis = BASIS_USER;
    if (good(sent.software_ns, received.software_ns, delay)) {
        delay = received.software_ns - sent.software_ns;
        *basis = BASIS_SOFTWARE;
    }
    if (good(sent.hardware_ns, received.hardware_ns, delay)) {
        delay = received.hardware_ns - sent.hardware_ns;
        *basis = BASIS_HARDWARE;
    }
    return delay;
}
