/*
 * Opens every file that the configuration names for reading (ca_file, cert_file,
 * key_file, header_file), and looks whether it is what it has to be.
 */
#ifndef EDGELAT_CMD_NAMED_FILES_H
#define EDGELAT_CMD_NAMED_FILES_H

#include "config/config.h"

enum named_files_reader {
    /* The agent itself: what it cannot read is a problem. */
    NAMED_FILES_AGENT,
    /*
     * A person, or ExecReload=. Another user than the owner of the state folder, who is
     * the agent's, gets a warning where he may not read a file; root looks with the eyes
     * of the agent's user. Credentials of systemd (/run/credentials) are shown to the
     * service's main process alone, so there too it is a warning.
     */
    NAMED_FILES_PERSON,
};

/* Says each problem in one line on standard error: file, line, next step. Returns how
 * many, without the warnings. */
size_t named_files_check(const struct config *c, enum named_files_reader reader);

#endif
