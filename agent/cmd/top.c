#include "base/log.h"
#include "base/mem.h"
#include "cmd/agent_answer.h"
#include "cmd/cmd.h"
#include "cmd/interrupt.h"
#include "cmd/load.h"
#include "cmd/terminal.h"
#include "cmd/top_model.h"
#include "daemon/measurer.h"
#include "daemon/status_server.h"
#include "edge/serving.h"
#include "net/clock.h"
#include "net/poll.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "status/snapshot.h"
#include "status/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("configuration"),
    {"local", 'l', NULL, "measure from this process, even beside a running agent"},
    {0},
};

/* Without an agent: windows, and the intervals of its targets. */
#define LOCAL_WINDOW_NS        (10 * NS_PER_S)
#define LOCAL_INTERVAL_NS      (2 * NS_PER_S)
#define LOCAL_SLOW_INTERVAL_NS (5 * NS_PER_S)
#define LOCAL_SWEEP_GAP_NS     (15 * NS_PER_MS)

#define CONNECT_NS   (2 * NS_PER_S)
#define RECONNECT_NS (2 * NS_PER_S)

struct watching {
    uv_loop_t loop;
    struct interrupt interrupt;
    struct terminal *terminal;
    struct top *top;
    struct screen screen;
    struct config config;
    bool over;

    /* from an agent */
    char path[STATUS_WINDOWS_MAX];
    int fd; /* -1: not connected */
    struct poll *poll;
    uv_timer_t reconnect;
    struct text received;

    /* or measured here */
    bool local;
    struct data data;
    struct http *http;
    struct measurer *measurer;
    struct serving serving;
    struct snapshot snapshot;
    struct events events;
    char host_name[256];
};

static void redraw(struct watching *w)
{
    if (w->terminal == NULL)
        return;
    terminal_clear(w->terminal, &w->screen);
    top_draw(w->top, &w->screen);
    terminal_show(w->terminal, &w->screen);
}

static void hang_up(struct watching *w)
{
    poll_close(w->poll);
    w->poll = NULL;
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static void end(struct watching *w)
{
    if (w->over)
        return;
    w->over = true;
    hang_up(w);
    terminal_close(w->terminal);
    w->terminal = NULL;
    measurer_destroy(w->measurer);
    http_destroy(w->http);
    uv_close((uv_handle_t *)&w->reconnect, NULL);
    interrupt_stop(&w->interrupt);
}

static void on_interrupt(void *user)
{
    end(user);
}

static void on_key(int key, void *user)
{
    struct watching *w = user;
    if (key != 0 && !top_key(w->top, key))
        end(w);
    else
        redraw(w);
}

/* ---- an agent ---- */

static int attach(struct watching *w);

static void on_reconnect(uv_timer_t *timer)
{
    struct watching *w = timer->data;
    if (attach(w) < 0)
        timer_in(&w->reconnect, on_reconnect, RECONNECT_NS);
}

static void lose(struct watching *w, const char *why)
{
    hang_up(w);
    top_source(w->top, why);
    redraw(w);
    timer_in(&w->reconnect, on_reconnect, RECONNECT_NS);
}

/* Shows the last whole line, keeps what follows it. */
static bool take_lines(struct watching *w)
{
    const char *bytes = text_string(&w->received);
    const char *last = memrchr(bytes, '\n', w->received.len);
    if (last == NULL)
        return w->received.len <= ANSWER_MAX;
    size_t len = (size_t)(last - bytes);
    const char *before = len > 0 ? memrchr(bytes, '\n', len) : NULL;
    const char *line = before != NULL ? before + 1 : bytes;
    bool fine = top_update(w->top, line, (size_t)(last - line));
    struct text rest = {0};
    text_add_bytes(&rest, last + 1, w->received.len - len - 1);
    text_free(&w->received);
    w->received = rest;
    top_source(w->top, "agent");
    redraw(w);
    return fine;
}

static void on_bytes(struct poll *poll, bool readable, bool writable, void *user)
{
    struct watching *w = user;
    char piece[1 << 16];
    (void)poll, (void)readable, (void)writable;
    ssize_t n = read(w->fd, piece, sizeof piece);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(w, "the agent has ended; waiting for it");
        return;
    }
    text_add_bytes(&w->received, piece, (size_t)n);
    if (!take_lines(w))
        lose(w, "not the status of a compatible agent; retrying");
}

/* Returns 0 or -errno. */
static int attach(struct watching *w)
{
    int fd = status_connect(w->path, CONNECT_NS);
    if (fd < 0)
        return fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    w->fd = fd;
    text_clear(&w->received);
    w->poll = poll_open(&w->loop, fd, on_bytes, w);
    if (w->poll == NULL) {
        hang_up(w);
        return -EIO;
    }
    poll_want(w->poll, true, false);
    return 0;
}

/* ---- without an agent ---- */

static void on_batch(const struct batch *batch, void *user)
{
    struct watching *w = user;
    struct snapshot *s = &w->snapshot;
    struct status_findings findings = {0};
    struct text json = {0};
    events_free(&w->events);
    events_copy(&w->events, batch->events, batch->n_events);
    w->events.dropped += batch->events_dropped;
    serving_update(&w->serving, &w->data.known.site, batch->targets, batch->n_targets,
                   batch->time, &w->events);
    snapshot_window(s, batch, &w->events, 0);
    s->now = wall_now();
    s->swept = measurer_summary(w->measurer, &s->doors);
    for (size_t t = 0; t < s->n_targets && t < w->config.n_targets; t++)
        s->targets[t].failure = measurer_failure(w->measurer, t);
    snapshot_findings(s, &findings);
    snapshot_json(s, &findings, &json);
    top_update(w->top, text_string(&json), json.len);
    status_findings_free(&findings);
    text_free(&json);
    redraw(w);
}

