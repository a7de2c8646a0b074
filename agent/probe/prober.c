/*
 * Probes under way are ordered by deadline; one timer runs for the first of them. The
 * timer only says that it is time to look: before anything is called lost the loop polls
 * once more, or the kinds read their sockets (a turn), so that an answer which already
 * waits in a socket counts as what it is, also when this host was busy, suspended or
 * stopped meanwhile.
 */
#include "probe/prober.h"

#include "base/heap.h"
#include "base/mem.h"
#include "net/clock.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct probe {
    struct exchange x; /* first: a kind's pointer to it is one to this */
    struct prober *prober;
    const struct probe_kind *kind;
    struct heap_item deadline;
    bool waits;         /* `deadline` is among the prober's */
    bool late;          /* its result was reported: `deadline` is in `late` */
    struct probe *next; /* in the list of the deferred, or of the spare */
};

#define LOOK_MOST_NS NS_PER_S /* between two looks while probes are under way */
#define RATE_OVER_NS NS_PER_S /* the time that the length of slots follows */
#define SMALL_BYTES  64       /* a probe with a larger payload counts as several */
#define NEVER        INT64_MAX
#define SPARE_MAX    64 /* with those that are read together: PROBER_UNREAD_MAX */

enum { RTTS = 512 };

struct opened {
    bool open;
    void *state;
};

struct prober {
    const struct probe_kind *const *kinds;
    size_t n_kinds;
    struct opened opened[KINDS_MAX];
    struct probe_tools tools;
    struct prober_events events;
    struct prober_counters counters;
    uint64_t number; /* of the last probe */

    struct heap waiting; /* by deadline */
    struct heap late;    /* reported, but still watched, by the end of that */
    struct probe *deferred, **deferred_end;
    size_t n_deferred;
    /* Used again. malloc() keeps fewer of a size at hand, and to merge and split the others is
     * code and memory that the caches do not have. */
    struct probe *spare;
    size_t n_spare;

    uv_timer_t timer;
    uint64_t timer_at_ms; /* 0: it does not run */
    uv_idle_t turn_idle;  /* makes the next poll return at once; in slots, is the turn */
    uv_check_t turn_check;

    /* in slots */
    size_t unread;       /* probes under way of kinds that are read in slots */
    bool sent;           /* since the last turn */
    int64_t slot_ns;     /* its length */
    size_t rate_n;       /* probes that were sent ... */
    struct mono rate_at; /* ... since then */
    struct mono look;    /* when they are read; NEVER: there are none */
    int64_t look_gap_ns; /* before it */
    int64_t shortest_ns; /* of their delays; 0: none yet */
    bool destroyed;
    int open_handles;

    struct known_rtt {
        struct endpoint to; /* FAMILY_NONE: nothing is known */
        int64_t ns;
    } rtts[RTTS]; /* by a hash of the address */
};

/* ---- results ---- */

static struct probe *probe_of(struct heap_item *item)
{
    return heap_struct(item, struct probe, deadline);
}

static struct heap *heap_of(const struct probe *probe)
{
    return probe->late ? &probe->prober->late : &probe->prober->waiting;
}

static bool is_unread(const struct probe *probe)
{
    return probe->kind->read != NULL && !probe->late;
}

static void wait_for(struct probe *probe, struct mono until)
{
    probe->prober->unread += is_unread(probe);
    probe->deadline.at_ns = until.ns;
    probe->waits = true;
    heap_add(heap_of(probe), &probe->deadline);
}

static void wait_no_more(struct probe *probe)
{
    if (!probe->waits)
        return;
    probe->prober->unread -= is_unread(probe);
    heap_remove(heap_of(probe), &probe->deadline);
    probe->waits = false;
}

static struct probe *new_probe(struct prober *p)
{
    struct probe *probe = p->spare;
    if (probe == NULL)
        return mem_alloc(sizeof *probe);
    p->spare = probe->next;
    p->n_spare--;
    return probe;
}

static void free_probe(struct probe *probe)
{
    struct prober *p = probe->prober;
    if (p->n_spare == SPARE_MAX) {
        free(probe);
        return;
    }
    probe->next = p->spare;
    p->spare = probe;
    p->n_spare++;
}

static void count(struct prober_counters *c, enum outcome outcome)
{
    if (outcome == OUTCOME_NOT_MEASURED)
        c->not_measured++;
    else
        c->sent++;
    if (outcome == OUTCOME_REPLY)
        c->answered++;
    if (outcome_is_lost(outcome))
        c->lost++;
}

