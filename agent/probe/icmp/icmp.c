/*
 * The ICMP kind. One socket a family for all probes. start() only queues: all that was
 * queued on one turn of the loop, or in a slot, goes out in batches before the loop waits,
 * and between batches what has come is taken out, so that neither our buffers nor the
 * kernel's fill up with a burst.
 *
 * In slots the sockets are not on the loop at all: each transmit stamp would wake it
 * (EPOLLERR cannot be left out). They are, once a kernel does not stamp what it receives.
 *
 * When the kernel has dropped packets of the socket while a probe was under way, its reply
 * may have been among them: it is not measured, and this host was busy.
 *
 * A stream has a random id and a sequence that begins at random. After some losses in a
 * row it takes a new id: a firewall may hold a session of the old one that leads nowhere
 * any more. (The id of a ping socket is the kernel's and stays.)
 */
#include "probe/icmp/icmp.h"

#include "base/mem.h"
#include "probe/cause.h"
#include "probe/icmp/state.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SILENT_LOSSES 3

/* ---- chance: from the kernel, as nobody may guess it ---- */

static uint64_t next_random(struct icmp *s)
{
    if (s->random_left == 0) {
        size_t have = 0;
        while (have < sizeof s->random) {
            ssize_t got = getrandom((char *)s->random + have, sizeof s->random - have, 0);
            assert(got > 0 || errno == EINTR); /* there is always chance after the boot */
            have += got > 0 ? (size_t)got : 0;
        }
        s->random_left = RANDOM_NUMBERS;
    }
    return s->random[--s->random_left];
}

static void renew(struct icmp_family *f, struct flow *flow)
{
    uint64_t chance = next_random(f->icmp);
    uint16_t given = icmp_socket_id(f->socket);
    flow->id =
        given != 0 ? given : (uint16_t)(ECHO_MARK(f->icmp->tag) << 8 | (uint8_t)chance);
    flow->seq = (uint16_t)(chance >> 32);
    flow->losses = 0;
}

/* ---- one probe ---- */

static struct icmp_family *open_family(struct icmp *s, enum family family,
                                       const struct uplink *uplink);

static struct icmp_family *family_of(struct icmp *s, const struct exchange *x)
{
    for (struct icmp_family *f = s->families; f != NULL; f = f->next)
        if (f->family == (enum family)x->to.family && f->uplink == x->target->uplink)
            return f;
    return open_family(s, (enum family)x->to.family, x->target->uplink);
}

static void on_flush(uv_idle_t *idle)
{
    struct icmp *s = idle->data;
    uv_idle_stop(idle); /* first: what a callback queues is the next iteration's */
    icmp_send_queued(s);
}

static void icmp_send(void *state)
{
    icmp_send_queued(state);
}

static void icmp_read_all(void *state)
{
    struct icmp *s = state;
    for (struct icmp_family *f = s->families; f != NULL && !s->closed; f = f->next) {
        if (f->socket == NULL || f->echo_table.next == 0)
            continue;
        icmp_drain(f, true);
        if (!s->closed)
            icmp_drain(f, false);
    }
}

