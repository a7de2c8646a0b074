/*
 * Reads the body of a collector's answer: ExportMetricsServiceResponse or
 * ExportLogsServiceResponse (OTLP 1.x, "OTLP/HTTP Response"), which have the same field
 * numbers, or google.rpc.Status of a failure; in protobuf or in JSON. Memory is
 * bounded. Pure.
 *
 * The answer to protobuf has to be protobuf, with that Content-Type. Receivers of the
 * field are less strict: VictoriaMetrics, Prometheus and Loki answer with no body at all,
 * gateways in JSON, Go's net/http calls both "text/plain". So the body decides, unless
 * its type is that of a web page. A body that is neither empty nor such a message does not
 * come from an OTLP receiver, but from a sign-in page, a web server or another API.
 */
#ifndef EDGELAT_OTLP_RESPONSE_H
#define EDGELAT_OTLP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTLP_MESSAGE_MAX 200

struct otlp_response {
    int64_t rejected;               /* points or log records that were rejected; >= 0 */
    char message[OTLP_MESSAGE_MAX]; /* one line, text_copy_line(); "": none */
};

/* `type`: Content-Type, as in net/http.h. False: not a response of OTLP. */
bool otlp_response_read(struct otlp_response *out, const char *type, const char *bytes,
                        size_t len);

/* The message of a Status, the title of a web page, or the text itself. */
void otlp_failure_read(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len);

/* Whether it is a web page (HTML, XML), by its type or its beginning. */
bool otlp_response_is_page(const char *type, const char *bytes, size_t len);

#endif
