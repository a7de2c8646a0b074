/* sFlow: datagrams of one exporter, each after its length in two bytes. */
#include "traffic/sflow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_flow(const struct flow_record *f, void *user)
{
    size_t *flows = user;
    assert(f->from.family != FAMILY_NONE || f->to.family != FAMILY_NONE);
    assert(f->age_ns >= 0 && f->duration_ns >= 0 && f->sampling >= 0);
    ++*flows;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sflow x;
    size_t flows = 0;

    memset(&x, 0, sizeof x);
    while (len >= 2) {
        size_t n = (size_t)bytes[0] << 8 | bytes[1];
        bytes += 2;
        len -= 2;
        n = n < len ? n : len;
        uint8_t *part = malloc(n); /* a buffer whose bounds are watched */
        if (n > 0)
            memcpy(part, bytes, n);
        int rc = sflow_take(&x, part, n, check_flow, &flows);
        assert(rc == 0 || rc == -EBADMSG);
        free(part);
        bytes += n;
        len -= n;
    }
    assert(flows == x.counters.flows);

    return 0;
}
