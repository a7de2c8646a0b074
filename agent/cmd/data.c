#include "cmd/data.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const data_names[DATA_FILES] = {
    [DATA_METROS] = "metros.csv",         [DATA_PREFIXES] = "prefixes.csv",
    [DATA_THRESHOLDS] = "thresholds.csv", [DATA_TARGETS] = "targets.csv",
    [DATA_ISSUERS] = "issuers.csv",       [DATA_SUFFIXES] = "suffixes.csv",
    [DATA_ORIGINS] = "origins.csv",       [DATA_AIRPORTS] = "airports.csv",
};

/* ---- folders ---- */

static void add_folder(struct data_folders *f, const char *path)
{
    if (text_copy(f->path[f->n], PATH_MAX, path))
        f->n++;
}

/*
 * Adds the folder next to the program: PREFIX/share/edgelat for PREFIX/bin; packaging/data
 * of the checkout for build/ and for builds below it, such as `make BUILD=build/clang-cfi`.
 */
static void add_program_folder(struct data_folders *f)
{
    char path[PATH_MAX + sizeof "/packaging/data"];
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (len < 0)
        return;
    path[len] = '\0';
    char *end = strrchr(path, '/'); /* the program's name */
    for (int up = 0; end != NULL && up < 3; up++, end = strrchr(path, '/')) {
        bool bin = up == 1 && strcmp(end, "/bin") == 0,
             build = strcmp(end, "/build") == 0;
        if (bin || build) {
            strcpy(end, bin ? "/share/edgelat" : "/packaging/data");
            add_folder(f, path);
            return;
        }
        *end = '\0';
    }
}

struct data_folders data_folders(void)
{
    struct data_folders f = {.n = 0};
    const char *set = getenv("EDGELAT_DATA");
    if (set != NULL && *set != '\0')
        add_folder(&f, set);
    add_folder(&f, "/etc/edgelat");
    add_program_folder(&f);
    add_folder(&f, "/usr/share/edgelat");
    return f;
}

/* ---- reading ---- */

static void print_problem(const char *text, void *user)
{
    (void)user;
    log_text(LOG_LEVEL_ERROR, "%s", text);
}

static size_t parse(struct data *d, enum data_file file,
                    const struct datafile_source *from)
{
    switch (file) {
    case DATA_METROS:
        return catalogue_parse(&d->known.metros, from);
    case DATA_AIRPORTS: /* completes the metros, so it is parsed after them */
        return catalogue_parse_airports(&d->known.metros, from);
    case DATA_PREFIXES:
        return prefixes_parse(&d->known.prefixes, from);
    case DATA_TARGETS:
        return workloads_parse(&d->known.workloads, from);
    case DATA_ISSUERS:
        return issuers_parse(&d->known.issuers, from);
    case DATA_ORIGINS:
        return origins_parse(&d->known.origins, from);
    case DATA_SUFFIXES:
        return suffixes_parse(&d->known.suffixes, from);
    default:
        return thresholds_parse(&d->known.thresholds, from);
    }
}

/* Reads FOLDER/name. Returns false if there is no such file. */
static bool load_from(struct data *d, enum data_file file, const char *folder)
{
    char path[PATH_MAX];
    struct datafile_source from = {.name = path, .on_problem = print_problem};
    char *text;
    int len = snprintf(path, PATH_MAX, "%s/%s", folder, data_names[file]);
    int rc = len < PATH_MAX ? file_read(AT_FDCWD, path, FILE_PLAIN, DATAFILE_BYTES_MAX,
                                        &text, &from.len)
                            : -ENOENT;
    if (rc == -ENOENT || rc == -ENOTDIR)
        return false;
    d->path[file] = mem_string(path);
    if (rc < 0) {
        log_text(LOG_LEVEL_ERROR, "%s: %s", path, file_error(rc));
        d->problems[file] = 1;
        return true;
    }
    from.text = text;
    d->problems[file] = parse(d, file, &from);
    if (d->problems[file] > DATAFILE_PROBLEMS_MAX)
        log_text(LOG_LEVEL_ERROR, "%s: and %zu more", path,
                 d->problems[file] - DATAFILE_PROBLEMS_MAX);
    free(text);
    return true;
}

size_t data_load(struct data *d, const struct data_folders *folders)
{
    size_t problems = 0;
    *d = (struct data){.problems = {0}};
    for (enum data_file file = 0; file < DATA_FILES; file++) {
        for (size_t i = 0; i < folders->n; i++)
            if (load_from(d, file, folders->path[i]))
                break;
        problems += d->problems[file];
    }
    return problems;
}

void data_free(struct data *d)
{
    for (size_t file = 0; file < DATA_FILES; file++)
        free(d->path[file]);
    edge_data_free(&d->known);
}
