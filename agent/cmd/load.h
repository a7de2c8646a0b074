/*
 * Reads the configuration from disk: FILE, then the drop-ins in FILE.d/ whose names end
 * in ".conf", in the order of their names. /etc/edgelat/edgelat.conf unless
 * EDGELAT_CONFIG or the caller says otherwise.
 */
#ifndef EDGELAT_CMD_LOAD_H
#define EDGELAT_CMD_LOAD_H

#include "cmd/cmd.h"
#include "cmd/data.h"
#include "config/config.h"

#define CONFIG_PATH "/etc/edgelat/edgelat.conf"

/* The option of every command that reads the configuration; `what` begins its help. */
#define LOAD_CONFIG_OPTION(what)                                                         \
    {                                                                                    \
        "config", 'c', "FILE",                                                           \
            what " (default: $EDGELAT_CONFIG or " CONFIG_PATH                            \
                 "); FILE.d/*.conf is read after it",                                    \
            CMD_FILE                                                                     \
    }

/* The path to use: `given` if not NULL, else the environment's, else CONFIG_PATH. */
const char *load_path(const char *given);

/*
 * Returns the number of problems, each said in one line on standard error (an unreadable
 * file is one). `c` is made in any case and ends with config_free().
 */
size_t load_config(struct config *c, const char *path);

/*
 * The configuration, the data files, and the one completed by the other: all that the
 * agent needs. The number of problems of all of them, each said. `d` ends with
 * data_free() as well.
 */
size_t load_all(struct config *c, struct data *d, const char *path);
size_t load_defaults(struct config *c, struct data *d); /* without a configuration */

#endif
