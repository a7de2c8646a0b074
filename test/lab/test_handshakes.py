#!/usr/bin/python3 -B
"""Handshakes of users that pass a gateway, over links with a known delay on both sides: `edgelat run` with CAP_NET_RAW only, compared with
a capture by tcpdump. A SYN that is sent again gives no delay, the gateway's own connections neither.

    user = 10 ms = gateway (edgelat, tcpdump) = 40 ms = edge"""

import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import re
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

from lab import TOP, Tap, alone, run, wait_for
from probing import installed

USER, USER6, EXCHANGE, EXCHANGE6, OTHER, GATEWAY = "10.42.0.10", "2001:db8:42::10", "13.107.6.152", "2603:1006::10", "203.0.113.9", "192.0.2.10"
INSIDE, OUTSIDE, COUNT = 0.010, 0.040, 20  # round trips
NET_RAW = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all,+net_raw",
           "--inh-caps", "-all,+net_raw", "--ambient-caps", "-all,+net_raw"]
tap = Tap()


def call(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def tun(namespace, name):
    """A tun interface in a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    libc.setns(there, 0x40000000)
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, 0x400454CA, struct.pack("16sH14x", name.encode(), 0x1001))
    libc.setns(home, 0x40000000)
    os.close(there)
    os.close(home)
    return file


def relay():
    """Delays the packets of both links by half of the round trip; drops the first SYN to port 444 of each connection."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # a busy host adds no delay of its own
    links = {}
    for a, b, delay in ((("user", "u0"), ("gateway", "lan"), INSIDE / 2), (("gateway", "wan"), ("edge", "e0"), OUTSIDE / 2)):
        one, other = tun(*a), tun(*b)
        links[one], links[other] = (other, delay), (one, delay)
    print("ready", flush=True)
    queue, dropped, n = [], set(), 0
    while True:
        wait = max(0, queue[0][0] - time.monotonic()) if queue else None
        for file in select.select(list(links), [], [], wait)[0]:
            data = os.read(file, 2048)
            to, delay = links[file]
            if data[0] >> 4 == 4 and data[9] == 6 and data[22:24] == b"\x01\xbc" and data[33] & 0x12 == 2 and data[20:22] not in dropped:
                if delay == OUTSIDE / 2:  # behind the gateway
                    dropped.add(data[20:22])
                    continue
            n += 1
            heapq.heappush(queue, (time.monotonic() + delay, n, to, data))
        while queue and queue[0][0] <= time.monotonic():
            _, _, to, data = heapq.heappop(queue)
            with contextlib.suppress(OSError):  # the other end is not up yet
                os.write(to, data)


def listen():
    sockets = []
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for port in (443, 444):
            s = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((address, port))
            s.listen(256)
            sockets.append(s)
    signal.pause()


def connect(*pairs):
    """ADDRESS PORT ...: a connection to each; all at once, kept until all are there."""
    sockets = []
    for address, port in zip(pairs[::2], pairs[1::2]):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        s.setblocking(False)
        s.connect_ex((address, int(port)))
        sockets.append(s)
        time.sleep(0.02)
    time.sleep(1.5)


def set_up():
    for node in ("user", "gateway", "edge"):
        call("ip", "netns", "add", node)
        call("ip", "-n", node, "link", "set", "lo", "up")
        call("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
    process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), "relay"], stdout=subprocess.PIPE)
    process.stdout.readline()
    for node, link, address, address6 in (("user", "u0", USER, USER6), ("gateway", "lan", "10.42.0.1", "2001:db8:42::1"),
                                          ("gateway", "wan", GATEWAY, "2001:db8:2::10"), ("edge", "e0", "192.0.2.1", "2001:db8:2::1")):
        call("ip", "-n", node, "addr", "add", f"{address}/24", "dev", link)
        call("ip", "-n", node, "addr", "add", f"{address6}/64", "dev", link, "nodad")
        call("ip", "-n", node, "link", "set", link, "up")
    for address in (f"{EXCHANGE}/32", f"{OTHER}/32"):
        call("ip", "-n", "edge", "addr", "add", address, "dev", "lo")
    call("ip", "-n", "edge", "addr", "add", f"{EXCHANGE6}/128", "dev", "lo", "nodad")
    for node, link in (("user", "u0"), ("gateway", "wan"), ("edge", "e0")):
        call("ip", "-n", node, "route", "add", "default", "dev", link)
        call("ip", "-n", node, "-6", "route", "add", "default", "dev", link)
    call("ip", "netns", "exec", "gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    return process


def inside(node, *words, **options):
    return subprocess.Popen(["ip", "netns", "exec", node, *map(str, words)], **options)


def captured(text):
    """{side: [seconds]} of the complete handshakes to port 443 of Exchange, as tcpdump -tt -S prints them."""
    syn, reply, found = {}, {}, {"outside": [], "inside": []}
    for line in text.splitlines():
        match = re.match(r"(\d+\.\d+) .*?IP6? (\S+)\.(\d+) > (\S+)\.(\d+): Flags \[([S.]+)\]", line)
        if not match:
            continue
        at, source, port, to, to_port, flags = float(match[1]), match[2], match[3], match[4], match[5], match[6]
        if flags == "S" and to_port == "443" and to in (EXCHANGE, EXCHANGE6):
            syn.setdefault((source, port, to), at)
        elif flags == "S." and (to, to_port, source) in syn:
            found["outside"].append(at - syn[to, to_port, source])
            reply[to, to_port, source] = at
        elif flags == "." and (source, port, to) in reply:
            found["inside"].append(at - reply.pop((source, port, to)))
    return found


def last_points(state):
    """{(metric, side): the last point} of edgelat.user.*, with the attributes."""
    found = {}
    for name in sorted(os.listdir(f"{state}/spool")):
        if not name.endswith("-metrics.pb.gz"):
            continue
        for line in run(EDGELAT, "decode", f"{state}/spool/{name}").stdout.splitlines():
            for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                if metric["name"].startswith("edgelat.user."):
                    for point in (metric.get("exponentialHistogram") or metric["sum"])["dataPoints"]:
                        of = {a["key"]: a["value"]["stringValue"] for a in point["attributes"]}
                        found[metric["name"], of["edgelat.service"], of.get("edgelat.user.side", "")] = point
    return found


def main(folder):
    programs = [set_up()]
    this = [sys.executable, "-B", os.path.abspath(__file__)]
    conf, state = f"{folder}/conf", f"{folder}/state"
    os.mkdir(state)
    os.chown(state, 65534, 65534)
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f"[agent]\nstate_dir = {state}\nstatus_socket = {state}/status\nstop_file = {folder}/stop\nwindow = 5s\nworkloads = no\n"
                   "front_doors = 0\n[traffic]\nhandshakes = lan\n[target self]\nhost = 127.0.0.1\nkinds = tcp\n")
    agent = inside("gateway", *NET_RAW, EDGELAT, "run", "-c", conf, stderr=open(f"{folder}/log", "w", encoding="utf-8"))
    programs.append(agent)
    try:
        programs.append(inside("edge", *this, "listen"))
        dump = inside("gateway", "tcpdump", "-l", "-n", "-tt", "-S", "-i", "lan", "tcp", stdout=open(f"{folder}/capture", "w", encoding="utf-8"),
                      stderr=subprocess.PIPE, text=True)
        programs.append(dump)
        tap.ok("listening" in dump.stderr.readline() + dump.stderr.readline(), "tcpdump captures")
        status = lambda *more: run("ip", "netns", "exec", "gateway", EDGELAT, "status", "-c", conf, *more).stdout
        tap.ok(wait_for(lambda: "handshakes on lan: 0 connections of others seen" in status(), 5), "none is seen yet, and it says so", status())
        users = inside("user", *this, "connect", *[word for _ in range(COUNT) for word in (EXCHANGE, 443, EXCHANGE6, 443)],
                       *[word for _ in range(5) for word in (OTHER, 443, EXCHANGE, 444)])
        users.wait(20)
        shown = lambda: json.loads(status("--json"))["handshakes"]
        wait_for(lambda: shown()["others"] >= 2 * COUNT + 5, 10)
        time.sleep(max(0, 5.3 - time.time() % 5))
        shown = shown()
        text = status()
        agent.send_signal(signal.SIGTERM)
        agent.wait(10)
        time.sleep(0.3)
    finally:
        for program in reversed(programs):
            if program.poll() is None:
                program.terminate()
                program.wait()
    with open(f"{folder}/capture", encoding="utf-8") as file:
        truth = captured(file.read())
    found = last_points(state)
    for side, delay in (("outside", OUTSIDE), ("inside", INSIDE)):
        point, oracle = found.get(("edgelat.user.delay", "exchange", side), {}), truth[side]
        again = 0 if side == "outside" else 5  # Karn: those to port 444 give no delay outside
        tap.equal(2 * COUNT + again, int(point.get("count", 0)), f"{side}: as many delays as handshakes")
        tap.equal(2 * COUNT, len(oracle), f"{side}: tcpdump sees them")
        if not oracle or not point:
            continue
        tap.near(1000 * min(oracle), 1000 * point["min"], 0.02, f"{side}: shortest, as in the capture, in ms")
        tap.near(1000 * delay, 1000 * statistics.median(oracle), 3, f"{side}: the delay of the relay")
        tap.ok(point["max"] < delay + 0.05, f"{side}: no delay of a packet that was sent again", point["max"])
        if not again:
            tap.near(1000 * statistics.mean(oracle), 1000 * point["sum"] / int(point["count"]), 0.05, f"{side}: mean, as in the capture")

    def value(name, side):
        point = found.get((f"edgelat.user.{name}", "exchange", side), {})
        return int(point.get("asInt", point.get("asDouble", -1)))

    tap.equal((2 * COUNT + 5, 5), (value("connections", ""), value("retransmissions", "outside")), "connections, and SYNs that were sent again")
    tap.equal({"exchange"}, {key[1] for key in found}, "no connection to others")
    tap.equal((2 * COUNT + 5, 0), (shown["others"], shown["own"]), "the status has the same")
    tap.ok(f"handshakes on lan: {2 * COUNT + 5} connections of others seen" in text and re.search(r"users of exchange: median 4\d\.\d ms outside, 1\d\.\d ms inside", text),
           "and a line for people", text)
    stored = b"".join(open(os.path.join(base, name), "rb").read() for base, _, names in os.walk(state) for name in names if not name.endswith("status"))
    tap.ok(USER.encode() not in stored and USER.encode() not in str(found).encode(), "no address of a user is kept")


def begin(work):
    global EDGELAT
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run"], check=True)  # of this mount namespace only
    os.mkdir(f"{work}/installed")
    EDGELAT = installed(f"{work}/installed")
    main(work)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"relay": relay, "listen": listen, "connect": connect}[sys.argv[1]](*sys.argv[2:])
        sys.exit(0)
    os.environ["EDGELAT_DATA"] = os.path.join(TOP, "packaging", "data")
    alone("handshakes", begin, tap)
