/*
 * The reader on a TAP device in a network namespace of the test: frames as a switch's mirror port
 * sends them go through the kernel's own handling of VLAN tags and our filter in the kernel. The
 * device is taken away and comes back.
 */
#include "traffic/handshake_reader.h"

#include "../../unit/cmd/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct bed {
    uv_loop_t loop;
    struct config config;
    struct edge_data data;
    struct handshake_reader *reader;
    struct handshakes *handshakes;
    struct capture log;
};

static struct prefix list[] = {
    {.bits = 96 + 24, .service = "exchange", .bytes = {[10] = 0xff, 0xff, 13, 107, 6}},
    {.bits = 32, .service = "teams", .bytes = {0x26, 0x03, 0x10, 0x63}},
};
static bool allowed; /* the namespace */
static int tap = -1;

static int open_tap(void)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strcpy(request.ifr_name, "mirror0");
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) != 0) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && system("ip link set mirror0 up") != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    allowed = unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == 0;
    tap = allowed ? open_tap() : -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (tap >= 0)
        close(tap);
    return 0;
}

static void begin(struct bed *b, const char *interface)
{
    *b = (struct bed){.config = config_default(), .log = b->log};
    uv_loop_init(&b->loop);
    b->data.prefixes = (struct prefixes){.all = list, .n = 2};
    strcpy(b->config.traffic_handshakes, interface);
    b->reader = handshake_reader_create(&b->loop, &b->config, &b->data);
    b->handshakes = handshake_reader_handshakes(b->reader);
}

static void end(struct bed *b)
{
    handshake_reader_destroy(b->reader);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&b->loop), "every handle is closed");
    config_free(&b->config);
}

/* ---- frames ---- */

struct frame {
    uint8_t bytes[256];
    size_t len;
};

static void put(struct frame *f, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        f->bytes[f->len++] = (uint8_t)(value >> 8 * i);
}

struct form {
    const char *what;
    size_t n_tags;
    uint16_t tags[5];
    bool pppoe, ipv6;
    size_t option_words; /* of IPv4 */
    size_t data;         /* bytes behind the TCP header */
    uint16_t fragment;
    bool seen;
};

enum { SYN = 2, ACK = 0x10 };

static void send_segment(const struct form *form, uint16_t port, bool server,
                         uint8_t flags, uint32_t seq, uint32_t ack)
{
    struct frame f = {.len = 0};
    size_t header = form->ipv6 ? 40 : 20 + 4 * form->option_words, tcp = 20 + form->data;
    put(&f, 0x020000000001, 6);
    put(&f, 0x020000000002, 6);
    for (size_t i = 0; i < form->n_tags; i++) {
        put(&f, form->tags[i], 2);
        put(&f, 0x4007, 2);
    }
    put(&f, form->pppoe ? 0x8864 : form->ipv6 ? 0x86dd : 0x0800, 2);
    if (form->pppoe) {
        put(&f, 0x11000009, 4);
        put(&f, header + tcp + 2, 2);
        put(&f, form->ipv6 ? 0x0057 : 0x0021, 2);
    }
    if (form->ipv6) {
        put(&f, 0x60000000, 4);
        put(&f, tcp, 2);
        put(&f, 0x0640, 2);
        for (size_t i = 0; i < 2; i++) {
            bool user = (i == 0) != server;
            put(&f, user ? 0x20010db800010000 : 0x2603106300000000, 8);
            put(&f, user ? 7 : 1, 8);
        }
    } else {
        put(&f, 0x4500u + ((uint64_t)form->option_words << 8), 2);
        put(&f, header + tcp, 2);
        put(&f, form->fragment, 4);
        put(&f, 0x40060000, 4);
        put(&f, server ? 0x0d6b0698 : 0x0a2a000a, 4);
        put(&f, server ? 0x0a2a000a : 0x0d6b0698, 4);
        for (size_t i = 0; i < form->option_words; i++)
            put(&f, 0x01010101, 4);
    }
    put(&f, server ? 443 : port, 2);
    put(&f, server ? port : 443, 2);
    put(&f, seq, 4);
    put(&f, ack, 4);
    put(&f, 0x5000u | flags, 2);
    put(&f, 0x1000, 2);
    put(&f, 0, 4);
    f.len += form->data;
    CHECK_INT(f.len, write(tap, f.bytes, f.len), form->what);
}