static void set_lost(struct result *r, int64_t waiting_ns)
{
    char waited[DURATION_TEXT_MAX];
    r->outcome = OUTCOME_LOSS;
    if (r->cause[0] == '\0')
        snprintf(r->cause, sizeof r->cause, "no answer within %s",
                 duration_text(waited, waiting_ns));
}

/* Reports the result. `probe` is in no list, and the kind does not use it any more, unless
 * it is late. */
static void report(struct probe *probe)
{
    struct prober *p = probe->prober;
    count(&p->counters, probe->x.result.outcome);
    if (!probe->late) {
        p->events.on_result(&probe->x.result, p->events.user);
        free_probe(probe);
        return;
    }
    struct result result = probe->x.result; /* destroying the prober frees the probe */
    p->events.on_result(&result, p->events.user);
}

/* Returns true if it is a reply whose main delay is longer than the waiting time. */
static bool take_delays(struct probe *probe, const int64_t *delays)
{
    const struct kind *kind = &probe->kind->kind;
    struct result *r = &probe->x.result;
    size_t n = kind_delays(kind), main = kind->main_delay;
    for (size_t i = 0; i < n; i++)
        r->delays[i] = delays[i];
    if (r->outcome != OUTCOME_REPLY || r->delays[main] <= probe->x.waiting_ns)
        return false;
    r->outcome = OUTCOME_SLOW;
    r->delays[main] = DELAY_UNDEFINED;
    r->longer_than[main] = probe->x.waiting_ns;
    return true;
}

void exchange_done(struct exchange *x, enum outcome outcome, const int64_t *delays)
{
    struct probe *probe = (struct probe *)x;
    struct prober *p = probe->prober;
    assert(probe->waits);
    wait_no_more(probe);

    uint32_t stream = x->result.stream;
    if (probe->late) {
        free_probe(probe);
        if (!outcome_is_lost(outcome) && outcome != OUTCOME_SLOW &&
            outcome != OUTCOME_NOT_MEASURED)
            prober_after(p, stream, COUNTER_LATE);
        return;
    }
    if (outcome == OUTCOME_REPLY && probe->kind->read != NULL && delays != NULL &&
        delays[0] > 0 && (p->shortest_ns == 0 || delays[0] < p->shortest_ns))
        p->shortest_ns = delays[0];
    bool late = outcome == OUTCOME_REPLY && delays != NULL && delays[0] > x->waiting_ns;
    x->result.outcome = outcome;
    if (late)
        set_lost(&x->result, x->waiting_ns);
    else if (delays != NULL)
        late = take_delays(probe, delays);
    report(probe);
    if (late)
        prober_after(p, stream, COUNTER_LATE);
}

static void nothing(uv_idle_t *handle)
{
    (void)handle;
}

static void on_turn(uv_check_t *handle);
static void on_slot(uv_idle_t *handle);

/* After the next poll, which does not block, on_turn() comes; in slots, on_slot() before. */
static void poll_once_more(struct prober *p)
{
    uv_idle_start(&p->turn_idle, nothing);
    uv_check_start(&p->turn_check, on_turn);
}

static void take_a_turn(struct prober *p)
{
    if (p->tools.reading == PROBER_IN_SLOTS)
        uv_idle_start(&p->turn_idle, on_slot);
    else
        poll_once_more(p);
}

void exchange_defer(struct exchange *x, enum outcome outcome)
{
    struct probe *probe = (struct probe *)x;
    struct prober *p = probe->prober;
    wait_no_more(probe);
    x->result.outcome = outcome;
    probe->next = NULL;
    *p->deferred_end = probe;
    p->deferred_end = &probe->next;
    p->n_deferred++;
    take_a_turn(p);
}

void exchange_note(struct exchange *x, const char *format, ...)
{
    va_list args;
    if (x == NULL)
        return;
    va_start(args, format);
    vsnprintf(x->result.cause, sizeof x->result.cause, format, args);
    va_end(args);
}

void prober_after(struct prober *p, uint32_t stream, enum counter what)
{
    if (!p->destroyed && p->events.on_after != NULL)
        p->events.on_after(stream, what, p->events.user);
}

void prober_set_rtt(struct prober *p, const struct endpoint *to, int64_t rtt_ns)
{
    p->rtts[endpoint_hash(to) % RTTS] = (struct known_rtt){*to, rtt_ns};
}

