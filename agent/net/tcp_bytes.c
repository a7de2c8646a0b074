#include "net/tcp_bytes.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum { HEADERS = 40 + 32 };

uint32_t tcp_lost_of(int socket)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len);
    return info.tcpi_total_retrans > info.tcpi_dsack_dups
               ? info.tcpi_total_retrans - info.tcpi_dsack_dups
               : 0;
}

struct tcp_wire tcp_wire_of(int socket)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_retrans))
        return (struct tcp_wire){0, 0};
    uint64_t packets = (uint64_t)info.tcpi_segs_out + info.tcpi_segs_in;
    uint64_t bytes = info.tcpi_bytes_sent + info.tcpi_bytes_received + packets * HEADERS +
                     TCP_BYTES_CLOSING;
    return bytes < UINT32_MAX ? (struct tcp_wire){(uint32_t)packets + TCP_PACKETS_CLOSING,
                                                  (uint32_t)bytes}
                              : (struct tcp_wire){0, 0};
}
