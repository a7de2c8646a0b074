#include "cmd/expected.h"

#include "base/mem.h"
#include "cmd/agent_answer.h"
#include "cmd/load.h"
#include "diagnose/usual.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

struct expected {
    struct config config;
    struct data data;
    struct usual_delay usual[USUAL_MAX];
    size_t n;
};

struct expected *expected_read(void)
{
    struct expected *e = mem_zalloc(sizeof *e);
    struct data_folders folders = data_folders();
    struct text bytes = {0};
    struct status_answer answer;
    const char *path = load_path(NULL);
    if (access(path, R_OK) == 0)
        load_config(&e->config, path);
    else
        e->config = config_default();
    data_load(&e->data, &folders);
    if (agent_answer_read(e->config.status_socket, &bytes, &answer) == 0)
        e->n = usual_read(e->usual, json_span_of(answer.json, answer.json_len));
    text_free(&bytes);
    return e;
}

void expected_free(struct expected *e)
{
    config_free(&e->config);
    data_free(&e->data);
    free(e);
}

int64_t expected_limit(const struct expected *e, const char *host, const char **source)
{
    static struct limits limits;
    const struct workloads *w = &e->data.known.workloads;
    *source = "";
    for (size_t t = 0; t < e->config.n_targets; t++) {
        const struct target *target = &e->config.targets[t];
        if (strcasecmp(target->host, host) != 0)
            continue;
        limits = target->limits;
        thresholds_limits(&e->data.known.thresholds, target->service, &limits);
        *source = limits.delay_source;
        return limits.delay_ns;
    }
    for (size_t i = 0; i < w->n; i++) {
        if (strcasecmp(w->all[i].host, host) != 0)
            continue;
        limits = (struct limits){0};
        thresholds_limits(&e->data.known.thresholds, w->all[i].service, &limits);
        *source = limits.delay_source;
        return limits.delay_ns;
    }
    return 0;
}

int64_t expected_usual(const struct expected *e, const char *host, const char *kind,
                       enum family family)
{
    return usual_of(e->usual, e->n, host, kind, family);
}
