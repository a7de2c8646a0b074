/* Datagrams of a dump of nftables elements, and what the agent makes of the helper's text. The first
 * byte chooses: 0 is a datagram, the rest an answer. */
#include "traffic/set_counters.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take(const struct nft_element *element, void *user)
{
    assert(element->first.family == FAMILY_IPV4 || element->first.family == FAMILY_IPV6);
    set_counters_add(user, RATE_TRANSMIT, element);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct prefix all = {.bits = 0, .service = "all"};
    struct prefixes prefixes = {.all = &all, .n = 1};
    struct rates rates;
    struct text text = {0};
    char why[SET_ERROR_MAX];
    if (len == 0)
        return 0;
    rates_begin(&rates, (struct mono){0});
    struct set_counters c = {.prefixes = &prefixes, .rates = &rates};
    if (bytes[0] == 0) {
        nft_table_parse(bytes + 1, len - 1);
        nft_set_parse(bytes + 1, len - 1, take, &text);
        set_counters_end(&text);
        assert(set_counters_take(&c, text_string(&text), text.len, NS_PER_S, why));
    } else if (!set_counters_take(&c, (const char *)bytes + 1, len - 1, NS_PER_S, why)) {
        assert(strlen(why) > 0 || len > 1);
    }
    text_free(&text);
    rates_free(&rates);
    return 0;
}
