#include "core/host_port.h"

#include "base/text.h"

#include <string.h>

bool host_is_name(const char *host)
{
    const char *label = host;
    for (;;) {
        size_t len = strspn(label, "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
        if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
            return false;
        bool last = label[len] == '\0' || strcmp(label + len, ".") == 0;
        if (last)
            return strspn(label, "0123456789") < len;
        if (label[len] != '.')
            return false;
        label += len + 1;
    }
}

/* Parses the rest after the host: nothing, or ':' and a port. */
static const char *take_port(struct host_port *out, const char *rest, enum host_use use)
{
    int64_t port = 0;
    if (*rest == '\0')
        return NULL;
    if (*rest != ':')
        return "after ']' comes ':' and a port, or nothing";
    if (rest[1] == '\0')
        return "the port is missing after ':'";
    if (!text_to_integer(rest + 1, use == HOST_LISTEN ? 0 : 1, UINT16_MAX, &port))
        return use == HOST_LISTEN ? "the port is a number from 0 to 65535"
                                  : "the port is a number from 1 to 65535";
    out->has_port = true;
    out->port = (uint16_t)port;
    return NULL;
}

static bool take_host(struct host_port *out, const char *host, size_t len)
{
    if (len >= sizeof out->host)
        return false;
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    out->family = endpoint_literal(out->host);
    return true;
}

static const char *parse_brackets(struct host_port *out, const char *text,
                                  enum host_use use)
{
    size_t len = strcspn(text + 1, "]");
    if (text[1 + len] == '\0')
        return "the ']' is missing";
    if (!take_host(out, text + 1, len) || out->family != FAMILY_IPV6)
        return "brackets are for an IPv6 address";
    return take_port(out, text + 1 + len + 1, use);
}

const char *host_port_parse(struct host_port *out, const char *text, enum host_use use)
{
    *out = (struct host_port){.family = FAMILY_NONE};
    if (text[0] == '[')
        return parse_brackets(out, text, use);
    size_t len = strcspn(text, ":");
    if (text[len] == ':' && strchr(text + len + 1, ':') != NULL)
        return take_host(out, text, strlen(text)) && out->family == FAMILY_IPV6
                   ? NULL
                   : "not an IPv6 address; one with a port is written [ADDRESS]:PORT";
    if (len == 0 && (use != HOST_LISTEN || text[0] == '\0'))
        return "there is no host";
    if (!take_host(out, text, len) ||
        (len > 0 && out->family == FAMILY_NONE && !host_is_name(out->host)))
        return "not a host name or an address; an international name is written in its "
               "xn-- form";
    return take_port(out, text + len, use);
}

const char *host_port_parse_url(struct host_port *out, const char *authority, size_t len)
{
    char text[HOST_TEXT_MAX + sizeof ":65535"];
    if (len >= sizeof text)
        return "longer than a host can be";
    memcpy(text, authority, len);
    text[len] = '\0';
    char *escaped = strstr(text, "%25");
    if (escaped != NULL)
        memmove(escaped + 1, escaped + 3, strlen(escaped + 3) + 1);
    const char *why = host_port_parse(out, text, HOST_REMOTE);
    if (why == NULL && out->family == FAMILY_IPV6 && text[0] != '[')
        return "an IPv6 address in a URL is written in brackets";
    return why;
}
