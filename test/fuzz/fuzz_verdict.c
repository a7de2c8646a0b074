/* A collector's reply: two bytes of status, one for what was sent and how it comes, then
 * the body. */
#include "safe.h"
#include "ship/verdict.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 3)
        return 0;
    static const char *const types[] = {"", "application/x-protobuf", "application/json",
                                        "text/html"};
    static const char *const encodings[] = {"", "gzip", "deflate", "br"};
    struct http_reply reply = {
        .error = "",
        .status = 200 + (bytes[0] << 8 | bytes[1]) % 400,
        .body = (const char *)bytes + 3,
        .body_len = len - 3,
    };
    strcpy(reply.type, types[bytes[2] >> 2 & 3]);
    strcpy(reply.encoding, encodings[bytes[2] >> 4 & 3]);
    struct verdict v = verdict_of(&reply, bytes[2] % SIGNALS);
    assert(v.status == reply.status && v.rejected_points >= 0);
    assert(v.kind != VERDICT_ACCEPTED || reply.status < 300);
    assert(reply.status >= 300 || v.kind == VERDICT_ACCEPTED ||
           (v.kind == VERDICT_UNUSABLE && v.foreign));
    assert(!v.stop || (v.status == 403 && v.kind == VERDICT_AGAIN));
    assert(v.stop || v.reason[0] == '\0');
    assert_safe(v.reason);
    assert_safe(v.why);
    return 0;
}
