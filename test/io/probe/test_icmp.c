/* The ICMP kind on loopback and against a scripted network. */
#include "io/probe/tun.h"

#include "probe/icmp/icmp.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct probe_kind *const kinds[] = {&icmp_kind};

/* ---- loopback ---- */

/* The first user of receive stamps on a host waits some milliseconds until the kernel has
 * switched them on. */
static void until_stamps_are_on(struct bed *b)
{
    struct endpoint to = bed_to("127.0.0.1", 0);
    bool on = false;
    for (int i = 0; i < 200 && !on; i++) {
        bed_send(b, 0, &to);
        bed_wait(b, b->n + 1);
        on = b->results[b->n - 1].kernel_time;
        bed_turn(b, SIZE_MAX, 5);
    }
    CHECK(on, "kernel stamps within a second");
}

static void replies(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    char why[256];
    CHECK_INT(0, prober_open(b->prober, 0, why, sizeof why), why);
    until_stamps_are_on(b);
    struct endpoint to[] = {bed_to("127.0.0.1", 0), bed_to("::1", 0)};
    size_t before = b->n, by_kernel = 0;
    uint64_t fallbacks = prober_counters(b->prober).timestamp_fallbacks;
    for (size_t round = 1; round <= 20; round++) {
        bed_send(b, 0, &to[0]);
        bed_send(b, 1, &to[1]);
        bed_wait(b, before + 2 * round);
    }
    for (size_t i = before; i < b->n; i++) {
        CHECK_INT(OUTCOME_REPLY, b->results[i].outcome, b->results[i].cause);
        CHECK(b->results[i].delays[0] > 0 && b->results[i].delays[0] < NS_PER_S / 10,
              "%lld ns", (long long)b->results[i].delays[0]);
        by_kernel += b->results[i].kernel_time;
    }
    CHECK(by_kernel >= 38, "only %zu of 40 have kernel stamps", by_kernel);
    CHECK_INT(40 - by_kernel, prober_counters(b->prober).timestamp_fallbacks - fallbacks,
              "the others are counted");
    CHECK_INT(0, prober_counters(b->prober).foreign, "foreign");
    bed_end(b);
}

static void two_targets_on_one_address(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to("127.0.0.1", 0);
    for (uint32_t i = 0; i < 100; i++)
        bed_send(b, i % 2, &to);
    bed_wait(b, 100);
    size_t of[2] = {0};
    for (size_t i = 0; i < b->n; i++) {
        CHECK_INT(OUTCOME_REPLY, b->results[i].outcome, b->results[i].cause);
        of[b->results[i].stream]++;
    }
    CHECK_INT(50, of[0], "first stream");
    CHECK_INT(50, of[1], "second stream");
    CHECK_INT(0, b->duplicates[0] + b->duplicates[1], "none is taken for the other's");
    bed_end(b);
}

static void a_burst_without_loss(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    until_stamps_are_on(b);
    size_t before = b->n;
    uint64_t fallbacks = prober_counters(b->prober).timestamp_fallbacks;
    struct endpoint to[] = {bed_to("127.0.0.1", 0), bed_to("::1", 0)};
    for (uint32_t i = 0; i < 10000; i++)
        bed_send(b, i % 2, &to[i % 2]);
    CHECK_INT(10000, prober_under_way(b->prober), "under way at once");
    bed_wait(b, before + 10000);
    struct prober_counters c = prober_counters(b->prober);
    CHECK_INT(before + 10000, c.answered, "answered");
    fallbacks = c.timestamp_fallbacks - fallbacks;
    CHECK(fallbacks <= 100, "%d without stamps", (int)fallbacks);
    bed_end(b);
}

static void not_sent(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint nowhere = bed_to("198.51.100.1", 0); /* the namespace has no route */
    struct endpoint here = bed_to("127.0.0.1", 0);
    if (tun < 0)
        skip();
    until_stamps_are_on(b);
    size_t before = b->n;
    bed_send(b, 0, &here);
    bed_send(b, 1, &nowhere);
    bed_send(b, 2, &here);
    bed_wait(b, before + 3);
    for (size_t i = before; i < before + 3; i++) {
        const struct result *r = &b->results[i];
        CHECK_INT(r->stream == 1 ? OUTCOME_NOT_MEASURED : OUTCOME_REPLY, r->outcome,
                  r->cause);
        if (r->stream == 1)
            CHECK_TEXT("this host has no route to the address", r->cause, "cause");
    }
    bed_send(b, 0, &here);
    bed_wait(b, before + 4);
    CHECK(b->results[before + 3].kernel_time, "stamps still name the right packet");
    bed_end(b);
}

