#include "traffic/interface_reader.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/clock.h"
#include "net/link.h"
#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

enum {
    READ_MS = 1000,
    LOOKUPS_MAX = 256, /* routes looked up at the end of a window, 5 us each */
};

struct interface_reader {
    struct links links;
    struct interfaces interfaces;
    uv_timer_t *timer;
    struct endpoint usual[2]; /* an address of Microsoft in each family */
};

static void read_one(struct interface_reader *r, struct interface_traffic *i, bool modes)
{
    struct link_state state;
    int rc = links_read(&r->links, i->name, &state);
    uint32_t index = i->index;
    bool was = i->present;
    if (rc == 0 && (modes || !was || index != state.index))
        i->modes = links_modes(&r->links, state.index);
    if (modes) {
        struct wifi_link wifi = {0};
        if (rc == 0)
            wifi = links_wifi(&r->links, state.index);
        wifi_take(&i->wifi, &wifi);
    }
    interface_take(i, rc == 0 ? &state : NULL, mono_now());
    if (was == i->present)
        return;
    if (!i->present)
        log_info("traffic", "interface %s is gone", i->name);
    else if (index != 0)
        log_info("traffic", "interface %s is back", i->name);
    else
        log_debug("traffic", "interface %s: its counters are read", i->name);
}

static void read_all(struct interface_reader *r, bool modes)
{
    for (size_t i = 0; i < r->interfaces.n; i++)
        if (r->interfaces.list[i].configured || r->interfaces.list[i].routed)
            read_one(r, &r->interfaces.list[i], modes);
}

static void on_read(uv_timer_t *timer)
{
    read_all(timer->data, false);
}

/* ---- which ---- */

static void look_up(struct interface_reader *r, const struct endpoint *to)
{
    char name[INTERFACE_NAME_MAX];
    if ((to->family != FAMILY_IPV4 && to->family != FAMILY_IPV6) ||
        !links_to(&r->links, to, name) || strcmp(name, "lo") == 0)
        return;
    struct interface_traffic *i = interfaces_add(&r->interfaces, name);
    if (i == NULL || i->routed)
        return;
    i->routed = true;
    if (!i->present)
        read_one(r, i, true);
}

static void look_up_all(struct interface_reader *r, const struct target_state *targets,
                        size_t n)
{
    size_t lookups = 0;
    for (size_t i = 0; i < r->interfaces.n; i++)
        r->interfaces.list[i].routed = false;
    for (size_t f = 0; f < 2; f++)
        look_up(r, &r->usual[f]);
    for (size_t t = 0; t < n; t++)
        for (size_t f = 0; f < FAMILY_SLOTS && lookups < LOOKUPS_MAX; f++, lookups++)
            look_up(r, &targets[t].addresses[f].to);
    for (size_t i = 0; i < r->interfaces.n; i++)
        if (!r->interfaces.list[i].configured && !r->interfaces.list[i].routed)
            interface_take(&r->interfaces.list[i], NULL, mono_now());
}

static void add_configured(struct interface_reader *r, const char *at)
{
    while (*at != '\0') {
        char name[INTERFACE_NAME_MAX] = "";
        size_t len = strcspn(at, " \t,");
        if (len < sizeof name)
            memcpy(name, at, len);
        at += len + strspn(at + len, " \t,");
        struct interface_traffic *i = interfaces_add(&r->interfaces, name);
        if (i != NULL)
            i->configured = true;
    }
}

/* The first published prefix of each family. */
static void find_usual(struct interface_reader *r, const struct prefixes *p)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    for (size_t i = 0; i < p->n; i++) {
        const struct prefix *is = &p->all[i];
        bool v4 = memcmp(is->bytes, mapped, sizeof mapped) == 0;
        struct endpoint *e = &r->usual[!v4];
        if (e->family != FAMILY_NONE || is->inferred)
            continue;
        e->family = v4 ? FAMILY_IPV4 : FAMILY_IPV6;
        memcpy(e->bytes, v4 ? is->bytes + 12 : is->bytes, v4 ? 4 : 16);
    }
}

/* ---- the window ---- */

size_t interface_reader_window(struct interface_reader *r, const struct batch *batch,
                               struct self_value values[INTERFACES_VALUES_MAX])
{
    read_all(r, true);
    size_t n = interfaces_window(&r->interfaces, batch->delta, mono_now(), values);
    look_up_all(r, batch->targets, batch->n_targets);
    return n;
}

const struct interfaces *interface_reader_interfaces(const struct interface_reader *r)
{
    return &r->interfaces;
}

/* ---- create and destroy ---- */

int interface_reader_create(struct interface_reader **out, uv_loop_t *loop,
                            const struct config *config,
                            const struct edge_data *edge_data)
{
    struct interface_reader *r = mem_zalloc(sizeof *r);
    int rc = links_open(&r->links);
    if (rc < 0) {
        free(r);
        return rc;
    }
    find_usual(r, &edge_data->prefixes);
    add_configured(r, config->traffic_interfaces);
    look_up_all(r, NULL, 0);
    read_all(r, true);
    r->timer = timer_new(loop, r);
    uv_timer_start(r->timer, on_read, READ_MS, READ_MS);
    *out = r;
    return 0;
}

void interface_reader_destroy(struct interface_reader *r)
{
    if (r == NULL)
        return;
    timer_close(r->timer);
    links_close(&r->links);
    free(r);
}
