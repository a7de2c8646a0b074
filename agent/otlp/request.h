/*
 * The parts that OTLP requests of all signals have in common: the resource (this agent) and
 * the scope; and packing a request into the bytes that are sent.
 */
#ifndef EDGELAT_OTLP_REQUEST_H
#define EDGELAT_OTLP_REQUEST_H

#include "otlp/builder.h"
#include "otlp/metrics.h"

struct otlp_request { /* points into the builder's arena */
    Otlp__Resource resource;
    Otlp__InstrumentationScope scope;
};

void otlp_request_make(struct otlp_request *out, struct builder *b,
                       const struct otlp_resource *r);

/* The gzipped bytes of a whole request; free() them. */
void *otlp_request_pack(const ProtobufCMessage *request, size_t *len);

#endif
