/* An origins.csv of somebody's: the AS of each row is expected of its own prefix. */
#include "edge/origins.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct origins o;
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = origins_parse(&o, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX && o.n <= ORIGINS_MAX);
    for (size_t i = 0; i < o.n; i++) {
        const struct origin *row = &o.all[i];
        assert(row->as > 0);
        if (row->microsoft)
            assert(origins_are_microsofts(&o, row->as));
        else
            assert(origins_judge(&o, row->prefix.bytes, row->prefix.bits, row->as,
                                 false) == ORIGIN_EXPECTED);
    }
    origins_free(&o);
    return 0;
}
