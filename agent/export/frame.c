#include "export/frame.h"

#include "export/gzip.h"

static void add_peering(struct builder *b, struct attributes *a, const struct peering *p)
{
    attribute_text_if(b, a, "edgelat.peering.connection", p->connection);
    attribute_text_if(b, a, "edgelat.peering.provider", p->provider);
    attribute_text_if(b, a, "edgelat.peering.primary", p->primary);
    attribute_text_if(b, a, "edgelat.peering.backup", p->backup);
    attribute_text_if(b, a, "edgelat.peering.prefixes", p->prefixes);
}

void frame_make(struct frame *out, struct builder *b, const struct otlp_resource *r)
{
    struct attributes *a = &out->attributes;
    a->n = 0;
    attribute_text(b, a, "service.name", "edgelat");
    attribute_text(b, a, "service.version", r->version);
    attribute_text(b, a, "service.instance.id", r->instance_id);
    attribute_text(b, a, "host.name", r->host_name);
    attribute_text_if(b, a, "edgelat.site", r->site);
    if (r->peering != NULL)
        add_peering(b, a, r->peering);

    out->resource = (Otlp__Resource)OTLP__RESOURCE__INIT;
    out->resource.attributes = a->list;
    out->resource.n_attributes = a->n;
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
    gzip_add(((struct packing *)buffer)->gzip, bytes, len);
}

void *frame_pack(const ProtobufCMessage *request, size_t *len)
{
    struct packing packing = {{append}, gzip_begin()};
    protobuf_c_message_pack_to_buffer(request, &packing.buffer);
    return gzip_end(packing.gzip, len);
}
