/*
 * The delays of queries to one DNS server. c-ares draws the id of the next query before it
 * keeps the last one, so two under way at once may share an id, one pair in 65,536. Here
 * each pair does: ares_query() of c-ares is replaced, and a server on loopback answers
 * both when it has both.
 */
#include "net/resolver_channel.h"

#include "check.h"
#include "core/time.h"

#include <arpa/nameser.h>
#include <string.h>

enum { ID = 0x1234, QUERIES = 2, PACKET_MAX = 512 };

void ares_query(ares_channel channel, const char *name, int class, int type,
                ares_callback callback, void *arg)
{
    unsigned char *bytes;
    int len;
    CHECK_INT(ARES_SUCCESS, ares_mkquery(name, class, type, ID, 1, &bytes, &len), name);
    ares_send(channel, bytes, len, callback, arg);
    ares_free_string(bytes);
}

static struct {
    uv_loop_t loop;
    uv_udp_t server;
    struct resolver_channel *channel;
    char packets[QUERIES][PACKET_MAX];
    size_t lens[QUERIES], asked, answered;
    bool newest_first;
} bed;

static void on_room(uv_handle_t *handle, size_t hint, uv_buf_t *out)
{
    static char room[PACKET_MAX];
    (void)handle, (void)hint;
    *out = uv_buf_init(room, sizeof room);
}

static void on_packet(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf,
                      const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (n <= 0)
        return;
    memcpy(bed.packets[bed.asked], buf->base, (size_t)n);
    bed.lens[bed.asked++] = (size_t)n;
    for (size_t i = 0; bed.asked == QUERIES && i < QUERIES; i++) {
        size_t which = bed.newest_first ? QUERIES - 1 - i : i;
        bed.packets[which][2] |= (char)0x80; /* a response, without records */
        uv_buf_t answer = uv_buf_init(bed.packets[which], (unsigned)bed.lens[which]);
        CHECK_INT((int)answer.len, uv_udp_try_send(udp, &answer, 1, from), "answered");
    }
}

static void on_reply(const struct dns_reply *reply, void *user)
{
    CHECK_INT(ARES_SUCCESS, reply->status, (const char *)user);
    CHECK(reply->took_ns > 0 && reply->took_ns < 5 * NS_PER_S, "its own delay");
    CHECK(!reply->tcp, "by UDP");
    if (++bed.answered == QUERIES)
        uv_stop(&bed.loop);
}

static void ask_twice(bool newest_first)
{
    struct sockaddr_in a;
    int len = sizeof a;
    struct dns_server server = {0};
    struct resolv_conf conf = resolv_conf_default();
    memset(&bed, 0, sizeof bed);
    bed.newest_first = newest_first;
    uv_loop_init(&bed.loop);
    uv_udp_init(&bed.loop, &bed.server);
    uv_ip4_addr("127.0.0.1", 0, &a);
    CHECK_INT(0, uv_udp_bind(&bed.server, (struct sockaddr *)&a, 0), "bound");
    uv_udp_getsockname(&bed.server, (struct sockaddr *)&a, &len);
    uv_udp_recv_start(&bed.server, on_room, on_packet);
    endpoint_parse(&server.at, "127.0.0.1", ntohs(a.sin_port));
    bed.channel = resolver_channel_open(&bed.loop, NULL, &server, &conf);
    resolver_channel_query(bed.channel, "first.test", ns_t_a, on_reply, "first");
    resolver_channel_query(bed.channel, "second.test", ns_t_a, on_reply, "second");
    uv_run(&bed.loop, UV_RUN_DEFAULT);
    CHECK_INT(QUERIES, (int)bed.answered, "both are answered");
    resolver_channel_close(bed.channel);
    uv_close((uv_handle_t *)&bed.server, NULL);
    uv_run(&bed.loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&bed.loop), "every handle is closed");
}

static void two_queries_with_one_id_have_their_own_delays(void **state)
{
    (void)state;
    ask_twice(false);
    ask_twice(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_queries_with_one_id_have_their_own_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
