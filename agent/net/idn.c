#include "net/idn.h"

#include "base/text.h"

#include <idn2.h>
#include <string.h>

static bool is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return *text == '\0';
}

bool idn_to_ascii(char *out, size_t room, const char *text, const char **why)
{
    uint8_t *ascii = NULL;
    char host[IDN2_DOMAIN_MAX_LENGTH * 4];
    size_t len = strcspn(text, ":"); /* an address is ASCII */
    *why = "longer than a host can be";
    if (is_ascii(text))
        return text_copy(out, room, text);
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    int rc = idn2_lookup_u8((const uint8_t *)host, &ascii,
                            IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    *why = idn2_strerror(rc);
    if (rc != IDN2_OK)
        return false;
    struct text whole = {0};
    text_add(&whole, "%s%s", (const char *)ascii, text + len);
    idn2_free(ascii);
    bool fits = text_copy(out, room, text_string(&whole));
    text_free(&whole);
    if (!fits)
        *why = "longer than a host can be";
    return fits;
}
