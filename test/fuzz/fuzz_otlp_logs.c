/* Log records that somebody posts to the receiver, or that lie in a file. */
#include "collector/records.h"
#include "otlp/metrics.h"
#include "otlp/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text text = {0};
    const char *why = NULL;
    int rc = otlp_to_json(SIGNAL_LOGS, bytes, len, &text, &why);
    if ((rc == 0) != (text.len > 0) || (rc == 0) != (why == NULL))
        __builtin_trap();

    ProtobufCMessage *request = otlp_read(SIGNAL_LOGS, bytes, len);
    if (request != NULL)
        records_render(&text, (const Otlp__ExportLogsServiceRequest *)request, true);
    otlp_read_free(request);
    text_free(&text);
    return 0;
}
