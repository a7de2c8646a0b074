/* A targets.csv of somebody's: what was read can be asked for, in every metro. */
#include "edge/workloads.h"

#include "data_file.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t said = 0;
    struct workloads w;
    char door[HOST_TEXT_MAX];
    struct datafile_source from = {"f", (const char *)bytes, len, count, &said};
    size_t problems = workloads_parse(&w, &from);
    assert(said <= problems && said <= DATAFILE_PROBLEMS_MAX);
    for (size_t i = 0; i < w.n; i++) {
        const struct workload *one = &w.all[i];
        assert(one->name[0] != '\0' && one->host[0] != '\0' && one->path[0] == '/');
        if (one->by_metro[0] != '\0')
            assert(strstr(workload_door(door, one, "QXQ"), "qxq") != NULL);
    }
    workloads_free(&w);
    return 0;
}