int64_t prober_rtt_ns(const struct prober *p, const struct endpoint *to)
{
    const struct known_rtt *k = &p->rtts[endpoint_hash(to) % RTTS];
    return endpoint_same_address(&k->to, to) ? k->ns : 0;
}

void prober_count_foreign(struct prober *p)
{
    p->counters.foreign++;
}

void prober_count_damaged(struct prober *p)
{
    p->counters.damaged++;
}

void prober_count_fallback(struct prober *p)
{
    p->counters.timestamp_fallbacks++;
}

/* ---- the waiting time ---- */

static void on_timer(uv_timer_t *timer)
{
    struct prober *p = timer->data;
    p->timer_at_ms = 0;
    take_a_turn(p);
}

/* In steps of PROBER_SLOT_NS; where one probe is alone in the longest slot, too, it need not
 * wait for its end. */
int64_t prober_slot_ns(size_t n, int64_t within_ns)
{
    int64_t gap_ns = n > 0 ? within_ns / (int64_t)n : NEVER;
    if (gap_ns > PROBER_SLOT_MAX_NS)
        return PROBER_SLOT_NS;
    int64_t slots = (PROBER_TOGETHER * gap_ns + PROBER_SLOT_NS / 2) / PROBER_SLOT_NS;
    int64_t most = PROBER_SLOT_MAX_NS / PROBER_SLOT_NS;
    return PROBER_SLOT_NS * (slots < 1 ? 1 : slots > most ? most : slots);
}

struct mono prober_slot_end(const struct prober *p, struct mono at)
{
    return (struct mono){(at.ns + p->slot_ns - 1) / p->slot_ns * p->slot_ns};
}

static int64_t earlier(int64_t at_ns, const struct heap_item *item)
{
    return item != NULL && item->at_ns < at_ns ? item->at_ns : at_ns;
}

/*
 * libuv counts in whole milliseconds of its own clock, which is that of uv_hrtime() cut
 * down: rounded up, the timer is never early. It is left running when the probe that it
 * was started for is answered; it then finds nothing and starts for the next. In slots it
 * is moved, as it would wake the process for nothing.
 */
