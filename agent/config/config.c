#include "config/config.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/ini.h"
#include "config/keys.h"
#include "config/values.h"
#include "core/splay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTOR_DEFAULT                                                                \
    {                                                                                    \
        .timeout_ns = 10 * NS_PER_S                                                      \
    }

struct config config_default(void)
{
    return (struct config){
        .window_ns = 60 * NS_PER_S,
        .nearest = 3,
        .pattern = PATTERN_PERIODIC,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
        .state_dir = "/var/lib/edgelat",
        .stop_file = "/etc/edgelat/stop",
        .status_socket = "/run/edgelat/status",
        .workloads = true,
        .media_bursts = 4,
        .gateway = true,
        .dns_probe = true,
        .front_doors = 4,
        .path_trace = true,
        .path_interval_ns = 600 * NS_PER_S,
        .path_mtu = true,
        .path_mtu_interval_ns = 3600 * NS_PER_S,
        .collectors = {COLLECTOR_DEFAULT},
        .n_collectors = 1,
        .shipping = {.splay_ns = SPLAY_DEFAULT,
                     .events = true,
                     .choice = METRIC_CHOICE_DEFAULT,
                     .catch_up = 5,
                     .histogram_scale = HISTOGRAM_EXPORT_SCALE},
        .spool_bytes = UINT64_C(64) << 20,
        .spool_count = 20000,
        .spool_age_ns = 7 * 86400 * NS_PER_S,
        .history_bytes = UINT64_C(64) << 20,
        .history_age_ns = 30 * 86400 * NS_PER_S,
    };
}

struct pipeline_settings config_pipeline(const struct config *c)
{
    return (struct pipeline_settings){
        .window_ns = c->window_ns,
        .nearest = c->nearest,
        .pattern = c->pattern,
        .ranking = c->ranking,
        .delta = c->shipping.delta,
        .coarser = HISTOGRAM_SCALE - c->shipping.histogram_scale,
        .main_periods = c->shipping.choice.quantiles != QUANTILES_ALL,
        .targets = c->targets,
        .n_targets = c->n_targets,
    };
}

void config_take_over(const struct config *c, struct target *t)
{
    t->uplink = c->over;
    t->ipv4 = t->ipv4 && uplink_has_family(c->over, FAMILY_IPV4);
    t->ipv6 = t->ipv6 && uplink_has_family(c->over, FAMILY_IPV6);
}

void config_go_over(struct config *c, const struct uplink *over)
{
    c->over = over;
    c->n_uplinks = 0;
    c->gateway = false;
    for (size_t i = 0; i < c->n_targets; i++)
        config_take_over(c, &c->targets[i]);
}

struct uplinks_settings config_uplinks(const struct config *c)
{
    return (struct uplinks_settings){
        .uplinks = c->uplinks,
        .n = c->n_uplinks,
        .targets = c->targets,
        .n_targets = c->n_targets,
        .delta = c->shipping.delta,
        .coarser = HISTOGRAM_SCALE - c->shipping.histogram_scale,
    };
}

void config_forget_drafts(struct config *c)
{
    for (size_t t = 0; c->drafts != NULL && t < c->n_targets; t++)
        free(c->drafts[t].file);
    free(c->drafts);
    c->drafts = NULL;
    c->targets = mem_resize(c->targets, c->n_targets * sizeof *c->targets);
    c->targets_room = c->n_targets;
}

void config_free(struct config *c)
{
    config_forget_drafts(c);
    for (size_t i = 0; i < c->n_files; i++)
        free(c->files[i].file);
    free(c->files);
    free(c->targets);
    *c = (struct config){0};
}

/* The state of parsing one file. */
struct config_reading {
    struct config *config;
    const struct kinds *kinds;
    const char *file;
    config_problem_cb *on_problem;
    void *user;
    size_t problems;

    size_t line;
    enum config_section section; /* SECTIONS: none, or its keys are skipped */
    bool begun;                  /* a section has begun, possibly an unknown one */
    size_t target;               /* index, in [target] */
    size_t collector;            /* index, in [collector] and [collector NAME] */
    size_t collector_lines[COLLECTORS_MAX];
    size_t uplink; /* index, in [uplink NAME] */
    size_t uplink_lines[UPLINKS_MAX];
    size_t section_lines[SECTIONS]; /* line of each section; 0: none yet */
    /* line of each key in this section */
    size_t key_lines[CONFIG_KEYS_MAX][KIND_ANY + 1];
};

