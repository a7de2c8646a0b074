#include "edge/as_path.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- from hops to networks ---- */

static size_t place_of(const struct as_path *p, uint32_t as)
{
    size_t i = 0;
    while (i < p->n && p->as[i] != as)
        i++;
    return i;
}

/* `gap`: a hop without a known AS is in front of it. False: no room. */
static bool add_as(struct as_path *p, uint32_t as, bool gap)
{
    size_t before = place_of(p, as);
    if (before + 1 == p->n) /* of the same network; p->n is not 0 then */
        return true;
    if (before < p->n) { /* again, behind others: those are doubtful */
        p->n = before + 1;
        p->doubtful = true;
        return true;
    }
    if (p->n == AS_PATH_MAX)
        return false;
    p->gap[p->n] = gap;
    p->as[p->n++] = as;
    return true;
}

static void end_path(struct as_path *p, bool gap)
{
    bool gaps = p->gap[p->n] = gap;
    for (size_t i = 0; i < p->n; i++)
        gaps = gaps || p->gap[i];
    p->state = !gaps && !p->doubtful ? AS_HOPS_EXACT
               : p->n > 0            ? AS_HOPS_AT_LEAST
                                     : AS_HOPS_UNKNOWN;
    p->hops = p->state == AS_HOPS_UNKNOWN ? 0 : p->n > 0 ? (uint8_t)p->n : 1;
}

struct as_path as_path_of_hops(const struct as_hop *hops, size_t n)
{
    struct as_path p = {.state = AS_HOPS_UNKNOWN};
    bool gap = false, room = true;
    size_t first = 0; /* of the first hop that is not the site's */
    for (size_t i = 0; i < n && hops[i].owner != AS_OF_MICROSOFT; i++)
        if (hops[i].owner == AS_OF_SITE)
            first = i + 1;
    for (size_t i = first; i < n; i++) {
        if (hops[i].owner == AS_OF_MICROSOFT) {
            end_path(&p, gap || !room);
            return p;
        }
        if (hops[i].as != 0)
            room = add_as(&p, hops[i].as, gap) && room;
        gap = hops[i].as == 0;
    }
    return p;
}

struct as_path as_path_of_route(const uint32_t *as, size_t n,
                                bool (*is_microsofts)(uint32_t as, const void *user),
                                const void *user)
{
    struct as_hop hops[2 * AS_PATH_MAX];
    size_t used = n < sizeof hops / sizeof *hops ? n : sizeof hops / sizeof *hops;
    for (size_t i = 0; i < used; i++)
        hops[i] = (struct as_hop){
            is_microsofts(as[i], user) ? AS_OF_MICROSOFT : AS_OF_OTHERS, as[i]};
    return as_path_of_hops(hops, used);
}

/* ---- as text ---- */

void as_path_text(struct text *out, const struct as_path *p)
{
    for (size_t i = 0; i < p->n; i++)
        text_add(out, "%sAS%u > ", p->gap[i] ? "? > " : "", p->as[i]);
    text_add(out, "%sAS%u", p->gap[p->n] ? "? > " : "", AS_MICROSOFT);
}

void as_path_clause(struct text *out, const struct as_path *p)
{
    if (p->state == AS_HOPS_UNKNOWN) {
        text_add(out, "cannot tell how many AS hops Microsoft's network is away");
        return;
    }
    text_add(out, "Microsoft's network is %s",
             p->state == AS_HOPS_AT_LEAST ? "at least " : "");
    if (p->hops == 1)
        text_add(out, "one AS hop away, ");
    else
        text_add(out, "%u AS hops away, ", p->hops);
    as_path_text(out, p);
}

/* ---- exchanges ---- */

static bool is_exchange_word(const char *word, size_t len)
{
    static const char *const whole[] = {"IX", "IXP", "LINX", "MIX", "INTERNET-EXCHANGE"};
    static const char *const ends[] = {"-IX", "-CIX", "-IXP"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (len == strlen(whole[i]) && strncasecmp(word, whole[i], len) == 0)
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (len > end && strncasecmp(word + len - end, ends[i], end) == 0)
            return true;
    }
    return false;
}

bool as_name_is_exchange(const char *name)
{
    if (strcasestr(name, "internet exchange") != NULL ||
        strcasestr(name, "exchange point") != NULL)
        return true;
    for (const char *at = name; *at != '\0';) {
        size_t len = 0;
        while (isalnum((unsigned char)at[len]) || at[len] == '-')
            len++;
        if (len > 0 && is_exchange_word(at, len))
            return true;
        at += len > 0 ? len : 1;
    }
    return false;
}
