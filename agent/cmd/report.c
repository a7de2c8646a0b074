#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/page_file.h"
#include "core/time.h"
#include "net/clock.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "probe/kinds.h"
#include "report/page.h"
#include "spool/history.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_STATE = 256 };

static const struct cmd_option options[] = {
    {"since", 's', "DURATION",
     "period up to now: 90m, 24h, 7d (default 24h; with FILE all of the batches)"},
    {"output", 'o', "FILE", "output file; - is standard output", CMD_FILE,
     .required = true},
    LOAD_CONFIG_OPTION("configuration of the agent, for its state folder and limits"),
    {"state", OPT_STATE, "DIR", "state folder, in place of the configured one",
     CMD_FOLDER},
    {0},
};

#define SINCE_DEFAULT (24 * 3600 * NS_PER_S)
#define SINCE_MAX     (3650 * 86400 * NS_PER_S)

/* Metrics are read from this long before the period: counters need a first value, and a
 * window lasts up to 1 h. */
#define BEGINNING (5400 * NS_PER_S)

struct report {
    const char *output, *config_path, *state_dir; /* NULL: not given */
    int64_t since_ns;                             /* length of the period; 0: not given */
    struct config config;
    struct data data;
    struct dataset *dataset;
    size_t skipped, foreign;
};

/* ---- batches ---- */

/* Reports and counts a skipped batch; `name` is the file's. */
static void skip(struct report *r, const char *name, const char *why)
{
    r->skipped++;
    cmd_cannot("%s: skipped: %s", name, why);
}

static void add_plain(struct report *r, const char *name, enum signal likely,
                      const void *bytes, size_t len)
{
    int rc = dataset_add(r->dataset, likely, bytes, len);
    if (rc == -EBADMSG)
        rc = dataset_add(r->dataset, likely == SIGNAL_LOGS ? SIGNAL_METRICS : SIGNAL_LOGS,
                         bytes, len);
    if (rc == -EBADMSG)
        skip(r, name, "neither OTLP metrics nor logs");
    if (rc == -EXDEV) {
        r->foreign++;
        cmd_cannot("%s: skipped: batch of another agent than the first one", name);
    }
}

static void add_file(struct report *r, const char *path)
{
    size_t len, plain_len;
    void *plain;
    enum signal likely = signal_of_file(path);
    char *bytes = NULL;
    int rc = file_read(AT_FDCWD, path, FILE_INHERITED, OTLP_BYTES_MAX, &bytes, &len);
    if (rc < 0)
        skip(r, path, rc == -EFBIG ? "too large for a batch" : file_error(rc));
    else if (len == 0)
        skip(r, path, "empty file");
    else if (!gzip_is(bytes, len))
        add_plain(r, path, likely, bytes, len);
    else if (gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &plain_len) < 0)
        skip(r, path, "truncated or damaged gzip");
    else {
        add_plain(r, path, likely, plain, plain_len);
        free(plain);
    }
    free(bytes);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* By the file name, which begins with the batch number, in any folder. */
static int by_name(const void *a, const void *b)
{
    return strcmp(name_of(*(char *const *)a), name_of(*(char *const *)b));
}

static void add_files(struct report *r, char **paths, size_t n)
{
    qsort(paths, n, sizeof *paths, by_name);
    for (size_t i = 0; i < n; i++)
        add_file(r, paths[i]);
}

static int cannot_read(const char *dir, int error)
{
    if (error == EACCES || error == EPERM)
        return cmd_cannot("cannot read %s: permission denied; run this as root or as the "
                          "agent's user, for example sudo -u edgelat",
                          dir);
    return cmd_cannot(
        "no history in %s: %s; start the agent there, or give its state folder with "
        "--state",
        dir, strerror(error));
}

