/* Whatever somebody pastes, with and without tables, or calls the place of a site. */
#include "edge/location.h"
#include "edge/whereis.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char metros[] = "# edgelat metros 1\n"
                             "code,family,city,country,latitude,longitude\n"
                             "LON,front-door,London,UK,51,0\n"
                             "SG,front-door,Singapore,Singapore,1,103\n"
                             "PA,exchange-site,Paris,France,48,2\n";
static const char prefixes[] = "# edgelat prefixes 1\nprefix,service,basis\n"
                               "10.0.0.0/8,ten,published\n::/1,half,inferred\n";

static const char airports[] = "# edgelat airports 1\n"
                               "code,city,country,latitude,longitude\n"
                               "LHR,London,UK,51,0\nLYS,Lyon,France,45,5\n";
static const char suffixes[] = "# edgelat suffixes 1\nsuffix,verdict,service\n"
                               ".a-msedge.net,edge,front-door\n"
                               ".akamai.net,foreign,akamai\n"
                               ".office.com,either,office\n";

static void never(const char *text, void *user)
{
    (void)text;
    (void)user;
    abort();
}

static void parse_place(const struct catalogue *c, const uint8_t *bytes, size_t len)
{
    struct position at;
    struct text wrong = {0};
    char *text = strndup((const char *)bytes, len);
    if (location_parse(&at, c, text, &wrong))
        assert(fabs(at.latitude) <= 90 && fabs(at.longitude) <= 180 && wrong.len == 0);
    else
        assert(wrong.len > 0);
    text_free(&wrong);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct edge_data k = {.metros = {.n = 0}};
    struct whereis w;
    whereis(&w, &k, (const char *)bytes, len);
    assert(w.metro == NULL && w.kind != WHEREIS_METRO);

    catalogue_parse(&k.metros, &(struct datafile_source){"m", metros, sizeof metros - 1,
                                                         never, NULL});
    catalogue_parse_airports(
        &k.metros,
        &(struct datafile_source){"a", airports, sizeof airports - 1, never, NULL});
    prefixes_parse(&k.prefixes, &(struct datafile_source){
                                    "p", prefixes, sizeof prefixes - 1, never, NULL});
    suffixes_parse(&k.suffixes, &(struct datafile_source){
                                    "s", suffixes, sizeof suffixes - 1, never, NULL});
    whereis(&w, &k, (const char *)bytes, len);
    assert(whereis_kind_name(w.kind) != NULL);
    assert(strlen(w.basis) < sizeof w.basis);
    assert((w.metro == NULL && w.service == NULL && w.owner == OWNER_UNKNOWN) ||
           w.basis[0] != '\0');
    parse_place(&k.metros, bytes, len);
    edge_data_free(&k);
    return 0;
}
