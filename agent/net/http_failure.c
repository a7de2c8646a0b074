#include "net/http_failure.h"

#include "base/text.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Extracts "wrong version number" from "error:0A00010B:SSL routines::wrong version
 * number"; all of it where OpenSSL has no text, only "reason(104)". */
static const char *openssl_reason(const char *details)
{
    const char *colon = strrchr(details, ':');
    if (strstr(details, "SSL_ERROR_SYSCALL") != NULL || strstr(details, "eof") != NULL)
        return "the connection was closed";
    bool named = colon != NULL && strncmp(colon, ":reason(", 8) != 0;
    if (strncmp(details, "error:", 6) == 0 || strstr(details, " error:") != NULL)
        return named ? colon + 1 : details;
    return details;
}

/* Extracts the TLS alert sent by the peer: "certificate expired" from "...
 * error:0A000415:SSL routines::sslv3 alert certificate expired, errno 0". False: no
 * alert. */
static bool alert_of(char out[64], const char *details)
{
    static const char word[] = " alert ";
    const char *alert = strstr(details, word);
    text_copy(out, 64, alert != NULL ? alert + sizeof word - 1 : "");
    out[strcspn(out, ",")] = '\0';
    return alert != NULL;
}

static void describe_tls(char *out, size_t room, CURL *easy, CURLcode code,
                         const char *host, const char *details)
{
    char alert[64];
    long verdict = X509_V_OK;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (alert_of(alert, details))
        snprintf(out, room, "TLS handshake with %s failed: it says '%s'", host, alert);
    else if (code != CURLE_PEER_FAILED_VERIFICATION)
        snprintf(out, room, "TLS handshake with %s failed: %s", host,
                 openssl_reason(details));
    /* from OpenSSL; libcurl itself compares the name */
    else if (verdict > X509_V_ERR_UNSPECIFIED)
        snprintf(out, room, "certificate of %s is not trusted: %s", host,
                 X509_verify_cert_error_string(verdict));
    else if (strcmp(details, "SSL certificate verification failed") == 0)
        snprintf(out, room, /* the text of libcurl for one alert, before TLS 1.3 */
                 "TLS handshake with %s failed: it says 'certificate expired'", host);
    else
        snprintf(out, room, "certificate is not for %s", host);
}

static void describe_connect(char *out, size_t room, CURL *easy, const char *host,
                             const char *details)
{
    long error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    snprintf(out, room, "connection to %s failed: %s", host,
             error != 0 ? strerror((int)error) : details);
}

/* False: no proxy has refused the tunnel. */
static bool describe_refused_tunnel(char *out, size_t room, CURL *easy, const char *host)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status < 300)
        return false;
    snprintf(out, room, "the proxy for %s answered HTTP %ld", host, status);
    return true;
}

/* A header exceeds the limit of libcurl (one line) or nghttp2 (all headers), which
 * report this as out of memory or an internal error. False: no limit was reached. */
static bool describe_too_long(char *out, size_t room, CURL *easy, CURLcode code,
                              const char *host, const char *details)
{
    curl_off_t first_byte = 0;
    curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
    bool line = code == CURLE_OUT_OF_MEMORY && first_byte > 0;
    bool later = code != CURLE_OUT_OF_MEMORY &&
                 (strstr(details, "Out of memory") != NULL || /* in a trailer */
                  /* in an HTTP/2 header block */
                  strstr(details, "returned -902") != NULL ||
                  strstr(details, "response too large") != NULL); /* from a proxy */
    if (line || later)
        snprintf(out, room, "the reply of %s has a header line that is too long", host);
    return line || later;
}

/* Extracts "Flooding was detected" from "...: nghttp2_session_mem_recv() returned
 * -904:Flooding was detected". */
static const char *reason_of(const char *details)
{
    const char *number = strstr(details, "() returned -");
    const char *colon = number != NULL ? strchr(number, ':') : NULL;
    return colon != NULL ? colon + 1 : details;
}

enum http_failure http_failure(char *out, size_t room, CURL *easy, CURLcode code,
                               const char *host, const char *details)
{
    char alert[64];
    out[0] = '\0';
    if (details[0] == '\0')
        details = curl_easy_strerror(code);
    if (code != CURLE_OK && describe_too_long(out, room, easy, code, host, details))
        return HTTP_FAILED_REPLY;
    switch (code) {
    case CURLE_OK:
        return HTTP_OK;
    case CURLE_OPERATION_TIMEDOUT:
        snprintf(out, room, "no reply from %s in time", host);
        return HTTP_FAILED_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        snprintf(out, room, "%s", details); /* "Could not resolve host: NAME" */
        return HTTP_FAILED_CONNECT;
    case CURLE_COULDNT_CONNECT:
        describe_connect(out, room, easy, host, details);
        return HTTP_FAILED_CONNECT;
    case CURLE_PROXY:
        snprintf(out, room, "the proxy for %s failed: %s", host, details);
        return HTTP_FAILED_CONNECT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
        describe_tls(out, room, easy, code, host, details);
        return HTTP_FAILED_TLS;
    case CURLE_SSL_CERTPROBLEM: /* our own certificate or key */
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY:
        snprintf(out, room, "%s", details);
        return HTTP_FAILED_LOCAL;
    /* HTTP/0.9; the scheme of the URL was checked before */
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        snprintf(out, room, "what %s answered is not HTTP", host);
        return HTTP_FAILED_REPLY;
    case CURLE_GOT_NOTHING:
        snprintf(out, room, "%s closed the connection without a reply", host);
        return HTTP_FAILED_REPLY;
    case CURLE_PARTIAL_FILE:
        snprintf(out, room, "the reply of %s ended too early", host);
        return HTTP_FAILED_REPLY;
    default:
        if (describe_refused_tunnel(out, room, easy, host))
            return HTTP_FAILED_REPLY;
        if (alert_of(alert, details)) /* in TLS 1.3 the alert comes after the handshake */
            snprintf(out, room, "%s ended the connection: it says '%s'", host, alert);
        else
            snprintf(out, room, "no usable reply from %s: %s", host, reason_of(details));
        return HTTP_FAILED_REPLY;
    }
}
