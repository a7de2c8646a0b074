#!/usr/bin/python3 -B
"""Flow records of real exporters on a router that forwards a known number of bytes: softflowd (NetFlow v5, v9, IPFIX), pmacct (IPFIX,
sFlow) and fprobe (NetFlow v5). `edgelat run` counts the bytes by service and direction within 1 %, or within the statistical bound of
sampling; nfcapd hears the same datagrams.

    branch - gateway (exporters, edgelat, nfcapd) - edge"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

from lab import Tap, alone, run, wait_for
from probing import EDGELAT

BRANCH, BRANCH6, TEAMS, EXCHANGE6, OTHER = "10.42.0.10", "2001:db8:42::10", "52.112.0.5", "2603:1006::10", "203.0.113.9"
# from, to, datagrams, bytes of each without headers; and what they are to the branch
SENT = [("branch", TEAMS, 4000, 1000, ("teams", "transmit")), ("branch", EXCHANGE6, 3000, 1200, ("exchange", "transmit")),
        ("edge", BRANCH, 8000, 1300, ("teams", "receive")), ("branch", OTHER, 2000, 1000, None)]
TRUTH = {key: n * (size + (48 if ":" in to else 28)) for _, to, n, size, key in SENT if key}
PACKETS = {key: n for _, _, n, _, key in SENT if key}
LINKS = [("branch", "gateway", "10.42.0", "2001:db8:42"), ("gateway", "edge", "192.0.2", "2001:db8:2")]

tap = Tap()


def call(*words, **options):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **options)


class Net:
    """Three namespaces; programs in them."""

    def __init__(self, folder):
        self.folder, self.processes = folder, {}
        call("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")  # of this mount namespace only
        os.makedirs("/run/softflowd/chroot")
        for node in ("branch", "gateway", "edge"):
            call("ip", "netns", "add", node)
            call("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
            call("ip", "-n", node, "link", "set", "lo", "up")
        for left, right, network, network6 in LINKS:
            call("ip", "link", "add", "name", right, "netns", left, "type", "veth", "peer", "name", left, "netns", right)
            for node, other, end in ((left, right, 10), (right, left, 1)):
                call("ip", "-n", node, "addr", "add", f"{network}.{end}/24", "dev", other)
                call("ip", "-n", node, "addr", "add", f"{network6}::{end}/64", "dev", other, "nodad")
                call("ip", "-n", node, "link", "set", other, "up")
        for address in (f"{TEAMS}/32", f"{OTHER}/32"):
            call("ip", "-n", "edge", "addr", "add", address, "dev", "lo")
        call("ip", "-n", "edge", "addr", "add", f"{EXCHANGE6}/128", "dev", "lo", "nodad")
        call("ip", "netns", "exec", "gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for node, via, via6 in (("branch", "10.42.0.1", "2001:db8:42::1"), ("gateway", "192.0.2.1", "2001:db8:2::1"),
                                ("edge", "192.0.2.10", "2001:db8:2::10")):
            call("ip", "-n", node, "route", "add", "default", "via", via)
            call("ip", "-n", node, "-6", "route", "add", "default", "via", via6)
        for node, neighbour in (("branch", "2001:db8:42::1"), ("gateway", BRANCH6), ("gateway", "2001:db8:2::1"), ("edge", "2001:db8:2::10")):
            wait_for(lambda to=neighbour, at=node: run("ip", "netns", "exec", at, "ping", "-c1", "-W1", to).returncode == 0, 5)

    def start(self, node, *words, **options):
        log = open(f"{self.folder}/{os.path.basename(words[0])}-{len(self.processes)}.log", "w", encoding="utf-8")
        process = subprocess.Popen(["ip", "netns", "exec", node, *map(str, words)], stdout=log, stderr=log, **options)
        self.processes[process] = log.name
        return process

    def stop(self, process, timeout=10):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        del self.processes[process]

    def close(self):
        for process in list(self.processes):
            self.stop(process, 2)


# ---- programs of this file in a namespace

def send(node):
    """Sends the datagrams of the node, 4,000 a second; then others for a second, so that libpcap hands on its last block."""
    sockets = []
    for source, to, n, size, _ in SENT:
        if source == node:
            s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
            if node == "edge":
                s.bind((TEAMS, 3478))
            s.connect((to, 443 if node == "branch" else 50000))
            sockets.append([s, n, b"x" * size])
    while any(left for _, left, _ in sockets):
        for entry in sockets:
            for _ in range(min(20, entry[1])):
                entry[0].send(entry[2])
                entry[1] -= 1
        time.sleep(0.005)


def fill(seconds):
    """Packets to others, until the exporters have reported the flows."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((OTHER, 443))
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        for _ in range(20):
            s.send(b"x" * 1400)
        time.sleep(0.01)


