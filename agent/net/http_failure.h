/*
 * What an ended transfer of libcurl means, in our words.
 */
#ifndef EDGELAT_NET_HTTP_FAILURE_H
#define EDGELAT_NET_HTTP_FAILURE_H

#include "net/http.h"

#include <curl/curl.h>

/* `host` is the peer's name, `details` what CURLOPT_ERRORBUFFER holds. One clause into
 * `out`;
 * "" for CURLE_OK. */
enum http_failure http_failure(char *out, size_t room, CURL *easy, CURLcode code,
                               const char *host, const char *details);

#endif
