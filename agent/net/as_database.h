/*
 * The AS of an address from a file in MaxMind's format (libmaxminddb), which the operator
 * of the host installs: GeoLite2-ASN and GeoIP2-ISP of MaxMind, DB-IP's IP to ASN Lite
 * (autonomous_system_number), IPinfo Lite (asn "AS8075").
 *
 * The format has no checksum. The file is refused as a whole if its search tree is not
 * complete, if a record is not where the tree says, or at the first answer that is out of
 * bounds; a wrong AS is worse than none. (A changed number itself cannot be seen: of files
 * with 1 to 4 changed bytes, 0.05 % of the answers, test/io/net/test_as_database.c.) It is read again when it is replaced. Replace it
 * by rename(2), as geoipupdate does: a mapped file that is cut is a SIGBUS.
 */
#ifndef EDGELAT_NET_AS_DATABASE_H
#define EDGELAT_NET_AS_DATABASE_H

#include "core/endpoint.h"

enum { AS_NAME_MAX = 64 };

struct as_found {
    uint32_t as;
    char name[AS_NAME_MAX]; /* of its holder, printable; "": not in the file */
};

struct as_database;

/* `path` NULL or "": the first file at the usual places (as_database_places). Never NULL. */
struct as_database *as_database_create(const char *path);
void as_database_destroy(struct as_database *d); /* NULL is fine */

/* For messages: "/usr/share/GeoIP, /var/lib/GeoIP, ..." */
extern const char as_database_places[];

/* False: not in it, or there is no usable file. */
bool as_database_find(struct as_database *d, const struct endpoint *address,
                      struct as_found *out);

/* One line that names the file, what is wrong with it and the next step; NULL: nothing, or
 * there is no file and none was named. After a damaged answer, earlier ones are doubtful
 * too. Looks for the file if that was not done yet. */
const char *as_database_problem(struct as_database *d);

/* "GeoLite2-ASN of 2026-11-24"; "": no usable file. Valid until the next call. */
const char *as_database_about(struct as_database *d);

#endif