__attribute__((format(printf, 2, 3))) static void problem(struct config_reading *r,
                                                          const char *format, ...)
{
    struct text text = {0};
    char clause[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(clause, sizeof clause, format, args);
    va_end(args);
    text_add(&text, "%s:%zu: %s", r->file, r->line, clause);
    r->problems++;
    r->on_problem(text_string(&text), r->user);
    text_free(&text);
}

/* Messages show text from the file truncated to this many bytes, "%.*s". */
#define SHOWN 80

/* ---- sections ---- */

#define SECTION_TEXT_MAX (TARGET_NAME_MAX + 16)

/* Formats the current section for messages: "[target ams]". */
static const char *section_text(const struct config_reading *r,
                                char out[SECTION_TEXT_MAX])
{
    if (r->section == SECTION_TARGET)
        snprintf(out, SECTION_TEXT_MAX, "[target %s]",
                 r->config->targets[r->target].name);
    else if (r->section == SECTION_UPLINK)
        snprintf(out, SECTION_TEXT_MAX, "[uplink %s]",
                 r->config->uplinks[r->uplink].name);
    else if (r->section == SECTION_ANY_COLLECTOR)
        snprintf(out, SECTION_TEXT_MAX, "[collector %s]",
                 r->config->collectors[r->collector].name);
    else
        snprintf(out, SECTION_TEXT_MAX, "[%s]", config_section_names[r->section]);
    return out;
}

static void check_name(struct config_reading *r, const char *what, const char *name)
{
    if (*name == '\0')
        problem(r, "a %s needs a name: [%s NAME]", what, what);
    else if (name[strspn(name, TARGET_NAME_OF)] != '\0')
        problem(r, "%s name '%.*s' must be of letters, digits, '.', '_' and '-'", what,
                SHOWN, name);
    else if (strlen(name) >= TARGET_NAME_MAX)
        problem(r, "%s name '%.*s...' must be at most %d characters long", what, 16, name,
                TARGET_NAME_MAX - 1);
}

/* Adds a new target, even with a bad name, so that its keys are checked, too. */
static void add_target(struct config_reading *r, const char *name)
{
    struct config *c = r->config;
    check_name(r, "target", name);
    if (c->n_targets == TARGETS_MAX) {
        problem(r, "more than %d targets", TARGETS_MAX);
        r->section = SECTIONS;
        return;
    }
    r->target = c->n_targets++;
    c->targets = mem_grow(c->targets, &c->targets_room, c->n_targets, sizeof *c->targets);
    c->drafts = mem_grow(c->drafts, &c->drafts_room, c->n_targets, sizeof *c->drafts);
    struct target_draft *draft = &c->drafts[r->target];
    *draft = (struct target_draft){
        .target = target_default(r->kinds),
        .file = mem_string(r->file),
        .line = r->line,
    };
    draft->target.name = intern(name);
    c->targets[r->target] = draft->target;
}

static void begin_target(struct config_reading *r, const char *name)
{
    struct config *c = r->config;
    r->target = 0;
    while (r->target < c->n_targets && strcmp(c->targets[r->target].name, name) != 0)
        r->target++;
    if (r->target == c->n_targets)
        add_target(r, name);
    if (r->section == SECTIONS)
        return;
    struct target_draft *draft = &c->drafts[r->target];
    if (draft->line_here > 0)
        problem(r, "[target %s] is there already, in line %zu; a target has one section",
                draft->target.name, draft->line_here);
    draft->line_here = r->line;
}

/* [collector NAME], in the order of first mention. */
static void begin_collector(struct config_reading *r, const char *name)
{
    struct config *c = r->config;
    r->section = SECTION_ANY_COLLECTOR;
    r->collector = 1;
    while (r->collector < c->n_collectors &&
           strcmp(c->collectors[r->collector].name, name) != 0)
        r->collector++;
    if (r->collector == COLLECTORS_MAX) {
        problem(r, "more than %d collectors", COLLECTORS_MAX);
        r->section = SECTIONS;
        return;
    }
    struct collector *collector = &c->collectors[r->collector];
    if (r->collector == c->n_collectors) {
        check_name(r, "collector", name);
        *collector = (struct collector)COLLECTOR_DEFAULT;
        text_copy(collector->name, sizeof collector->name, name);
        c->n_collectors++;
    }
    size_t *line = &r->collector_lines[r->collector];
    if (*line > 0)
        problem(r, "[collector %s] is there already, in line %zu", collector->name,
                *line);
    *line = r->line;
}

/* [uplink NAME], in the order of first mention. */
static void begin_uplink(struct config_reading *r, const char *name)
{
    struct config *c = r->config;
    r->uplink = 0;
    while (r->uplink < c->n_uplinks && strcmp(c->uplinks[r->uplink].name, name) != 0)
        r->uplink++;
    if (r->uplink == UPLINKS_MAX) {
        problem(r, "more than %d uplinks", UPLINKS_MAX);
        r->section = SECTIONS;
        return;
    }
    struct uplink *uplink = &c->uplinks[r->uplink];
    if (r->uplink == c->n_uplinks) {
        check_name(r, "uplink", name);
        if (strlen(name) >= UPLINK_NAME_MAX)
            problem(r, "uplink name '%.*s...' must be at most %d characters long", 16,
                    name, UPLINK_NAME_MAX - 1);
        *uplink = (struct uplink){.name = ""};
        text_copy(uplink->name, sizeof uplink->name, name);
        c->n_uplinks++;
    }
    if (r->uplink_lines[r->uplink] > 0)
        problem(r, "[uplink %s] is there already, in line %zu", uplink->name,
                r->uplink_lines[r->uplink]);
    r->uplink_lines[r->uplink] = r->line;
}

static void begin_section(struct config_reading *r, const struct ini_item *item)
{
    r->begun = true;
    r->section = 0;
    memset(r->key_lines, 0, sizeof r->key_lines);
    while (r->section < SECTIONS &&
           strcmp(item->word, config_section_names[r->section]) != 0)
        r->section++;
    if (r->section == SECTIONS) {
        const char *near = text_nearest(item->word, config_section_names, SECTIONS);
        if (near != NULL)
            problem(r, "unknown section [%.*s]; did you mean [%s%s]?", SHOWN, item->word,
                    near,
                    strcmp(near, "target") == 0 || strcmp(near, "uplink") == 0 ? " NAME"
                                                                               : "");
        else
            problem(
                r,
                "unknown section [%.*s]; there are [agent], [peering_service], [bmp], [traffic], "
                "[path], [dns], [collector], [spool], [uplink NAME] and [target NAME]",
                SHOWN, item->word);
        return;
    }
    if (r->section == SECTION_TARGET) {
        begin_target(r, item->value);
        return;
    }
    if (r->section == SECTION_UPLINK) {
        begin_uplink(r, item->value);
        return;
    }
    if (r->section == SECTION_COLLECTOR && *item->value != '\0') {
        begin_collector(r, item->value);
        return;
    }
    r->collector = 0;
    if (*item->value != '\0')
        problem(r, "[%s] takes no name", item->word);
    if (r->section_lines[r->section] > 0)
        problem(r, "[%s] is there already, in line %zu", item->word,
                r->section_lines[r->section]);
    r->section_lines[r->section] = r->line;
}

/* Computes intervals and waiting times from all values given so far, in any order. */
static void finish_target(const struct kinds *kinds, struct target_draft *draft)
{
    struct target *t = &draft->target;
    const int64_t *fast = draft->interval_ns, *slow = draft->slow_interval_ns;
    const int64_t *waiting = draft->waiting_ns;
    struct target usual = target_default(kinds);
    for (size_t k = 0; k < kinds->n; k++) {
        t->interval_ns[k] = fast[k] > 0          ? fast[k]
                            : fast[KIND_ANY] > 0 ? fast[KIND_ANY]
                                                 : kinds->list[k]->interval_ns;
        t->slow_interval_ns[k] = slow[k] > 0          ? slow[k]
                                 : slow[KIND_ANY] > 0 ? slow[KIND_ANY]
                                                      : kinds->list[k]->slow_interval_ns;
        if (t->slow_interval_ns[k] < t->interval_ns[k])
            t->slow_interval_ns[k] = t->interval_ns[k];
        int64_t longest_ns = waiting_longest_ns(t->interval_ns[k]);
        t->waiting_ns[k] = waiting[k] > 0                     ? waiting[k]
                           : waiting[KIND_ANY] > 0            ? waiting[KIND_ANY]
                           : usual.waiting_ns[k] > longest_ns ? longest_ns
                                                              : usual.waiting_ns[k];
    }
}

/* ---- keys ---- */

#define KEY_TEXT_MAX 48

/* Formats a key: "interval", or "icmp_interval" for a single kind. */
static const char *key_text(char out[KEY_TEXT_MAX], const struct config_key *key,
                            const struct kinds *kinds, size_t kind)
{
    if (kind == KIND_ANY)
        snprintf(out, KEY_TEXT_MAX, "%s", key->name);
    else
        snprintf(out, KEY_TEXT_MAX, "%s_%s", kinds->list[kind]->name, key->name);
    return out;
}

struct word { /* a valid spelling of a key */
    char text[KEY_TEXT_MAX];
    const struct config_key *key;
    size_t kind;
};

#define WORDS_MAX (CONFIG_KEYS_MAX + 4 * KINDS_MAX)

/* Lists all valid words of a section. */
static size_t section_words(struct word words[WORDS_MAX], enum config_section section,
                            const struct kinds *kinds)
{
    size_t n = 0;
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->section != section &&
            (section != SECTION_COLLECTOR || key->section != SECTION_ANY_COLLECTOR))
            continue;
        for (size_t k = 0; k <= KIND_ANY; k++)
            if (k == KIND_ANY || (key->per_kind && k < kinds->n)) {
                words[n] = (struct word){.key = key, .kind = k};
                key_text(words[n++].text, key, kinds, k);
            }
    }
    return n;
}

