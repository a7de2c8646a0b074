#include "net/hosts_file.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOSTS_FILE "/etc/hosts"
#define HOSTS_MAX  ((size_t)32 << 20) /* block lists are long */
#define SPACE      " \t\r\f\v"

static bool names_host(char *names, const char *host)
{
    char *rest;
    for (char *name = strtok_r(names, SPACE, &rest); name != NULL;
         name = strtok_r(NULL, SPACE, &rest))
        if (strcasecmp(name, host) == 0)
            return true;
    return false;
}

static bool has(const struct endpoint *all, size_t n, const struct endpoint *one)
{
    for (size_t i = 0; i < n; i++)
        if (endpoint_same_address(&all[i], one))
            return true;
    return false;
}

size_t hosts_text_find(char *text, const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most, bool *named)
{
    size_t n = 0;
    *named = false;
    for (char *line; n < most && (line = strsep(&text, "\n")) != NULL;) {
        char *names;
        line[strcspn(line, "#")] = '\0';
        char *address = strtok_r(line, SPACE, &names);
        if (address == NULL || !names_host(names, host) ||
            !endpoint_parse(&out[n], address, port))
            continue;
        *named = true;
        n += out[n].family == family && !has(out, n, &out[n]);
    }
    return n;
}

size_t hosts_file_find(const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most, bool *named)
{
    char *text;
    size_t len;
    *named = false;
    if (file_read(AT_FDCWD, HOSTS_FILE, FILE_SKIP_BOM, HOSTS_MAX, &text, &len) < 0)
        return 0;
    size_t n = hosts_text_find(text, host, family, port, out, most, named);
    free(text);
    return n;
}