def sink():
    """Open ports, so that nobody answers with ICMP."""
    sockets = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
    sockets[0].bind(("0.0.0.0", 443))
    sockets[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sockets[1].bind(("::", 443))
    third = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    third.bind(("0.0.0.0", 50000))
    signal.pause()


def tee(*pairs):
    """IN=OUT,OUT: passes each datagram on to both ports, from a port of its own."""
    routes = {}
    for pair in pairs:
        port, to = pair.split("=")
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        s.bind(("127.0.0.1", int(port)))
        routes[s] = [("127.0.0.1", int(out)) for out in to.split(",")]
    while True:
        for s in select.select(list(routes), [], [])[0]:
            data = s.recv(65535)
            for to in routes[s]:
                s.sendto(data, to)


# ---- the agent

class Agent:
    def __init__(self, net, program, name, port, more=""):
        self.net, self.program, self.state = net, program, f"{net.folder}/{name}"
        self.path = f"{net.folder}/{name}.conf"
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(f"""[agent]
state_dir = {self.state}
status_socket = {net.folder}/{name}.status
stop_file = {net.folder}/stop
window = 5s
workloads = no
front_doors = 0
[traffic]
flows = 127.0.0.1:{port}
exporters = 127.0.0.1 192.0.2.77
{more}
[target self]
host = 127.0.0.1
kinds = icmp
""")
        self.process = net.start("gateway", program, "run", "-c", self.path)

    def status(self, *options):
        return run("ip", "netns", "exec", "gateway", self.program, "status", "-c", self.path, *options)

    def exporters(self):
        return {e["format"]: e for e in json.loads(self.status("--json").stdout or "{}").get("exporters", [])}

    def points(self):
        """All points of edgelat.traffic.*, oldest first: (metric, source, (service, direction), value)."""
        found = []
        for name in sorted(os.listdir(f"{self.state}/spool")):
            if not name.endswith("-metrics.pb.gz"):
                continue
            for line in run(self.program, "decode", f"{self.state}/spool/{name}").stdout.splitlines():
                for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                    if not metric["name"].startswith("edgelat.traffic"):
                        continue
                    for point in (metric.get("sum") or metric["gauge"])["dataPoints"]:
                        of = {a["key"]: a["value"]["stringValue"] for a in point["attributes"]}
                        found.append((metric["name"], of["edgelat.traffic.source"], (of["edgelat.service"], of["network.io.direction"]),
                                      float(point.get("asDouble", point.get("asInt", 0)))))
        return found

    def total(self, source, metric="edgelat.traffic.io"):
        """{(service, direction): the last value}"""
        return {key: value for name, of, key, value in self.points() if name == metric and of == source}


def captures():
    """Packet sockets that are bound to an interface of the gateway."""
    lines = run("ip", "netns", "exec", "gateway", "cat", "/proc/net/packet").stdout.splitlines()[1:]
    return sum(line.split()[4] != "0" for line in lines)


def nfdump_bytes(folder):
    """{(service, direction): bytes}, as nfdump adds up what nfcapd has stored."""
    filters = {("teams", "transmit"): f"dst ip {TEAMS}", ("teams", "receive"): f"src ip {TEAMS}",
               ("exchange", "transmit"): f"dst ip {EXCHANGE6}"}
    found = {}
    for key, text in filters.items():
        out = run("nfdump", "-6", "-N", "-q", "-R", folder, "-o", "fmt:%byt", text).stdout
        found[key] = sum(int(word) for word in out.split() if word.isdigit())
    return found


def check_source(agent, source, what, truth, tolerance):
    total = agent.total(source)
    for key, expected in truth.items():
        tap.ok(abs(total.get(key, 0) - expected) <= tolerance(key) * expected,
               f"{what}: {key[0]} {key[1]}: {total.get(key, 0):.0f} of {expected} bytes",
               f"within {tolerance(key):.1%}; all: {total}")
    tap.equal(set(truth), set(total), f"{what}: nothing else is counted")


def one_percent(_):
    return 0.01


def sampled(key):
    """Four standard deviations of a sample of one in ten packets."""
    return 4 * (0.9 / (0.1 * PACKETS[key])) ** 0.5


def in_net(main):
    """For alone(): main(net) with a Net in the folder."""
    def begin(work):
        with contextlib.closing(Net(work)) as net:
            main(net)
    return begin


def main(net):
    program = os.path.abspath(EDGELAT)
    first = Agent(net, program, "first", 2055)
    second = Agent(net, program, "second", 2056)
    this = [sys.executable, "-B", os.path.abspath(__file__)]
    nfcapd = f"{net.folder}/nfcapd"
    os.mkdir(nfcapd)
    net.start("gateway", "nfcapd", "-w", nfcapd, "-b", "127.0.0.1", "-p", "9995", "-t", "3600")
    # softflowd: 2005, 2009, 2010, 2011, 2109; pmacct: 2110 (IPFIX), 2143 (sFlow); fprobe: 2105
    net.start("gateway", *this, "tee", "2005=2055", "2009=2055", "2010=2055,9995", "2011=2055", "2109=2056", "2143=2055", "2105=2056", "2110=2056")
    for node in ("branch", "edge"):
        net.start(node, *this, "sink")
    # 2011 sees the same packets at the LAN; 2109 samples one in ten
    softflowds = [net.start("gateway", "softflowd", "-d", "-D", "-i", interface, "-v", version, "-n", f"127.0.0.1:{port}", "-s", rate,
                            "-t", "maxlife=4", "-t", "expint=1", "-t", "udp=3", "-t", "general=3", "-p", f"{net.folder}/sf{port}.pid",
                            "-c", f"{net.folder}/sf{port}.ctl")
                  for port, version, interface, rate in ((2005, 5, "edge", 1), (2009, 9, "edge", 1), (2010, 10, "edge", 1),
                                                         (2011, 10, "branch", 1), (2109, 9, "edge", 10))]
    with open(f"{net.folder}/pmacctd.conf", "w", encoding="utf-8") as file:
        file.write("""daemonize: false
pcap_interface: edge
plugins: nfprobe[n], sfprobe[s]
aggregate[n]: src_host, dst_host, src_port, dst_port, proto, tos, in_iface, out_iface
nfprobe_receiver[n]: 127.0.0.1:2110
nfprobe_version[n]: 10
nfprobe_timeouts[n]: tcp=3:maxlife=4:expint=1:udp=3:general=3
plugin_buffer_size: 102400
plugin_pipe_size: 10240000
sampling_rate[s]: 10
sfprobe_receiver[s]: 127.0.0.1:2143
""")
    # it looks up the name of this host, whatever its address is said to be
    net.start("gateway", "unshare", "--uts", "sh", "-c", f"echo localhost >/proc/sys/kernel/hostname; exec pmacctd -f {net.folder}/pmacctd.conf")
    fprobe = net.start("gateway", "fprobe", "-i", "edge", "-f", "ip", "-l", "2", "-e", "2", "-d", "2", "-s", "1", "-q", "30000", "-B", "8192", "127.0.0.1:2105")
    wait_for(lambda: first.status("--json").stdout and second.status("--json").stdout, 5)
    tap.ok(wait_for(lambda: captures() >= 7, 20), "all exporters capture", captures())
    senders = [net.start(node, *this, "send", node) for node in ("branch", "edge")]
    for sender in senders:
        sender.wait()
    filler = net.start("branch", *this, "fill", "7")
    filler.wait()
    for process in (*softflowds, fprobe):  # they report what they still hold
        net.stop(process)
    time.sleep(0.5)
    tap.note(first.status().stdout[-1500:])
    formats = first.exporters()
    tap.equal({"ipfix", "netflow9", "netflow5", "sflow"}, set(formats), "the status shows four formats of the exporter")
    for name, exporter in formats.items():
        tap.ok(exporter["flows"] > 0 and exporter["lost"] == 0 and not exporter["silent"], f"{name}: nothing lost", exporter)
    tap.ok(formats.get("ipfix", {}).get("templates", 0) >= 4, "IPFIX: templates of softflowd", formats)
    tap.equal(10, formats.get("sflow", {}).get("sampling"), "sFlow: the sampling rate of pmacct")
    text = first.status().stdout
    tap.ok("exporter 127.0.0.1: IPFIX, " in text and "sampling 1:10" in text, "and for people", text)
    tap.ok("exporter 192.0.2.77: nothing received yet" in text, "an exporter that sends nothing is named", text)
    for agent in (first, second):
        net.stop(agent.process)
    tolerance = one_percent
    for source, version in (("netflow5", "v5"), ("netflow9", "v9"), ("ipfix", "IPFIX")):
        truth = {key: value for key, value in TRUTH.items() if source != "netflow5" or key[0] != "exchange"}
        check_source(first, source, f"softflowd, {version}" + (", at LAN and WAN" if source == "ipfix" else ""), truth, tolerance)
    check_source(second, "netflow9", "softflowd, v9, 1 of 10 packets", TRUTH, sampled)
    check_source(first, "sflow", "pmacct, sFlow, 1 of 10 packets", TRUTH, sampled)
    check_source(second, "ipfix", "pmacct, IPFIX", TRUTH, tolerance)
    check_source(second, "netflow5", "fprobe, v5", {key: value for key, value in TRUTH.items() if key[0] != "exchange"}, tolerance)
    time.sleep(0.2)
    for process in [p for p, log in net.processes.items() if "nfcapd" in log]:
        net.stop(process)
    theirs, ours = nfdump_bytes(nfcapd), first.total("ipfix")
    tap.equal(theirs, {key: int(value) for key, value in ours.items()}, "nfcapd counts the same bytes of the same datagrams")
    rates = [value for name, of, key, value in first.points() if name == "edgelat.traffic.rate.max" and of == "ipfix" and key == ("teams", "receive")]
    tap.ok(0 < max(rates, default=0) <= TRUTH["teams", "receive"], "the highest second is part of the whole", rates)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"send": send, "fill": fill, "sink": sink, "tee": tee}[sys.argv[1]](*sys.argv[2:])
        sys.exit(0)
    alone("flows", in_net(main), tap)
