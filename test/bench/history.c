/*
 * Writes the history of a simulated office with planted troubles (test/unit/report/planted.h)
 * as a state folder, and prints what was planted, a line each.
 *
 *     history FOLDER [-d DAYS] [-t TARGETS] [-w WINDOW_SECONDS] [-s SEED]
 *
 * Then: edgelat report --state FOLDER --since 7d -o page.html
 */
#include "unit/report/planted.h"

#include "spool/batch_file.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *folder;
    uint64_t files, bytes;
} written;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void write_batch(struct planted *o, enum signal signal, const void *bytes,
                        size_t len, void *user)
{
    char name[BATCH_FILE_NAME_MAX], path[4096];
    int64_t ns = planted_wall(o).ns;
    struct timespec times[2] = {{ns / NS_PER_S, ns % NS_PER_S},
                                {ns / NS_PER_S, ns % NS_PER_S}};
    (void)user;
    snprintf(path, sizeof path, "%s/history/%s", written.folder,
             batch_file_name(name, ++written.files, signal));
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, bytes, len) != (ssize_t)len || futimens(file, times) < 0)
        fail(path);
    close(file);
    written.bytes += len;
}

static const char *const trouble_names[] = {"uplink", "family",  "service",    "pop",
                                            "slow",   "loss",    "suboptimal", "off",
                                            "metre",  "gateway", "media"};

int main(int argc, char **argv)
{
    double days = 1;
    size_t targets = 5;
    int64_t window_s = 60;
    uint64_t seed = 1;
    for (int c; (c = getopt(argc, argv, "d:t:w:s:")) != -1;) {
        switch (c) {
        case 'd':
            days = strtod(optarg, NULL);
            break;
        case 't':
            targets = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            window_s = strtol(optarg, NULL, 10);
            break;
        case 's':
            seed = strtoul(optarg, NULL, 10);
            break;
        default:
            return 2;
        }
    }
    if (optind + 1 != argc || targets < 5 || targets >= PLANTED_TARGETS_MAX) {
        fprintf(stderr,
                "usage: history FOLDER [-d DAYS] [-t 5..31] [-w SECONDS] [-s SEED]\n");
        return 2;
    }
    written.folder = argv[optind];
    char path[4096];
    mkdir(written.folder, 0700);
    snprintf(path, sizeof path, "%s/history", written.folder);
    if (mkdir(path, 0700) < 0)
        fail(path);

    /* The troubles are in the last day. */
    double m = 1440 * (days - 1) > 0 ? 1440 * (days - 1) : 0;
    const struct trouble troubles[] = {
        {TROUBLE_UPLINK, m + 130.2, m + 148.2, PLANTED_ALL, FAMILY_NONE, NULL, 0},
        {TROUBLE_POP, m + 300, m + 480, 0, FAMILY_NONE, "FRA", 3},
        {TROUBLE_FAMILY, m + 600.5, m + 630.5, PLANTED_ALL, FAMILY_IPV6, NULL, 0},
        {TROUBLE_SLOW, m + 700, m + 748, 2, FAMILY_NONE, NULL, 7.3},
        {TROUBLE_SUBOPTIMAL, m + 800, m + 1040, 4, FAMILY_IPV4, "AMS", 0},
        {TROUBLE_SERVICE, m + 900.4, m + 912.4, 3, FAMILY_NONE, NULL, 0},
        {TROUBLE_METRE, m + 990, m + 1050, PLANTED_ALL, FAMILY_NONE, NULL, 0.08},
        {TROUBLE_MEDIA, m + 540, m + 580, 2, FAMILY_NONE, NULL, 0},
        {TROUBLE_OFF, m + 1100, m + 1125, PLANTED_ALL, FAMILY_NONE, NULL, 0},
    };
    struct planted o;
    int64_t now_ns = (int64_t)time(NULL) / 60 * 60 * NS_PER_S;
    planted_begin(&o, targets, now_ns - (int64_t)(days * 1440) * PLANTED_MINUTE_NS,
                  window_s * NS_PER_S, seed);
    planted_add_gateway(&o);
    o.media = 2;
    o.gains[4] = (struct edge_gain){.target = &o.targets[4], .family = FAMILY_IPV4};
    o.troubles = troubles;
    o.n_troubles = sizeof troubles / sizeof *troubles;
    planted_run(&o, days * 1440, write_batch, NULL);
    for (size_t i = 0; i < o.n_troubles; i++) {
        const struct trouble *t = &troubles[i];
        printf("%s %s %.0f %.0f %s %s %g\n", trouble_names[t->kind],
               t->target == PLANTED_ALL ? "all" : o.targets[t->target].name,
               (double)o.begin_ns / 1e9 + 60 * t->from_min,
               (double)o.begin_ns / 1e9 + 60 * t->to_min,
               t->family == FAMILY_NONE ? "-" : family_name(t->family),
               t->pop != NULL ? t->pop : "-", t->times);
    }
    fprintf(stderr, "%llu files, %.1f MB\n", (unsigned long long)written.files,
            (double)written.bytes / 1e6);
    planted_end(&o);
    return 0;
}
