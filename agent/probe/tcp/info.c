#include "probe/tcp/info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct tcp_sample tcp_sample_of(int socket)
{
    struct tcp_info info = {0}; /* an older kernel fills less of it */
    socklen_t len = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return (struct tcp_sample){0};
    return (struct tcp_sample){
        .rtt_us = info.tcpi_rtt,
        .retransmissions = info.tcpi_total_retrans,
        .answered_ms = info.tcpi_last_ack_recv,
    };
}
