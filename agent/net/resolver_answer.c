#include "net/resolver_answer.h"

#include "base/text.h"
#include "net/socket.h"

#define ABSENT_TTL_S 60 /* c-ares does not say how long "no such address" holds */

void answer_error(struct resolution *a, int status)
{
    a->temporary = true;
    switch (status) {
    case ARES_ENODATA: /* the name is there, without an address of that family */
        a->temporary = false;
        a->ttl_s = ABSENT_TTL_S;
        return;
    case ARES_ENOTFOUND:
        a->error = "no such name";
        a->temporary = false;
        return;
    case ARES_EBADNAME:
        a->error = "not a name that DNS can hold";
        a->temporary = false;
        return;
    case ARES_ETIMEOUT:
        a->error = "no DNS server answered";
        return;
    case ARES_ECONNREFUSED: /* also after SERVFAIL or REFUSED of each */
        a->error = "no DNS server gave an answer: not reachable, failed or refused";
        return;
    case ARES_ESERVFAIL:
        a->error = "the DNS server failed (SERVFAIL)";
        return;
    case ARES_EREFUSED:
        a->error = "the DNS server refused the question";
        return;
    case ARES_EBADRESP:
    case ARES_EFORMERR:
        a->error = "the DNS server's answer makes no sense";
        return;
    default:
        a->error = ares_strerror(status);
    }
}

void answer_no_host(struct resolution *a)
{
    a->error = "its address is not that of one host (a filter that blocks the name?)";
    a->temporary = true;
}

/* More than 31 bits are none, RFC 2181 section 8. */
static void keep_ttl(struct resolution *a, int ttl)
{
    uint32_t ttl_s = ttl < 0 ? 0 : (uint32_t)ttl;
    if (ttl_s < a->ttl_s)
        a->ttl_s = ttl_s;
}

/* c-ares before 1.17.2 gives on the bytes of a name as they come. */
static void take_name(char out[HOST_TEXT_MAX], const char *name)
{
    text_copy(out, HOST_TEXT_MAX, name);
    text_visible(out);
}

void answer_take(struct resolution *a, const struct ares_addrinfo *info, uint16_t port)
{
    a->ttl_s = UINT32_MAX;
    for (const struct ares_addrinfo_cname *c = info->cnames; c != NULL; c = c->next) {
        keep_ttl(a, c->ttl);
        if (a->n_cnames < RESOLUTION_CNAMES_MAX && c->name != NULL)
            take_name(a->cnames[a->n_cnames++], c->name);
    }
    for (const struct ares_addrinfo_node *n = info->nodes; n != NULL; n = n->ai_next) {
        struct endpoint e = endpoint_of(n->ai_addr);
        e.port = port;
        keep_ttl(a, n->ai_ttl);
        if (a->n < RESOLUTION_ADDRESSES_MAX && endpoint_is_host(&e))
            a->addresses[a->n++] = e;
    }
    if (a->n == 0 && info->nodes != NULL)
        answer_no_host(a);
    else if (a->n == 0)
        answer_error(a, ARES_ENODATA);
}
