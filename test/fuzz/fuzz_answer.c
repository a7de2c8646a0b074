/* What answers on the status socket: its parts lie inside of it, and are text. */
#include "status/answer.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct status_answer a;
    const char *all = (const char *)bytes;
    bool newer = answer_is_newer(all, len);
    if (!answer_read(&a, all, len))
        return 0;
    assert(!newer);
    assert(a.json > all && a.json + a.json_len == a.text);
    assert(a.text + a.text_len == all + len && (a.code == 0 || a.code == 1));
    for (size_t i = (size_t)(a.json - all); i < len; i++)
        assert((bytes[i] >= ' ' && bytes[i] != 0x7F) || bytes[i] == '\n' ||
               bytes[i] == '\t');
    return 0;
}