static const struct word *find_word(const struct word *words, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i].text, text) == 0)
            return &words[i];
    return NULL;
}

static void unknown_key(struct config_reading *r, const struct word *words, size_t n,
                        const char *given)
{
    const char *texts[WORDS_MAX];
    char section[SECTION_TEXT_MAX];
    for (size_t i = 0; i < n; i++)
        texts[i] = words[i].text;
    section_text(r, section);
    const char *near = text_nearest(given, texts, n);
    if (near != NULL) {
        problem(r, "unknown key '%.*s' in %s; did you mean '%s'?", SHOWN, given, section,
                near);
        return;
    }
    for (enum config_section s = 0; s < SECTIONS; s++) {
        struct word others[WORDS_MAX];
        size_t n_others = section_words(others, s, r->kinds);
        if (find_word(others, n_others, given) != NULL) {
            problem(r, "unknown key '%s' in %s; it belongs in [%s%s]", given, section,
                    config_section_names[s],
                    s == SECTION_TARGET || s == SECTION_UPLINK ? " NAME" : "");
            return;
        }
    }
    problem(r, "unknown key '%.*s' in %s; `edgelat check-config --keys` lists all", SHOWN,
            given, section);
}

/* Formats a rejected value for the log, without a possible password or token. */
static const char *shown(char out[SHOWN + 1], const struct config_key *key,
                         const char *value)
{
    const char *user_end = strrchr(value, '@');
    bool url = key->read == config_read_url || key->read == config_read_proxy;
    if (strcmp(key->name, "header_file") == 0)
        value = "...";
    else if (url && user_end != NULL)
        value = user_end;
    snprintf(out, SHOWN + 1, "%.*s", (int)strcspn(value, url ? "?" : ""), value);
    return out;
}

