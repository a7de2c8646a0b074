#include "net/as_database.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SEARCH_NS (60 * NS_PER_S)

/* IPv4 addresses are ::/96 of a tree for both families. */
enum { IPV4_BITS = 32, IPV4_ABOVE = 96, IPV6_BITS = 128 };
enum { AS_TRANS = 23456 }; /* RFC 6793: stands for others */

struct as_database {
    char named[PATH_MAX]; /* "": the usual places */
    char path[PATH_MAX];  /* of the file in use; "": none was found */
    struct file_stamp stamp;
    bool open;
    struct mono searched; /* when it was last looked for; 0: not yet */
    MMDB_s file;
    char about[96];
    char problem[PATH_MAX + 192]; /* "": none */
};

const char as_database_places[] =
    "/usr/share/GeoIP, /var/lib/GeoIP, /usr/local/share/GeoIP, /etc/GeoIP";

struct as_database *as_database_create(const char *path)
{
    struct as_database *d = mem_zalloc(sizeof *d);
    text_copy(d->named, sizeof d->named, path != NULL ? path : "");
    return d;
}

static void close_file(struct as_database *d)
{
    if (d->open)
        MMDB_close(&d->file);
    d->open = false;
    d->about[0] = '\0';
}

void as_database_destroy(struct as_database *d)
{
    if (d == NULL)
        return;
    close_file(d);
    free(d);
}

static void refuse(struct as_database *d, const char *what)
{
    char path[PATH_MAX];
    close_file(d);
    snprintf(d->problem, sizeof d->problem,
             "%s: damaged: %s; no AS is taken from it; download it again",
             text_printable(path, sizeof path, d->path, NULL), what);
}

/* ---- which file ---- */

/* Of several the last by name, which has the month in it. */
static bool find_in(struct as_database *d, const char *folder, size_t folder_len)
{
    static const char *const names[] = {"GeoLite2-ASN.mmdb", "GeoIP2-ISP.mmdb",
                                        "dbip-asn-lite*.mmdb", "ipinfo_lite.mmdb",
                                        "*[Aa][Ss][Nn]*.mmdb"};
    bool found = false;
    for (size_t i = 0; !found && i < sizeof names / sizeof *names; i++) {
        char pattern[PATH_MAX];
        glob_t all;
        snprintf(pattern, sizeof pattern, "%.*s/%s", (int)folder_len, folder, names[i]);
        found = glob(pattern, 0, NULL, &all) == 0 &&
                text_copy(d->path, sizeof d->path, all.gl_pathv[all.gl_pathc - 1]);
        globfree(&all);
    }
    return found;
}

static void find_file(struct as_database *d)
{
    if (d->named[0] != '\0') {
        strcpy(d->path, d->named);
        return;
    }
    for (const char *at = as_database_places; *at != '\0'; at += strspn(at, ", ")) {
        size_t len = strcspn(at, ",");
        if (find_in(d, at, len))
            return;
        at += len;
    }
    d->path[0] = '\0';
}

/* ---- the whole file ---- */

static bool is_map(const MMDB_s *f, const MMDB_entry_s *e)
{
    enum { MAP = 7, TYPE_SHIFT = 5 };
    return e->offset < f->data_section_size &&
           f->data_section[e->offset] >> TYPE_SHIFT == MAP;
}

/* Notes a record of a node; false: it leads nowhere. */
static bool check_record(const MMDB_s *f, uint8_t type, uint64_t record,
                         const MMDB_entry_s *entry, uint8_t *reached)
{
    switch (type) {
    case MMDB_RECORD_TYPE_SEARCH_NODE:
        if (record == 0 || record >= f->metadata.node_count)
            return false;
        reached[record / 8] |= (uint8_t)(1 << record % 8);
        return true;
    case MMDB_RECORD_TYPE_EMPTY:
        return true;
    case MMDB_RECORD_TYPE_DATA:
        return is_map(f, entry);
    default:
        return false;
    }
}