static int measure(struct watching *w)
{
    struct measurer_events events = {.on_batch = on_batch, .user = w};
    int rc = http_create(&w->http, &w->loop);
    if (rc < 0)
        return cmd_no_http(rc);
    struct explorer_pace pace = {.gap_ns = LOCAL_SWEEP_GAP_NS,
                                 .choose_ns = LOCAL_WINDOW_NS / 2};
    if (measurer_create(&w->measurer, &w->loop, &w->config, &w->data.known, w->http, pace,
                        NULL, events) < 0)
        return cmd_cannot("DNS servers '%s': not a list of addresses",
                          w->config.dns_servers);
    gethostname(w->host_name, sizeof w->host_name - 1);
    snapshot_begin(&w->snapshot, &w->config, probe_kind_words(), wall_now());
    w->snapshot.instance_id = "";
    w->snapshot.host_name = w->host_name;
    w->snapshot.detailed = true;
    measurer_resume(w->measurer);
    return CMD_FINE;
}

/* More often than the agent: somebody looks on. */
static void hurry(struct config *c)
{
    c->window_ns = LOCAL_WINDOW_NS;
    for (size_t t = 0; t < c->n_targets; t++)
        for (size_t k = 0; k < KINDS_MAX; k++) {
            c->targets[t].interval_ns[k] = LOCAL_INTERVAL_NS;
            c->targets[t].slow_interval_ns[k] = LOCAL_SLOW_INTERVAL_NS;
        }
}

static int load(struct watching *w, const char *given)
{
    const char *path = load_path(given);
    bool none = given == NULL && strcmp(path, CONFIG_PATH) == 0 && access(path, F_OK) < 0;
    size_t problems =
        none ? load_defaults(&w->config, &w->data) : load_all(&w->config, &w->data, path);
    hurry(&w->config);
    return problems == 0 ? CMD_FINE : CMD_CANNOT;
}

/* ---- the command ---- */

/* Whether an agent serves us; else `source` tells why it is measured here. */
static int connect_first(struct watching *w, const char *given, char *source, size_t room)
{
    int rc = agent_answer_config(&w->config, load_path(given));
    if (rc != CMD_FINE)
        return rc;
    status_windows_path(w->path, w->config.status_socket);
    int fd = status_connect(w->path, CONNECT_NS);
    if (fd >= 0)
        close(fd);
    else
        snprintf(source, room, "measured here: %s",
                 fd == -EACCES
                     ? "the agent may be read by root and the group edgelat only"
                     : "no agent runs");
    w->local = fd < 0;
    config_free(&w->config);
    return CMD_FINE;
}

static int show(struct watching *w, const char *source)
{
    int rc = CMD_FINE;
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->reconnect);
    w->reconnect.data = w;
    interrupt_start(&w->interrupt, &w->loop, on_interrupt, w);
    w->top = top_create();
    top_source(w->top, source);
    if (w->local)
        rc = measure(w);
    if (rc == CMD_FINE) {
        w->terminal = terminal_open(&w->loop, on_key, w);
        if (w->terminal == NULL)
            rc =
                cmd_cannot("the terminal cannot be opened; use `edgelat status --watch`");
    }
    if (rc == CMD_FINE && !w->local && attach(w) < 0)
        lose(w, "the agent has ended; waiting for it");
    if (rc == CMD_FINE)
        redraw(w);
    else
        end(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    top_destroy(w->top);
    text_free(&w->received);
    snapshot_free(&w->snapshot);
    serving_free(&w->serving);
    return rc;
}

static int run(int argc, char **argv)
{
    struct text why = {0};
    const char *given = NULL;
    char source[160] = "";
    bool local = false;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == 'l')
            local = true;
        else
            return CMD_CANNOT;
    }
    if (optind < argc)
        return cmd_cannot(
            "top takes no argument '%s'; targets come from the agent or the "
            "configuration",
            argv[optind]);
    if (!terminal_usable(&why)) {
        cmd_cannot("top needs a full screen, but %s; use `edgelat status --watch`",
                   text_string(&why));
        text_free(&why);
        return CMD_CANNOT;
    }
    struct watching *w = mem_zalloc(sizeof *w);
    w->fd = -1;
    w->local = local;
    snprintf(source, sizeof source, "measured here");
    log_set_level(LOG_LEVEL_ERROR);
    int rc = local ? CMD_FINE : connect_first(w, given, source, sizeof source);
    if (rc == CMD_FINE && w->local)
        rc = load(w, given);
    if (rc == CMD_FINE)
        rc = show(w, w->local ? source : "agent");
    config_free(&w->config);
    data_free(&w->data);
    events_free(&w->events);
    free(w);
    return rc;
}

const struct command command_top = {
    .name = "top",
    .summary = "full-screen live view of the targets",
    .options = options,
    .about =
        "Shows the targets by rank in full screen, with PoP, state, loss, percentiles and a "
        "plot of the last windows; problems and events below. Shows the windows of the "
        "agent that runs on this host; without one, measures by itself in windows of 10 s.",
    .notes =
        "Keys: up, down, page up, page down; Enter: one target with its streams, phases, "
        "histogram and path; Esc: back; s: sort; k: kind of probe; ?: help; q: quit.\n"
        "\n"
        "Colours are off if NO_COLOR is set. Exit code: 0; 2 if the terminal cannot be drawn "
        "on, or the configuration has problems.",
    .examples = "sudo edgelat top\n"
                "edgelat top --local\n",
    .run = run,
    .needs = CMD_LOOP_NEEDS,
};
