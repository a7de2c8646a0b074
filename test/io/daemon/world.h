/*
 * A network namespace in which this host has the addresses 198.51.100.1 to .9, with dnsmasq
 * on 127.0.0.1:53 that resolves names to them. Call make_network() first.
 */
#ifndef EDGELAT_TEST_WORLD_H
#define EDGELAT_TEST_WORLD_H

#include "io/net/child.h"
#include "io/probe/tun.h"

#include <sys/mount.h>

static struct child_folder world_folder;
static pid_t world_dnsmasq;
#define WORLD_DNS "127.0.0.1:53"

#define WORLD_NAMES                                                                      \
    "host-record=near.test,198.51.100.1,60\nhost-record=far.test,198.51.100.2,60\n"      \
    "cname=outlook.office365.com,lhr-efz.ms-acdc.office.com,60\n"                        \
    "cname=mail.test,lhr-efz.ms-acdc.office.com,60\n"                                    \
    "host-record=lhr-efz.ms-acdc.office.com,198.51.100.3,60\n"                           \
    "host-record=ams-efz.ms-acdc.office.com,198.51.100.4,60\n"                           \
    "host-record=fra-efz.ms-acdc.office.com,198.51.100.5,60\n"                           \
    "host-record=five.test,198.51.100.3,60\nhost-record=five.test,198.51.100.5,60\n"     \
    "host-record=five.test,198.51.100.7,60\nhost-record=five.test,198.51.100.8,60\n"     \
    "host-record=five.test,198.51.100.9,60\n"                                            \
    "host-record=xn--bcher-kva.test,198.51.100.1,60\n"                                   \
    "host-record=both.test,198.51.100.6,::1,60\nhost-record=filtered.office.com,0.0.0.0,60\n"

static inline int world_begin(void **state)
{
    (void)state;
    char text[1024], conf[96], log[96];
    CHECK_INT(0,
              system("for i in 1 2 3 4 5 6 7 8 9; do "
                     "ip addr add 198.51.100.$i/32 dev lo || exit; done"),
              "addresses of our own");
    child_folder(&world_folder);
    snprintf(text, sizeof text,
             "port=53\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n"
             "local-ttl=60\nuser=\ngroup=\npid-file=%s/pid\nlocal=/test/\n"
             "local=/office.com/\nlocal=/office365.com/\n" WORLD_NAMES,
             world_folder.path);
    child_write(world_folder.path, "conf", text);
    snprintf(conf, sizeof conf, "--conf-file=%s/conf", world_folder.path);
    snprintf(log, sizeof log, "%s/log", world_folder.path);
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    const char *const argv[] = {"dnsmasq", "--keep-in-foreground", conf, NULL};
    world_dnsmasq = child_start(argv, log);
    child_wait_for(53, "dnsmasq");
    return 0;
}

static inline int world_end(void **state)
{
    (void)state;
    child_end(world_dnsmasq);
    child_folder_remove(&world_folder);
    return 0;
}

/* Makes dnsmasq the DNS server of this process and its children. */
static inline void world_be_resolv_conf(void)
{
    char conf[96];
    child_write(world_folder.path, "resolv.conf", "nameserver 127.0.0.1\n");
    snprintf(conf, sizeof conf, "%s/resolv.conf", world_folder.path);
    CHECK(unshare(CLONE_NEWNS) == 0 &&
              mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount(conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0,
          "/etc/resolv.conf of our own: %s", strerror(errno));
}

/* A listening socket on 198.51.100.N; the kernel completes handshakes. */
static inline int world_listen(unsigned last, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(0xc6336400 + last)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 1024) == 0,
          "198.51.100.%u:%u: %s", last, port, strerror(errno));
    return fd;
}

#endif
