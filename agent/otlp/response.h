/*
 * What a collector answers in its body: ExportMetricsServiceResponse or
 * ExportLogsServiceResponse (OTLP 1.x, "OTLP/HTTP Response"), which have the same field
 * numbers, or google.rpc.Status of a failure; in protobuf or in JSON. From outside, read
 * in bounded memory. Pure.
 *
 * The answer to protobuf has to be protobuf, with that Content-Type. Receivers of the
 * field are less strict: VictoriaMetrics, Prometheus and Loki answer with no body at all,
 * gateways in JSON, Go's net/http calls both "text/plain". So the body decides, unless
 * its type is that of a web page. What is neither empty nor such a message was not
 * written by an OTLP receiver: a sign-in page, a web server's greeting, another API.
 */
#ifndef EDGELAT_OTLP_RESPONSE_H
#define EDGELAT_OTLP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTLP_SAID_MAX 200

struct otlp_response {
    int64_t rejected; /* points or log records that were not taken; not negative */
    char message[OTLP_SAID_MAX]; /* printable ASCII in one line; "" is nothing */
};

/* `type`: Content-Type, as net/http.h has it. False: it is no response of OTLP. */
bool otlp_response_read(struct otlp_response *out, const char *type, const char *bytes,
                        size_t len);

/* The message of a Status, the title of a web page, or the text as it is. */
void otlp_failure_read(char out[OTLP_SAID_MAX], const char *bytes, size_t len);

/* A page of a portal, a proxy or a web server: HTML or XML, by its type or its start. */
bool otlp_response_is_page(const char *type, const char *bytes, size_t len);

#endif
