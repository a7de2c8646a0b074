/*
 * Classifies and describes the result of a libcurl transfer.
 */
#ifndef EDGELAT_NET_HTTP_FAILURE_H
#define EDGELAT_NET_HTTP_FAILURE_H

#include "net/http.h"

#include <curl/curl.h>

/* `host`: name of the peer. `details`: content of CURLOPT_ERRORBUFFER. Writes one clause
 * into `out`; "" for CURLE_OK. */
enum http_failure http_failure(char *out, size_t room, CURL *easy, CURLcode code,
                               const char *host, const char *details);

#endif
