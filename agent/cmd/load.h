/*
 * Reads the configuration from disk: FILE, then the drop-ins in FILE.d/ whose names end
 * in ".conf", in the order of their names. The default is
 * /etc/edgelat/edgelat.conf; EDGELAT_CONFIG or the caller can name another file.
 */
#ifndef EDGELAT_CMD_LOAD_H
#define EDGELAT_CMD_LOAD_H

#include "cmd/cmd.h"
#include "cmd/data.h"
#include "config/config.h"

#define CONFIG_PATH "/etc/edgelat/edgelat.conf"

/* The -c option of commands that read the configuration; `what` starts its help. */
#define LOAD_CONFIG_OPTION(what)                                                         \
    {                                                                                    \
        "config", 'c', "FILE",                                                           \
            what " (default: $EDGELAT_CONFIG or " CONFIG_PATH                            \
                 "); FILE.d/*.conf is read after it",                                    \
            CMD_FILE                                                                     \
    }

/* The path to use: `given` if not NULL, else $EDGELAT_CONFIG, else CONFIG_PATH. */
const char *load_path(const char *given);

/*
 * Returns the number of problems (an unreadable file is one). The first 20 are reported on
 * standard error, each in one line. `c` is always initialised; free it with config_free().
 */
size_t load_config(struct config *c, const char *path);

/*
 * Reads the configuration and the data files and completes the configuration from the data.
 * Returns the number of problems, each reported. Free `d` with data_free(), too.
 */
size_t load_all(struct config *c, struct data *d, const char *path);

/* Adds FILE and its drop-ins as they are now, for load_all_of(), also of another process. */
void load_read(struct text *files, const char *path);

/* False: it is cut, or of a version with another form. */
bool load_is_whole(const struct text *files);

/* As load_all(), with these files in place of those on disk. `path` is for messages. */
size_t load_all_of(struct config *c, struct data *d, const char *path,
                   const struct text *files);

size_t load_defaults(struct config *c, struct data *d); /* without a file */

#endif
