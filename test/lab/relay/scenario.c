#include "scenario.h"

#include "settings.h"

#include <stdlib.h>
#include <string.h>

static bool parse_prefix(struct prefix *out, char *text)
{
    char *slash = strchr(text, '/'), *end = "";
    if (slash != NULL)
        *slash = '\0';
    if (!address_parse(&out->network, text))
        return false;
    unsigned width = address_is_ipv4(&out->network) ? 32 : 128;
    unsigned long bits = slash != NULL ? strtoul(slash + 1, &end, 10) : width;
    if (*end != '\0' || bits > width)
        return false;
    out->bits = (unsigned)bits + 128 - width;
    return true;
}

/* Joins the remaining words with spaces. */
static bool take_settings(char out[SETTINGS_MAX], char *word, char **rest)
{
    out[0] = '\0';
    for (; word != NULL; word = strtok_r(NULL, " \t", rest)) {
        if (strlen(out) + strlen(word) + 2 > SETTINGS_MAX)
            return false;
        strcat(out, word);
        strcat(out, " ");
    }
    return true;
}

static const char *read_router(struct scenario *s, char **rest)
{
    if (s->n_routers == ROUTERS_MAX)
        return "too many routers";
    struct router *r = &s->routers[s->n_routers];
    const char *id = strtok_r(NULL, " \t", rest);
    if (id == NULL || strlen(id) >= ID_MAX)
        return "a router needs a short id";
    strcpy(r->id, id);
    for (int family = 0; family < 2; family++) {
        const char *text = strtok_r(NULL, " \t", rest);
        if (text == NULL)
            return "a router needs an IPv4 and an IPv6 address, or \"-\"";
        r->has[family] = strcmp(text, "-") != 0;
        if (r->has[family] && (!address_parse(&r->address[family], text) ||
                               address_is_ipv4(&r->address[family]) != (family == 0)))
            return "a router's address is not one of its family";
    }
    s->n_routers++;
    return NULL;
}

/* The last one of that name, or -1. */
static int path_named(const struct scenario *s, const char *name)
{
    int i = s->n_paths - 1;
    while (i >= 0 && strcmp(s->paths[i].name, name) != 0)
        i--;
    return i;
}

/* A later path of the same name takes the place of the one before, with its changes. */
static void replace_path(struct scenario *s, int before, int after)
{
    if (before < 0)
        return;
    s->paths[before].n_prefixes = 0;
    for (int i = 0; i < s->n_changes; i++)
        if (s->changes[i].path == before)
            s->changes[i].path = after;
}

static const char *read_path(struct scenario *s, char **rest)
{
    static char settings[SETTINGS_MAX];
    if (s->n_paths == PATHS_MAX)
        return "too many paths";
    struct path *p = &s->paths[s->n_paths];
    const char *name = strtok_r(NULL, " \t", rest);
    if (name == NULL || strlen(name) >= ID_MAX)
        return "a path needs a short name";
    *p = (struct path){.base = {.icmp = true, .reject = -1, .syn_answers = -1}};
    p->base.way[UP].queue = p->base.way[DOWN].queue = 64000;
    strcpy(p->name, name);

    char *word;
    while ((word = strtok_r(NULL, " \t", rest)) != NULL && strchr(word, '=') == NULL)
        if (p->n_prefixes == PREFIXES_MAX ||
            !parse_prefix(&p->prefixes[p->n_prefixes++], word))
            return "a path needs address prefixes, at most 16, then KEY=VALUE";
    if (!take_settings(settings, word, rest))
        return "the line is too long";
    replace_path(s, path_named(s, name), s->n_paths);
    s->n_paths++;
    return settings_apply(&p->base, s, settings);
}

