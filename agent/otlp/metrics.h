/*
 * A batch as OTLP requests (protobuf), gzipped: the bytes that are spooled and sent.
 * Series become ExportMetricsServiceRequest, with names, types and units as in the
 * README, cumulative or as delta. Events become ExportLogsServiceRequest. Encoding is
 * a pure function of its arguments: the same batch gives the same bytes.
 */
#ifndef EDGELAT_OTLP_METRICS_H
#define EDGELAT_OTLP_METRICS_H

#include "base/text.h"
#include "core/batch.h"
#include "core/metric_choice.h"
#include "core/peering.h"
#include "otlp/signal.h"

#include <stddef.h>
#include <stdint.h>

struct otlp_resource {
    const char *instance_id;       /* service.instance.id, a UUID */
    const char *version;           /* service.version */
    const char *host_name;         /* host.name */
    const char *site;              /* edgelat.site, "" is none */
    const struct peering *peering; /* edgelat.peering.*, without empty ones; or NULL */
};

/*
 * The batch for POST /v1/metrics: one request, or several of whole series if one would
 * exceed OTLP_PART_MAX or OTLP_PART_PLAIN_MAX. The callee frees `bytes`.
 */
#define OTLP_PART_MAX       (1u << 20) /* gzipped */
#define OTLP_PART_PLAIN_MAX (4u << 20)
typedef void otlp_part_cb(void *bytes, size_t len, void *user);
void otlp_metrics(const struct batch *batch, const struct otlp_resource *resource,
                  const struct metric_choice *choice, otlp_part_cb *on_part, void *user);

/*
 * The same in two steps. The first encodes what may change before the second: all but the
 * series, paths and MTUs. The second, which may run in another thread, encodes those and
 * compresses piece by piece, so that it takes little memory; it frees the work. In between
 * the series of the batch and the texts of the resource must not change.
 */
struct otlp_work;
struct otlp_work *otlp_metrics_begin(const struct batch *batch,
                                     const struct otlp_resource *resource,
                                     const struct metric_choice *choice);
void otlp_metrics_end(struct otlp_work *w, otlp_part_cb *on_part, void *user);

/* The request for POST /v1/logs, for free(); NULL when the batch has no events. */
void *otlp_logs(const struct batch *batch, const struct otlp_resource *resource,
                size_t *len);

/*
 * A request, gzipped or plain, as OTLP/JSON, one line (field names and 64-bit integers as
 * the OTLP specification says). The signal shows in the bytes, as no record can be read as a
 * metric nor the reverse; `likely` decides for a request with neither. Returns 0 or
 * -EBADMSG with one plain clause in `*why` (static).
 */
int otlp_to_json(enum signal likely, const void *bytes, size_t len, struct text *out,
                 const char **why);

#define OTLP_BYTES_MAX                                                                   \
    (16u << 20) /* of one request, unpacked; a Collector takes 20 MiB */

#endif
