/*
 * Opens every file that the configuration names (ca_file, cert_file,
 * key_file, header_file), and checks its content.
 */
#ifndef EDGELAT_CMD_NAMED_FILES_H
#define EDGELAT_CMD_NAMED_FILES_H

#include "config/config.h"

enum named_files_reader {
    /* The agent itself: an unreadable file is a problem. */
    NAMED_FILES_AGENT,
    /*
     * A person, or ExecReload=. The owner of the state folder is the agent's user. Any
     * other user gets a warning for an unreadable file; root checks with the file access
     * rights of the agent's user. systemd shows credentials (/run/credentials) only to the
     * main process of the service, so an unreadable one is a warning, too.
     */
    NAMED_FILES_PERSON,
};

/* Reports each problem in one line on standard error: file, line, next step. Returns the
 * number of problems without the warnings. */
size_t named_files_check(const struct config *c, enum named_files_reader reader);

#endif