static const char *read_change(struct scenario *s, char **rest)
{
    if (s->n_changes == CHANGES_MAX)
        return "too many changes";
    struct change c = {.path = -1};
    const char *time = strtok_r(NULL, " \t", rest), *name = strtok_r(NULL, " \t", rest);
    if (time == NULL || name == NULL || !settings_duration(&c.at_ns, time))
        return "expected: at TIME PATH KEY=VALUE...";
    struct address address;
    if (address_parse(&address, name))
        c.path = scenario_path(s, &address);
    if (c.path < 0)
        c.path = path_named(s, name);
    if (c.path < 0)
        return "no such path above";
    if (!take_settings(c.settings, strtok_r(NULL, " \t", rest), rest))
        return "the line is too long";

    struct rules scratch = s->paths[c.path].base;
    const char *wrong = settings_apply(&scratch, s, c.settings);
    int i = s->n_changes++;
    for (; i > 0 && s->changes[i - 1].at_ns > c.at_ns; i--)
        s->changes[i] = s->changes[i - 1];
    s->changes[i] = c;
    return wrong;
}

static const char *read_seed(struct scenario *s, char **rest)
{
    char *text = strtok_r(NULL, " \t", rest), *end = text;
    if (text != NULL)
        s->seed = strtoull(text, &end, 10);
    return end == text || *end != '\0' ? "seed needs a number" : NULL;
}

static const char *read_line(struct scenario *s, char *line)
{
    static const char *const servers[] = {"branch", "dns", "ttl",
                                          "name",   "pop", "header"};
    char *rest = NULL;
    const char *word = strtok_r(line, " \t", &rest);

    if (word == NULL || word[0] == '#')
        return NULL;
    if (strcmp(word, "seed") == 0)
        return read_seed(s, &rest);
    if (strcmp(word, "router") == 0)
        return read_router(s, &rest);
    if (strcmp(word, "path") == 0)
        return read_path(s, &rest);
    if (strcmp(word, "at") == 0)
        return read_change(s, &rest);
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
        if (strcmp(word, servers[i]) == 0)
            return NULL;
    return "no such statement";
}

const char *scenario_read(struct scenario *out, FILE *file, const char *name)
{
    static char message[2 * SETTINGS_MAX], line[4096];
    int number = 0;

    out->n_routers = out->n_paths = out->n_changes = 0;
    out->seed = 1;
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        size_t len = strcspn(line, "\n");
        if (line[len] == '\0' && !feof(file))
            return "a line of the scenario is too long";
        line[len] = '\0';
        const char *wrong = read_line(out, line);
        if (wrong != NULL) {
            snprintf(message, sizeof message, "%s:%d: %s", name, number, wrong);
            return message;
        }
    }
    return NULL;
}

struct rules scenario_rules(const struct scenario *s, int i, int64_t elapsed_ns)
{
    struct rules r = s->paths[i].base;
    for (int c = 0; c < s->n_changes && s->changes[c].at_ns <= elapsed_ns; c++)
        if (s->changes[c].path == i)
            settings_apply(&r, s, s->changes[c].settings);
    return r;
}

int64_t scenario_next_change(const struct scenario *s, int64_t elapsed_ns)
{
    for (int c = 0; c < s->n_changes; c++)
        if (s->changes[c].at_ns > elapsed_ns)
            return s->changes[c].at_ns;
    return INT64_MAX;
}

static bool covers(const struct prefix *p, const struct address *a)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;
    if (memcmp(p->network.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || (p->network.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

int scenario_path(const struct scenario *s, const struct address *a)
{
    int best = -1;
    unsigned best_bits = 0;
    for (int i = 0; i < s->n_paths; i++)
        for (unsigned j = 0; j < s->paths[i].n_prefixes; j++) {
            const struct prefix *p = &s->paths[i].prefixes[j];
            if (covers(p, a) && (best < 0 || p->bits >= best_bits)) {
                best = i;
                best_bits = p->bits;
            }
        }
    return best;
}

int scenario_router(const struct scenario *s, const struct address *a)
{
    int family = !address_is_ipv4(a);
    for (int i = 0; i < s->n_routers; i++)
        if (s->routers[i].has[family] &&
            memcmp(&s->routers[i].address[family], a, sizeof *a) == 0)
            return i;
    return -1;
}
