#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/privileges.h"
#include "base/start.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/named_files.h"
#include "daemon/agent.h"
#include "net/poll.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static const struct cmd_option options[] = {
    LOAD_CONFIG_OPTION("configuration"),
    {"verbose", 'v', NULL, "debug messages"},
    {0},
};

enum { STATUS_MAX = 640, HEARTBEAT_MS = 30000 };

struct service {
    uv_loop_t loop;
    int signals; /* signalfd: base/start.h */
    struct poll *signals_poll;
    uv_timer_t heartbeat; /* for the service manager */
    struct agent *agent;
    struct config config;
    struct data data;
    const char *path;
    struct text files; /* the configuration of a reload, as it was checked */
    bool stopping, restart;
    uint64_t accepted;    /* batches, in the last status */
    char accepted_at[24]; /* "": none yet */
};

/* ---- service manager ---- */

/* "5 targets, 2 batches waiting, last accepted 21:41 UTC", preceded by the reason if probing
 * is stopped. */
static void status_text(struct service *s, char *out, size_t len)
{
    struct agent_progress p = agent_progress(s->agent);
    if (p.accepted != s->accepted) {
        time_t now = time(NULL);
        struct tm utc;
        s->accepted = p.accepted;
        strftime(s->accepted_at, sizeof s->accepted_at, "%H:%M UTC",
                 gmtime_r(&now, &utc));
    }
    snprintf(out, len, "%s%s%s%zu targets, %llu batches waiting, %s%s",
             p.stopped != NULL ? "probing is stopped: " : "",
             p.stopped != NULL ? p.stopped : "", p.stopped != NULL ? "; " : "",
             s->config.n_targets, (unsigned long long)p.waiting,
             s->accepted_at[0] == '\0' ? "none accepted yet" : "last accepted ",
             s->accepted_at);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct service *s = timer->data;
    char status[STATUS_MAX];
    if (s->stopping) { /* the status text is already sent */
        notify_send("WATCHDOG=1");
        return;
    }
    status_text(s, status, sizeof status);
    notify_send("WATCHDOG=1\nSTATUS=%s", status);
}

static void notify_ready(struct service *s)
{
    if (!notify_wanted())
        return;
    char status[STATUS_MAX];
    status_text(s, status, sizeof status);
    int rc = notify_send("READY=1\nSTATUS=%s", status);
    if (rc < 0)
        log_warn(
            "agent",
            "service manager at %s: %s; it may consider the agent hung and restart it",
            getenv("NOTIFY_SOCKET"), strerror(-rc));
    int64_t watchdog_ns = notify_watchdog_ns();
    uint64_t period_ms = HEARTBEAT_MS;
    if (watchdog_ns > 0 && (uint64_t)watchdog_ns / 2000000 < period_ms)
        period_ms = (uint64_t)watchdog_ns / 2000000;
    uv_timer_start(&s->heartbeat, on_heartbeat, period_ms, period_ms);
}

static void notify_ending(const struct service *s)
{
    if (s->restart)
        notify_send("RELOADING=1\nMONOTONIC_USEC=%llu",
                    (unsigned long long)(uv_hrtime() / 1000));
    else
        notify_send("STOPPING=1\nSTATUS=shipping the last batches");
}

/* ---- start and stop ---- */

static void on_stopped(void *user)
{
    struct service *s = user;
    agent_destroy(s->agent);
    s->agent = NULL;
    poll_close(s->signals_poll);
    uv_close((uv_handle_t *)&s->heartbeat, NULL);
}

static void stop(struct service *s)
{
    s->stopping = true;
    notify_ending(s);
    agent_stop(s->agent, on_stopped, s);
}

/* Whether the configuration on disk is valid for a restart; adds its files. */
static bool is_loadable(const char *path, struct text *files)
{
    struct config fresh;
    struct data data;
    text_clear(files);
    load_read(files, path);
    size_t problems = load_all_of(&fresh, &data, path, files);
    problems += named_files_check(&fresh, NAMED_FILES_AGENT);
    config_free(&fresh);
    data_free(&data);
    if (problems > 0) {
        log_warn("agent",
                 "%s has %zu problems (above); keeping the running configuration", path,
                 problems);
        text_free(files);
    }
    return problems == 0;
}

/* A reload during a reload is ignored: the configuration is read after the agent stopped. A
 * stop takes precedence over a reload. */
