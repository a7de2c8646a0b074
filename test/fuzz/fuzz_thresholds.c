/* A thresholds.csv of somebody's: what was read gives points and limits that make sense.
 */
#include "edge/thresholds.h"

#include "data_file.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const services[] = {"exchange", "teams", "sharepoint"};
    size_t said = 0;
    struct thresholds t;
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = thresholds_parse(&t, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < t.n; i++) {
        double points = thresholds_points(&t, t.all[i].measure, t.all[i].value);
        assert(isnan(points) || (points >= 0 && points <= 100));
    }
    for (size_t s = 0; s < sizeof services / sizeof *services; s++) {
        struct limits limits = {0};
        thresholds_limits(&t, services[s], &limits);
        assert(limits.delay_ns >= 0 && limits.variation_ns >= 0);
        assert(limits.loss_ratio >= 0 && limits.distance_km >= 0);
    }
    thresholds_free(&t);
    return 0;
}
