/*
 * The internet of the lab: moves packets between a TUN device in the branch and one in
 * the internet, as the scenario says.
 *
 *   relay SCENARIO NETNS BEGAN     the branch is where it is started, NETNS is the file
 * of the other namespace, BEGAN the monotonic time, in ns, from which the scenario counts
 *
 * Reads the scenario again when the file has changed (and on SIGHUP). Says on SIGUSR1,
 * and at the end, how late it sent packets itself. A packet is waited for by poll() until
 * shortly before it is due and by spinning from then on: late by 5 us in the middle where
 * timers alone are by 60. Spinning 300 us gains no more, and takes four times the CPU.
 */
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SPIN_NS = 60000,
    LOOK_NS = 100000000, /* between two looks at the scenario file */
    AT_ONCE = 64,        /* packets read from one side before the other has its turn */
    LATE_MAX = 20000,    /* us: lateness is counted in microseconds up to here */
};

struct relay {
    const char *file;
    struct timespec file_time;
    int64_t look_ns;
    int tun[2]; /* by the direction in which packets leave through them */
    struct network network;
    uint64_t sent, late[LATE_MAX + 1];
    int64_t late_max_ns;
};

static struct relay relay;
static struct scenario spare; /* a new scenario is read here first */
static volatile sig_atomic_t stop, report, reread;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        report = 1;
    else if (number == SIGHUP)
        reread = 1;
    else
        stop = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* A file that is wrong changes nothing. */
static bool read_scenario(struct relay *r)
{
    FILE *file = fopen(r->file, "re");
    if (file == NULL) {
        fprintf(stderr, "relay: %s: %s\n", r->file, strerror(errno));
        return false;
    }
    const char *wrong = scenario_read(&spare, file, r->file);
    fclose(file);
    if (wrong != NULL) {
        fprintf(stderr, "relay: %s\n", wrong);
        return false;
    }
    network_change(&r->network, &spare, now());
    fprintf(stderr, "relay: read %s: %d paths\n", r->file, spare.n_paths);
    return true;
}

static void look_at_file(struct relay *r)
{
    struct stat s;
    if (stat(r->file, &s) < 0)
        return;
    bool same = s.st_mtim.tv_sec == r->file_time.tv_sec &&
                s.st_mtim.tv_nsec == r->file_time.tv_nsec;
    if (same && !reread)
        return;
    reread = 0;
    r->file_time = s.st_mtim;
    read_scenario(r);
}

static void send_due(struct relay *r)
{
    int64_t due;
    while ((due = queue_due(&r->network.queue)) <= now()) {
        struct queued q = queue_pop(&r->network.queue);
        /* a device that is down or full drops, as a line would */
        ssize_t written = write(r->tun[q.side], q.bytes, q.len);
        free(q.bytes);
        if (written < 0)
            continue;
        int64_t late = now() - due;
        r->sent++;
        r->late[late < LATE_MAX * 1000 ? late / 1000 : LATE_MAX]++;
        if (late > r->late_max_ns)
            r->late_max_ns = late;
    }
}

/* ---- the report ------------------------------------------------------------------ */

static unsigned late_quantile(const struct relay *r, double q)
{
    uint64_t seen = 0;
    for (unsigned us = 0; us < LATE_MAX; us++)
        if ((double)(seen += r->late[us]) >= q * (double)r->sent)
            return us;
    return LATE_MAX;
}

static void print_report(const struct relay *r)
{
    const struct network *n = &r->network;
    fprintf(
        stderr,
        "relay: sent %llu packets, late by %u us (median), %u us (p99), %lld us (max); "
        "dropped %llu by chance, %llu by a full queue; stopped %llu, no path for %llu\n",
        (unsigned long long)r->sent, late_quantile(r, 0.5), late_quantile(r, 0.99),
        (long long)r->late_max_ns / 1000, (unsigned long long)n->lost,
        (unsigned long long)n->queue_full, (unsigned long long)n->stopped,
        (unsigned long long)n->no_path);
}

/* ---- set-up and loop ------------------------------------------------------------- */

static int open_tun(void)
{
    struct ifreq request = {.ifr_name = "wan0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        fail("/dev/net/tun");
    return fd;
}

static void open_both(struct relay *r, const char *netns)
{
    r->tun[DOWN] = open_tun();
    int other = open(netns, O_RDONLY | O_CLOEXEC);
    if (other < 0 || setns(other, CLONE_NEWNET) < 0)
        fail(netns);
    close(other);
    r->tun[UP] = open_tun();
}

static void read_tun(struct relay *r, enum direction direction)
{
    static uint8_t bytes[PACKET_MAX];
    int from = r->tun[direction == UP ? DOWN : UP];
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t len = read(from, bytes, sizeof bytes);
        if (len <= 0)
            return;
        network_take(&r->network, direction, bytes, (size_t)len, now());
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void turn(struct relay *r, const sigset_t *while_waiting)
{
    int64_t t = now();
    if (t >= r->look_ns || reread) {
        look_at_file(r);
        r->look_ns = t + LOOK_NS;
    }
    if (t >= r->network.change_ns)
        network_update(&r->network, t);
    send_due(r);
    if (report) {
        report = 0;
        print_report(r);
    }

    int64_t due = queue_due(&r->network.queue);
    int64_t until = least(least(r->look_ns, r->network.change_ns),
                          due == INT64_MAX ? due : due - SPIN_NS);
    int64_t wait = until - now();
    if (wait < 0)
        wait = 0;
    struct timespec timeout = {wait / NS_PER_S, wait % NS_PER_S};
    struct pollfd sides[2] = {{r->tun[DOWN], POLLIN, 0}, {r->tun[UP], POLLIN, 0}};
    if (ppoll(sides, 2, &timeout, while_waiting) <= 0)
        return;
    for (int d = UP; d <= DOWN; d++)
        if (sides[d].revents & POLLIN)
            read_tun(r, (enum direction)d);
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours, none;

    if (argc != 4) {
        fprintf(stderr, "usage: relay SCENARIO NETNS BEGAN\n");
        return 2;
    }
    sigemptyset(&none);
    sigemptyset(&ours);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaddset(&ours, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &ours, NULL);

    relay.file = argv[1];
    relay.network.began_ns = strtoll(argv[3], NULL, 10);
    struct stat s;
    if (stat(relay.file, &s) == 0)
        relay.file_time = s.st_mtim;
    if (!read_scenario(&relay))
        return 2;
    open_both(&relay, argv[2]);

    prctl(PR_SET_TIMERSLACK, 1UL);
    mlockall(MCL_CURRENT); /* no page fault in a packet's way, where that is allowed */
    struct sched_param priority = {.sched_priority = 10};
    bool realtime = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    fprintf(stderr, "relay: ready, SCHED_FIFO %s\n", realtime ? "yes" : "no");
    while (!stop)
        turn(&relay, &none);
    print_report(&relay);
    return 0;
}