static void take_signal(struct service *s, int number)
{
    bool reload = number == SIGHUP;
    if (number == SIGUSR1 || number == SIGUSR2 ||
        (s->stopping && (reload || !s->restart)) ||
        (reload && !is_loadable(s->path, &s->files)))
        return;
    if (reload)
        log_info("agent", "configuration is valid; restarting with it");
    else
        log_info("agent", "%s: closing the window and stopping", strsignal(number));
    s->restart = reload;
    if (s->stopping)
        notify_ending(s);
    else
        stop(s);
}

static void on_signals(struct poll *poll, bool readable, bool writable, void *user)
{
    struct service *s = user;
    struct signalfd_siginfo signal;
    (void)poll, (void)readable, (void)writable;
    while (s->agent != NULL && read(s->signals, &signal, sizeof signal) == sizeof signal)
        take_signal(s, (int)signal.ssi_signo);
}

static int begin(struct service *s)
{
    s->signals_poll = poll_open(&s->loop, s->signals, on_signals, s);
    if (s->signals_poll == NULL)
        return -ENOMEM;
    int rc = agent_create(&s->agent, &s->loop, &s->config, &s->data.known);
    if (rc < 0) {
        poll_close(s->signals_poll);
        return rc;
    }
    poll_want(s->signals_poll, true, false);
    uv_timer_init(&s->loop, &s->heartbeat);
    s->heartbeat.data = s;
    notify_ready(s);
    return 0;
}

/*
 * glibc gives each thread of libuv's pool an arena of its own, and raises the threshold for
 * mmap() with the largest block freed, so that the memory of a closed window would stay
 * in the heap.
 */
static void keep_memory_low(void)
{
    enum { LARGE_BYTES = 64 << 10 };
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    tls_without_crypto_texts();
}

/*
 * libuv's pool keeps 12 kB for each of its threads, 4 by default. What writes the disk goes
 * one after the other; besides, getaddrinfo() (net/system_lookup.h) or a modem may block.
 */
static void keep_threads_few(void)
{
    setenv("UV_THREADPOOL_SIZE", "2", 0);
}

/* Of one object: the code and constants, which are those of the file. */
static int unmap_unchanged(struct dl_phdr_info *object, size_t size, void *user)
{
    (void)size, (void)user;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        uintptr_t begin = (object->dlpi_addr + p->p_vaddr) / page * page;
        uintptr_t end = object->dlpi_addr + p->p_vaddr + p->p_memsz;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0)
            madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

/*
 * The start touches 12 MB of code and constants, to relocate and initialise some forty
 * libraries. What is used afterwards, 8 MB, is mapped again then, from the page cache.
 * Reading the configuration also takes 70 kB of stack, below this frame.
 */
__attribute__((noinline)) static void unmap_start(void)
{
    enum { STACK_BYTES = 128 << 10 };
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0) / page * page;
    dl_iterate_phdr(unmap_unchanged, NULL);
    madvise((void *)(frame - page - STACK_BYTES), STACK_BYTES, MADV_DONTNEED);
}

static int serve(struct service *s)
{
    s->stopping = s->restart = false;
    int rc = uv_loop_init(&s->loop);
    if (rc < 0)
        return cmd_cannot("no event loop: %s", uv_strerror(rc));
    rc = begin(s);
    unmap_start();
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    return rc == 0 ? CMD_FINE : CMD_CANNOT;
}

/* Names a pipe with the files of the configuration as the process before has checked them,
 * for they may be invalid now. */
#define HANDED_OVER "EDGELAT_RELOAD"

/* Returns the pipe; -1: there is none, the files on disk are read. */
static int hand_over(const struct text *files)
{
    char number[12];
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) < 0)
        return -1;
    fcntl(ends[1], F_SETPIPE_SZ, (int)files->len);
    bool whole = write(ends[1], files->bytes, files->len) == (ssize_t)files->len;
    close(ends[1]);
    snprintf(number, sizeof number, "%d", ends[0]);
    if (whole && setenv(HANDED_OVER, number, 1) == 0)
        return ends[0];
    close(ends[0]);
    return -1;
}

/* Reads what was handed over, or the files on disk: another version may have had another
 * form. */
static void take_over(struct text *files, const char *path)
{
    const char *number = getenv(HANDED_OVER);
    struct stat stat;
    char *bytes;
    size_t len;
    int64_t fd;
    if (number != NULL && text_to_integer(number, 3, INT_MAX, &fd) &&
        fstat((int)fd, &stat) == 0 && S_ISFIFO(stat.st_mode)) {
        if (file_read_open((int)fd, FILE_PLAIN, SIZE_MAX, &bytes, &len) == 0) {
            text_add_bytes(files, bytes, len);
            free(bytes);
        }
        close((int)fd);
    }
    unsetenv(HANDED_OVER);
    if (!load_is_whole(files)) {
        text_clear(files);
        load_read(files, path);
    }
}