/* Records where a required file or a location is named; the last mention counts. The paths of
 * [agent] and [traffic] are made later, by the agent or another service. */
static void note_file(struct config_reading *r, const struct config_key *key)
{
    struct config *c = r->config;
    size_t index = key->section == SECTION_TARGET ? r->target : r->collector, i = 0;
    bool site = key->section == SECTION_AGENT || key->section == SECTION_PEERING;
    bool place =
        site && (key->read == config_read_text || key->read == config_read_metro);
    bool file = key->read == config_read_file && !site && key->section != SECTION_TRAFFIC;
    if (!place && !file)
        return;
    while (i < c->n_files && (c->files[i].key != key || c->files[i].index != index))
        i++;
    if (i == c->n_files) {
        c->files = mem_grow(c->files, &c->files_room, ++c->n_files, sizeof *c->files);
        c->files[i] = (struct config_file){.key = key, .index = index};
    }
    free(c->files[i].file);
    c->files[i].file = mem_string(r->file);
    c->files[i].line = r->line;
}

static void read_value(struct config_reading *r, const struct word *word,
                       const char *value)
{
    char text[SHOWN + 1];
    char section[SECTION_TEXT_MAX];
    struct text must = {0};
    struct config *c = r->config;
    enum config_section section_of_key = word->key->section;
    void *base = section_of_key == SECTION_TARGET ? (void *)&c->drafts[r->target]
                 : section_of_key == SECTION_ANY_COLLECTOR
                     ? (void *)&c->collectors[r->collector]
                 : section_of_key == SECTION_UPLINK ? (void *)&c->uplinks[r->uplink]
                                                    : (void *)c;
    char *field = (char *)base + word->key->offset +
                  (word->key->per_kind ? word->kind * word->key->size : 0);
    section_text(r, section);
    if (*value == '\0')
        problem(r, "%s in %s has no value; without the line the default holds",
                word->text, section);
    else if (!word->key->read(field, word->key, value, r->kinds, &must))
        problem(r, "%s = %s in %s: must %s%s", word->text, shown(text, word->key, value),
                section, text_string(&must),
                strstr(value, " #") != NULL || strstr(value, " ;") != NULL
                    ? "; a comment needs a line of its own"
                    : "");
    else
        note_file(r, word->key);
    text_free(&must);
}

