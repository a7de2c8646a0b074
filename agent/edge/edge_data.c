#include "edge/edge_data.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/keys.h"

#include <string.h>

void edge_data_free(struct edge_data *k)
{
    catalogue_free(&k->metros);
    prefixes_free(&k->prefixes);
    thresholds_free(&k->thresholds);
    workloads_free(&k->workloads);
    suffixes_free(&k->suffixes);
    issuers_free(&k->issuers);
    origins_free(&k->origins);
}

struct target workload_target(const struct workload *w, const struct kinds *kinds)
{
    struct target t = target_default(kinds);
    t.name = intern(w->name);
    text_copy(t.service, sizeof t.service, w->service);
    t.host = intern(w->host);
    t.path = intern(w->path);
    t.proxied = w->proxied;
    return t;
}

struct joining {
    const struct config *config;
    const char *file;
    config_problem_cb *on_problem;
    void *user;
    size_t problems;
};

/* Where the key is that the clause begins with, or NULL. */
static const struct config_file *place_of(const struct config *c, const char *clause)
{
    size_t len = strcspn(clause, " ");
    for (size_t i = 0; i < c->n_files; i++) {
        const char *name = c->files[i].key->name;
        if (strlen(name) == len && memcmp(name, clause, len) == 0)
            return &c->files[i];
    }
    return NULL;
}

static void report_problem(const char *clause, void *user)
{
    struct joining *j = user;
    struct text text = {0};
    const struct config_file *place = place_of(j->config, clause);
    if (place != NULL)
        text_add(&text, "%s:%zu: %s", place->file, place->line, clause);
    else
        text_add(&text, "%s: %s", j->file, clause);
    j->problems++;
    j->on_problem(text_string(&text), j->user);
    text_free(&text);
}

/* ---- completing the configuration ---- */

static void add_workloads(const struct edge_data *k, struct config *c,
                          const struct kinds *kinds)
{
    size_t n = k->workloads.n;
    c->targets = mem_grow(c->targets, &c->targets_room, n, sizeof *c->targets);
    for (size_t i = 0; i < n; i++)
        c->targets[c->n_targets++] = workload_target(&k->workloads.all[i], kinds);
}

void edge_data_limits(const struct edge_data *k, struct target *target)
{
    thresholds_limits(&k->thresholds, target->service, &target->limits);
}

size_t edge_data_complete(struct edge_data *k, struct config *c,
                          const struct kinds *kinds, const char *file,
                          config_problem_cb *on_problem, void *user)
{
    struct joining j = {
        .config = c, .file = file, .on_problem = on_problem, .user = user};
    site_read(&k->site, &k->metros, c->location, &c->peering, report_problem, &j);
    k->site.workloads = &k->workloads;
    if (c->n_targets == 0)
        add_workloads(k, c, kinds);
    if (c->n_targets == 0)
        report_problem("no target is configured, and there is no targets.csv with the "
                       "built-in ones; install the package's file, or add a section "
                       "[target NAME] with a host",
                       &j);
    for (size_t t = 0; t < c->n_targets; t++)
        edge_data_limits(k, &c->targets[t]);
    return j.problems;
}
