/* IPFIX and NetFlow v9: datagrams of one exporter, each after its length in two bytes. */
#include "traffic/ipfix.h"

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
    static struct ipfix x;
    size_t flows = 0;
    struct mono now = {NS_PER_S};
    memset(&x, 0, sizeof x);
    while (len >= 2) {
        size_t n = (size_t)bytes[0] << 8 | bytes[1];
        bytes += 2;
        len -= 2;
        n = n < len ? n : len;
        uint8_t *part = malloc(n); /* a buffer whose bounds are watched */
        if (n > 0)
            memcpy(part, bytes, n);
        int rc = ipfix_take(&x, part, n, now, check_flow, &flows);
        assert(rc == 0 || rc == -EBADMSG);
        free(part);
        bytes += n;
        len -= n;
        now.ns += 60 * NS_PER_S;
        assert(x.n_templates <= IPFIX_TEMPLATES_MAX &&
               x.n_samplers <= IPFIX_SAMPLERS_MAX);
    }
    assert(flows == x.counters.flows);
    ipfix_turn(&x, now);
    ipfix_free(&x);
    return 0;
}
