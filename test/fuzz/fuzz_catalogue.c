/* A metros.csv of somebody's: what was read is found again, and belongs together. */
#include "edge/catalogue.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct catalogue c;
    struct near_metro out[8];
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = catalogue_parse(&c, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < c.n; i++) {
        const struct metro *m = &c.metros[i];
        assert(catalogue_find(&c, m->code, m->family) == m);
    }
    catalogue_parse_airports(&c, &from);
    if (c.n > 0) {
        assert(catalogue_nearest(&c, c.metros[c.n / 2].at, out, 8) > 0);
        assert(out[0].km == 0);
    }
    catalogue_free(&c);
    return 0;
}
