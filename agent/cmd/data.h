/*
 * Finds and reads the data files of agent/edge. Each is taken from the first of these
 * folders that has it, so that one file can be replaced without the others:
 * $EDGELAT_DATA if set, /etc/edgelat, the folder next to the program (PREFIX/share/edgelat,
 * or packaging/data of the checkout it was built in), /usr/share/edgelat.
 */
#ifndef EDGELAT_CMD_DATA_H
#define EDGELAT_CMD_DATA_H

#include "edge/edge_data.h"

#include <limits.h>

enum { DATA_FOLDERS_MAX = 4 };

struct data_folders {
    char path[DATA_FOLDERS_MAX][PATH_MAX];
    size_t n;
};

enum data_file {
    DATA_METROS,
    DATA_PREFIXES,
    DATA_THRESHOLDS,
    DATA_TARGETS,
    DATA_SUFFIXES,
    DATA_ISSUERS,
    DATA_ORIGINS,
    DATA_AIRPORTS,
    DATA_FILES
};

extern const char *const data_names[DATA_FILES]; /* "metros.csv", ... */

struct data {
    struct edge_data known;
    char *path[DATA_FILES]; /* NULL: no file, its table is empty */
    size_t problems[DATA_FILES];
};

struct data_folders data_folders(void);

/*
 * Returns the number of problems, each reported in one line on standard error; invalid
 * entries are skipped. A missing file is not a problem. `d` is always initialised; free it
 * with data_free().
 */
size_t data_load(struct data *d, const struct data_folders *folders);
void data_free(struct data *d);

#endif