/* Every node is reached from another one, every record is a map. */
static bool tree_is_whole(const MMDB_s *f)
{
    uint32_t n = f->metadata.node_count;
    uint8_t *reached = mem_zalloc(n / 8 + 1);
    bool whole = n > 0;
    for (uint32_t i = 0; whole && i < n; i++) {
        MMDB_search_node_s node;
        whole = MMDB_read_node(f, i, &node) == MMDB_SUCCESS &&
                check_record(f, node.left_record_type, node.left_record,
                             &node.left_record_entry, reached) &&
                check_record(f, node.right_record_type, node.right_record,
                             &node.right_record_entry, reached);
    }
    for (uint32_t i = 1; whole && i < n; i++)
        whole = reached[i / 8] >> i % 8 & 1;
    free(reached);
    /* read once: its pages need not count as ours */
    madvise((void *)(uintptr_t)f->file_content, (size_t)f->file_size, MADV_DONTNEED);
    return whole;
}

static void describe(struct as_database *d)
{
    char type[48], day[16] = "";
    const MMDB_metadata_s *m = &d->file.metadata;
    time_t built = (time_t)m->build_epoch;
    struct tm tm;
    text_copy_line(type, sizeof type, m->database_type, strlen(m->database_type));
    if (gmtime_r(&built, &tm) != NULL)
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
    snprintf(d->about, sizeof d->about, "%s of %s", type, day);
}

static void open_file(struct as_database *d)
{
    char path[PATH_MAX];
    int rc = MMDB_open(d->path, MMDB_MODE_MMAP, &d->file);
    if (rc != MMDB_SUCCESS) {
        if (rc == MMDB_UNKNOWN_DATABASE_FORMAT_ERROR || rc == MMDB_INVALID_METADATA_ERROR)
            snprintf(d->problem, sizeof d->problem,
                     "%s: not a whole file in MaxMind's format (.mmdb); no AS is taken "
                     "from it; download it again",
                     text_printable(path, sizeof path, d->path, NULL));
        else
            refuse(d, MMDB_strerror(rc));
        return;
    }
    d->open = true;
    const MMDB_metadata_s *m = &d->file.metadata;
    if (m->ip_version != 4 && m->ip_version != 6)
        refuse(d, "its address family is unknown");
    else if (!tree_is_whole(&d->file))
        refuse(d, "its search tree is not complete");
    else
        describe(d);
}

/* Opens the file at first, and again when it was replaced. While there is none, the usual
 * places are searched each SEARCH_NS only: a trace asks for each of its routers. */
static void refresh(struct as_database *d)
{
    char path[PATH_MAX];
    struct stat s = {0};
    struct mono now = mono_now();
    if (d->path[0] == '\0' &&
        (d->searched.ns == 0 || now.ns - d->searched.ns >= SEARCH_NS)) {
        find_file(d);
        d->searched = now;
    }
    if (d->path[0] == '\0')
        return;
    int rc = file_open(AT_FDCWD, d->path, FILE_PLAIN, &s);
    if (rc < 0) {
        close_file(d);
        d->stamp = (struct file_stamp){0};
        d->problem[0] = '\0';
        if (d->named[0] != '\0' || (rc != -ENOENT && rc != -ENOTDIR))
            snprintf(d->problem, sizeof d->problem, "%s: %s; no AS is taken from it",
                     text_printable(path, sizeof path, d->path, NULL), file_error(rc));
        else
            d->path[0] = '\0';
        return;
    }
    close(rc);
    struct file_stamp stamp = file_stamp_of(&s);
    if (file_stamp_equal(&stamp, &d->stamp))
        return;
    close_file(d);
    d->stamp = stamp;
    d->problem[0] = '\0';
    open_file(d);
}

const char *as_database_problem(struct as_database *d)
{
    refresh(d);
    return d->problem[0] != '\0' ? d->problem : NULL;
}

const char *as_database_about(struct as_database *d)
{
    refresh(d);
    return d->about;
}

/* ---- one address ---- */

enum taken { TAKEN, ABSENT, DAMAGED };

/* Finds a value of the record by its key. */
static enum taken take_value(MMDB_entry_s *record, const char *key,
                             MMDB_entry_data_s *out)
{
    int rc = MMDB_get_value(record, out, key, NULL);
    if (rc == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
        (rc == MMDB_SUCCESS && !out->has_data))
        return ABSENT;
    return rc == MMDB_SUCCESS ? TAKEN : DAMAGED;
}

