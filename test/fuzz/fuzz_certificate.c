/* A server's certificate in DER, as TLS hands it over: what we say of it. */
#include "net/tls.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_facts facts = {0};
    struct text text = {0};
    struct json json = json_to(&text);
    X509 *certificate = d2i_X509(NULL, &bytes, (long)len);
    if (certificate == NULL)
        return 0;
    tls_certificate_facts(&facts, certificate);
    assert(memchr(facts.issuer, '\0', sizeof facts.issuer) != NULL);
    json_string(&json, NULL, facts.issuer);
    assert(text_wrong(text_string(&text), text.len) == NULL);
    text_free(&text);
    X509_free(certificate);
    return 0;
}
