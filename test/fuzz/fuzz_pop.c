/* Names and reply headers of somebody else: "NAME: VALUE", or a name alone. */
#include "edge/pop.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct pop p;
    char text[POP_TEXT_MAX];
    char *name = malloc(len + 1);
    memcpy(name, bytes, len);
    name[len] = '\0';
    char *colon = memmem(name, len, ": ", 2);
    if (colon != NULL) {
        size_t value_len = len - (size_t)(colon - name) - 2;
        char *value = malloc(value_len + 1);
        memcpy(value, colon + 2, value_len);
        value = realloc(value, value_len + (value_len == 0)); /* no room behind it */
        *colon = '\0';
        if (pop_from_header(&p, name, value, value_len))
            assert(strlen(pop_text(text, &p)) >= 2);
        free(value);
    } else if (pop_from_router(&p, name) || pop_from_cname(&p, name) ||
               pop_from_front_end(&p, name)) {
        assert(strlen(pop_text(text, &p)) >= 2);
    }
    free(name);
    return 0;
}
