/*
 * Writes batches of a simulated office (branch.h), as its agent would send them:
 *
 *     batches SEED FOLDER KEEP SCALE MINUTES...
 *
 * FOLDER/MINUTE.pb.gz for the last KEEP minutes up to each of MINUTES (ascending). SCALE is
 * that of the histograms (histogram_scale of the configuration).
 */
#include "branch.h"

#include "otlp/metrics.h"

static void write_part(void *bytes, size_t len, void *user)
{
    FILE *file = fopen(user, "a"); /* gzip members, so parts, may follow each other */
    if (file == NULL || fwrite(bytes, len, 1, file) != 1 || fclose(file) != 0)
        exit(2);
    free(bytes);
}

int main(int argc, char **argv)
{
    static struct branch b;
    char path[4096];
    const struct otlp_resource resource = {.instance_id =
                                               "00000000-0000-4000-8000-000000000001",
                                           .version = EDGELAT_VERSION,
                                           .host_name = "branch-1",
                                           .site = "site-1"};
    if (argc < 6)
        return 2;
    int keep = atoi(argv[3]);
    branch_begin(&b, strtoull(argv[1], NULL, 10), 5, 3,
                 (struct wall){1795424400 * NS_PER_S});
    series_set_scale(b.series, atoi(argv[4]));
    for (int minute = 1, next = 5; next < argc; minute++) {
        branch_minute(&b);
        snprintf(path, sizeof path, "%s/%05d.pb.gz", argv[2], minute);
        if (minute > atoi(argv[next]) - keep)
            otlp_metrics(&b.batch, &resource, &METRIC_CHOICE_DEFAULT, write_part, path);
        next += minute == atoi(argv[next]);
    }
    branch_end(&b);
    return 0;
}
