/* The search of the path MTU against a target that answers slowly. */
#include "io/probe/tun.h"

#include "probe/path/mtu_prober.h"

#define RTT_NS (1100 * NS_PER_MS)

struct end {
    bool over;
    enum mtu_verdict verdict;
};

static void on_end(const struct mtu_search *result, const char *cause, void *user)
{
    struct end *end = user;
    (void)cause;
    end->over = true;
    end->verdict = result->verdict;
}

static bool take(struct packet *p)
{
    ssize_t n = read(tun, p->bytes, sizeof p->bytes);
    p->len = n > 0 ? (size_t)n : 0;
    p->header = p->bytes[0] >> 4 == 6 ? 40 : 20;
    return n > 0;
}

static void slow_target(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static struct {
        struct packet answer;
        int64_t at_ns;
    } waiting[64];
    size_t n = 0, sent = 0;
    uv_loop_t loop;
    struct mtu_prober *p;
    struct endpoint to;
    struct end end = {0};
    uv_loop_init(&loop);
    endpoint_parse(&to, far_ends[0], 0);
    if (mtu_prober_start(&p, &loop, &to, NULL, 10 * NS_PER_MS, on_end, &end) != 0)
        skip(); /* this user may not send ICMP */
    int64_t latest_ns = mono_now().ns + 30 * NS_PER_S;
    while (!end.over && mono_now().ns < latest_ns) {
        struct packet request;
        struct timespec pause = {.tv_nsec = NS_PER_MS};
        while (take(&request))
            if (request.header == 20 && is_probe(&request) && n < 64) {
                waiting[n].answer = reply_to(&request);
                waiting[n++].at_ns = mono_now().ns + RTT_NS;
            }
        while (sent < n && waiting[sent].at_ns <= mono_now().ns)
            inject(&waiting[sent++].answer);
        nanosleep(&pause, NULL);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    CHECK(end.over, "it ended");
    CHECK_INT(MTU_UNLIMITED, end.verdict, "the full size passes");
    mtu_prober_destroy(p);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
}

int main(void)
{
    if (!make_network())
        printf("# no namespace of our own\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
