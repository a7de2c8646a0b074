#include "probe/kinds.h"

#include "probe/dns/dns.h"
#include "probe/https/https.h"
#include "probe/icmp/icmp.h"
#include "probe/stun/stun.h"
#include "probe/tcp/tcp.h"

#include <assert.h>

const struct probe_kind *const probe_kinds[] = {&icmp_kind, &tcp_kind, &https_kind,
                                                &stun_kind, &dns_kind};
const size_t probe_kinds_count = sizeof probe_kinds / sizeof *probe_kinds;

static_assert(sizeof probe_kinds / sizeof *probe_kinds <= KINDS_MAX, "room for all");

const struct kinds *probe_kind_words(void)
{
    static struct kinds words;
    while (words.n < probe_kinds_count) {
        words.list[words.n] = &probe_kinds[words.n]->kind;
        words.n++;
    }
    return &words;
}