static void ended_while_under_way(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to("127.0.0.1", 0);
    bed_send(b, 0, &to);
    bed_send(b, 1, &to);
    bed_end(b);
}

/* ---- through the TUN device ---- */

static void delayed_reply(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        until_stamps_are_on(b);
        size_t before = b->n;
        b->target.payload_bytes = 56;
        b->target.dscp = 46;
        bed_send(b, 0, &to);
        struct packet request = take_request(b);
        CHECK_INT((i == 0 ? 20 : 40) + 8 + 56, request.len, "payload as configured");
        uint8_t class = i == 0 ? request.bytes[1]
                               : (uint8_t)(request.bytes[0] << 4 | request.bytes[1] >> 4);
        CHECK_INT(46 << 2, class, "DSCP");
        if (i == 0)
            CHECK_INT(0, request.bytes[6] & 0x40, "may be fragmented");
        struct packet reply = reply_to(&request);
        inject(&reply);
        bed_wait(b, before + 1);
        const struct result *r = &b->results[before];
        CHECK_INT(OUTCOME_REPLY, r->outcome, r->cause);
        CHECK(r->kernel_time, "kernel stamps");
        CHECK(r->delays[0] > 0, "a delay");
        bed_end(b);
    }
}

static void dont_fragment(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to(far_ends[0], 0);
    b->target.dont_fragment = true;
    b->target.payload_bytes = 1400;
    bed_send(b, 0, &to);
    struct packet request = take_request(b);
    CHECK_INT(0x40, request.bytes[6] & 0x40, "the bit is set");
    CHECK_INT(1428, request.len, "length");
    struct packet error = error_on(&request, 3, 4, 28);
    inject(&error);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_UNREACHABLE, b->results[0].outcome, "outcome");
    CHECK_TEXT("too big, and may not be fragmented (MTU 1280), reported by 10.9.0.119",
               b->results[0].cause, "cause");
    bed_end(b);
}

static void duplicates(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        bed_send(b, 5, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        for (int n = 0; n < 3; n++)
            inject(&reply);
        bed_turn(b, SIZE_MAX, 20);
        CHECK_INT(1, b->n, "one result");
        CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, "outcome");
        CHECK_INT(2, b->duplicates[5], "duplicates");
        CHECK_INT(0, b->late[5], "late");
        CHECK_INT(0, prober_counters(b->prober).foreign, "foreign");
        bed_end(b);
    }
}

static void late_reply(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        target_wait(&b->target, 30 * NS_PER_MS);
        bed_send(b, 4, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "outcome");
        inject(&reply);
        bed_turn(b, SIZE_MAX, 20);
        CHECK_INT(1, b->late[4], "late");
        inject(&reply);
        bed_turn(b, SIZE_MAX, 20);
        CHECK_INT(1, b->late[4], "late only once");
        CHECK_INT(1, b->duplicates[4], "then it is a duplicate");
        CHECK_INT(1, b->n, "one result");
        bed_end(b);
    }
}

/* The kernel's stamps decide, not when we looked. */
static void read_late(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        until_stamps_are_on(b);
        size_t before = b->n;
        target_wait(&b->target, 150 * NS_PER_MS);
        bed_send(b, 1, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        inject(&reply);
        bed_stand_still(300);
        bed_wait(b, before + 1);
        const struct result *r = &b->results[before];
        CHECK_INT(OUTCOME_REPLY, r->outcome, "came in time, was read after it");
        CHECK(r->kernel_time, "kernel stamps");
        CHECK(r->delays[0] > 0 && r->delays[0] < 150 * NS_PER_MS, "%lld ns",
              (long long)r->delays[0]);

        bed_send(b, 2, &to);
        request = take_request(b), reply = reply_to(&request);
        bed_stand_still(300);
        inject(&reply);
        inject(&reply);
        bed_wait(b, before + 2);
        bed_turn(b, SIZE_MAX, 20);
        CHECK_INT(OUTCOME_LOSS, b->results[before + 1].outcome, "came too late");
        CHECK_INT(1, b->late[2], "and is counted");
        CHECK_INT(1, b->duplicates[2], "once");
        CHECK_INT(before + 2, b->n, "results");
        bed_end(b);
    }
}

