/* The headers of a reply, "Name: value" a line: what is read of them makes sense
 * together. */
#include "edge/reply.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct reply r = {0};
    const char *at = (const char *)bytes, *end = at + len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        char name[64];
        size_t n = colon != NULL ? (size_t)(colon - at) : sizeof name;
        if (n > 0 && n < sizeof name && memchr(at, '\0', n) == NULL) {
            memcpy(name, at, n);
            name[n] = '\0';
            reply_header(&r, name, colon + 1, (size_t)(stop - colon - 1));
        }
        at = stop + 1;
    }
    struct pop pop = reply_pop(&r);
    assert(pop.source != NULL && strlen(pop.metro) < sizeof pop.metro);
    assert(pop.family == POP_UNKNOWN || (r.foreign == NULL && !reply_is_copy(&r)));
    assert(r.date_s >= 0 && r.ref_s >= 0);
    return 0;
}
