/* What a validator sends. A message follows its length in two bytes; length 0: the
 * connection is opened anew, 0xffff: what is known is to be refreshed. */
#include "route/rtr.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct watch watch;

static void check_table(const struct rtr *r)
{
    assert(r->table.n <= RTR_VRPS_MAX && r->coming.n <= RTR_VRPS_MAX);
    assert(r->has_data || r->table.n == 0);
    for (size_t i = 0; i < r->table.n; i++) {
        const struct vrp *v = &r->table.all[i];
        assert(v->prefix.bits <= v->longest && v->longest <= 128);
        assert(watch_overlaps(&watch, &v->prefix));
        assert(rtr_validate(r, &v->prefix, v->as) == ORIGIN_VALID || v->as == 0);
        assert(rtr_validate(r, &v->prefix, 0) == ORIGIN_INVALID);
    }
}

static void take(struct rtr *r, const uint8_t *bytes, size_t len)
{
    uint8_t out[RTR_OUT_MAX], *part = malloc(len); /* a buffer whose bounds are watched */
    memcpy(part, bytes, len);
    ssize_t used = rtr_take(r, part, len);
    free(part);
    assert(used <= (ssize_t)len);
    assert(used >= 0 || used == -EAGAIN || (used == -EBADMSG && r->error != NULL));
    size_t n = rtr_output(r, out);
    assert(n <= sizeof out && (n == 0 || out[7] == n));
    check_table(r);
    if (used < 0)
        rtr_connected(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct rtr r;
    uint8_t out[RTR_OUT_MAX];
    struct prefixes none = {.n = 0};
    if (watch.n == 0)
        watch_build(&watch, "13.0.0.0/8 2603::/16", &none);
    rtr_begin(&r, &watch);
    rtr_connected(&r);
    rtr_output(&r, out);
    while (len >= 2) {
        size_t n = (size_t)bytes[0] << 8 | bytes[1];
        bytes += 2;
        len -= 2;
        if (n == 0) {
            rtr_closed(&r);
            rtr_connected(&r);
            rtr_output(&r, out);
        } else if (n == 0xffff) {
            rtr_refresh(&r);
            rtr_output(&r, out);
        } else {
            n = n < len ? n : len;
            take(&r, bytes, n);
            bytes += n;
            len -= n;
        }
    }
    rtr_expire(&r);
    check_table(&r);
    rtr_free(&r);
    return 0;
}