/* Each differs from the true reply in one place only. */
static void forged_replies(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const struct {
        const char *what;
        int offset; /* in the ICMP message; negative: the last byte of the source */
        bool reaches_us;
    } forgeries[] = {
        {"another id", 4, true},      {"another sequence", 7, true},
        {"another nonce", 12, true},  {"another nonce, last byte", 19, true},
        {"another source", -1, true}, {"another process's tag", 9, false},
    };
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        bed_send(b, 0, &to);
        struct packet request = take_request(b);
        size_t reached = 0;
        for (size_t k = 0; k < sizeof forgeries / sizeof *forgeries; k++) {
            struct packet forged = reply_to(&request);
            size_t source = i == 0 ? 15 : 23;
            forged.bytes[forgeries[k].offset < 0
                             ? source
                             : forged.header + (size_t)forgeries[k].offset] ^= 0x10;
            finish(&forged);
            inject(&forged);
            bed_turn(b, SIZE_MAX, 10);
            CHECK_INT(0, b->n, forgeries[k].what);
            reached += forgeries[k].reaches_us;
            CHECK_INT(reached, prober_counters(b->prober).foreign, forgeries[k].what);
        }
        struct packet reply = reply_to(&request);
        inject(&reply);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, "the true one still counts");
        bed_end(b);
    }
}

/* Every byte of the payload is looked at, as the kernel checks no sum for a raw socket.
 * Each reply differs from the true one by one bit behind the nonce. */
static void damaged_replies(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const size_t offsets[] = {12, 15, 16, 40, 55}; /* in a payload of 56 */
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        target_wait(&b->target, 200 * NS_PER_MS);
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
            bed_send(b, 0, &to);
            struct packet request = take_request(b), damaged = reply_to(&request);
            damaged.bytes[damaged.header + 8 + offsets[k]] ^= 4;
            finish(&damaged);
            inject(&damaged);
            if (k > 0) { /* the true one still counts */
                struct packet reply = reply_to(&request);
                inject(&reply);
            }
            bed_wait(b, k + 1);
            CHECK_INT(k + 1, prober_counters(b->prober).damaged, "counted");
            CHECK_INT(k > 0 ? OUTCOME_REPLY : OUTCOME_LOSS, b->results[k].outcome,
                      b->results[k].cause);
            CHECK_TEXT(k > 0 ? ""
                             : "a reply came damaged, from byte 12 of its payload on",
                       b->results[k].cause, "cause");
        }
        CHECK_INT(0, prober_counters(b->prober).foreign, "they are ours");
        bed_end(b);
    }
}

/* Some hosts give back less than they were sent. */
static void short_reply(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        b->target.payload_bytes = 1000;
        bed_send(b, 0, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        reply.len = reply.header + 8 + 64;
        finish(&reply);
        inject(&reply);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
        CHECK_TEXT("the reply has 64 of 1000 bytes", b->results[0].cause, "it is said");
        bed_end(b);
    }
}

static void reply_from_another_address(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    static const char *const causes[] = {"a reply came from another address, 10.9.0.119",
                                         "a reply came from another address, fd09::77"};
    for (int i = 0; i < 2; i++) {
        for (int true_one = 0; true_one < 2; true_one++) {
            struct bed *b = bed_make(kinds);
            struct endpoint to = bed_to(far_ends[i], 0);
            target_wait(&b->target, 50 * NS_PER_MS);
            bed_send(b, 0, &to);
            struct packet request = take_request(b), other = reply_to(&request);
            other.bytes[i == 0 ? 15 : 23] = 0x77;
            finish(&other);
            inject(&other);
            if (true_one) {
                struct packet reply = reply_to(&request);
                inject(&reply);
            }
            bed_wait(b, 1);
            CHECK_INT(true_one ? OUTCOME_REPLY : OUTCOME_LOSS, b->results[0].outcome,
                      b->results[0].cause);
            CHECK_TEXT(true_one ? "" : causes[i], b->results[0].cause, "cause");
            CHECK_INT(1, prober_counters(b->prober).foreign, "counted");
            bed_end(b);
        }
    }
}

enum { FLOOD = 15000 }; /* more than any buffer of ours holds */

/* In bursts that the kernel's backlog (net.core.netdev_max_backlog, 1000) takes. */
static void flood(const struct packet *one, const struct packet *other)
{
    static const struct timespec pause = {0, 500000};
    for (int k = 0; k < FLOOD; k++) {
        inject(k % 2 == 0 ? one : other);
        if (k % 250 == 0)
            nanosleep(&pause, NULL);
    }
    nanosleep(&pause, NULL);
}

