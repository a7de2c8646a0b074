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
    MODEM_EVERY_S = 10,
    LOOKUPS_MAX = 256, /* routes looked up at the end of a window, 5 us each */
};

struct modem_request { /* on libuv's thread pool; one at a time */
    uv_work_t work;
    struct interface_reader *reader; /* NULL: it is gone */
    char interface[INTERFACE_NAME_MAX];
    struct modem_link link;
};

struct interface_reader {
    struct modem_request *modem; /* under way, or NULL */
    uint32_t seconds;
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
    bool is_new = rc == 0 && (!was || index != state.index);
    if (is_new)
        i->has_modem = modem_has(i->name);
    if (is_new || (rc == 0 && modes))
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
        if (r->interfaces.list[i]->configured || r->interfaces.list[i]->routed)
            read_one(r, r->interfaces.list[i], modes);
}

/* ---- modems ---- */

static void modem_work(uv_work_t *work)
{
    struct modem_request *q = work->data;
    q->link = modem_read(q->interface);
}

static void on_modem(uv_work_t *work, int status)
{
    struct modem_request *q = work->data;
    struct interface_reader *r = q->reader;
    for (size_t i = 0; r != NULL && status == 0 && i < r->interfaces.n; i++)
        if (strcmp(r->interfaces.list[i]->name, q->interface) == 0 &&
            r->interfaces.list[i]->present)
            r->interfaces.list[i]->modem = q->link;
    if (r != NULL)
        r->modem = NULL;
    free(q);
}

/* Of several modems one after another. */
static void ask_modem(struct interface_reader *r)
{
    size_t n = r->interfaces.n;
    for (size_t k = 0; k < n && r->modem == NULL; k++) {
        const struct interface_traffic *i =
            r->interfaces.list[(r->seconds / MODEM_EVERY_S + k) % n];
        if (!i->present || !i->has_modem)
            continue;
        struct modem_request *q = mem_zalloc(sizeof *q);
        q->reader = r;
        q->work.data = q;
        text_copy(q->interface, sizeof q->interface, i->name);
        if (uv_queue_work(r->timer->loop, &q->work, modem_work, on_modem) == 0)
            r->modem = q;
        else
            free(q);
    }
}

static void on_read(uv_timer_t *timer)
{
    struct interface_reader *r = timer->data;
    read_all(r, false);
    if (r->seconds++ % MODEM_EVERY_S == 0)
        ask_modem(r);
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
        r->interfaces.list[i]->routed = false;
    for (size_t f = 0; f < 2; f++)
        look_up(r, &r->usual[f]);
    for (size_t t = 0; t < n; t++)
        for (size_t f = 0; f < FAMILY_SLOTS && lookups < LOOKUPS_MAX; f++, lookups++)
            look_up(r, &targets[t].addresses[f].to);
    for (size_t i = 0; i < r->interfaces.n; i++)
        if (!r->interfaces.list[i]->configured && !r->interfaces.list[i]->routed)
            interface_take(r->interfaces.list[i], NULL, mono_now());
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
    if (r->modem != NULL) {
        r->modem->reader = NULL;
        uv_cancel((uv_req_t *)&r->modem->work); /* on_modem() comes either way */
    }
    links_close(&r->links);
    interfaces_free(&r->interfaces);
    free(r);
}
