#include "config/nsswitch.h"

#include <string.h>

#define SPACE " \t\r\f\v"

static bool is(const char *word, size_t len, const char *other)
{
    return strlen(other) == len && memcmp(word, other, len) == 0;
}

/* "[NOTFOUND=return]" is an action on the source before it; it may contain spaces. */
static bool first_other(const char *at, const char *end, char source[NSSWITCH_SOURCE_MAX])
{
    while (at < end) {
        at += strspn(at, SPACE);
        size_t len = *at == '[' ? strcspn(at, "]\n") + 1 : strcspn(at, SPACE "[\n#");
        if (at + len > end || len == 0)
            return false;
        if (*at != '[' && !is(at, len, "files") && !is(at, len, "dns") &&
            len < NSSWITCH_SOURCE_MAX) {
            memcpy(source, at, len);
            source[len] = '\0';
            return true;
        }
        at += len;
    }
    return false;
}

bool nsswitch_other_source(const char *text, char source[NSSWITCH_SOURCE_MAX])
{
    static const char key[] = "hosts:";
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n"), blank = strspn(line, SPACE);
        if (strncmp(line + blank, key, sizeof key - 1) == 0)
            return first_other(line + blank + sizeof key - 1,
                               line + blank + strcspn(line + blank, "\n#"), source);
        line += len + (line[len] == '\n');
    }
    return false;
}