/* While we get no CPU, forged errors come by the thousand: of another's probe by its tag,
 * or quoting too little to show one. They do not take the place of our reply. */
static void flood_of_forged_errors(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        bed_send(b, 0, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        struct packet forged = error_on(&request, i == 0 ? 3 : 1, 1, request.header + 8);
        struct packet whole = error_on(&request, i == 0 ? 3 : 1, 1, request.len);
        forged.bytes[2 * forged.header + 8 + 4] ^= 0x80; /* the id that it quotes */
        whole.bytes[2 * whole.header + 8 + 8] ^= 1;      /* the tag */
        finish(&forged);
        finish(&whole);
        flood(&forged, &whole);
        inject(&reply);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
        CHECK_INT(0, b->busy, "nothing was dropped");
        bed_end(b);
    }
}

/* What passes the filter can fill the buffer; then our own kernel drops the reply, and
 * that is no loss of the path. */
static void dropped_by_this_host(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = bed_make(kinds);
        struct endpoint to = bed_to(far_ends[i], 0);
        target_wait(&b->target, 500 * NS_PER_MS);
        bed_send(b, 0, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        struct packet forged = reply;
        forged.bytes[forged.header + 12] ^= 1; /* the nonce */
        finish(&forged);
        flood(&forged, &forged);
        inject(&reply);
        bed_wait(b, 1);
        CHECK_INT(OUTCOME_NOT_MEASURED, b->results[0].outcome, b->results[0].cause);
        CHECK_TEXT("this host was too busy: it dropped packets that it had received",
                   b->results[0].cause, "cause");
        CHECK_INT(1, b->busy, "and is told to be busy");
        target_wait(&b->target, 30 * NS_PER_MS);
        bed_send(b, 0, &to);
        take_request(b);
        bed_wait(b, 2);
        CHECK_INT(OUTCOME_LOSS, b->results[1].outcome,
                  "the next one is lost, and no more");
        bed_end(b);
    }
}

static void check_error(int i, uint8_t type, uint8_t code, size_t quoted,
                        const char *cause)
{
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to(far_ends[i], 0);
    bed_send(b, 0, &to);
    struct packet request = take_request(b);
    struct packet error = error_on(&request, type, code, quoted);
    inject(&error);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_UNREACHABLE, b->results[0].outcome, b->results[0].cause);
    CHECK_TEXT(cause, b->results[0].cause, "cause");
    CHECK_INT(DELAY_UNDEFINED, b->results[0].delays[0], "no delay");
    bed_end(b);
}

static void errors(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    check_error(0, 3, 1, 28, "host unreachable, reported by 10.9.0.119");
    check_error(0, 3, 13, 84, "administratively prohibited, reported by 10.9.0.119");
    check_error(0, 11, 0, 28, "TTL exceeded, reported by 10.9.0.119");
    check_error(1, 1, 3, 48, "host unreachable, reported by fd09::77");
    check_error(1, 1, 1, 104, "administratively prohibited, reported by fd09::77");
    check_error(1, 3, 0, 104, "TTL exceeded, reported by fd09::77");
    check_error(1, 2, 0, 104, "too big (MTU 1280), reported by fd09::77");
}

static void forged_error(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to(far_ends[0], 0);
    target_wait(&b->target, 50 * NS_PER_MS);
    bed_send(b, 0, &to);
    struct packet request = take_request(b);
    struct packet error = error_on(&request, 3, 1, 84);
    error.bytes[20 + 8 + 20 + 14] ^= 1; /* the nonce that it quotes */
    finish(&error);
    inject(&error);
    bed_wait(b, 1);
    CHECK_INT(OUTCOME_LOSS, b->results[0].outcome, "somebody who did not see the probe");
    bed_end(b);
}

/* A firewall that holds a dead session of the old id must not keep us out for good. */
static void new_id_after_silence(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    struct bed *b = bed_make(kinds);
    struct endpoint to = bed_to(far_ends[0], 0);
    target_wait(&b->target, 10 * NS_PER_MS);
    uint8_t ids[4][2];
    for (size_t i = 0; i < 4; i++) {
        bed_send(b, 0, &to);
        struct packet request = take_request(b);
        memcpy(ids[i], request.bytes + 24, 2);
        bed_wait(b, i + 1);
    }
    CHECK(memcmp(ids[0], ids[2], 2) == 0, "one id while it may still answer");
    CHECK(memcmp(ids[0], ids[3], 2) != 0, "another after three losses");
    bed_end(b);
}

