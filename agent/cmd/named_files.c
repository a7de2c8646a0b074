#include "cmd/named_files.h"

#include "base/file.h"
#include "base/log.h"
#include "config/keys.h"
#include "config/values.h"
#include "net/as_database.h"
#include "net/pem.h"
#include "ship/header_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- access rights ---- */

enum { GROUPS_MAX = 256 }; /* of root, restored afterwards */

/* The owner of the state folder. False: the folder does not exist yet. */
static bool agent_user(struct stat *owner, const struct config *c)
{
    return stat(c->state_dir, owner) == 0;
}

/*
 * Returns 0 if the agent, which changes from root to the owner of the state folder, can open
 * the file, else -errno. With a file system user other than 0 the kernel ignores
 * CAP_DAC_OVERRIDE (capabilities(7)).
 */
static int open_as_agent(const char *path, const struct stat *owner)
{
    gid_t groups[GROUPS_MAX];
    struct stat unused;
    const struct passwd *user = getpwuid(owner->st_uid);
    int n = getgroups(GROUPS_MAX, groups);
    if (n < 0 || (user != NULL ? initgroups(user->pw_name, owner->st_gid)
                               : setgroups(0, NULL)) < 0)
        return 0; /* root without capabilities: cannot check */
    setfsgid(owner->st_gid);
    setfsuid(owner->st_uid);
    int fd = file_open(AT_FDCWD, path, FILE_PLAIN, &unused);
    setfsuid(0);
    setfsgid(getegid());
    setgroups((size_t)n, groups);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

/* True if the file may be readable for the agent although not for this user. */
static bool is_of_others(const struct config *c, enum named_files_reader reader,
                         const char *path, int rc)
{
    struct stat owner;
    if (reader == NAMED_FILES_AGENT)
        return false;
    if (strncmp(path, "/run/credentials/", 17) == 0 && (rc == -ENOENT || rc == -EACCES))
        return true;
    return rc == -EACCES && geteuid() != 0 &&
           !(agent_user(&owner, c) && owner.st_uid == geteuid());
}

/* ---- content ---- */

static int check_header(const char *path, struct text *why)
{
    struct header_file header = {0};
    int rc = header_file_read(&header, path);
    if (rc == -EBADMSG)
        text_add(why, "it must have one line such as 'Authorization: Bearer TOKEN'");
    header_file_forget(&header);
    return rc;
}

static int check_as_database(const char *path, struct text *why)
{
    struct as_database *d = as_database_create(path);
    const char *problem = as_database_problem(d);
    size_t len = strlen(path);
    if (problem != NULL)
        text_add(why, "%s",
                 problem + (strncmp(problem, path, len) == 0 ? len + strlen(": ") : 0));
    as_database_destroy(d);
    return problem != NULL ? -EBADMSG : 0;
}

static int check_content(const struct config *c, const struct config_file *f,
                         const char *path, struct text *why)
{
    if (strcmp(f->key->name, "header_file") == 0)
        return check_header(path, why);
    if (strcmp(f->key->name, "as_database") == 0)
        return check_as_database(path, why);
    if (strcmp(f->key->name, "key_file") == 0)
        return pem_check_key(path, c->collectors[f->index].cert_file, why);
    return pem_check_certificates(path, why);
}

static const char *path_of(const struct config *c, const struct config_file *f)
{
    const char *in = f->key->section == SECTION_TARGET
                         ? (const char *)&c->drafts[f->index]
                     : f->key->section == SECTION_ANY_COLLECTOR
                         ? (const char *)&c->collectors[f->index]
                         : (const char *)c;
    return f->key->shared ? *(const char *const *)(in + f->key->offset)
                          : in + f->key->offset;
}

size_t named_files_check(const struct config *c, enum named_files_reader reader)
{
    size_t problems = 0;
    for (size_t i = 0; i < c->n_files; i++) {
        const struct config_file *f = &c->files[i];
        if (f->key->read != config_read_file)
            continue;
        const char *path = path_of(c, f);
        struct text why = {0};
        struct stat owner;
        int rc = check_content(c, f, path, &why);
        bool is_warning = is_of_others(c, reader, path, rc);
        if (rc == 0 && reader == NAMED_FILES_PERSON && geteuid() == 0 &&
            agent_user(&owner, c) && owner.st_uid != 0)
            rc = open_as_agent(path, &owner);
        if (is_warning)
            text_add(&why, "warning: not checked: this user cannot read it");
        else if (rc == -ENOENT)
            text_add(&why, "no such file; create it or remove the key");
        else if (rc == -EACCES && reader == NAMED_FILES_PERSON && geteuid() == 0)
            text_add(&why, "permission denied for the agent's user; let it read the file "
                           "(chgrp, chmod)");
        else if (rc < 0 && why.len == 0)
            text_add(&why, "%s", file_error(rc));
        if (rc < 0)
            log_text(is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "%s:%zu: %s %s: %s",
                     f->file, f->line, f->key->name, path, text_string(&why));
        problems += rc < 0 && !is_warning;
        text_free(&why);
    }
    return problems;
}
