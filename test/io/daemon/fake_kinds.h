/*
 * Two kinds of probe that send nothing: servers are scripted and probes counted, by the last
 * byte of the address. A test program that includes this has these kinds in place of
 * the program's own: they have the names of probe/kinds.h, so its object is not linked.
 */
#ifndef EDGELAT_TEST_FAKE_KINDS_H
#define EDGELAT_TEST_FAKE_KINDS_H

#include "check.h"

#include "base/text.h"
#include "probe/kinds.h"

#include <uv.h>

enum { FAKE_ECHO, FAKE_SHAKE, FAKE_KINDS };

enum conduct { CONDUCT_ANSWERS, CONDUCT_REFUSES, CONDUCT_SILENT, CONDUCT_UNHEARD };

struct fake_server { /* the server at 198.51.100.N */
    enum conduct conduct;
    int64_t rtt_ns;
    const char *pop;     /* NULL: not named in its answers */
    unsigned duplicates; /* number of answers to duplicate */
    uint64_t sent[FAKE_KINDS], ended[FAKE_KINDS][OUTCOME_COUNT];
};

struct fake {
    struct fake_server servers[256];
    uint64_t sent;
    struct exchange *waiting[256]; /* in the order sent */
    size_t n_waiting;
    int open;           /* open kinds */
    const char *broken; /* why opening a kind fails; NULL: it succeeds */
};

static struct fake fake;

struct fake_state {
    uv_timer_t timer; /* answers in the next loop iteration */
    struct prober *prober;
    size_t kind;
};

static struct fake_server *fake_server_of(const struct exchange *x)
{
    CHECK(x->to.family == FAMILY_IPV4, "only IPv4 was resolved");
    return &fake.servers[x->to.bytes[3]];
}

static void fake_forget(const struct exchange *x)
{
    size_t i = 0;
    while (fake.waiting[i] != x)
        i++;
    fake.n_waiting--;
    memmove(&fake.waiting[i], &fake.waiting[i + 1],
            (fake.n_waiting - i) * sizeof *fake.waiting);
}

static void fake_answer(struct fake_state *s, struct exchange *x)
{
    struct fake_server *server = fake_server_of(x);
    bool reply = server->conduct == CONDUCT_ANSWERS;
    uint32_t stream = x->result.stream;
    enum outcome outcome = reply ? OUTCOME_REPLY : OUTCOME_REFUSED;
    if (reply && server->pop != NULL) {
        text_copy(x->result.pop, sizeof x->result.pop, server->pop);
        x->result.pop_basis = "X-MSEdge-Ref";
    }
    fake_forget(x);
    server->ended[s->kind][outcome]++;
    exchange_done(x, outcome, reply ? &server->rtt_ns : NULL);
    if (reply && server->duplicates > 0) {
        server->duplicates--;
        prober_after(s->prober, stream, COUNTER_DUPLICATES);
    }
}

static struct exchange *fake_to_answer(const struct fake_state *s)
{
    for (size_t i = 0; i < fake.n_waiting; i++)
        if (fake.waiting[i]->kind_state == s &&
            fake_server_of(fake.waiting[i])->conduct <= CONDUCT_REFUSES)
            return fake.waiting[i];
    return NULL;
}

static void fake_on_timer(uv_timer_t *timer)
{
    struct fake_state *s = timer->data;
    for (struct exchange *x; (x = fake_to_answer(s)) != NULL;)
        fake_answer(s, x);
}

static int fake_open(void **state, const struct probe_tools *tools, char *why,
                     size_t why_size, size_t kind)
{
    if (fake.broken != NULL) {
        snprintf(why, why_size, "%s", fake.broken);
        return -EPERM;
    }
    struct fake_state *s = calloc(1, sizeof *s);
    uv_timer_init(tools->loop, &s->timer);
    s->timer.data = s;
    s->prober = tools->prober;
    s->kind = kind;
    fake.open++;
    *state = s;
    return 0;
}

static int fake_open_echo(void **state, const struct probe_tools *tools, char *why,
                          size_t why_size)
{
    return fake_open(state, tools, why, why_size, FAKE_ECHO);
}

static int fake_open_shake(void **state, const struct probe_tools *tools, char *why,
                           size_t why_size)
{
    return fake_open(state, tools, why, why_size, FAKE_SHAKE);
}

static void fake_start(struct exchange *x)
{
    struct fake_state *s = x->kind_state;
    CHECK(fake.n_waiting < 256, "a bounded number under way");
    fake.waiting[fake.n_waiting++] = x;
    fake_server_of(x)->sent[s->kind]++;
    fake.sent++;
    uv_timer_start(&s->timer, fake_on_timer, 0, 0);
}

static void fake_abort(struct exchange *x)
{
    struct fake_state *s = x->kind_state;
    struct fake_server *server = fake_server_of(x);
    x->unheard = server->conduct == CONDUCT_UNHEARD;
    server->ended[s->kind][x->unheard ? OUTCOME_NOT_MEASURED : OUTCOME_LOSS]++;
    fake_forget(x);
}

static void fake_free(uv_handle_t *timer)
{
    free(timer->data);
}

static void fake_close(void *state)
{
    struct fake_state *s = state;
    fake.open--;
    uv_close((uv_handle_t *)&s->timer, fake_free);
}

#define FAKE_INTERVAL_NS (40 * NS_PER_MS)

static const struct probe_kind fake_echo = {
    .kind = {.name = "echo",
             .delays = {"rtt", NULL},
             .label = "Echo",
             .roles = {DELAY_ROUND_TRIP},
             .on_by_default = true,
             .interval_ns = FAKE_INTERVAL_NS,
             .slow_interval_ns = FAKE_INTERVAL_NS},
    .open = fake_open_echo,
    .start = fake_start,
    .abort = fake_abort,
    .close = fake_close,
};

static const struct probe_kind fake_shake = {
    .kind = {.name = "shake",
             .delays = {"rtt", NULL},
             .uses = USES_PORT,
             .label = "Shake",
             .roles = {DELAY_HANDSHAKE},
             .on_by_default = true,
             .interval_ns = FAKE_INTERVAL_NS,
             .slow_interval_ns = FAKE_INTERVAL_NS},
    .open = fake_open_shake,
    .start = fake_start,
    .abort = fake_abort,
    .close = fake_close,
};

const struct probe_kind *const probe_kinds[] = {&fake_echo, &fake_shake};
const size_t probe_kinds_count = FAKE_KINDS;

const struct kinds *probe_kind_words(void)
{
    static const struct kinds words = {{&fake_echo.kind, &fake_shake.kind}, FAKE_KINDS};
    return &words;
}

#endif
