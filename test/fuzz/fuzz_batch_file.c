/* A file in the spool or in the history: its name in the first line, then what it holds.
 */
#include "otlp/gzip.h"
#include "otlp/read.h"
#include "spool/batch_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNPACKED_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char name[256] = "", again[BATCH_FILE_NAME_MAX];
    uint64_t id;
    enum signal signal;
    const uint8_t *end = memchr(bytes, '\n', len);
    if (end == NULL || (size_t)(end - bytes) >= sizeof name)
        return 0;
    memcpy(name, bytes, (size_t)(end - bytes));
    if (!batch_file_named(name, &id, &signal))
        signal = SIGNAL_METRICS;
    else
        assert(strcmp(name, batch_file_name(again, id, signal)) == 0);

    size_t packed = len - (size_t)(end + 1 - bytes), plain;
    void *unpacked;
    int rc = gzip_unpack(end + 1, packed, UNPACKED_MAX, &unpacked, &plain);
    assert(rc == gzip_check(end + 1, packed, UNPACKED_MAX));
    assert(rc < 0 || plain <= UNPACKED_MAX);
    if (rc == 0)
        free(unpacked);
    otlp_read_time(signal, end + 1, packed);
    return 0;
}