static void read_key(struct config_reading *r, const struct ini_item *item)
{
    if (!r->begun)
        problem(r, "key '%.*s' stands before the first [section]", SHOWN, item->word);
    if (r->section == SECTIONS)
        return; /* already reported at the start of the section */

    struct word words[WORDS_MAX];
    size_t n = section_words(words, r->section, r->kinds);
    const struct word *word = find_word(words, n, item->word);
    if (word == NULL) {
        unknown_key(r, words, n, item->word);
        return;
    }
    size_t *line = &r->key_lines[word->key - config_keys][word->kind];
    if (*line > 0)
        problem(r, "%s is there already, in line %zu; one of them has to go", word->text,
                *line);
    *line = r->line;
    read_value(r, word, item->value);
}

size_t config_parse(struct config *c, const struct kinds *kinds, const char *file,
                    const char *text, size_t len, config_problem_cb *on_problem,
                    void *user)
{
    struct config_reading r = {
        .config = c,
        .kinds = kinds,
        .file = file,
        .on_problem = on_problem,
        .user = user,
        .section = SECTIONS,
        .line = 1,
    };
    if (len > CONFIG_BYTES_MAX) {
        problem(&r, "longer than %d KiB; this is no configuration",
                CONFIG_BYTES_MAX / 1024);
        return r.problems;
    }
    size_t blank = text_mark(text, len);
    while (blank < len && memchr(" \t\r\n", text[blank], 4) != NULL)
        blank++;
    if (blank == len)
        problem(&r,
                "empty, as an editor or a full disk may leave a file; write it again, "
                "or put a comment in it if the defaults are meant");
    struct ini ini = ini_open(text, len);
    for (struct ini_item item; ini_next(&ini, &item);) {
        r.line = item.line;
        if (item.what == INI_PROBLEM)
            problem(&r, "%s", item.problem);
        else if (item.what == INI_SECTION)
            begin_section(&r, &item);
        else
            read_key(&r, &item);
    }
    ini_close(&ini);
    for (size_t t = 0; t < c->n_targets; t++) {
        finish_target(kinds, &c->drafts[t]);
        c->targets[t] = c->drafts[t].target;
        c->drafts[t].line_here = 0;
    }
    return r.problems;
}
