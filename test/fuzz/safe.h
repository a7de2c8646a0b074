/* Text that is safe to show in one line of a terminal, as glibc judges it. */
#ifndef EDGELAT_TEST_FUZZ_SAFE_H
#define EDGELAT_TEST_FUZZ_SAFE_H

#include <assert.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static inline void assert_safe(const char *text)
{
    static locale_t utf8;
    if (utf8 == NULL)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    assert(utf8 != NULL);
    locale_t before = uselocale(utf8);
    mbstate_t state = {0};
    wchar_t wide;
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = mbrtowc(&wide, text, left, &state);
        assert(n > 0 && n <= left && !iswcntrl((wint_t)wide));
        assert((wide < 0x202a || wide > 0x202e) && (wide < 0x2066 || wide > 0x2069));
    }
    uselocale(before);
}

#endif
