#include "probe/kinds.h"

#include "probe/https/https.h"
#include "probe/icmp/icmp.h"
#include "probe/tcp/tcp.h"

const struct probe_kind *const probe_kinds[] = {&icmp_kind, &tcp_kind, &https_kind};
const size_t probe_kinds_count = sizeof probe_kinds / sizeof *probe_kinds;

static const struct kinds words = {
    .list = {&icmp_kind.kind, &tcp_kind.kind, &https_kind.kind},
    .n = sizeof probe_kinds / sizeof *probe_kinds,
};

const struct kinds *probe_kind_words(void)
{
    return &words;
}