/* ---- without privileges ---- */

static void set_capabilities(uint32_t effective)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    CHECK_INT(0, syscall(SYS_capget, &header, data), "capget");
    data[0].effective = effective & data[0].permitted;
    CHECK_INT(0, syscall(SYS_capset, &header, data), "capset");
}

static void no_permission(void **unused)
{
    (void)unused;
    struct bed *b = bed_make(kinds);
    char why[256];
    write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
    set_capabilities(~(1u << CAP_NET_RAW));
    int rc = prober_open(b->prober, 0, why, sizeof why);
    set_capabilities(UINT32_MAX);
    CHECK(rc == -EPERM || rc == -EACCES, "%d", rc);
    CHECK(strstr(why, "CAP_NET_RAW") != NULL && strstr(why, "ping_group_range") != NULL,
          "\"%s\" names both ways out", why);
    bed_end(b);
}

static struct bed *ping_bed(void)
{
    struct bed *b = bed_make(kinds);
    char why[256];
    write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
    set_capabilities(~(1u << CAP_NET_RAW));
    int rc = prober_open(b->prober, 0, why, sizeof why);
    set_capabilities(UINT32_MAX);
    write_file("/proc/sys/net/ipv4/ping_group_range", "1 0");
    CHECK_INT(0, rc, why);
    return b;
}

static void ping_socket(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    for (int i = 0; i < 2; i++) {
        struct bed *b = ping_bed();
        struct endpoint to = bed_to(far_ends[i], 0);
        target_wait(&b->target, 50 * NS_PER_MS);
        bed_send(b, 0, &to);
        struct packet request = take_request(b), reply = reply_to(&request);
        inject(&reply);
        inject(&reply);
        bed_turn(b, SIZE_MAX, 10);
        CHECK_INT(1, b->n, "result");
        CHECK_INT(OUTCOME_REPLY, b->results[0].outcome, b->results[0].cause);
        CHECK_INT(1, b->duplicates[0], "duplicate");

        bed_send(b, 1, &to);
        request = take_request(b);
        struct packet error =
            error_on(&request, i == 0 ? 3 : 1, i == 0 ? 13 : 1, 28 + 40);
        inject(&error);
        bed_wait(b, 2);
        CHECK_INT(OUTCOME_UNREACHABLE, b->results[1].outcome, b->results[1].cause);
        CHECK(strstr(b->results[1].cause, "administratively prohibited, reported by") !=
                  NULL,
              "%s", b->results[1].cause);

        bed_send(b, 2, &to); /* the error before it does not stop it */
        request = take_request(b);
        reply = reply_to(&request);
        inject(&reply);
        bed_wait(b, 3);
        CHECK_INT(OUTCOME_REPLY, b->results[2].outcome, b->results[2].cause);
        bed_end(b);
    }
}

static void ping_socket_burst(void **unused)
{
    (void)unused;
    NEEDS_TUN;
    struct bed *b = ping_bed();
    struct endpoint to = bed_to("127.0.0.1", 0);
    until_stamps_are_on(b);
    size_t before = b->n;
    for (uint32_t i = 0; i < 5000; i++)
        bed_send(b, i % 2, &to);
    bed_wait(b, before + 5000);
    CHECK_INT(before + 5000, prober_counters(b->prober).answered, "answered");
    bed_end(b);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP needs root or user namespaces\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(two_targets_on_one_address),
        cmocka_unit_test(a_burst_without_loss),
        cmocka_unit_test(not_sent),
        cmocka_unit_test(ended_while_under_way),
        cmocka_unit_test(delayed_reply),
        cmocka_unit_test(dont_fragment),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(late_reply),
        cmocka_unit_test(read_late),
        cmocka_unit_test(forged_replies),
        cmocka_unit_test(damaged_replies),
        cmocka_unit_test(short_reply),
        cmocka_unit_test(reply_from_another_address),
        cmocka_unit_test(flood_of_forged_errors),
        cmocka_unit_test(dropped_by_this_host),
        cmocka_unit_test(errors),
        cmocka_unit_test(forged_error),
        cmocka_unit_test(new_id_after_silence),
        cmocka_unit_test(no_permission),
        cmocka_unit_test(ping_socket),
        cmocka_unit_test(ping_socket_burst),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + bed_run_in_slots(tests);
}
