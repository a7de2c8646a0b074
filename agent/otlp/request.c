#include "otlp/request.h"

#include "otlp/gzip.h"
#include "otlp/names.h"

static void add_peering(struct builder *b, struct attributes *a, const struct peering *p)
{
    attribute_text_if(b, a, ATTR_PEERING_CONNECTION, p->connection);
    attribute_text_if(b, a, ATTR_PEERING_PROVIDER, p->provider);
    attribute_text_if(b, a, ATTR_PEERING_PRIMARY, p->primary);
    attribute_text_if(b, a, ATTR_PEERING_BACKUP, p->backup);
    attribute_text_if(b, a, ATTR_PEERING_PREFIXES, p->prefixes);
}

void otlp_request_make(struct otlp_request *out, struct builder *b,
                       const struct otlp_resource *r)
{
    struct attributes a = {.n = 0};
    attribute_text(b, &a, ATTR_SERVICE_NAME, "edgelat");
    attribute_text(b, &a, ATTR_SERVICE_VERSION, r->version);
    attribute_text(b, &a, ATTR_SERVICE_INSTANCE, r->instance_id);
    attribute_text(b, &a, ATTR_HOST_NAME, r->host_name);
    attribute_text_if(b, &a, ATTR_SITE, r->site);
    if (r->peering != NULL)
        add_peering(b, &a, r->peering);

    out->resource = (Otlp__Resource)OTLP__RESOURCE__INIT;
    attributes_attach(b, &a, &out->resource.base, 1);
    out->scope = (Otlp__InstrumentationScope)OTLP__INSTRUMENTATION_SCOPE__INIT;
    out->scope.name = (char *)"edgelat";
    out->scope.version = (char *)r->version;
}

struct packing {
    ProtobufCBuffer buffer; /* first: append() gets a pointer to it */
    struct gzip *gzip;
};

static void append(ProtobufCBuffer *buffer, size_t len, const uint8_t *bytes)
{
    struct packing *p = (struct packing *)buffer;
    gzip_add(p->gzip, bytes, len);
}

void *otlp_request_pack(const ProtobufCMessage *request, size_t *len)
{
    struct packing packing = {{append}, gzip_begin(false)};
    protobuf_c_message_pack_to_buffer(request, &packing.buffer);
    return gzip_end(packing.gzip, len);
}
