/* A suffixes.csv of somebody's: each suffix, as the end of a name, finds itself or a
 * longer one. */
#include "edge/suffixes.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct suffixes s;
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = suffixes_parse(&s, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char name[HOST_TEXT_MAX + 2];
        const struct suffix *one = &s.all[i];
        bool ends_so = one->text[0] == '.' || one->text[0] == '-';
        snprintf(name, sizeof name, "%s%s.", ends_so ? "X" : "", one->text);
        const struct suffix *found = suffixes_find(&s, name);
        assert(found != NULL && strlen(found->text) >= strlen(one->text));
        assert(one->service[0] != '\0');
    }
    suffixes_free(&s);
    return 0;
}
