/* A TXT record of the DNS zones that tell the AS of an address. */
#include "edge/as_origin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct endpoint addresses[] = {
        {.family = FAMILY_IPV4, .bytes = {13, 107, 6, 10}},
        {.family = FAMILY_IPV6, .bytes = {0x26, 0x03, 0x10, 0x06}},
    };
    char *text = malloc(len + 1);
    memcpy(text, bytes, len);
    text[len] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct as_origin o, all = {.n = 0};
        bool fine = as_origin_read(&o, text, &addresses[i]);
        assert(fine == (o.n > 0) && o.n <= AS_ORIGINS_MAX);
        assert(o.bits <= (i == 0 ? 32 : 128));
        for (size_t k = 0; k < o.n; k++)
            assert(o.as[k] != 0 && o.as[k] != UINT32_MAX);
        as_origin_add(&all, &o);
        as_origin_add(&all, &o);
        assert(all.n == o.n);
    }
    free(text);
    return 0;
}
