/*
 * The configuration: INI as systemd writes it. `[section]`, `key = value`, comments on
 * lines of their own with '#' or ';', one `[target NAME]` section a target. Unknown
 * sections and keys, duplicate keys and bad values are errors with file, line and the
 * nearest valid word; all of them are reported in one run. Drop-ins are parsed one after
 * the other into the same configuration; a later value wins, and a [target NAME] that is
 * there already is changed, not doubled.
 *
 * Text in, values out: cmd/load reads the files. ini.h has the syntax, keys.h the table
 * of keys, values.h the readers of values.
 */
#ifndef EDGELAT_CONFIG_CONFIG_H
#define EDGELAT_CONFIG_CONFIG_H

#include "core/kind.h"
#include "core/metric_choice.h"
#include "core/peering.h"
#include "core/pipeline.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_BYTES_MAX (1 << 20) /* of one file */
#define URL_TEXT_MAX     512
#define DNS_SERVERS_MAX  8

struct collector {
    char name[TARGET_NAME_MAX]; /* of [collector NAME]; "" is [collector] */
    char url[URL_TEXT_MAX]; /* base: "/v1/metrics" is appended, as OTLP exporters do */
    char ca_file[FILE_TEXT_MAX];                            /* "" is the system's */
    char cert_file[FILE_TEXT_MAX], key_file[FILE_TEXT_MAX]; /* mTLS, "" is none */
    char header_file[FILE_TEXT_MAX]; /* holds one "Name: value" line, e.g. Authorization;
                                        "" is none */
    char proxy[PROXY_TEXT_MAX];      /* a URL, "none", or "": by the environment */
    int64_t timeout_ns;              /* of one POST */
};

#define COLLECTORS_MAX 4

struct shipping {     /* the rest of [collector]: what is sent, and when */
    int64_t splay_ns; /* agents ship that far apart, see core/splay.h */
    bool events;      /* as OTLP logs; false: metrics only */
    struct metric_choice choice;
    bool delta;        /* each batch has what is new only; else all since the start */
    uint32_t catch_up; /* batches a second at most, 0 is no limit */
};

struct target_draft; /* keys.h */

/* A file that is read later, and where the configuration names it. */
struct config_file {
    const struct config_key *key; /* ca_file, cert_file, key_file or header_file */
    size_t index;                 /* of its target or collector */
    char *file;                   /* of the configuration; owned */
    size_t line;
};

struct config {
    /* [agent] */
    char site[WORD_TEXT_MAX]; /* edgelat.site, "" is the host's name */
    int64_t window_ns;        /* period of the windows; they close on its multiples */
    uint32_t nearest;         /* how many targets are probed at full rate */
    enum pattern pattern;
    struct nearest_policy ranking;
    char state_dir[FILE_TEXT_MAX]; /* spool, history, instance id */
    char stop_file[FILE_TEXT_MAX]; /* while it is there nothing is probed */
    char status_socket[108];       /* as long as the path of a socket may be */
    char location[32];    /* where the site is: "LATITUDE LONGITUDE" or a metro of the
                             catalogue; "" is unknown */
    bool workloads;       /* those of targets.csv are ranked besides the targets */
    uint32_t front_doors; /* by metro, probed besides the targets */

    /* [peering_service] */
    struct peering peering;

    /* [dns] */
    char dns_servers[256]; /* "192.0.2.1 [2001:db8::1]:5353", "" is /etc/resolv.conf */

    /* [collector], or none (its url is ""): windows are then kept in the spool. Behind it
     * those of [collector NAME], for when it cannot be reached. */
    struct collector collectors[COLLECTORS_MAX];
    size_t n_collectors; /* 1 and up */
    struct shipping shipping;

    /* [spool] */
    uint64_t spool_bytes, spool_count;
    int64_t spool_age_ns;
    uint64_t history_bytes; /* 0: none */
    int64_t history_age_ns;

    /* [target NAME] */
    struct target *targets;
    size_t n_targets, targets_room;
    struct target_draft *drafts; /* what the files said of each; NULL: not from a file */
    size_t drafts_room;

    struct config_file *files; /* in the order in which they were first named */
    size_t n_files, files_room;
};

/* One problem; `text` is a whole sentence that begins with "FILE:LINE: ". */
typedef void config_problem_cb(const char *text, void *user);

struct config config_default(void);
struct pipeline_settings
config_pipeline(const struct config *c); /* borrows its targets */
void config_free(struct config *c);

/*
 * Reads `text` (of `file`, a name for messages) into `c`; returns the number of problems,
 * each of which was given to `on_problem`. `c` stays usable only when it is 0.
 */
size_t config_parse(struct config *c, const struct kinds *kinds, const char *file,
                    const char *text, size_t len, config_problem_cb *on_problem,
                    void *user);

/* After the last file: what only shows when all is read (no target, a target without
 * host, more traffic than core/limits.h allows). Same return. */
size_t config_check(const struct config *c, const struct kinds *kinds, const char *file,
                    config_problem_cb *on_problem, void *user);

/* Probes a second at most: every name has addresses of all its families, and the nearest
 * are those with the shortest intervals. */
double config_rate(const struct config *c, const struct kinds *kinds);

/* What discovery adds to that: front doors, and so many names that are no target; and all
 * together during a survey, which takes some seconds. */
double config_rate_found(const struct config *c, const struct kinds *kinds, size_t names);
double config_rate_survey(const struct config *c, const struct kinds *kinds,
                          size_t names);

#endif
