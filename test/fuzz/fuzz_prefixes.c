/* A prefixes.csv of somebody's: the first address of each prefix is found in it, or in
 * one that is longer. */
#include "edge/prefixes.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct prefixes p;
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = prefixes_parse(&p, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < p.n; i++) {
        struct endpoint e = {.family = FAMILY_IPV6};
        memcpy(e.bytes, p.all[i].bytes, 16);
        const struct prefix *found = prefixes_find(&p, &e);
        assert(found != NULL && found->bits >= p.all[i].bits);
        assert(memcmp(found->bytes, p.all[i].bytes, 16) == 0);
    }
    prefixes_free(&p);
    return 0;
}
