#include "export/otlp_read.h"

#include "base/mem.h"

#include <stdlib.h>

enum { MALLOC_OVERHEAD = 16 }; /* millions of tiny pieces count as what they take */

static void *take(void *budget, size_t size)
{
    size_t *left = budget;
    if (size > *left || *left - size < MALLOC_OVERHEAD)
        return NULL;
    *left -= size + MALLOC_OVERHEAD;
    return mem_alloc(size);
}

static void give_back(void *budget, void *memory)
{
    (void)budget; /* what was taken once stays spent */
    free(memory);
}

static const ProtobufCMessageDescriptor *descriptor(enum signal signal)
{
    return signal == SIGNAL_LOGS ? &otlp__export_logs_service_request__descriptor
                                 : &otlp__export_metrics_service_request__descriptor;
}

ProtobufCMessage *otlp_read(enum signal signal, const void *bytes, size_t len)
{
    size_t left = OTLP_MEMORY_MAX;
    ProtobufCAllocator bounded = {
        .alloc = take, .free = give_back, .allocator_data = &left};
    if (len > OTLP_BYTES_MAX)
        return NULL;
    return protobuf_c_message_unpack(descriptor(signal), &bounded, len, bytes);
}

void otlp_read_free(ProtobufCMessage *request)
{
    ProtobufCAllocator a = {.alloc = take, .free = give_back};
    protobuf_c_message_free_unpacked(request, &a);
}
