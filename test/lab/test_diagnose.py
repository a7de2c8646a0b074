#!/usr/bin/python3 -B
"""`edgelat diagnose` on a site with a planted fault: the verdict must name the fault, and nothing else; on a healthy site it must
find nothing. Each fault has a lab of its own, and DIAGNOSE_JOBS of them run at a time:

    site (eth0) - gateway, with NAT (the branch of the lab) - relay - internet

    test_diagnose.py [NAME...]      only these faults
    DIAGNOSE_HEALTHY=20             so many runs of the healthy site (5)
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import lab
from lab import TOP, Tap, run, running, wait_for
from probing import EDGELAT, LAB, installed

SITE, GATEWAY, SITE6, GATEWAY6 = "10.77.0.2", "10.77.0.1", "fd77::2", "fd77::1"
DNS, DNS6, OTHER_DNS = "198.51.100.53", "2001:db8:53::53", "198.51.100.54"
RELAYS = "203.0.113.70", "203.0.113.71"
NAT64_RELAYS = "64:ff9b::cb00:7146", "64:ff9b::cb00:7147"
SECONDS = 6


def rules(name, hook, *lines):
    """Rules of nftables at the gateway: "type TYPE hook HOOK priority N"."""
    text = f"table inet test_{name} {{\n chain c {{\n  type {hook};\n" + "".join(f"  {line}\n" for line in lines) + " }\n}\n"
    done = run("nft", "-f", "-", input=text)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def ip(*lines):
    for line in lines:
        done = run("ip", *line.split())
        if done.returncode != 0:
            raise RuntimeError(f"ip {line}: {done.stderr}")


def build_site():
    ip("netns add site", "link add gw0 type veth peer name eth0 netns site", f"addr add {GATEWAY}/24 dev gw0",
       f"addr add {GATEWAY6}/64 dev gw0 nodad", "link set gw0 up", f"-n site addr add {SITE}/24 dev eth0",
       f"-n site addr add {SITE6}/64 dev eth0 nodad", "-n site link set eth0 up", "-n site link set lo up",
       f"-n site route add default via {GATEWAY}", f"-n site -6 route add default via {GATEWAY6}")
    for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
            file.write("1\n")
    rules("masquerade", "nat hook postrouting priority 100", 'oifname "wan0" masquerade')
    resolvers(DNS, DNS6)


def start_relays():
    ip(*(f"-n internet addr add {address}/32 dev lo" for address in RELAYS))
    start(*lab.in_internet("turnserver", "-n", "-S", *(word for address in RELAYS for word in ("-L", address)), "--no-tls", "--no-dtls",
                           "--no-cli", "--log-file", f"{lab.FOLDER}/turn.log", "--pidfile", f"{lab.FOLDER}/turn.pid"))


def resolvers(*addresses):
    with open("/etc/resolv.conf", "w", encoding="ascii") as file:  # of the lab
        file.write("".join(f"nameserver {address}\n" for address in addresses))


def more_dns(**names):
    """A second DNS server, which answers the names of teams and others as given, and all else as the first one."""
    lines = ["no-resolv", "no-hosts", "bind-interfaces", "port=53", "cache-size=0", "pid-file=", f"listen-address={OTHER_DNS}",
             f"server={DNS}", *(f"address=/{name}/{address}" for name, address in names.items())]
    path = os.path.join(lab.FOLDER, "other-dnsmasq.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    ip(f"-n internet addr add {OTHER_DNS}/32 dev lo")
    start(*lab.in_internet("dnsmasq", "--no-daemon", f"--conf-file={path}"))


def start(*command, **options):
    subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # ends with the lab
    time.sleep(0.5)


def openssl(*words):
    subprocess.run(["openssl", "req", "-x509", "-days", "7", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *words],
                   cwd=lab.FOLDER, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---- faults: what is planted in the lab, before the run


def lossy_first_hop():
    rules("lossy", "filter hook prerouting priority -300", 'iifname "gw0" numgen random mod 100 < 20 drop')


def lossy_provider():
    rules("lossy", "filter hook prerouting priority -300", 'iifname "wan0" numgen random mod 100 < 10 drop')


def intercept(trusted):
    """All certificates are by another CA."""
    openssl("-keyout", "gate.key", "-out", "gate.pem", "-subj", "/O=Acme Gateway/CN=Acme Gateway CA", "-addext",
            "keyUsage=critical,keyCertSign,cRLSign")
    names = run("openssl", "x509", "-in", f"{lab.FOLDER}/pop.pem", "-noout", "-ext", "subjectAltName").stdout
    names = names.split("\n", 1)[1].strip().replace("IP Address:", "IP:").replace(", ", ",")
    openssl("-CA", "gate.pem", "-CAkey", "gate.key", "-keyout", "pop.key", "-out", "pop.pem", "-subj", "/O=edgelat lab/CN=pop",
            "-addext", "subjectAltName=" + names, "-addext", "basicConstraints=critical,CA:FALSE")
    restart_nginx()
    if trusted:
        with open(f"{lab.FOLDER}/gate.pem", encoding="ascii") as file:
            ca = file.read()
        for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
            if os.path.exists(path):
                with open(path, "a", encoding="ascii") as file:
                    file.write(ca)


def restart_nginx():
    run("kill", lab.read("nginx.pid").strip())
    time.sleep(0.5)
    start(*lab.in_internet("env", "TZ=UTC0", "nginx", "-e", f"{lab.FOLDER}/nginx.log", "-c", f"{lab.FOLDER}/nginx.conf"))


def answer(port, text):
    """A server at the gateway that answers each request with these bytes."""
    code = f"""
