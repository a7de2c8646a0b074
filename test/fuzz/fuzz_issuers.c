/* An issuers.csv of somebody's: each pattern, with a text in place of its '*', is an issuer
 * of its service. */
#include "edge/issuers.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct issuers s;
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = issuers_parse(&s, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char name[2 * ISSUER_TEXT_MAX];
        size_t n = 0;
        for (const char *c = s.all[i].pattern; *c != '\0'; c++) {
            name[n++] = *c;
            if (*c == '*')
                name[n++] = 'x';
        }
        name[n] = '\0';
        assert(s.all[i].service[0] != '\0' && n > 0);
        assert(!issuers_foreign(&s, s.all[i].service, name));
    }
    issuers_free(&s);
    return 0;
}