static int add_history(struct report *r, const char *dir)
{
    struct history_reader *reader;
    struct history_batch batch;
    const int64_t since_ns[SIGNALS] = {
        [SIGNAL_METRICS] = r->dataset->since_ns - BEGINNING,
        [SIGNAL_LOGS] = 0, /* what is still the case may have begun long ago */
    };
    int rc = history_read(&reader, dir, since_ns);
    if (rc < 0)
        return cannot_read(dir, -rc);
    r->dataset->any_agent = true; /* the state folder is of one agent */
    while (history_next(reader, &batch)) {
        char name[64];
        snprintf(name, sizeof name, "batch %llu", (unsigned long long)batch.id);
        add_plain(r, name, batch.signal, batch.bytes, batch.len);
        free(batch.bytes);
    }
    size_t torn = history_skipped(reader), unreadable = history_unreadable(reader, &rc);
    history_read_end(reader);
    r->skipped += torn + unreadable;
    if (torn > 0)
        cmd_cannot("%zu file%s in %s skipped: truncated", torn, torn == 1 ? "" : "s",
                   dir);
    if (unreadable > 0)
        cmd_cannot(
            "%zu file%s or folders in %s skipped: %s; nothing was changed, run the "
            "report again",
            unreadable, unreadable == 1 ? "" : "s", dir, file_error(rc));
    return CMD_FINE;
}

/* ---- the page ---- */

static const struct target *configured(const struct report *r,
                                       const struct dataset_target *t)
{
    for (size_t i = 0; i < r->config.n_targets; i++)
        if (strcmp(r->config.targets[i].name, t->name) == 0)
            return &r->config.targets[i];
    return NULL;
}

static struct limits limits_of(const struct report *r, const struct dataset_target *t)
{
    const struct target *known = configured(r, t);
    struct target target = {.limits = {0}};
    if (known != NULL)
        return known->limits;
    text_copy(target.service, sizeof target.service, t->service);
    edge_data_limits(&r->data.known, &target);
    return target.limits;
}

/* Rates the configured targets first, then the others. Returns how many are configured, or
 * all if none is: then the configuration is another agent's. */
static size_t rate(const struct report *r, struct rating ratings[DATASET_TARGETS_MAX])
{
    size_t own = 0, n = 0, all = r->dataset->n_targets;
    for (size_t i = 0; i < all; i++)
        own += configured(r, r->dataset->targets[i]) != NULL;
    for (int extra = 0; extra < 2; extra++)
        for (size_t i = 0; i < all; i++) {
            const struct dataset_target *t = r->dataset->targets[i];
            bool is_extra = own > 0 && configured(r, t) == NULL;
            if (is_extra != extra)
                continue;
            struct limits limits = limits_of(r, t);
            rating_make(&ratings[n++], r->dataset, t, &limits);
        }
    return own > 0 ? own : all;
}

/* Sets the period to that of the batches. */
static void set_period_covered(struct dataset *p)
{
    if (p->covered.n == 0)
        return;
    p->since_ns = p->covered.all[0].start_ns;
    p->until_ns = p->covered.all[p->covered.n - 1].end_ns;
}

static void render(struct report *r, int64_t now_ns, bool all, struct text *out)
{
    struct rating ratings[DATASET_TARGETS_MAX];
    size_t own = rate(r, ratings);
    page_render(out, &(struct page){.dataset = r->dataset,
                                    .ratings = ratings,
                                    .n_own = own,
                                    .known = &r->data.known,
                                    .now_ns = now_ns,
                                    .all = all,
                                    .skipped = r->skipped,
                                    .foreign = r->foreign});
    for (size_t i = 0; i < r->dataset->n_targets; i++)
        rating_free(&ratings[i]);
}

static int write_page(const struct report *r, const struct text *page)
{
    char path[PATH_MAX];
    int rc = page_file_write(r->output, page);
    if (rc != CMD_FINE || strcmp(r->output, "-") == 0)
        return rc;
    char from[WALL_TEXT_MAX], to[WALL_TEXT_MAX];
    const struct intervals *covered = &r->dataset->covered;
    size_t targets = r->dataset->n_targets, batches = r->dataset->batches;
    cmd_printf("%s: %zu target%s, %zu batch%s, %.16sZ to %.16sZ\n",
               text_printable(path, sizeof path, r->output, ""), targets,
               targets == 1 ? "" : "s", batches, batches == 1 ? "" : "es",
               wall_text(from, (struct wall){covered->all[0].start_ns}),
               wall_text(to, (struct wall){covered->all[covered->n - 1].end_ns}));
    return CMD_FINE;
}

/* ---- the command ---- */