static void run_timer(struct prober *p)
{
    bool in_slots = p->tools.reading == PROBER_IN_SLOTS;
    int64_t at_ns =
        earlier(earlier(p->look.ns, heap_first(&p->waiting)), heap_first(&p->late));
    if (at_ns == NEVER)
        return;
    if (in_slots)
        at_ns = prober_slot_end(p, (struct mono){at_ns}).ns;
    uint64_t at_ms = (uint64_t)((at_ns + NS_PER_MS - 1) / NS_PER_MS);
    if (p->timer_at_ms == at_ms ||
        (!in_slots && p->timer_at_ms != 0 && p->timer_at_ms < at_ms))
        return;
    uint64_t now_ms = uv_now(p->tools.loop);
    uv_timer_start(&p->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
    p->timer_at_ms = at_ms;
}

/* Takes the first probe whose waiting time is over, or NULL. A kind may have sent some
 * time after it was asked to: such a probe is put back with its real deadline. */
static struct probe *overdue(struct prober *p, struct mono at)
{
    struct heap_item *first;
    while ((first = heap_first(&p->waiting)) != NULL && first->at_ns <= at.ns) {
        struct probe *probe = probe_of(first);
        struct mono real = {probe->x.sent.ns + probe->x.waiting_ns};
        wait_no_more(probe);
        if (real.ns <= at.ns)
            return probe;
        wait_for(probe, real);
    }
    return NULL;
}

static void report_deferred(struct prober *p)
{
    /* Only those that are there now: a callback may send again, and be deferred again. */
    for (size_t n = p->n_deferred; n > 0 && !p->destroyed; n--) {
        struct probe *probe = p->deferred;
        assert(probe != NULL); /* there are n_deferred of them */
        p->deferred = probe->next;
        if (p->deferred == NULL)
            p->deferred_end = &p->deferred;
        p->n_deferred--;
        report(probe);
    }
}

static void set_unmeasured(struct prober *p, struct result *r)
{
    r->outcome = OUTCOME_NOT_MEASURED;
    snprintf(r->cause, sizeof r->cause,
             "this host was too busy: it dropped packets that it had received");
    if (p->events.on_busy != NULL)
        p->events.on_busy(p->events.user);
}

/* Has the kind fill in the result, and ends the exchange unless its answer may be late. */
static void end_waiting(struct prober *p, struct probe *probe)
{
    struct exchange *x = &probe->x;
    if (probe->kind->overdue == NULL || p->late.n >= PROBER_LATE_MAX) {
        probe->kind->abort(x);
        return;
    }
    probe->kind->overdue(x);
    if (x->result.outcome != OUTCOME_NOT_MEASURED && x->result.outcome != OUTCOME_SLOW) {
        probe->kind->abort(x);
        return;
    }
    probe->late = true;
    wait_for(probe, (struct mono){x->sent.ns + x->waiting_ns + PROBER_LATE_NS});
}

static void report_lost(struct prober *p)
{
    struct mono at = mono_now();
    struct probe *probe;
    while (!p->destroyed && (probe = overdue(p, at)) != NULL) {
        end_waiting(p, probe);
        if (probe->x.unheard)
            set_unmeasured(p, &probe->x.result);
        else if (probe->x.result.outcome == OUTCOME_NOT_MEASURED)
            set_lost(&probe->x.result, probe->x.waiting_ns);
        report(probe);
    }
}

static void forget_late(struct prober *p, struct mono at)
{
    struct heap_item *first;
    while ((first = heap_first(&p->late)) != NULL && first->at_ns <= at.ns) {
        struct probe *probe = probe_of(first);
        wait_no_more(probe);
        probe->kind->abort(&probe->x);
        free_probe(probe);
    }
}

static void on_turn(uv_check_t *handle)
{
    struct prober *p = handle->data;
    uv_idle_stop(&p->turn_idle);
    uv_check_stop(&p->turn_check);
    report_deferred(p);
    report_lost(p);
    if (p->destroyed)
        return;
    forget_late(p, mono_now());
    run_timer(p);
    if (p->sent) /* from a callback, while the idle handle was running */
        take_a_turn(p);
}

static void read_kinds(struct prober *p)
{
    for (size_t i = 0; i < p->n_kinds && !p->destroyed; i++)
        if (p->opened[i].open && p->kinds[i]->read != NULL)
            p->kinds[i]->read(p->opened[i].state);
}

static void send_kinds(struct prober *p)
{
    for (size_t i = 0; i < p->n_kinds && !p->destroyed; i++)
        if (p->opened[i].open && p->kinds[i]->send != NULL)
            p->kinds[i]->send(p->opened[i].state);
}

static bool is_due(const struct heap *h, struct mono at)
{
    return earlier(NEVER, heap_first(h)) <= at.ns;
}

/* What has not come now may be lost, and is worth ever fewer looks of its own. */
static void read_slot(struct prober *p, struct mono now)
{
    read_kinds(p);
    p->look_gap_ns =
        2 * p->look_gap_ns < LOOK_MOST_NS ? 2 * p->look_gap_ns : LOOK_MOST_NS;
    p->look.ns = p->unread > 0 ? now.ns + p->look_gap_ns : NEVER;
}

/* Nothing comes sooner than the shortest delay. */
static void look_for_sent(struct prober *p, struct mono now)
{
    p->look_gap_ns = p->shortest_ns > PROBER_LOOK_NS ? p->shortest_ns : PROBER_LOOK_NS;
    if (p->look.ns > now.ns + p->look_gap_ns)
        p->look.ns = now.ns + p->look_gap_ns;
}

static void stretch_slots(struct prober *p, struct mono now)
{
    if (now.ns - p->rate_at.ns < RATE_OVER_NS)
        return;
    p->slot_ns = prober_slot_ns(p->rate_n, now.ns - p->rate_at.ns);
    p->rate_n = 0;
    p->rate_at = now;
}

/* What a callback sends from inside is the next iteration's: the idle handle runs again. */
static void on_slot(uv_idle_t *handle)
{
    struct prober *p = handle->data;
    struct mono now = mono_now();
    bool sent = p->sent, over = is_due(&p->waiting, now) || is_due(&p->late, now);
    p->sent = false;
    uv_idle_stop(handle);
    if (over || p->unread >= PROBER_UNREAD_MAX ||
        now.ns >= p->look.ns - (sent ? p->slot_ns + PROBER_SLOT_NS : 0))
        read_slot(p, now);
    if (sent) {
        send_kinds(p);
        look_for_sent(p, now);
        stretch_slots(p, now);
    }
    if (p->destroyed)
        return;
    if (over || p->n_deferred > 0)
        poll_once_more(p); /* for the kinds that have no read() */
    else
        run_timer(p);
}

void prober_read(struct prober *p)
{
    if (p->tools.reading == PROBER_IN_SLOTS)
        read_kinds(p);
}

/* ---- sending ---- */

int prober_open(struct prober *p, size_t kind, char *why, size_t why_size)
{
    assert(kind < p->n_kinds);
    struct opened *o = &p->opened[kind];
    if (o->open)
        return 0;
    why[0] = '\0';
    int rc = p->kinds[kind]->open(&o->state, &p->tools, why, why_size);
    o->open = rc == 0;
    return rc;
}

void prober_send(struct prober *p, uint32_t stream, size_t kind,
                 const struct target *target, const struct endpoint *to)
{
    assert(kind < p->n_kinds);
    struct probe *probe = new_probe(p);
    struct mono started = mono_now();
    *probe = (struct probe){
        .x = {.target = target,
              .waiting_ns = target->waiting_ns[kind],
              .to = *to,
              .started = started,
              .sent = started},
        .prober = p,
        .kind = p->kinds[kind],
    };
    struct exchange *x = &probe->x;
    x->result = result_of(stream, to, wall_now(), OUTCOME_NOT_MEASURED);
    x->result.number = ++p->number;
    x->result.kind = &p->kinds[kind]->kind;

    if (prober_open(p, kind, x->result.cause, sizeof x->result.cause) != 0) {
        exchange_defer(x, OUTCOME_NOT_MEASURED);
        return;
    }
    x->kind_state = p->opened[kind].state;
    wait_for(probe, (struct mono){started.ns + x->waiting_ns});
    if (p->tools.reading == PROBER_IN_SLOTS) {
        p->sent = true;
        p->rate_n += 1 + target->payload_bytes / SMALL_BYTES;
        take_a_turn(p); /* runs the timer */
    } else {
        run_timer(p);
    }
    probe->kind->start(x);
}

size_t prober_under_way(const struct prober *p)
{
    return p->waiting.n + p->n_deferred;
}

struct prober_counters prober_counters(const struct prober *p)
{
    return p->counters;
}

/* ---- beginning and end ---- */

static void adopt(struct prober *p, uv_handle_t *handle)
{
    handle->data = p;
    p->open_handles++;
}

struct prober *prober_create(uv_loop_t *loop, const struct probe_kind *const kinds[],
                             size_t n_kinds, struct resolver *resolver, struct http *http,
                             struct prober_events events)
{
    assert(n_kinds <= KINDS_MAX);
    struct prober *p = mem_zalloc(sizeof *p);
    p->kinds = kinds;
    p->n_kinds = n_kinds;
    p->tools = (struct probe_tools){.loop = loop,
                                    .resolver = resolver,
                                    .http = http,
                                    .prober = p,
                                    .reading = events.reading};
    p->events = events;
    p->look.ns = NEVER;
    p->slot_ns = PROBER_SLOT_NS;
    p->rate_at = mono_now();
    p->deferred_end = &p->deferred;
    uv_timer_init(loop, &p->timer); /* these three cannot fail */
    uv_idle_init(loop, &p->turn_idle);
    uv_check_init(loop, &p->turn_check);
    adopt(p, (uv_handle_t *)&p->timer);
    adopt(p, (uv_handle_t *)&p->turn_idle);
    adopt(p, (uv_handle_t *)&p->turn_check);
    return p;
}

static void free_list(struct probe *first)
{
    for (struct probe *next; first != NULL; first = next) {
        next = first->next;
        free(first);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct prober *p = handle->data;
    if (--p->open_handles > 0)
        return;
    free_list(p->deferred);
    free_list(p->spare);
    heap_free(&p->waiting);
    heap_free(&p->late);
    free(p);
}

void prober_destroy(struct prober *p)
{
    if (p == NULL)
        return;
    assert(!p->destroyed);
    p->destroyed = true;
    struct heap_item *first;
    forget_late(p, (struct mono){INT64_MAX});
    while ((first = heap_first(&p->waiting)) != NULL) {
        struct probe *probe = probe_of(first);
        wait_no_more(probe);
        probe->kind->abort(&probe->x);
        free_probe(probe);
    }
    for (size_t i = 0; i < p->n_kinds; i++)
        if (p->opened[i].open)
            p->kinds[i]->close(p->opened[i].state);
    uv_close((uv_handle_t *)&p->timer, on_closed);
    uv_close((uv_handle_t *)&p->turn_idle, on_closed);
    uv_close((uv_handle_t *)&p->turn_check, on_closed);
}