import socket
s = socket.create_server(("{GATEWAY}", {port}))
while True:
    c = s.accept()[0]
    c.settimeout(1)
    try:
        c.recv(4096)
        c.sendall({text!r})
    except OSError:
        pass
    c.close()
"""
    start(sys.executable, "-c", code)


def portal(reply):
    answer(8080, reply)
    rules("portal", "nat hook prerouting priority -100", f'iifname "gw0" tcp dport 80 dnat ip to {GATEWAY}:8080')
    rules("closed", "filter hook forward priority 0", 'iifname "gw0" tcp dport 443 reject with tcp reset',
          'iifname "gw0" meta l4proto { icmp, ipv6-icmp } drop')


def redirect():
    portal(b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def sign_in_page():
    portal(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nPlease login")


def wrong_server():
    """DNS names a host that shows another certificate."""
    ip("-n internet addr add 203.0.113.66/32 dev lo")
    openssl("-keyout", "other.key", "-out", "other.pem", "-subj", "/O=Somebody/CN=parked.example", "-addext",
            "subjectAltName=DNS:parked.example")
    with open(f"{lab.FOLDER}/other.conf", "w", encoding="ascii") as file:
        file.write(f"""daemon off; master_process off; user root; pid {lab.FOLDER}/other.pid; error_log {lab.FOLDER}/other.log;
events {{ }}
http {{ access_log off; client_body_temp_path {lab.FOLDER}/tmp; proxy_temp_path {lab.FOLDER}/tmp; fastcgi_temp_path {lab.FOLDER}/tmp;
 uwsgi_temp_path {lab.FOLDER}/tmp; scgi_temp_path {lab.FOLDER}/tmp;
 server {{ listen 203.0.113.66:443 ssl; ssl_certificate {lab.FOLDER}/other.pem; ssl_certificate_key {lab.FOLDER}/other.key;
  location / {{ return 200 "parked"; }} }} }}
