/* Text from outside on its way to a terminal: cut, cleaned, measured, and in tables. */
#include "base/fit.h"
#include "safe.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    char *out = malloc(len + 1), *printable = malloc(4 * len + 1);
    for (size_t room = 1; room <= len + 1; room += 1 + len / 8) {
        text_copy_line(out, room, text, len);
        assert_safe(out);
    }
    for (size_t columns = 0; columns < 20; columns += 7) {
        size_t n = fit_bytes(text, len, columns);
        assert(n <= len && fit_width(text, n) <= columns);
    }
    memcpy(out, text, len);
    out[len] = '\0';
    assert_safe(text_printable(printable, 4 * len + 1, out, NULL));
    text_visible(out);
    assert_safe(out);
    assert(strchr(out, ' ') == NULL);

    struct text whole = {0}, fitted = {0};
    text_add_bytes(&whole, text, strnlen(text, len));
    text_add(&whole, "\n");
    for (size_t columns = 0; columns <= 40; columns += 20) {
        text_clear(&fitted);
        fit_text(&fitted, text_string(&whole), columns);
        assert(fitted.len == 0 || fitted.bytes[fitted.len - 1] == '\n');
    }
    text_free(&whole);
    text_free(&fitted);
    free(printable);
    free(out);
    return 0;
}
