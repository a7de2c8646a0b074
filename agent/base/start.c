#include "base/start.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- descriptors and signals ---- */

int start_descriptors(void)
{
    signal(SIGXFSZ, SIG_IGN);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", O_RDWR); /* gets the lowest free number, `fd` */
        if (opened < 0)
            opened = open("/", O_RDONLY | O_DIRECTORY); /* no /dev in this root */
        if (opened != fd)
            return opened < 0 ? -errno : -EBADF;
    }
    return 0;
}

static sigset_t held_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&held, numbers[i]);
    return held;
}

void start_environment(void)
{
    static const char *const names[] = {
        "SSLKEYLOGFILE",   "QLOGDIR",         "CURL_SSL_BACKEND",     "OPENSSL_CONF",
        "OPENSSL_MODULES", "OPENSSL_ENGINES", "OPENSSL_CONF_INCLUDE",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

void start_hold_signals(void)
{
    sigset_t held = held_signals();
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &held, NULL);
}

int start_signals(void)
{
    sigset_t held = held_signals();
    int fd = signalfd(-1, &held, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- limits ---- */

#define STACK_BYTES (256 << 10) /* measured: check-config needs less than 96 KiB */

enum { DESCRIPTORS_MAX = 64, THREADS_MAX = 8 };

/* Raises the soft limit to `least` if it is lower, as far as the hard limit allows. */
static rlim_t raise_to(int resource, rlim_t least)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0)
        return RLIM_INFINITY;
    if (limit.rlim_cur < least) {
        limit.rlim_cur = limit.rlim_max < least ? limit.rlim_max : least;
        setrlimit(resource, &limit);
    }
    return limit.rlim_cur;
}

bool start_stack(void)
{
    static const char why[] =
        "edgelat: the stack may be less than 256 KiB only: raise the "
        "limit (ulimit -s, LimitSTACK=)\n";
    if (raise_to(RLIMIT_STACK, STACK_BYTES) >= STACK_BYTES)
        return true;
    ssize_t unused = write(STDERR_FILENO, why, sizeof why - 1);
    (void)unused;
    return false;
}

bool start_program(void)
{
    if (start_descriptors() < 0 || !start_stack())
        return false;
    start_environment();
    return true;
}

/* Returns how many of `n` descriptors can be open at once. */
static size_t try_descriptors(size_t n)
{
    int fds[DESCRIPTORS_MAX];
    size_t got = 0;
    while (got < n && got < DESCRIPTORS_MAX &&
           (fds[got] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
        got++;
    for (size_t i = 0; i < got; i++)
        close(fds[i]);
    return got;
}

static bool try_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory != MAP_FAILED && munmap(memory, bytes) == 0;
}

static void *wait_for_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* Returns how many of `n` threads can run at once. */
static size_t try_threads(size_t n)
{
    pthread_t threads[THREADS_MAX];
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    size_t got = 0;
    pthread_mutex_lock(&gate);
    while (got < n && got < THREADS_MAX &&
           pthread_create(&threads[got], NULL, wait_for_gate, &gate) == 0)
        got++;
    pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < got; i++)
        pthread_join(threads[i], NULL);
    return got;
}

bool start_has(const struct start_needs *needs, struct text *why)
{
    rlim_t file = raise_to(RLIMIT_FSIZE, needs->file_bytes);
    raise_to(RLIMIT_NOFILE, needs->descriptors + 256);
    size_t descriptors = try_descriptors(needs->descriptors);
    if (descriptors < needs->descriptors)
        text_add(why,
                 "only %zu more files may be open; at least %zu are needed: raise "
                 "the limit (ulimit -n, LimitNOFILE=)",
                 descriptors, needs->descriptors);
    else if (file < needs->file_bytes)
        text_add(why,
                 "files may be %llu bytes long only; at least %zu are needed: raise "
                 "the limit (ulimit -f, LimitFSIZE=)",
                 (unsigned long long)file, needs->file_bytes);
    else if (needs->memory_bytes > 0 && !try_memory(needs->memory_bytes))
        text_add(why,
                 "no address space of %zu MiB is left: raise the limit (ulimit -v, "
                 "LimitAS=)",
                 needs->memory_bytes >> 20);
    else if (try_threads(needs->threads) < needs->threads)
        text_add(why,
                 "%zu threads cannot be started: raise the limit of processes or of "
                 "address space (ulimit -u, ulimit -v, TasksMax=)",
                 needs->threads);
    return why->len == 0;
}