""")
    start(*lab.in_internet("nginx", "-e", f"{lab.FOLDER}/other.log", "-c", f"{lab.FOLDER}/other.conf"))


def lying_resolver():
    wrong_server()
    more_dns(**{"teams.microsoft.com": "203.0.113.66"})
    resolvers(OTHER_DNS)


def lying_first_resolver():
    wrong_server()
    more_dns(**{"teams.microsoft.com": "203.0.113.66"})
    resolvers(OTHER_DNS, DNS)


def blocking_resolver():
    more_dns(**{"teams.microsoft.com": "0.0.0.0"})
    resolvers(OTHER_DNS)


def denying_resolver():
    more_dns(**{"teams.microsoft.com": ""})
    resolvers(OTHER_DNS, DNS)


def far_by_dns():
    more_dns(**{"teams.microsoft.com": "203.0.113.45"})
    resolvers(OTHER_DNS, DNS)


def broken_ipv6():
    rules("six", "filter hook forward priority 0", "meta nfproto ipv6 drop")


def broken_ipv4():
    rules("four", "filter hook forward priority 0", "meta nfproto ipv4 drop")


def link_local_ipv6():
    """A default route for IPv6, and no address: no program takes it."""
    ip("-n site -6 addr flush dev eth0 scope global", "-n site -6 route replace default via " + GATEWAY6 + " dev eth0 onlink")
    resolvers(DNS)


def old_entry():
    with open("/etc/hosts", "a", encoding="ascii") as file:  # of the lab
        file.write("203.0.113.200 teams.microsoft.com\n")


def black_hole():
    rules("mtu", "filter hook forward priority 0", "meta length > 1400 drop")


def proxy(address=GATEWAY):
    path = os.path.join(lab.FOLDER, "tinyproxy.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"Port 3128\nListen {address}\nTimeout 60\nMaxClients 50\nConnectPort 443\n")
    start("tinyproxy", "-d", "-c", path)


def vpn():
    ip("link add gw1 type veth peer name tun0 netns site", "addr add 10.78.0.1/24 dev gw1", "link set gw1 up",
       "-n site addr add 10.78.0.2/24 dev tun0", "-n site link set tun0 up", "-n site route del default",
       f"-n site route add 203.0.113.250/32 via {GATEWAY} dev eth0", "-n site route add default via 10.78.0.1 dev tun0",
       "-n site -6 route del default")
    resolvers(DNS)


def vpn_of_one():
    """The VPN has a route to one service; the resolver and the others are reached without it."""
    ip("link add gw1 type veth peer name wg0 netns site", "addr add 10.78.0.1/24 dev gw1", "link set gw1 up",
       "-n site addr add 10.78.0.2/24 dev wg0", "-n site link set wg0 up",
       "-n site route add 203.0.113.30/32 via 10.78.0.1 dev wg0")


def no_default():
    ip("-n site route del default", "-n site -6 route del default")


def cut():
    """The resolver is that of the router, which knows some names."""
    path = os.path.join(lab.FOLDER, "router-dnsmasq.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"no-resolv\nno-hosts\nbind-interfaces\nport=53\npid-file=\nlisten-address={GATEWAY}\n"
                   "address=/#/203.0.113.20\n")
    start("dnsmasq", "--no-daemon", f"--conf-file={path}")
    resolvers(GATEWAY)
    rules("cut", "filter hook forward priority 0", 'iifname "gw0" drop')


def no_udp():
    rules("udp", "filter hook forward priority 0", "udp dport 3478-3481 drop")


def refused():
    rules("refused", "filter hook forward priority 0", "ip daddr 203.0.113.30 meta l4proto tcp reject with tcp reset",
          "ip6 daddr 2001:db8:113::30 meta l4proto tcp reject with tcp reset")


def clock():
    library = os.path.join(lab.FOLDER, "clock.so")
    run("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(lab.HERE, "clock.c")).check_returncode()
    with open(f"{lab.FOLDER}/clock", "wb") as file:
        file.write(b"".join(n.to_bytes(8, "little") for n in (1, 3600 * 10**9)))  # since always


def half_duplex():
    """Of wan0, the interface of the branch: the run is there."""
    import ctypes
    import fcntl
    import socket
    import struct
    buffer = ctypes.create_string_buffer(struct.pack("=IIIHBBBBBBIIHBBI8x", 2, 0, 0, 10, *[0] * 12), 44)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8946, struct.pack("16sQ16x", b"wan0", ctypes.addressof(buffer)))


def slower(extra, via):
    """All paths with so many ms more, by these routers."""
    base = {"amsterdam": ("203.0.113.20 2001:db8:113::20", 3), "london": ("203.0.113.10 2001:db8:113::10", 9),
            "frankfurt": ("203.0.113.30 2001:db8:113::30", 8), "newark": ("203.0.113.40 2001:db8:113::40", 5),
            "dublin": ("203.0.113.50 2001:db8:113::50", 6), "zurich": ("203.0.113.61 2001:db8:113::61", 12),
            "stockholm": ("203.0.113.60 2001:db8:113::60", 15)}
    return "".join(f"path {name} {where} delay={ms + extra}ms jitter=0 loss=0 via={via}\n" for name, (where, ms) in base.items())


def drop(*what):
    """What the gateway does not forward."""
    return lambda: rules("drop", "filter hook forward priority 0", *(f"{line} drop" for line in what))


def teams_shows(status, days=7):
    """teams is served by another nginx, with a certificate of the right CA that is valid for `days` from now."""
    def plant():
        names = run("openssl", "x509", "-in", f"{lab.FOLDER}/pop.pem", "-noout", "-ext", "subjectAltName").stdout.split("\n", 1)[1]
        with open(f"{lab.FOLDER}/ca.conf", "w", encoding="ascii") as file:
            file.write(f"[ca]\ndatabase={lab.FOLDER}/ca.index\nrand_serial=yes\nnew_certs_dir={lab.FOLDER}\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n"
                       f"[p]\ncommonName=supplied\n[e]\nsubjectAltName={names.strip().replace('IP Address:', 'IP:').replace(', ', ',')}\n")
        open(f"{lab.FOLDER}/ca.index", "w", encoding="ascii").close()
        begin = time.time() - 30 * 86400
        for words in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "teams.key", "-out", "teams.csr", "-subj", "/CN=pop"],
                      ["ca", "-batch", "-config", "ca.conf", "-name", "ca", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "teams.csr", "-out", "teams.pem", "-notext",
                       "-startdate", time.strftime("%y%m%d%H%M%SZ", time.gmtime(begin)),
                       "-enddate", time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))]):
            done = run("openssl", *words, cwd=lab.FOLDER)
            if done.returncode != 0:
                raise RuntimeError(done.stderr)
        paths = "".join(f"{kind}_temp_path {lab.FOLDER}/tmp; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{lab.FOLDER}/teams.conf", "w", encoding="ascii") as file:
            file.write(f"daemon off; master_process off; user root; pid {lab.FOLDER}/teams.pid; error_log {lab.FOLDER}/teams.log;\nevents {{ }}\n"
                       f"http {{ access_log off; {paths}\n server {{ listen 9443 ssl; listen [::]:9443 ssl; ssl_certificate {lab.FOLDER}/teams.pem;\n"
                       f"  ssl_certificate_key {lab.FOLDER}/teams.key; location / {{ return {status} \"\"; }} }} }}\n")
        start(*lab.in_internet("nginx", "-e", f"{lab.FOLDER}/teams.log", "-c", f"{lab.FOLDER}/teams.conf"))
        done = run(*lab.in_internet("nft", "-f", "-"), input="table inet teams {\n chain c {\n type nat hook prerouting priority -100;\n"
                   " ip daddr 203.0.113.20 tcp dport 443 dnat ip to 203.0.113.20:9443\n"
                   " ip6 daddr 2001:db8:113::20 tcp dport 443 dnat ip6 to [2001:db8:113::20]:9443\n }\n}\n")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    return plant


def portal_by_dns():
    """Every name is the portal's."""
    answer(80, b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    answer(443, b"no TLS here")
    path = os.path.join(lab.FOLDER, "portal-dnsmasq.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"no-resolv\nno-hosts\nbind-interfaces\nport=53\npid-file=\nlisten-address={GATEWAY}\naddress=/#/{GATEWAY}\n")
    start("dnsmasq", "--no-daemon", f"--conf-file={path}")
    resolvers(GATEWAY)


def duplicate_address():
    """Another host has this one's address, too: the gateway's neighbour entry changes each half second."""
    own = run("ip", "-n", "site", "-o", "link", "show", "eth0").stdout.split("link/ether ")[1].split()[0]
    start("sh", "-c", f"while :; do for to in 02:00:00:00:00:77 {own}; do ip neigh replace {SITE} lladdr $to dev gw0 nud reachable; sleep 0.5; done; done")


def dns_by_tcp():
    drop("udp dport 53")()
    with open("/etc/resolv.conf", "a", encoding="ascii") as file:
        file.write("options use-vc\n")


def without_ipv4():
    """Only the link-local net of the gateway is left of IPv4."""
    ip("-n site route del default")
    resolvers(DNS6)


def nat64():
    """The far end of NAT64: the relays of media and a service at translated addresses, which DNS64 gives."""
    without_ipv4()
    ip(*(f"-n internet -6 addr add {address}/128 dev lo nodad" for address in NAT64_RELAYS))
    start(*lab.in_internet("turnserver", "-n", "-S", *(word for address in NAT64_RELAYS for word in ("-L", address)), "--no-tls", "--no-dtls",
                           "--no-cli", "--log-file", f"{lab.FOLDER}/turn6.log", "--pidfile", f"{lab.FOLDER}/turn6.pid"))


def small_mtu():
    ip("-n site link set eth0 mtu 1280", "link set gw0 mtu 1280")


def private_answers():
    more_dns(**{"#": "10.1.2.3"})
    resolvers(OTHER_DNS)


def second_uplink(*lines, redirects=()):
    """Adds eth1, which the routes do not use; the gateway has such rules for what comes from there."""
    def plant():
        ip("link add gw1 type veth peer name eth1 netns site", "addr add 10.79.0.1/24 dev gw1", "addr add fd79::1/64 dev gw1 nodad",
           "link set gw1 up", "-n site addr add 10.79.0.2/24 dev eth1", "-n site addr add fd79::2/64 dev eth1 nodad",
           "-n site link set eth1 up", "-n site route add default via 10.79.0.1 dev eth1 metric 100",
           "-n site -6 route add default via fd79::1 dev eth1 metric 2000")
        rules("second", "filter hook prerouting priority -300", *(f'iifname "gw1" {line}' for line in lines))
        if redirects:
            answer(8080, *redirects)
            rules("portal", "nat hook prerouting priority -100", f'iifname "gw1" tcp dport 80 dnat ip to {GATEWAY}:8080')
    return plant


def both(*plants):
    def plant():
        for each in plants:
            each()
    return plant


CLOCK = {"LD_PRELOAD": "{lab}/clock.so", "LAB_CLOCK": "{lab}/clock"}
PEERING = "[peering_service]\nconnection = branch\nprovider = Example\nprimary = Amsterdam\nbackup = London\nprimary_metro = AMS\nbackup_metro = LON\n"
BACKUP = slower(9, "office@0.3ms,isp1@1ms,isp2@5ms,ier-lon@9ms")
SLOW_IPV6 = "".join(f"path six-{n} 2001:db8:113::{n}/128 delay={ms}ms via=office@0.3ms,isp1@1ms\n"
                    for n, ms in ((10, 59), (20, 53), (30, 58), (40, 55), (50, 56), (60, 65), (61, 62)))
FAR_NAME = ("pop far 203.0.113.45 2001:db8:113::45\nheader far X-FirstHopCafeEFZ: EWR\n"
            "path far 203.0.113.45 2001:db8:113::45 delay=70ms via=office@0.3ms,isp1@1ms,ier-ams@1.8ms,ibr-lon@8.5ms,ibr-nyc@69ms\n")
FAR_DOOR = FAR_NAME + ("name outlook.office365.com -> outlook.ha.office365.com -> outlook.ms-acdc.office.com -> EWR-efz.ms-acdc.office.com = far\n"
                       "name LHR-efz.ms-acdc.office.com = london\n")

FAULTS = {  # name: (findings, statements of the scenario, what to plant, environment, configuration)
    "lossy first hop": ("gateway_loss", "", lossy_first_hop),
    "lossy provider": ("path_loss", "", lossy_provider),
    "lossy path to one service": ("service_loss", "path dublin 203.0.113.50 2001:db8:113::50 delay=6ms loss=25% via=office@0.3ms,isp1@1ms,ier-ams@1.8ms,icr-ams\n", None),
    "slow provider": ("provider_slow", slower(110, "office@0.3ms,isp1@111ms,ier-ams@111.8ms,icr-ams@112ms"), None),
    "far PoP by DNS (front door)": ("far_front_door", FAR_DOOR, None),
    "far PoP by DNS (resolver)": ("resolver_far", FAR_NAME, far_by_dns),
    "backup PoP": ("backup_pop", BACKUP, None, {}, PEERING),
    "TLS interception": ("tls_intercepted", "", lambda: intercept(True)),
    "TLS interception, CA unknown": ("tls_intercepted", "", lambda: intercept(False)),
    "captive portal, redirect": ("captive_portal", "", redirect),
    "captive portal, page": ("captive_portal", "", sign_in_page),
    "dead resolver": ("resolver_dead", "", lambda: resolvers("198.51.100.99", DNS)),
    "no resolver": ("no_dns", "", lambda: resolvers("198.51.100.99", "198.51.100.98")),
    "slow resolver": ("resolver_slow", "path slowdns 198.51.100.53 2001:db8:53::53 delay=300ms via=office@0.3ms,isp1@1ms\n", None),
    "lying resolver": ("resolver_lies", "", lying_resolver),
    "lying resolver beside a right one": ("resolver_lies", "", lying_first_resolver),
    "blocking resolver": ("resolver_lies", "", blocking_resolver),
    "denying resolver": ("resolver_lies", "", denying_resolver),
    "broken IPv6": ("ipv6_broken", "", broken_ipv6),
    "broken IPv4": ("ipv4_broken", "", broken_ipv4),
    "TCP by IPv4 blocked": ("ipv4_broken", "", drop("meta nfproto ipv4 meta l4proto tcp")),
    "IPv6 route, no address": ("", "", link_local_ipv6),
    "old entry in /etc/hosts": ("service_down", "", old_entry),
    "slow IPv6": ("ipv6_slow", SLOW_IPV6, None),
    "MTU black hole": ("mtu_black_hole", "", black_hole),
    "HTTP proxy": ("proxy", "", proxy, {"https_proxy": f"http://{GATEWAY}:3128"}),
    "HTTP proxy that is down": ("proxy_fails", "", None, {"https_proxy": f"http://{GATEWAY}:3129"}),
    "VPN default route": ("vpn", "", vpn),
    "VPN of one service": ("vpn", "", vpn_of_one),
    "no default route": ("no_route", "", no_default),
    "uplink down": ("path_broken", "", cut),
    "one service down": ("service_down", "path frankfurt 203.0.113.30 2001:db8:113::30 delay=8ms blackhole=on\n", None),
    "one service refuses": ("service_down", "", refused),
    "503 all day": ("service_errors", "pop zurich 203.0.113.61 2001:db8:113::61 503\n", None),
    "clock one hour off": ("clock", "", clock, CLOCK),
    "half duplex": ("link_duplex", "", half_duplex),
    "UDP blocked": ("udp_blocked", "", no_udp),
    "address outside of the registered prefixes": ("address_outside", "", None, {}, PEERING + "prefixes = 192.0.2.0/24\n"),
    "middlebox": ("middlebox", "".join(f"path {name} {where} delay=30ms middlebox=2ms via=office@0.3ms,isp1@1ms\n" for name, where in
                                       (("amsterdam", "203.0.113.20 2001:db8:113::20"),)), None),
    "two: 503 and clock": ("clock service_errors", "pop zurich 203.0.113.61 2001:db8:113::61 503\n", clock, CLOCK),
    "two: slow resolver, service down": ("resolver_slow service_down", "path slowdns 198.51.100.53 2001:db8:53::53 delay=300ms via=office@0.3ms,isp1@1ms\n"
                                         "path frankfurt 203.0.113.30 2001:db8:113::30 delay=8ms blackhole=on\n", None),
}
SOME = "numgen random mod 100 <"
SYN = "tcp flags & (syn|ack) == syn"
VARYING = slower(0, "office@0.3ms,isp1@1ms,ier-ams@1.8ms,icr-ams").replace("jitter=0", "jitter=40ms") + (
    f"path relays {' '.join(RELAYS)} delay=10ms jitter=40ms via=office@0.3ms,isp1@1ms\n")
FAR_AWAY = slower(600, "office@0.3ms,isp1@600ms,ier-ams@600.8ms,icr-ams@601ms") + (
    f"path relays {' '.join(RELAYS)} delay=610ms via=office@0.3ms,isp1@600ms\n"
    "path slowdns 198.51.100.53 2001:db8:53::53 delay=602ms via=office@0.3ms,isp1@600ms\n")
TWO_ADDRESSES = ("name teams.microsoft.com -> teams.office.com -> s-0005.s-msedge.net = {} 2001:db8:113::20\n"
                 "path nobody 203.0.113.200 blackhole=on\n")
FAULTS.update({
    "lossy path upstream": ("path_loss", "", lambda: rules("up", "filter hook postrouting priority 300", f'oifname "wan0" {SOME} 8 drop')),
    "large packets are lost": ("large_packet_loss", "", drop(f'iifname "wan0" meta length > 1000 {SOME} 30')),
    "resolver loses 40 %": ("resolver_loss", "", drop(f"udp dport 53 {SOME} 40")),
    "delay varies by 40 ms": ("delay_variation", VARYING, None),
    "new connections limited": ("connections_limited", "", drop(f"{SYN} limit rate over 8/second burst 5 packets")),
    "TCP port 443 closed": ("path_broken", "", drop("tcp dport 443")),
    "first address of a service dead": ("service_address_down", TWO_ADDRESSES.format("203.0.113.200 203.0.113.20"), None),
    "certificate expired": ("service_tls", "", teams_shows(200, -1)),
    "HTTP 429": ("service_errors", "", teams_shows(429)),
    "captive portal, DNS": ("captive_portal", "", portal_by_dns),
    "private addresses": ("resolver_lies", "", private_answers),
    "MTU black hole of IPv6": ("mtu_black_hole", "", drop("meta nfproto ipv6 meta length > 1400")),
    "duplicate address": ("gateway_loss", "", duplicate_address),
    "an office far away, within the limits": ("", slower(40, "office@0.3ms,isp1@1ms,isp2@41ms,ier-lon@41.5ms"), None),
    "Nairobi enters in London": ("far_front_door", slower(95, "office@0.3ms,isp1@1ms,isp2@96ms,ier-lon@96.5ms"), None, {}, "location = -1.29 36.82\n"),
    "Easter Island, far from all PoPs": ("", slower(80, "office@0.3ms,isp1@1ms,isp2@81ms"), None, {}, "location = -27.1 -109.4\n"),
    "satellite": ("provider_slow", FAR_AWAY, None),
    "two: delay varies, resolver loses 40 %": ("delay_variation resolver_loss", VARYING, drop(f"udp dport 53 {SOME} 40")),
    "two: IPv6 broken, UDP blocked": ("ipv6_broken udp_blocked", "", both(broken_ipv6, no_udp)),
    "odd: ICMP blocked": ("", "", drop("meta l4proto { icmp, ipv6-icmp }")),
    "odd: DNS by TCP only": ("", "", dns_by_tcp),
    "odd: one relay blocked": ("", "", drop(f"ip daddr {RELAYS[0]} udp dport 3478")),
    "odd: MTU of 1280": ("", "", small_mtu),
    "odd: large echoes dropped": ("", "", drop("icmp type echo-request meta length > 1024", "icmpv6 type echo-request meta length > 1024")),
    "HTTP proxy by IPv6": ("proxy", "", lambda: proxy(GATEWAY6), {"https_proxy": f"http://[{GATEWAY6}]:3128"}),
    "two: HTTP proxy, 503": ("proxy service_errors", "pop zurich 203.0.113.61 2001:db8:113::61 503\n", proxy, {"https_proxy": f"http://{GATEWAY}:3128"}),
    "two: lossy first hop, slow resolver": ("gateway_loss resolver_slow", "path slowdns 198.51.100.53 2001:db8:53::53 delay=250ms via=office@0.3ms,isp1@1ms\n",
                                            lossy_first_hop),
    "two: MTU black hole, service down": ("mtu_black_hole service_down", "path frankfurt 203.0.113.30 2001:db8:113::30 delay=8ms blackhole=on\n", black_hole),
    "two: clock, TLS interception": ("clock tls_intercepted", "", both(clock, lambda: intercept(True)), CLOCK),
    "two: connections limited, UDP blocked": ("connections_limited udp_blocked", "", both(no_udp, drop(f"{SYN} limit rate over 8/second burst 5 packets"))),
})
# The site has IPv6 only; SharePoint and the relays have IPv4 only, with and without NAT64.
FAULTS["odd: IPv6 only"] = ("", "name microsoft.sharepoint.com = 203.0.113.30\n", without_ipv4)
FAULTS["odd: IPv6 only, NAT64"] = (
    "", "pop frankfurt 203.0.113.30 64:ff9b::cb00:711e 403\nname microsoft.sharepoint.com = frankfurt\n"
    "path translated 64:ff9b::/96 delay=11ms via=office@0.3ms,isp2@1ms\n"
    f"name worldaz.relay.teams.microsoft.com = {RELAYS[0]} {NAT64_RELAYS[0]}\nname world.relay.avd.microsoft.com = {RELAYS[1]} {NAT64_RELAYS[1]}\n", nat64)
# Teams alone is over its limit (60 ms), on a path of which no router answers.
HIDDEN_TEAMS = "path amsterdam 203.0.113.20 2001:db8:113::20 delay={}ms jitter=0 via=*,*,*\n"
FAULTS["teams slow by a hidden path, a slow provider on all others"] = (
    "provider_slow", slower(48, "office@0.3ms,isp1@1ms,isp2@48ms,ier-lon@48.7ms") + HIDDEN_TEAMS.format(66), None)
FAULTS["teams slow by a hidden path, all others fast"] = ("service_slow", HIDDEN_TEAMS.format(83), None)
SLOW_DNS = "path slowdns 198.51.100.53 2001:db8:53::53 delay=300ms via=office@0.3ms,isp1@1ms\n"
FAULTS["two: captive portal, slow resolver"] = ("captive_portal resolver_slow", SLOW_DNS, redirect)
LOAD = ["--load", "--yes", "--load-url", "https://teams.microsoft.com/download"]
FAULTS["delay under load"] = ("delay_under_load", "path amsterdam 203.0.113.20 2001:db8:113::20 delay=3ms rate=8Mbit queue=300kB "
                              "via=office@0.3ms,isp1@1ms,ier-ams@1.8ms,icr-ams\n", None)
# With -I: a fault of eth1 is named over eth1, and not over eth0.
NOT_LOCAL = "ip daddr != 10.79.0.0/16 ip daddr != 10.77.0.0/16"
OVER = {}
for what, wanted, second in (
        ("lossy first hop", "gateway_loss", second_uplink(f"{SOME} 20 drop")),
        ("uplink down", "path_broken", second_uplink(f"{NOT_LOCAL} drop", "ip6 daddr 2001:db8::/32 drop")),
        ("MTU black hole", "mtu_black_hole", second_uplink("meta length > 1400 drop")),
        ("captive portal", "captive_portal",
         second_uplink("tcp dport 443 drop", redirects=[b"HTTP/1.1 302 Found\r\nLocation: http://login.hotel.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]))):
    for interface, named in (("eth0", ""), ("eth1", wanted)):
        FAULTS[f"{what} of eth1, over {interface}"] = (named, "", second)
        OVER[f"{what} of eth1, over {interface}"] = interface
for interface, named in (("eth0", "resolver_dead"), ("eth1", "")):  # over eth1 it could not answer, and that is no fault
    FAULTS[f"dead resolver on the link of eth0, over {interface}"] = (named, "", both(second_uplink(), lambda: resolvers(GATEWAY, DNS)))
    OVER[f"dead resolver on the link of eth0, over {interface}"] = interface
FAULTS["no route over eth1"] = ("no_route", "", both(second_uplink(), lambda: ip(
    "-n site route del default dev eth1", "-n site -6 route del default dev eth1")))
OVER["no route over eth1"] = "eth1"
IN_BRANCH = {"half duplex"}
# Here an agent runs, too: `status` and the report must name the fault as diagnose does.
WITH_AGENT = {"lossy first hop", "lossy provider", "far PoP by DNS (front door)", "TLS interception", "dead resolver", "slow resolver",
              "broken IPv4", "broken IPv6", "clock one hour off", "one service down", "503 all day", "uplink down", "first address of a service dead"}
AGENT_S = 150  # windows of 5 s have few packets: what they tell of a first hop comes by chance sooner or later
TITLES = {"Nairobi enters in London": "Far entry to Microsoft's network", "broken IPv4": "IPv4 down, IPv6 works", "TCP by IPv4 blocked": "TCP by IPv4 blocked, IPv6 works",
          "teams slow by a hidden path, all others fast": "Slow, provider or service"}
MEDIA, ADDRESS = "media by UDP to worldaz.relay.teams.microsoft.com, world.relay.avd.microsoft.com", "public address ("
BY_NAMES = "what takes IPv4 addresses without names (this host has no route for IPv4, and NAT64 serves names only)"
LOAD_HINT = "delay under load (nothing loaded the line: edgelat diagnose --load)"
NOT_CHECKED = {  # what is listed so, and what is not
    "healthy": ([LOAD_HINT], [MEDIA, ADDRESS, "captive portal", "IPv6", "path to", "front door"]),
    "healthy, loaded": ([], [LOAD_HINT]),
    "odd: IPv6 only": (["what has only IPv4 (", "delay to sharepoint (this host has no route to its address)", MEDIA + " (this host has no route to its address)", ADDRESS + "no STUN server answered)", "captive portal (", LOAD_HINT],
                       ["path to", "IPv6 ("]),
    "odd: IPv6 only, NAT64": ([BY_NAMES, "captive portal ("], [MEDIA, ADDRESS]),
    "odd: ICMP blocked": (["path MTU to all services (no service answers ICMP echo)", "path to "], [MEDIA, ADDRESS]),
    "odd: one relay blocked": (["media by UDP to worldaz.relay.teams.microsoft.com (it does not answer at UDP port 3478)"], [ADDRESS]),
    "captive portal, redirect": (["services and paths behind the captive portal (sign in and run this again)"], ["path to", LOAD_HINT]),
    "uplink down": (["services and paths (nothing answers; run this again when something does)"], [MEDIA, LOAD_HINT]),
}
LOADED = {"delay under load", "healthy, loaded"}
AS_NOBODY, PAGE, FLEET = "healthy, as nobody", "a page", "a line"
for other in PAGE, FLEET:
    FAULTS[other] = FAULTS["503 all day"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


def agent_conf(conf):
    targets = (("exchange", "outlook.office365.com"), ("teams", "teams.microsoft.com"), ("portal", "portal.azure.com"),
               ("sharepoint", "microsoft.sharepoint.com"))
    return (f"[agent]\nstatus_socket = {lab.FOLDER}/status\nstate_dir = {lab.FOLDER}/state\nwindow = 5s\nworkloads = no\n{conf}\n"
            + "".join(f"[target {name}]\nhost = {host}\nservice = {name}\ninterval = 1s\nslow_interval = 1s\n"
                      "https_interval = 2s\nhttps_slow_interval = 2s\n" for name, host in targets))


def names_of(status):
    return sorted({name for name in status.get("finding_names", []) if name})


def beside_agent(where, path, wanted, diagnose):
    """Runs an agent until `status` and the report name what is wanted, then diagnose beside it; returns its result and what they name."""
    shown, page = {}, os.path.join(lab.FOLDER, "report.html")

    def names_of_report():
        run(*where, EDGELAT, "report", "-c", path, "--since", "1h", "-o", page)
        return sorted(set(re.findall('data-finding="([a-z0-9_]+)"', lab.read("report.html") if os.path.exists(page) else "")))

    with running(*where, EDGELAT, "run", "-c", path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        def is_named():
            text = run(*where, EDGELAT, "status", "-c", path, "--json").stdout
            shown.update(json.loads(text) if text.startswith("{") else {})
            return names_of(shown) == wanted and set(wanted) <= set(names_of_report())
        wait_for(is_named, AGENT_S, 1)
        named = names_of(shown)
        done = diagnose()
    return done, named, names_of_report(), shown.get("findings")


def inside(name):
    """In the lab: plants the fault, runs diagnose, prints what it says."""
    _, _, plant, env, conf = (*FAULTS.get(name, ()), "", "", None, {}, "")[:5] if name not in FAULTS else (*FAULTS[name], {}, "")[:5]
    build_site()
    start_relays()
    if plant is not None:
        plant()
    environment = {key: value.replace("{lab}", lab.FOLDER) for key, value in (env or {}).items()}
    path = os.path.join(lab.FOLDER, "conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(agent_conf(conf or "") if name in WITH_AGENT else f"[agent]\nstatus_socket = {lab.FOLDER}/none\n" + (conf or ""))
    where = [] if name in IN_BRANCH else ["ip", "netns", "exec", "site"]
    program = EDGELAT
    if name == AS_NOBODY:
        where += NOBODY
        os.mkdir(f"{lab.FOLDER}/installed")
        program = installed(f"{lab.FOLDER}/installed")
        os.chmod(lab.FOLDER, 0o755)
    def diagnose():
        return run(*where, "env", *(f"{key}={value}" for key, value in environment.items()), program, "diagnose", "-c", path, "-t", SECONDS,
                   *(LOAD if name in LOADED else ()), *(("-I", OVER[name]) if name in OVER else ()), *(["--html", "-"] if name == PAGE else ["--fleet"] if name == FLEET else ["--json"]), timeout=60)
    status = report = text = None
    if name in WITH_AGENT:
        done, status, report, text = beside_agent(where + ["env", *(f"{key}={value}" for key, value in environment.items())], path, sorted(FAULTS[name][0].split()), diagnose)
    else:
        done = diagnose()
    print(json.dumps({"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr, "status": status, "report": report, "findings": text}))


def in_lab(name):
    """Runs a fault in a lab of its own; returns what inside() printed, or all output."""
    with tempfile.NamedTemporaryFile("w", prefix="edgelat-diagnose-", encoding="utf-8") as scenario:
        scenario.write("include diagnose\n" + (FAULTS[name][1] if name in FAULTS else ""))
        scenario.flush()
        done = run(LAB, scenario.name, "--", sys.executable, "-B", os.path.abspath(__file__), "--inside", name, timeout=AGENT_S + 90)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"code": None, "stdout": "", "stderr": done.stdout + done.stderr}


def one_lab(name):
    """Returns (exit code, findings, JSON lines, standard error, all that was said)."""
    told = in_lab(name)
    if told["code"] is None or name in (PAGE, FLEET):
        return told["code"], None, [], told["stdout"] or told["stderr"], {}
    lines = lab.json_lines(told["stdout"])
    return told["code"], [line["finding"] for line in lines if "finding" in line], lines, told["stderr"], told


def check_page(tap, code, text):
    """What a ticket gets: one file that loads and runs nothing."""
    try:
        page = xml.etree.ElementTree.fromstring(text.replace("<!DOCTYPE html>", ""))
    except xml.etree.ElementTree.ParseError as error:
        page = None
        tap.note(f"{error}: {text[:300]}")
    tap.ok(page is not None and code == 1, "--html: well-formed", code)
    if page is None:
        return
    tags = {element.tag for element in page.iter()}
    links = [element for element in page.iter() if "src" in element.attrib or "href" in element.attrib]
    words = " ".join(page.itertext())
    tap.ok("script" not in tags and not links, "--html: no script, nothing to load", (tags, links))
    tap.ok("HTTP 503" in words and "Call:" in words and "Checks" in words, "--html: the finding and the checks", words[-500:])


def check_fleet(tap, code, text):
    tap.ok(code == 1 and text.count("\n") == 1 and "service_errors" in text, "--fleet: one line", text)


def verdict(lines):
    return next((line["verdict"] for line in lines if line.get("summary")), "")


def main(names, healthy):
    tap = Tap()
    jobs = [*(name for name in FAULTS if name in names or not names and name not in (PAGE, FLEET)), *(["healthy"] * healthy if not names else [])]
    jobs += names and [name for name in names if name not in FAULTS] or [AS_NOBODY, PAGE, FLEET, "healthy, loaded"]
    table, agents = [], []
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("DIAGNOSE_JOBS", "6"))) as pool:
        for name, (code, found, lines, error, told) in zip(jobs, pool.map(one_lab, jobs)):
            if name in (PAGE, FLEET):
                (check_page if name == PAGE else check_fleet)(tap, code, error)
                continue
            if name == AS_NOBODY:
                tap.ok("gateway and path MTU" in str(lines[-1:]), "as nobody: says what it could not check", lines[-1:] or error)
            planted = FAULTS.get(name, ("",))[0].split()
            tap.equal(sorted(planted), sorted(found) if found is not None else None, name)
            tap.equal(1 if planted else 0, code, f"{name}: exit code")
            bad = [f"{line['check']} {line['subject']}: {line['text']}" for line in lines if line.get("grade") == "bad"]
            tap.ok(found or not bad, f"{name}: no row is bad where nothing is found", bad)
            listed, absent = NOT_CHECKED.get(name, ([], []))
            unknown = next((line["not_checked"] or "" for line in lines if line.get("summary")), "")
            if listed or absent:
                tap.ok(all(words in unknown for words in listed) and not any(words in unknown for words in absent), f"{name}: what is not checked", unknown)
            if name in TITLES:
                tap.equal([TITLES[name]], [line["title"] for line in lines if "finding" in line], f"{name}: its title")
            if name in WITH_AGENT:
                tap.equal(sorted(planted), told.get("status"), f"{name}: status names it alike")
                tap.ok(set(planted) <= set(told.get("report") or []), f"{name}: so does the report", told.get("report"))
                agents.append((name, " ".join(told.get("status") or []), " ".join(told.get("report") or [])))
                if told.get("status") != sorted(planted):
                    tap.note(told.get("findings"))
            if found is None or sorted(found) != sorted(planted):
                tap.note(error)
                for line in lines:
                    if "finding" in line or line.get("grade") in ("bad", "poor"):
                        tap.note(line.get("what") or f"{line['grade']} {line['check']} {line['subject']} {line['family']}: {line['text']}")
            table.append((name, " ".join(planted) or "-", " ".join(found or []) or "-", verdict(lines)))
    for name, planted, found, words in table:
        if planted != "-":
            tap.row(f"diagnose: {name}", f"planted: {planted}", f"named: {found}")
        tap.note(f"{name}: {words}")
    for name, status, report in agents:
        tap.row(f"status and report: {name}", f"status: {status}", f"report: {report}")
    right = sum(row[2] == "-" for row in table if row[0] == "healthy")
    if healthy and not names:
        tap.row("diagnose: a healthy site", f"{healthy} runs", f"{right} without a finding")
    return tap.finish()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:], int(os.environ.get("DIAGNOSE_HEALTHY", "5"))))
