#include "traffic/flow_record.h"

static const struct {
    const char *name, *title;
} formats[FLOW_FORMATS] = {
    [FLOW_IPFIX] = {"ipfix", "IPFIX"},
    [FLOW_NETFLOW9] = {"netflow9", "NetFlow v9"},
    [FLOW_NETFLOW5] = {"netflow5", "NetFlow v5"},
    [FLOW_SFLOW] = {"sflow", "sFlow"},
};

const char *flow_format_name(enum flow_format format)
{
    return formats[format].name;
}

const char *flow_format_title(enum flow_format format)
{
    return formats[format].title;
}
