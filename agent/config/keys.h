/*
 * The table of keys: each configuration key, where its value is stored and which values
 * are valid. A new key is one line in this table, one in the shipped configuration and
 * one in the manual page; a test compares the three.
 */
#ifndef EDGELAT_CONFIG_KEYS_H
#define EDGELAT_CONFIG_KEYS_H

#include "base/text.h"
#include "config/config.h"

enum config_section {
    SECTION_AGENT,
    SECTION_PEERING,
    SECTION_BMP,
    SECTION_TRAFFIC,
    SECTION_PATH,
    SECTION_DNS,
    SECTION_COLLECTOR,     /* [collector]: also takes the keys of SECTION_ANY_COLLECTOR */
    SECTION_ANY_COLLECTOR, /* [collector] and [collector NAME] */
    SECTION_SPOOL,
    SECTION_UPLINK,
    SECTION_TARGET,
    SECTIONS
};

extern const char *const config_section_names[SECTIONS];

/*
 * A target as given in the files. Intervals are stored as given (0: not given), one per
 * kind, and the last one for all kinds: the interval of a kind wins, wherever it is
 * given.
 */
#define KIND_ANY KINDS_MAX
struct target_draft {
    struct target target;
    int64_t interval_ns[KINDS_MAX + 1], slow_interval_ns[KINDS_MAX + 1];
    int64_t waiting_ns[KINDS_MAX + 1];
    char *file; /* file of its first section, for messages; owned */
    size_t line;
    size_t line_here; /* of its section in the current file; 0: none */
};

struct config_key {
    enum config_section section;
    const char *name;
    /* Parses a value into the field; false with "must be ..." in `must` for a bad value.
     * */
    bool (*read)(void *field, const struct config_key *key, const char *value,
                 const struct kinds *kinds, struct text *must);
    /* Offset of the field in struct config; for [target] in struct target_draft, for
     * [collector NAME] in struct collector, for [uplink NAME] in struct uplink. */
    size_t offset;
    size_t size;         /* of the field */
    int64_t least, most; /* ns, bytes, percent or a plain number */
    bool per_kind;       /* KIND_name exists, too; the field is an array */
    const char *help;    /* with the default in square brackets */
    /* Settings of which a kind must use one (enum kind_setting); 0: for all kinds. */
    unsigned uses;
    bool shared; /* the field is a const char *, of base/intern.h; `size` is its limit */
};

/* Describes the key and its default, prefixed with the kinds it applies to: "icmp: ...".
 * */
void config_key_help(struct text *out, const struct config_key *key,
                     const struct kinds *kinds);

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

#define CONFIG_KEYS_MAX 96

#endif
