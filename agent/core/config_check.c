#include "base/text.h"
#include "core/config_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    const struct config *config;
    const char *file;
    config_problem_cb *on_problem;
    void *user;
    size_t problems;
};

static void say(struct checking *k, struct text *text)
{
    k->problems++;
    k->on_problem(text_string(text), k->user);
    text_free(text);
}

#define PROBLEM(k, ...)                                                                  \
    do {                                                                                 \
        struct text text_ = {0};                                                         \
        text_add(&text_, __VA_ARGS__);                                                   \
        say(k, &text_);                                                                  \
    } while (0)

static void check_target(struct checking *k, const struct target_draft *draft)
{
    const struct target *t = &draft->target;
    struct endpoint e;
    if (t->host[0] == '\0') {
        PROBLEM(k, "%s:%zu: [target %s] needs a host: host = NAME", draft->file,
                draft->line, t->name);
        return;
    }
    if (endpoint_parse(&e, t->host, 0) && !(e.family == FAMILY_IPV4 ? t->ipv4 : t->ipv6))
        PROBLEM(k,
                "%s:%zu: [target %s] can never be probed: its host is an %s address "
                "and its family the other one",
                draft->file, draft->line, t->name, family_name(e.family));
}

static void check_collector(struct checking *k, const struct collector *c)
{
    char section[TARGET_NAME_MAX + 16];
    bool first = c->name[0] == '\0';
    bool described = c->ca_file[0] != '\0' || c->cert_file[0] != '\0' ||
                     c->key_file[0] != '\0' || c->header_file[0] != '\0' ||
                     c->proxy[0] != '\0';
    snprintf(section, sizeof section, first ? "[collector]" : "[collector %s]", c->name);
    if (c->url[0] == '\0' && (described || !first || k->config->n_collectors > 1))
        PROBLEM(k,
                "%s: %s has no url, so nothing would be shipped: url = https://COLLECTOR",
                k->file, section);
    if ((c->cert_file[0] == '\0') != (c->key_file[0] == '\0'))
        PROBLEM(k, "%s: %s has a %s, but no %s; mutual TLS needs both", k->file, section,
                c->cert_file[0] != '\0' ? "cert_file" : "key_file",
                c->cert_file[0] != '\0' ? "key_file" : "cert_file");
}

static void check_peering(struct checking *k)
{
    static const struct peering none;
    const struct peering *p = &k->config->peering;
    if (p->connection[0] == '\0' && memcmp(p, &none, sizeof none) != 0)
        PROBLEM(k,
                "%s: [peering_service] has no connection; name it as in Azure: "
                "connection = NAME",
                k->file);
}

size_t config_check(const struct config *c, const struct kinds *kinds, const char *file,
                    config_problem_cb *on_problem, void *user)
{
    struct checking k = {
        .config = c, .file = file, .on_problem = on_problem, .user = user};
    if (c->n_targets == 0 && !c->workloads)
        PROBLEM(&k,
                "%s: there is no target, and workloads = no; add for example these three "
                "lines:\n"
                "    [target teams]\n"
                "    service = teams\n"
                "    host = teams.microsoft.com",
                file);
    for (size_t t = 0; c->drafts != NULL && t < c->n_targets; t++)
        check_target(&k, &c->drafts[t]);
    for (size_t i = 0; i < c->n_collectors; i++)
        check_collector(&k, &c->collectors[i]);
    check_peering(&k);
    double rate = config_rate(c, kinds);
    if (rate > PROBES_PER_S_MAX)
        PROBLEM(&k,
                "%s: the targets make up to %.0f probes a second, more than %d; fewer "
                "targets, longer intervals or a lower nearest are needed",
                file, rate, PROBES_PER_S_MAX);
    return k.problems;
}

static double target_rate(const struct target *t, const int64_t *intervals_ns,
                          const struct kinds *kinds)
{
    double rate = 0;
    for (size_t k = 0; k < kinds->n; k++)
        if (t->kinds[k])
            rate += (double)NS_PER_S / (double)intervals_ns[k];
    return rate * (t->ipv4 + t->ipv6);
}

static int larger_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

double config_rate(const struct config *c, const struct kinds *kinds)
{
    double rate = 0, more[TARGETS_MAX]; /* what being near adds */
    assert(c->n_targets <= TARGETS_MAX);
    for (size_t t = 0; t < c->n_targets; t++) {
        double slow = target_rate(&c->targets[t], c->targets[t].slow_interval_ns, kinds);
        rate += slow;
        more[t] = target_rate(&c->targets[t], c->targets[t].interval_ns, kinds) - slow;
    }
    qsort(more, c->n_targets, sizeof *more, larger_first);
    for (size_t t = 0; t < c->n_targets && t < c->nearest; t++)
        rate += more[t];
    return rate;
}
