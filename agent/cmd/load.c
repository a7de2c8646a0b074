#include "cmd/load.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "net/http_proxy.h"
#include "probe/kinds.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *load_path(const char *given)
{
    const char *set = getenv("EDGELAT_CONFIG");
    if (given != NULL)
        return given;
    return set != NULL && *set != '\0' ? set : CONFIG_PATH;
}

/* A mistake of a template is in each of its sections. */
#define SHOWN_MAX 20

static void print_problem(const char *text, void *user)
{
    size_t *n = user;
    if (++*n <= SHOWN_MAX)
        log_text(LOG_LEVEL_ERROR, "%s", text);
}

static void print_rest(size_t n)
{
    if (n > SHOWN_MAX)
        log_text(LOG_LEVEL_ERROR, "%zu more mistakes are not shown; correct these first",
                 n - SHOWN_MAX);
}

static size_t cannot_read(const char *name, int rc)
{
    char path[PATH_MAX];
    text_printable(path, sizeof path, name, "");
    if (rc == -EFBIG)
        log_text(LOG_LEVEL_ERROR, "%s: longer than %d KiB; not a configuration file",
                 path, CONFIG_BYTES_MAX / 1024);
    else
        log_text(LOG_LEVEL_ERROR, "%s: %s", path,
                 rc == -ENOENT ? "no such file; install the package's edgelat.conf "
                                 "there, or give another one with -c or EDGELAT_CONFIG"
                               : file_error(rc));
    return 1;
}

/* Adds a file: a line with the lengths of path and content and the error, then both. */
static void add_file(struct text *files, const char *path, int rc, const char *bytes,
                     size_t len)
{
    text_add(files, "%zu %zu %d\n%s", strlen(path), len, rc, path);
    text_add_bytes(files, bytes, len);
}

static void read_file(struct text *files, const char *path)
{
    char *bytes;
    size_t len;
    int rc = file_read(AT_FDCWD, path, FILE_INHERITED, CONFIG_BYTES_MAX, &bytes, &len);
    if (rc < 0) {
        add_file(files, path, rc, "", 0);
        return;
    }
    add_file(files, path, 0, bytes, len);
    free(bytes);
}

static int is_drop_in(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 &&
           strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

void load_read(struct text *files, const char *path)
{
    struct text folder = {0}, file = {0};
    struct dirent **entries = NULL;

    read_file(files, path);
    text_add(&folder, "%s.d", path);
    int n = scandir(text_string(&folder), &entries, is_drop_in, by_name);
    if (n < 0 && errno != ENOENT && errno != ENOTDIR)
        add_file(files, text_string(&folder), -errno, "", 0);
    for (int i = 0; i < n; i++) {
        text_clear(&file);
        text_add(&file, "%s/%s", text_string(&folder), entries[i]->d_name);
        read_file(files, text_string(&file));
        free(entries[i]);
    }
    free(entries);
    text_free(&folder);
    text_free(&file);
}

struct loaded_file { /* views */
    const char *path, *bytes;
    size_t path_len, len;
    int rc;
};

/* Takes the next file from what load_read() has made; false: none, or it is cut. */
static bool next_file(struct loaded_file *f, const char **at, const char *end)
{
    if (*at == end || sscanf(*at, "%zu %zu %d", &f->path_len, &f->len, &f->rc) != 3)
        return false;
    f->path = *at + strcspn(*at, "\n") + 1;
    if (f->path > end || f->path_len > (size_t)(end - f->path) ||
        f->len > (size_t)(end - f->path) - f->path_len)
        return false;
    f->bytes = f->path + f->path_len;
    *at = f->bytes + f->len;
    return true;
}

bool load_is_whole(const struct text *files)
{
    struct loaded_file f;
    const char *at = text_string(files), *end = at + files->len;
    while (next_file(&f, &at, end))
        continue;
    return files->len > 0 && at == end;
}

static size_t parse_files(struct config *c, const struct text *files, size_t *shown)
{
    struct loaded_file f;
    size_t problems = 0;
    const char *at = text_string(files), *end = at + files->len;
    while (next_file(&f, &at, end)) {
        char path[PATH_MAX], name[PATH_MAX];
        snprintf(path, sizeof path, "%.*s", (int)f.path_len, f.path);
        text_printable(name, sizeof name, path, "");
        problems += f.rc < 0 ? cannot_read(path, f.rc)
                             : config_parse(c, probe_kind_words(), name, f.bytes, f.len,
                                            print_problem, shown);
    }
    assert(at == end);
    return problems;
}

static size_t load_config_of(struct config *c, const char *path, const struct text *files)
{
    char name[PATH_MAX];
    *c = config_default();
    size_t shown = 0, problems = parse_files(c, files, &shown);
    text_printable(name, sizeof name, path, "");
    if (problems == 0 ||
        c->n_targets > 0) /* otherwise "no target" would only be a consequence */
        problems += config_check(c, probe_kind_words(), name, print_problem, &shown);
    print_rest(shown);
    return problems;
}

size_t load_config(struct config *c, const char *path)
{
    struct text files = {0};
    load_read(&files, path);
    size_t problems = load_config_of(c, path, &files);
    text_free(&files);
    return problems;
}

/* The environment is read here, once, as the rooms that decide what to measure read none. */
static void mark_proxied(struct config *c, struct workloads *w)
{
    for (size_t i = 0; i < c->n_targets; i++)
        c->targets[i].proxied = http_proxy_used(&c->targets[i]);
    for (size_t i = 0; i < w->n; i++) {
        struct target t = workload_target(&w->all[i], probe_kind_words());
        w->all[i].proxied = http_proxy_used(&t);
    }
}

static size_t load_data(struct config *c, struct data *d, const char *name,
                        size_t problems)
{
    struct data_folders folders = data_folders();
    size_t shown = 0;
    problems += data_load(d, &folders);
    if (problems == 0)
        problems = edge_data_complete(&d->known, c, probe_kind_words(), name,
                                      print_problem, &shown);
    print_rest(shown);
    if (problems == 0)
        mark_proxied(c, &d->known.workloads);
    return problems;
}

size_t load_all_of(struct config *c, struct data *d, const char *path,
                   const struct text *files)
{
    char name[PATH_MAX];
    size_t problems = load_config_of(c, path, files);
    return load_data(c, d, text_printable(name, sizeof name, path, ""), problems);
}

size_t load_all(struct config *c, struct data *d, const char *path)
{
    struct text files = {0};
    load_read(&files, path);
    size_t problems = load_all_of(c, d, path, &files);
    text_free(&files);
    return problems;
}

size_t load_defaults(struct config *c, struct data *d)
{
    *c = config_default();
    return load_data(c, d, "defaults", 0);
}
