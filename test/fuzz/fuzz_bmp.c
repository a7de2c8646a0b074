/* A BMP session: what a router sends, in pieces whose size is the first byte (0: whole). */
#include "route/feed.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct watch watch;
static struct origin microsoft = {.microsoft = true, .as = 8075};
static const struct origins origins = {.all = &microsoft, .n = 1};

static void begin_watch(void)
{
    static struct prefix all[2] = {
        {.bits = 96 + 8,
         .service = "exchange",
         .bytes = {[10] = 0xff, [11] = 0xff, [12] = 13}},
        {.bits = 16, .service = "teams", .bytes = {0x26, 0x03}},
    };
    struct prefixes list = {.all = all, .n = 2};
    if (watch.n == 0)
        watch_build(&watch, "203.0.113.0/24", &list);
}

static void check_prefix(const struct rib *r, const struct rib_prefix *p)
{
    assert(p->n <= RIB_PREFIX_PATHS_MAX && watch_find(&watch, &p->prefix) != NULL);
    bool usable = false;
    for (size_t i = 0; i < p->n; i++) {
        const struct rib_path *path = &p->paths[i];
        assert(path->peer < RIB_PEERS_MAX && r->peers[path->peer].used);
        assert((path->role != PATH_NO_ROLE) == rib_path_is_usable(r, p, path));
        usable = usable || path->role != PATH_NO_ROLE;
    }
    assert(usable == (rib_prefix_path(r, p) != NULL));
}

static void check_rib(const struct rib *r)
{
    size_t paths = 0;
    for (size_t i = 0; i < r->n_prefixes; i++) {
        check_prefix(r, &r->prefixes[i]);
        paths += r->prefixes[i].n;
        assert(i == 0 ||
               bgp_prefix_order(&r->prefixes[i - 1].prefix, &r->prefixes[i].prefix) < 0);
    }
    assert(paths == r->n_paths && paths <= RIB_PATHS_MAX);
    assert(r->events.n <= RIB_EVENTS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct endpoint router = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}};
    struct instant now = {{NS_PER_S}, {NS_PER_S}};
    static struct self_value values[RIB_VALUES_MAX];
    static struct rib rib;
    struct peering peering = {.provider = ""};
    if (len == 0)
        return 0;
    begin_watch();
    struct rib_setup setup = {.watch = &watch,
                              .peering = &peering,
                              .origins = &origins,
                              .routers = "192.0.2.1",
                              .primary_peers = "198.51.100.2",
                              .backup_peers = ""};
    rib_begin(&rib, &setup, now);
    struct feed feed = feed_of(&rib, &router);
    size_t piece = bytes[0] == 0 ? len : bytes[0], from = 1, end = 1;
    while (end < len) {
        end = len - end < piece ? len : end + piece;
        uint8_t *part = malloc(end - from); /* a buffer whose bounds are watched */
        memcpy(part, bytes + from, end - from);
        ssize_t used = feed_take(&feed, part, end - from, now);
        free(part);
        assert(used <= (ssize_t)(end - from));
        if (used < 0) {
            assert(feed.error != NULL);
            break;
        }
        from += (size_t)used;
        now.mono.ns += NS_PER_S;
        now.wall.ns += NS_PER_S;
        rib_turn(&rib, now);
    }
    check_rib(&rib);
    assert(rib_window(&rib, false, now, values) <= RIB_VALUES_MAX);
    feed_end(&feed, "end", now);
    check_rib(&rib);
    rib_free(&rib);
    return 0;
}
