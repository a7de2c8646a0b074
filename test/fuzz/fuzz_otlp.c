/* A spool file may be torn or foreign, and anybody can post to the receiver. */
#include "collector/table.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "otlp/read.h"
#include "otlp/split.h"
#include "probe/kinds.h"

#include <assert.h>
#include <stdlib.h>

/* What can be halved can be read, and so can its halves. */
static void halve(const void *plain, size_t len)
{
    struct otlp_half halves[2];
    size_t packed_len;
    void *packed = gzip_pack(plain, len, &packed_len);
    bool halved = otlp_split(SIGNAL_METRICS, packed, packed_len, halves);
    free(packed);
    for (int i = 0; halved && i < 2; i++) {
        assert(gzip_check(halves[i].bytes, halves[i].len, OTLP_BYTES_MAX) == 0);
        free(halves[i].bytes);
    }
}

static void show(const void *plain, size_t len)
{
    ProtobufCMessage *request = otlp_read(SIGNAL_METRICS, plain, len);
    struct text table = {0};
    halve(plain, len);
    if (request != NULL)
        table_render(&table, (const Otlp__ExportMetricsServiceRequest *)request, len,
                     probe_kind_words());
    otlp_read_free(request);
    text_free(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text json = {0};
    const char *why = NULL;
    int rc = otlp_to_json(SIGNAL_METRICS, bytes, len, &json, &why);
    if ((rc == 0) != (json.len > 0) || (rc == 0) != (why == NULL))
        __builtin_trap();
    text_free(&json);

    void *plain;
    size_t plain_len;
    if (!gzip_is(bytes, len)) {
        show(bytes, len);
    } else if (gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &plain_len) == 0) {
        show(plain, plain_len);
        free(plain);
    }
    return 0;
}