/*
 * Replaces this process by the program at its path, which is the new one after an upgrade.
 * Falls back to /proc/self/exe, the old program. Signals stay blocked and pending. Returns
 * only on failure.
 */
static void restart(const struct service *s, bool verbose)
{
    static const char deleted[] = " (deleted)";
    extern char **environ;
    char *arguments[] = {"edgelat", "run", "-c", (char *)s->path, verbose ? "-v" : NULL,
                         NULL};
    static char path[PATH_MAX]; /* else in the stack of run() from the start */
    int handed = hand_over(&s->files);
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len > 0) {
        path[len] = '\0';
        size_t end = (size_t)len - (sizeof deleted - 1);
        if ((size_t)len >= sizeof deleted && strcmp(path + end, deleted) == 0)
            path[end] = '\0';
        execve(path, arguments, environ);
    }
    execve("/proc/self/exe", arguments, environ);
    log_error("agent", "cannot restart: %s; keeping the running program",
              strerror(errno));
    unsetenv(HANDED_OVER);
    if (handed >= 0)
        close(handed);
}

/* Call it before the loop starts threads. */
static int drop_privileges(const char *state_dir)
{
    int rc = privileges_drop(state_dir);
    if (rc < 0) {
        log_error("agent",
                  "cannot drop privileges (state folder %s): %s; run edgelat as the "
                  "user that owns it",
                  state_dir, strerror(-rc));
        return rc;
    }
    rc = privileges_limit_calls();
    if (rc < 0)
        log_warn("agent", "no filter for system calls: %s; continuing without it",
                 strerror(-rc));
    return 0;
}

static int run(int argc, char **argv)
{
    const char *given = NULL;
    bool verbose = false;
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c == 'c')
            given = optarg;
        else if (c == 'v')
            verbose = true;
        else
            return CMD_CANNOT;
    }
    if (optind < argc)
        return cmd_cannot("run takes no argument '%s'; give the configuration with -c",
                          argv[optind]);

    if (verbose)
        log_set_level(LOG_LEVEL_DEBUG);
    struct service s = {.path = load_path(given), .signals = start_signals()};
    struct stat stat;
    int config = file_open(AT_FDCWD, s.path, FILE_PLAIN, &stat);
    if (config == -EMEDIUMTYPE) /* a pipe would block the loop at SIGHUP */
        return cmd_cannot("%s: %s", s.path, file_error(config));
    if (config >= 0)
        close(config);
    int rc = CMD_CANNOT;
    log_never_wait();
    keep_memory_low();
    keep_threads_few();
    prctl(PR_SET_NAME, "edgelat"); /* it is "exe" after execve("/proc/self/exe") */
    if (s.signals < 0)
        return cmd_cannot("no descriptor for signals: %s", strerror(-s.signals));
    take_over(&s.files, s.path);
    if (load_all_of(&s.config, &s.data, s.path, &s.files) == 0 &&
        drop_privileges(s.config.state_dir) == 0) {
        if (named_files_check(&s.config, NAMED_FILES_AGENT) > 0)
            log_warn("agent", "starting without the files above; each batch or probe "
                              "tries them again");
        config_forget_drafts(&s.config);
        text_free(&s.files);
        do {
            rc = serve(&s);
            if (s.restart && is_loadable(s.path, &s.files)) /* it may have changed */
                restart(&s, verbose);
        } while (s.restart);
    }
    close(s.signals);
    text_free(&s.files);
    config_free(&s.config);
    data_free(&s.data);
    return rc;
}

const struct command command_run = {
    .name = "run",
    .summary = "run the agent in the foreground",
    .options = options,
    .about =
        "Runs the agent in the foreground, exactly as the service does. It probes the "
        "configured targets, closes one window per period and ships it to the "
        "collector through the spool.",
    .notes =
        "Started as root, it keeps only CAP_NET_RAW and becomes the owner of the state "
        "folder.\n"
        "SIGTERM, SIGINT and SIGQUIT close the open window, ship or spool it and exit "
        "with code 0 within 5 s.\n"
        "SIGHUP re-reads the configuration; if it is valid, the agent restarts in place "
        "with it.",
    .examples = "sudo edgelat run\n"
                "edgelat run -c ./branch.conf -v\n",
    .run = run,
    .needs = {.descriptors = 32,
              .memory_bytes = 64 << 20,
              .threads = 3,
              .file_bytes = 1 << 20},
};
