#include "cmd/load.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "net/http_proxy.h"
#include "probe/kinds.h"

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

static size_t load_file(struct config *c, const char *path, size_t *shown)
{
    char *text, name[PATH_MAX];
    size_t len;
    int rc = file_read(AT_FDCWD, path, FILE_INHERITED, CONFIG_BYTES_MAX, &text, &len);
    if (rc < 0)
        return cannot_read(path, rc);
    size_t problems =
        config_parse(c, probe_kind_words(), text_printable(name, sizeof name, path, ""),
                     text, len, print_problem, shown);
    free(text);
    return problems;
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

static size_t load_drop_ins(struct config *c, const char *path, size_t *shown)
{
    struct text folder = {0}, file = {0};
    struct dirent **entries = NULL;
    size_t problems = 0;

    text_add(&folder, "%s.d", path);
    int n = scandir(text_string(&folder), &entries, is_drop_in, by_name);
    if (n < 0 && errno != ENOENT && errno != ENOTDIR)
        problems += cannot_read(text_string(&folder), -errno);
    for (int i = 0; i < n; i++) {
        text_clear(&file);
        text_add(&file, "%s/%s", text_string(&folder), entries[i]->d_name);
        problems += load_file(c, text_string(&file), shown);
        free(entries[i]);
    }
    free(entries);
    text_free(&folder);
    text_free(&file);
    return problems;
}

size_t load_config(struct config *c, const char *path)
{
    char name[PATH_MAX];
    *c = config_default();
    size_t shown = 0, problems = load_file(c, path, &shown);
    problems += load_drop_ins(c, path, &shown);
    text_printable(name, sizeof name, path, "");
    if (problems == 0 ||
        c->n_targets > 0) /* otherwise "no target" would only be a consequence */
        problems += config_check(c, probe_kind_words(), name, print_problem, &shown);
    print_rest(shown);
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

size_t load_all(struct config *c, struct data *d, const char *path)
{
    char name[PATH_MAX];
    size_t problems = load_config(c, path);
    return load_data(c, d, text_printable(name, sizeof name, path, ""), problems);
}

size_t load_defaults(struct config *c, struct data *d)
{
    *c = config_default();
    return load_data(c, d, "defaults", 0);
}
