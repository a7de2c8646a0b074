/* What a DNS server answers: all of the message but its id, behind a byte that says what
 * was asked. */
#include "net/resolver_answer.h"
#include "safe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct resolution a = {0};
    if (len == 0)
        return 0;
    uint8_t *message = malloc(len + 1);
    message[0] = message[1] = 0;
    memcpy(message + 2, bytes + 1, len - 1);
    enum resolver_answer reply =
        bytes[0] & 4 ? resolver_answer_text(&a, message, len + 1)
        : bytes[0] & 2
            ? resolver_answer_name(&a, message, len + 1)
            : resolver_answer_read(&a, message, len + 1,
                                   bytes[0] & 1 ? FAMILY_IPV6 : FAMILY_IPV4, 443);
    free(message);
    assert(a.n <= RESOLUTION_ADDRESSES_MAX && a.n_cnames <= RESOLUTION_CNAMES_MAX);
    assert(a.n == 0 || reply == RESOLVER_FOUND);
    assert((reply == RESOLVER_FAILED || reply == RESOLVER_NO_NAME)
               ? a.error != NULL
               : a.error == NULL || a.n == 0);
    for (const char *c = a.last; *c != '\0'; c++)
        assert(*c > ' ' && *c <= '~');
    assert(a.n_texts <= RESOLUTION_TEXTS_MAX);
    for (size_t i = 0; i < a.n_texts; i++)
        assert_safe(a.texts[i]);
    for (size_t i = 0; i < a.n_cnames; i++)
        for (const char *c = a.cnames[i]; *c != '\0'; c++)
            assert(*c > ' ' && *c <= '~');
    return 0;
}
