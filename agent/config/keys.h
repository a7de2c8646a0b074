/*
 * The table of keys: every key that a configuration may have, where its value goes and
 * what it may be. A new key is one line in it, one in the shipped configuration and one
 * in the manual page; a test compares the three.
 */
#ifndef EDGELAT_CONFIG_KEYS_H
#define EDGELAT_CONFIG_KEYS_H

#include "base/text.h"
#include "config/config.h"

enum config_section {
    SECTION_AGENT,
    SECTION_PEERING,
    SECTION_DNS,
    SECTION_COLLECTOR,     /* [collector]: takes those of the next one as well */
    SECTION_ANY_COLLECTOR, /* [collector] and [collector NAME] */
    SECTION_SPOOL,
    SECTION_TARGET,
    SECTIONS
};

extern const char *const config_section_names[SECTIONS];

/*
 * A target as the files say it. Intervals are kept as they were given (0 is not given),
 * one a kind and the last one for all kinds: a kind's own wins wherever it stands.
 */
#define KIND_ANY KINDS_MAX
struct target_draft {
    struct target target;
    int64_t interval_ns[KINDS_MAX + 1], slow_interval_ns[KINDS_MAX + 1];
    char *file; /* where it began, for messages; owned */
    size_t line;
    size_t line_here; /* of its section in the file that is being read, 0: not in it */
};

struct config_key {
    enum config_section section;
    const char *name;
    /* Reads a value into the field; false with "must be ..." in `must` when it is bad. */
    bool (*read)(void *field, const struct config_key *key, const char *value,
                 const struct kinds *kinds, struct text *must);
    /* Of the field in struct config; in struct target_draft for [target], in struct
     * collector for [collector NAME]. */
    size_t offset;
    size_t size;         /* of the field */
    int64_t least, most; /* ns, bytes, percent or a plain number */
    bool per_kind;       /* there is KIND_name as well; the field is an array */
    const char *help;    /* with the default in brackets */
    unsigned uses; /* by kinds that use these settings (enum kind_setting); 0: by all */
};

/* What the key means and its default, after the kinds that it is for: "icmp: ...". */
void config_key_help(struct text *out, const struct config_key *key,
                     const struct kinds *kinds);

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

#define CONFIG_KEYS_MAX 96

#endif
