/* What lies in the state folder as the front doors of the last run: what is accepted is
 * written and read again as the same. */
#include "edge/kept_doors.h"

#include "core/result.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct kept_doors one, two;
    struct text first = {0}, second = {0};
    size_t line = kept_doors_read(&one, (const char *)bytes, len);
    assert(line <= len + 1 && one.n <= KEPT_DOORS_MAX && (line == 0 || one.n == 0));
    if (line == 0) {
        for (size_t i = 0; i < one.n; i++)
            assert(one.all[i].rtt_ns >= DELAY_UNDEFINED && one.all[i].host[0] != '\0');
        kept_doors_write(&first, &one);
        assert(kept_doors_read(&two, text_string(&first), first.len) == 0);
        kept_doors_write(&second, &two);
        assert(strcmp(text_string(&first), text_string(&second)) == 0);
        kept_doors_free(&two);
    }
    kept_doors_free(&one);
    text_free(&first);
    text_free(&second);
    return 0;
}