/* Uses the defaults if there is no configuration at the default path: a report needs no
 * targets. */
static size_t load(struct report *r)
{
    const char *path = load_path(r->config_path);
    bool is_default = r->config_path == NULL && strcmp(path, CONFIG_PATH) == 0;
    bool without = r->state_dir != NULL && r->config_path == NULL;
    if (!without && (!is_default || access(path, F_OK) == 0 || errno != ENOENT))
        return load_all(&r->config, &r->data, path);
    struct data_folders folders = data_folders();
    r->config = config_default();
    return data_load(&r->data, &folders);
}

static int make(struct report *r, char **files, size_t n)
{
    int64_t now_ns = wall_now().ns, since_ns = r->since_ns;
    if (since_ns == 0 && n == 0)
        since_ns = SINCE_DEFAULT;
    const char *dir = r->state_dir != NULL ? r->state_dir : r->config.state_dir;
    r->dataset =
        dataset_create(probe_kind_words(), since_ns > 0 ? now_ns - since_ns : 0, now_ns);
    int code = CMD_FINE;
    if (n > 0)
        add_files(r, files, n);
    else
        code = add_history(r, dir);
    dataset_end(r->dataset);
    if (code == CMD_FINE && r->dataset->covered.n == 0) {
        char since[DURATION_TEXT_MAX];
        if (since_ns == 0)
            return cmd_cannot(
                "no measurements in these files; give batches of an agent's "
                "history or spool (*.pb.gz)");
        return cmd_cannot(
            "no measurements in %s within %s; check the agent (systemctl status "
            "edgelat), or use a longer --since",
            n > 0 ? "these files" : dir, duration_text(since, since_ns));
    }
    if (code == CMD_FINE) {
        struct text page = {0};
        bool all = r->since_ns == 0 && n > 0;
        if (all)
            set_period_covered(r->dataset);
        render(r, now_ns, all, &page);
        code = write_page(r, &page);
        text_free(&page);
    }
    return code;
}

static bool read_options(int argc, char **argv, struct report *r)
{
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        switch (c) {
        case 's':
            if (!duration_parse(optarg, NS_PER_S, SINCE_MAX, &r->since_ns)) {
                cmd_cannot(
                    "--since %s: must be a duration from 1s to 3650d, such as 90m, 24h "
                    "or 7d",
                    optarg);
                return false;
            }
            break;
        case 'o':
            r->output = optarg;
            break;
        case 'c':
            r->config_path = optarg;
            break;
        case OPT_STATE:
            r->state_dir = optarg;
            break;
        default:
            return false;
        }
    }
    if (r->output == NULL)
        cmd_cannot("-o FILE is required; -o - is standard output");
    return r->output != NULL;
}

static int report(int argc, char **argv)
{
    struct report r = {.output = NULL};
    if (!read_options(argc, argv, &r))
        return CMD_CANNOT;
    if (r.state_dir != NULL && optind < argc)
        return cmd_cannot("--state names the folder of all batches; leave out '%s'",
                          argv[optind]);
    size_t problems = load(&r);
    int code = problems == 0 ? make(&r, argv + optind, (size_t)(argc - optind))
                             : cmd_cannot("no report: %zu problem%s in the configuration",
                                          problems, problems == 1 ? "" : "s");
    dataset_free(r.dataset);
    data_free(&r.data);
    config_free(&r.config);
    return code;
}

const struct command command_report = {
    .name = "report",
    .summary = "HTML report of the agent's measurements",
    .arguments = "[FILE...]",
    .first = CMD_FILE,
    .rest = CMD_FILE,
    .options = options,
    .about =
        "Writes one HTML page of the agent's measurements, from its history and the "
        "batches waiting in the spool, or from the batches in FILE...: the rating and "
        "the bad periods of each target, the PoPs that served it, plots of delay and "
        "loss, percentiles. The page is self-contained: no network, no scripts.",
    .notes =
        "Only the agent's user can read the state folder: run this as root or as that "
        "user.",
    .examples = "sudo edgelat report -o report.html\n"
                "sudo edgelat report --since 7d -o - | ssh desk 'cat >branch-17.html'\n"
                "edgelat report -o lyon.html batches/*.pb.gz\n",
    .run = report,
};
