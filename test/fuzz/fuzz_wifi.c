/* Answers of nl80211 about a Wi-Fi interface. */
#include "net/wifi_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct wifi_link link = {0};
    wifi_read_is_client(bytes, len, 32);
    wifi_read_access_point(bytes, len, 32, &link);
    assert(link.signal_dbm <= 0);
    assert(wifi_has_link(&link) || (link.frames == 0 && link.sent_bit_s == 0));
    return 0;
}