static void icmp_start(struct exchange *x)
{
    struct icmp *s = x->kind_state;
    struct icmp_family *f = family_of(s, x);
    if (f->socket == NULL && !icmp_refresh(f)) {
        cause_not_sent_by(x->result.cause, sizeof x->result.cause, f->error, f->uplink);
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    struct flow *flow = flow_of(f, x->result.stream);
    if (flow->id == 0 || flow->losses >= SILENT_LOSSES)
        renew(f, flow);
    struct sent_echo echo = {
        .nonce = next_random(s),
        .x = x,
        .to_hash = endpoint_hash(&x->to),
        .stream = x->result.stream,
        .id = flow->id,
        .seq = flow->seq++,
    };
    uint64_t number = echo_table_add(&f->echo_table, &echo, x->started);
    if (number == ECHO_NONE) {
        snprintf(x->result.cause, sizeof x->result.cause,
                 "too many probes are under way from this host");
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    x->own = (void *)(uintptr_t)number;
    f->queue = mem_grow(f->queue, &f->queue_room, f->queued + 1, sizeof *f->queue);
    f->queue[f->queued++] = number;
    if (s->reading == PROBER_AT_ONCE)
        uv_idle_start(&s->flush, on_flush);
}

static void icmp_abort(struct exchange *x)
{
    struct icmp_family *f = family_of(x->kind_state, x);
    struct sent_echo *sent = echo_table_at(&f->echo_table, (uintptr_t)x->own);
    assert(sent != NULL && sent->x == x);
    sent->x = NULL;
    if (f->socket != NULL)
        f->drops = icmp_socket_drops(f->socket);
    if (f->drops != x->packet.drops) {
        x->unheard = true;
        return;
    }
    struct flow *flow = flow_of(f, sent->stream);
    if (flow->losses < SILENT_LOSSES)
        flow->losses++;
}

/* ---- beginning and end ---- */

static void free_icmp(struct icmp *s)
{
    if (--s->handles > 0)
        return;
    for (struct icmp_family *next, *f = s->families; f != NULL; f = next) {
        next = f->next;
        echo_table_free(&f->echo_table);
        free(f->queue);
        free(f);
    }
    free(s);
}

static void on_flush_closed(uv_handle_t *flush)
{
    free_icmp(flush->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct icmp_poll *poll = handle->data;
    struct icmp *s = poll->family->icmp;
    icmp_socket_close(poll->socket);
    free(poll);
    free_icmp(s);
}

static void close_socket(struct icmp_family *f)
{
    if (f->poll != NULL)
        uv_close((uv_handle_t *)&f->poll->handle, on_poll_closed);
    else
        icmp_socket_close(f->socket);
    f->socket = NULL;
    f->poll = NULL;
}

static void icmp_close(void *state)
{
    struct icmp *s = state;
    s->closed = true;
    for (struct icmp_family *f = s->families; f != NULL; f = f->next)
        close_socket(f);
    uv_close((uv_handle_t *)&s->flush, on_flush_closed);
}

int icmp_watch(struct icmp_family *f)
{
    struct icmp *s = f->icmp;
    struct icmp_poll *poll = mem_zalloc(sizeof *poll);
    int rc = uv_poll_init(s->flush.loop, &poll->handle, icmp_socket_fd(f->socket));
    if (rc != 0) {
        free(poll);
        return rc;
    }
    poll->family = f;
    poll->socket = f->socket;
    poll->handle.data = poll;
    f->poll = poll;
    s->handles++;
    return uv_poll_start(&poll->handle, UV_READABLE | UV_PRIORITIZED, icmp_on_event);
}

static int open_socket(struct icmp_family *f)
{
    struct icmp *s = f->icmp;
    int rc = icmp_socket_open(&f->socket, f->family, s->tag, f->uplink);
    if (rc == 0 && s->reading == PROBER_AT_ONCE && (rc = icmp_watch(f)) != 0) {
        icmp_socket_close(f->socket);
        f->socket = NULL;
    }
    f->error = rc;
    f->drops = 0;
    f->next_key = 0;
    f->dont_fragment = false;
    memset(f->flows, 0, sizeof f->flows);
    return rc;
}

bool icmp_refresh(struct icmp_family *f)
{
    const struct uplink *u = f->uplink;
    uint32_t index =
        u != NULL && u->interface[0] != '\0' ? if_nametoindex(u->interface) : 0;
    if (f->socket != NULL && index == f->interface)
        return true;
    if (u == NULL)
        return false;
    bool stale = f->socket != NULL; /* what is queued has its id */
    close_socket(f);
    f->interface = index;
    if (open_socket(f) != 0)
        return false;
    f->error = stale ? -ENODEV : 0;
    return !stale;
}

static struct icmp_family *open_family(struct icmp *s, enum family family,
                                       const struct uplink *uplink)
{
    struct icmp_family *f = mem_zalloc(sizeof *f);
    f->icmp = s;
    f->next = s->families;
    f->family = family;
    f->uplink = uplink;
    f->echo_table = echo_table_create(s->tag);
    s->families = f;
    if (uplink != NULL)
        icmp_refresh(f);
    else
        open_socket(f);
    return f;
}

static void explain(int error, char *why, size_t why_size)
{
    if (error == -EPERM || error == -EACCES)
        snprintf(why, why_size,
                 "no permission for ICMP: give CAP_NET_RAW (run as root, or setcap "
                 "cap_net_raw+ep on the program), or allow ping sockets with sysctl "
                 "net.ipv4.ping_group_range; TCP and HTTPS probes work without");
    else
        snprintf(why, why_size, "no ICMP socket: %s; TCP and HTTPS probes work without",
                 strerror(-error));
}

/* One family is enough: the other's probes are then not measured. */
static int icmp_open(void **state, const struct probe_tools *tools, char *why,
                     size_t why_size)
{
    struct icmp *s = mem_zalloc(sizeof *s);
    s->prober = tools->prober;
    s->reading = tools->reading;
    s->tag = (uint32_t)next_random(s);
    uv_idle_init(tools->loop, &s->flush); /* cannot fail */
    s->flush.data = s;
    s->handles = 1;
    int ipv4 = open_family(s, FAMILY_IPV4, NULL)->error;
    int ipv6 = open_family(s, FAMILY_IPV6, NULL)->error;
    if (ipv4 != 0 && ipv6 != 0) {
        explain(ipv4 == -EAFNOSUPPORT ? ipv6 : ipv4, why, why_size);
        icmp_close(s);
        return ipv4 == -EAFNOSUPPORT ? ipv6 : ipv4;
    }
    *state = s;
    return 0;
}

const struct probe_kind icmp_kind = {
    .kind =
        {
            .name = "icmp",
            .delays = {"rtt", NULL},
            .uses = USES_PAYLOAD | USES_DSCP | USES_TTL,
            .label = "ICMP",
            .examples = "sudo edgelat probe icmp bing.com -n 1000 -i 0.05\n",
            .roles = {DELAY_ROUND_TRIP},
            .on_by_default = true,
            .single_packets = true,
            .may_be_filtered = true,
            .interval_ns = 10 * NS_PER_S,
            .slow_interval_ns = 60 * NS_PER_S,
            .packets = 2, /* request and reply over IPv6 */
            .bytes = 96,
            .payloads = 2,
        },
    .open = icmp_open,
    .start = icmp_start,
    .read = icmp_read_all,
    .send = icmp_send,
    .abort = icmp_abort,
    .close = icmp_close,
};