static void turn(struct bed *b, uint64_t wanted)
{
    for (int i = 0; i < 200 && b->handshakes->others < wanted; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    for (int i = 0; i < 5; i++) /* and nothing more */
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void handshake(const struct form *form, uint16_t port)
{
    struct form bare = *form;
    bare.data = 0;
    send_segment(&bare, port, false, SYN, 100, 0);
    send_segment(&bare, port, true, SYN | ACK, 500, 101);
    send_segment(form, port, false, ACK, 101, 501);
}

/* ---- tests ---- */

static void each_frame(void **state)
{
    static const struct form forms[] = {
        {.what = "plain", .seen = true},
        {.what = "options", .option_words = 10, .seen = true},
        {.what = "IPv6", .ipv6 = true, .seen = true},
        {.what = "a tag", .n_tags = 1, .tags = {0x8100}, .seen = true},
        {.what = "802.1ad and 802.1Q",
         .n_tags = 2,
         .tags = {0x88a8, 0x8100},
         .seen = true},
        {.what = "an old QinQ, IPv6",
         .n_tags = 2,
         .tags = {0x9100, 0x8100},
         .ipv6 = true,
         .seen = true},
        {.what = "four tags",
         .n_tags = 4,
         .tags = {0x88a8, 0x88a8, 0x8100, 0x8100},
         .seen = true},
        {.what = "PPPoE", .pppoe = true, .seen = true},
        {.what = "PPPoE, IPv6", .pppoe = true, .ipv6 = true, .seen = true},
        {.what = "PPPoE in a tag",
         .n_tags = 1,
         .tags = {0x8100},
         .pppoe = true,
         .seen = true},
        {.what = "PPPoE in two tags, IPv6",
         .n_tags = 2,
         .tags = {0x88a8, 0x8100},
         .pppoe = true,
         .ipv6 = true,
         .seen = true},
        {.what = "PPPoE in five tags, options",
         .n_tags = 5,
         .tags = {0x8100, 0x88a8, 0x88a8, 0x8100, 0x8100},
         .pppoe = true,
         .option_words = 10,
         .seen = true},
        {.what = "fragments", .fragment = 0x2000},
        {.what = "the third packet has data", .data = 12},
    };
    struct bed b = {.handshakes = NULL};
    uint64_t n = 0;
    (void)state;
    if (tap < 0)
        skip();
    begin(&b, "mirror0");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        n += forms[i].seen;
        handshake(&forms[i], (uint16_t)(50000 + i));
        turn(&b, n);
        CHECK_INT(n, b.handshakes->others, forms[i].what);
    }
    CHECK_INT(0, b.handshakes->self, "none of this host");
    CHECK_INT(2, b.handshakes->n, "services");
    CHECK_INT(n + 1,
              b.handshakes->services[0].delays[HANDSHAKE_OUTSIDE].count +
                  b.handshakes->services[1].delays[HANDSHAKE_OUTSIDE].count,
              "delays by the kernel's stamps; one has no third packet");
    end(&b);
}

static void interface_goes_and_comes(void **state)
{
    static const struct form plain = {.what = "plain"};
    struct bed b = {.handshakes = NULL};
    struct text text = {0};
    (void)state;
    if (tap < 0)
        skip();
    close(tap);
    capture_begin(&b.log);
    begin(&b, "mirror0");
    capture_end(&b.log);
    CHECK_INT(1, handshake_reader_problems(b.reader, &text), "it is not there");
    CHECK_TEXT("no handshakes of users are seen: there is no interface mirror0; correct "
               "handshakes in [traffic]\n",
               text_string(&text), "and said so");
    text_clear(&text);
    tap = open_tap();
    CHECK(tap >= 0, "it comes back");
    for (int i = 0; i < 400 && handshake_reader_problems(b.reader, &text) > 0; i++) {
        uv_run(&b.loop, UV_RUN_NOWAIT);
        text_clear(&text);
        usleep(10000);
    }
    CHECK_INT(0, handshake_reader_problems(b.reader, &text), "found by itself");
    handshake(&plain, 51000);
    turn(&b, 1);
    CHECK_INT(1, b.handshakes->others, "and seen");
    text_free(&text);
    end(&b);
}

static void no_such_interface(void **state)
{
    struct bed b = {.handshakes = NULL};
    struct text text = {0};
    (void)state;
    capture_begin(&b.log);
    begin(&b, "nosuch0");
    capture_end(&b.log);
    CHECK_INT(1, handshake_reader_problems(b.reader, &text), "a problem");
    CHECK(strstr(text_string(&text), "there is no interface nosuch0") != NULL, "%s",
          text_string(&text));
    text_free(&text);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_such_interface),
        cmocka_unit_test(each_frame),
        cmocka_unit_test(interface_goes_and_comes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
