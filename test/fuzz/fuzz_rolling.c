/* The file `percentiles` of the state folder. The checksum at its end is made right, so
 * that the rest is read. What is accepted can be saved and loaded again. */
#include "../rolling_whole.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct wall now = {1795424400 * NS_PER_S};
    uint8_t *file = mem_alloc(len + 8);
    memcpy(file, bytes, len);
    uint64_t sum = rolling_checksum(file, len);
    for (int i = 0; i < 8; i++)
        file[len + (size_t)i] = (uint8_t)(sum >> (56 - 8 * i));
    struct rolling_set *l = rolling_set_create((struct mono){0});
    if (rolling_load_whole(l, now, file, len + 8)) {
        size_t again_len;
        void *again = rolling_whole(l, now, &again_len);
        struct rolling_set *m = rolling_set_create((struct mono){0});
        assert(rolling_set_bytes(l) <= ROLLING_BYTES_MAX + ROLLING_FILE_MAX);
        assert(rolling_load_whole(m, now, again, again_len));
        free(again);
        rolling_set_destroy(m);
    }
    rolling_set_destroy(l);
    free(file);
    return 0;
}
