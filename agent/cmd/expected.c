#include "cmd/expected.h"

#include "base/intern.h"
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
    struct limits limits; /* the last of a host that is not configured */
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

/* Completes limits by the service; returns that of the delay. */
static int64_t limit_of(const struct expected *e, const char *service,
                        struct limits *limits, const char **source)
{
    thresholds_limits(&e->data.known.thresholds, service, limits);
    *source = intern_text(limits->delay_source);
    return limits->delay_ns;
}

int64_t expected_limit(struct expected *e, const char *host, const char **source)
{
    const struct workloads *w = &e->data.known.workloads;
    int64_t found_ns = 0;
    *source = "";
    for (size_t t = 0; t < e->config.n_targets && found_ns == 0; t++) {
        struct target *target = &e->config.targets[t];
        if (strcasecmp(target->host, host) == 0)
            found_ns = limit_of(e, target->service, &target->limits, source);
    }
    for (size_t i = 0; i < w->n && found_ns == 0; i++) {
        e->limits = (struct limits){0};
        if (strcasecmp(w->all[i].host, host) == 0)
            found_ns = limit_of(e, w->all[i].service, &e->limits, source);
    }
    return found_ns;
}

int64_t expected_usual(const struct expected *e, const char *host, const char *kind,
                       enum family family)
{
    return usual_of(e->usual, e->n, host, kind, family);
}