static enum taken take_number(MMDB_entry_s *record, uint32_t *as)
{
    MMDB_entry_data_s value;
    enum taken taken = take_value(record, "autonomous_system_number", &value);
    if (taken == TAKEN && value.type == MMDB_DATA_TYPE_UINT32) {
        *as = value.uint32;
        return TAKEN;
    }
    return taken == TAKEN ? DAMAGED : taken;
}

/* IPinfo: "AS8075". */
static enum taken take_word(MMDB_entry_s *record, uint32_t *as)
{
    MMDB_entry_data_s value;
    char word[16];
    int64_t number;
    enum taken taken = take_value(record, "asn", &value);
    if (taken != TAKEN)
        return taken;
    if (value.type != MMDB_DATA_TYPE_UTF8_STRING || value.data_size >= sizeof word)
        return DAMAGED;
    if (value.data_size == 0)
        return ABSENT;
    memcpy(word, value.utf8_string, value.data_size);
    word[value.data_size] = '\0';
    if (strncmp(word, "AS", 2) != 0 || !text_to_integer(word + 2, 0, UINT32_MAX, &number))
        return DAMAGED;
    *as = (uint32_t)number;
    return TAKEN;
}

static enum taken take_name(MMDB_entry_s *record, char out[AS_NAME_MAX])
{
    static const char *const keys[] = {"autonomous_system_organization", "as_name",
                                       "name"};
    MMDB_entry_data_s value;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        enum taken taken = take_value(record, keys[i], &value);
        if (taken == ABSENT)
            continue;
        if (taken == DAMAGED || value.type != MMDB_DATA_TYPE_UTF8_STRING ||
            text_wrong(value.utf8_string, value.data_size) != NULL)
            return DAMAGED;
        char whole[4 * AS_NAME_MAX];
        snprintf(whole, sizeof whole, "%.*s", (int)value.data_size, value.utf8_string);
        text_printable(out, AS_NAME_MAX, whole, NULL);
        return TAKEN;
    }
    return ABSENT;
}

static enum taken take(const MMDB_s *f, const struct endpoint *address,
                       struct as_found *out)
{
    struct sockaddr_storage to;
    int rc;
    sockaddr_of(&to, address);
    MMDB_lookup_result_s r = MMDB_lookup_sockaddr(f, (struct sockaddr *)&to, &rc);
    if (rc == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
        return ABSENT;
    if (rc != MMDB_SUCCESS)
        return DAMAGED;
    if (!r.found_entry)
        return ABSENT;
    bool mapped = address->family == FAMILY_IPV4 && f->metadata.ip_version == 6;
    int bits = r.netmask - (mapped ? IPV4_ABOVE : 0);
    int most = address->family == FAMILY_IPV4 ? IPV4_BITS : IPV6_BITS;
    if (bits < 1 || bits > most || !is_map(f, &r.entry))
        return DAMAGED;
    enum taken taken = take_number(&r.entry, &out->as);
    if (taken == ABSENT)
        taken = take_word(&r.entry, &out->as);
    if (taken != TAKEN)
        return taken;
    if (take_name(&r.entry, out->name) == DAMAGED)
        return DAMAGED;
    if (out->as == UINT32_MAX) /* RFC 7300: nobody's */
        return DAMAGED;
    return out->as != 0 && out->as != AS_TRANS ? TAKEN : ABSENT;
}

bool as_database_find(struct as_database *d, const struct endpoint *address,
                      struct as_found *out)
{
    *out = (struct as_found){0};
    refresh(d);
    if (!d->open || (address->family != FAMILY_IPV4 && address->family != FAMILY_IPV6) ||
        endpoint_is_private(address) || endpoint_nobodys(address) != NULL)
        return false;
    enum taken taken = take(&d->file, address, out);
    if (taken == DAMAGED)
        refuse(d, "a record makes no sense");
    if (taken != TAKEN)
        *out = (struct as_found){0};
    return taken == TAKEN;
}
