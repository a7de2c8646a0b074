/* Whatever somebody pastes, with and without tables. */
#include "edge/whereis.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char metros[] = "# edgelat metros 1\n"
                             "code,family,city,country,latitude,longitude\n"
                             "LON,front-door,London,UK,51,0\n"
                             "SG,front-door,Singapore,Singapore,1,103\n";
static const char prefixes[] = "# edgelat prefixes 1\nprefix,service,basis\n"
                               "10.0.0.0/8,ten,published\n::/1,half,inferred\n";

static void never(const char *text, void *user)
{
    (void)text;
    (void)user;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct catalogue c = {0};
    struct prefixes p = {0};
    struct whereis w;
    whereis(&w, &c, &p, (const char *)bytes, len);
    assert(w.metro == NULL && w.kind != WHEREIS_METRO);

    catalogue_parse(
        &c, &(struct datafile_source){"m", metros, sizeof metros - 1, never, NULL});
    prefixes_parse(
        &p, &(struct datafile_source){"p", prefixes, sizeof prefixes - 1, never, NULL});
    whereis(&w, &c, &p, (const char *)bytes, len);
    assert(whereis_kind_name(w.kind) != NULL);
    assert(strlen(w.basis) < sizeof w.basis);
    assert((w.metro == NULL && w.service == NULL) || w.basis[0] != '\0');
    catalogue_free(&c);
    prefixes_free(&p);
    return 0;
}
