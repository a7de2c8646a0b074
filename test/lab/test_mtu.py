#!/usr/bin/python3 -B
"""`edgelat trace --mtu` on real routers with a narrow link in the middle: a router reports it, no router does (a black hole), loss,
this host's own interface, a target that does not answer; IPv4 and IPv6, as root and as nobody; beside tracepath."""

import contextlib
import json
import os
import re
import sys
import time

import routers
from lab import TOP, Tap, wait_for
from test_paths import Agent

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
MUTE = "icmp type destination-unreachable icmp code frag-needed drop\nicmpv6 type packet-too-big drop"
REPORTERS = {"-4": "104.44.1.2", "-6": "2001:db8:6::2"}
tap = Tap()


class Found:
    def __init__(self, net, family, prefix=()):
        began = time.monotonic()
        done = net.run("host", *prefix, EDGELAT, "trace", "--mtu", "--json", family, "target.example")
        self.seconds = time.monotonic() - began
        self.code, self.error = done.returncode, done.stderr
        self.mtu = json.loads(done.stdout.splitlines()[-1])["mtu"] if done.stdout else {}
        self.packets = self.mtu.get("packets")

    def __str__(self):
        return f"{self.code} {self.error} {self.seconds:.1f} s {self.mtu}"

    def all(self):
        return self.code, self.mtu.get("state"), self.mtu.get("bytes"), self.mtu.get("limit")


@contextlib.contextmanager
def link(net, mtu):
    """The link from r4 to r5."""
    for node, device in (("r4", "r5"), ("r5", "r4")):
        net.run(node, "ip", "link", "set", device, "mtu", mtu)
    forget(net)
    try:
        yield
    finally:
        for node, device in (("r4", "r5"), ("r5", "r4")):
            net.run(node, "ip", "link", "set", device, "mtu", 1500)
        forget(net)


def forget(net):
    """What the host's kernel knows of the path."""
    net.run("host", "ip", "route", "flush", "cache")
    net.run("host", "ip", "-6", "route", "flush", "cache")


def tracepath(net, family, hops=8):
    """pmtu of others, and what the interface of the first hop takes does not count."""
    found = re.findall(r"pmtu (\d+)", net.run("host", "tracepath", family, "-n", "-m", hops, "target.example").stdout)
    return int(found[-1]) if found else None


def check_told(net):
    for mtu in (1400, 1437):
        with link(net, mtu):
            for family, by in REPORTERS.items():
                found = Found(net, family)
                tap.equal((0, "limited", mtu, "reported"), found.all(), f"{mtu}, {family}: the path MTU")
                tap.equal(by, found.mtu["reported_by"], f"{mtu}, {family}: the router that tells it")
                tap.ok(found.packets <= 10, f"{mtu}, {family}: {found.packets} packets", found)
                again = Found(net, family)
                tap.equal(found.all(), again.all(), f"{mtu}, {family}: the same again, whatever the kernel knows")
                forget(net)
                if mtu == 1400:
                    tap.equal(mtu, tracepath(net, family), f"{mtu}, {family}: as tracepath")
                    forget(net)


def check_black_hole(net):
    for mtu in (1400, 1437):
        with link(net, mtu), net.rule("r4", "output", MUTE):
            for family in REPORTERS:
                found = Found(net, family)
                tap.equal((1, "limited", mtu, "black_hole"), found.all(), f"{mtu}, {family}: a black hole")
                tap.ok(found.packets <= 100 and found.seconds < 20, f"{mtu}, {family}: {found.packets} packets", found)
                tap.ok("vanish" in found.mtu["verdict"] and str(mtu - (40 if family == "-4" else 60)) in found.mtu["verdict"],
                       f"{mtu}, {family}: the sentence with the MSS", found.mtu["verdict"])
            if mtu == 1400:
                tap.equal(1500, tracepath(net, "-4", hops=5), "1400, -4: tracepath does not find it")
    tap.row("a black hole for large packets", "a link of 1400 and 1437 bytes without ICMP", "found to the byte in 2 s, exit code 1; tracepath: 1500")


def check_small(net):
    """Below what the search tries first. IPv6 has no such link, and Linux removes its addresses."""
    with link(net, 1000):
        tap.equal((0, "limited", 1000, "reported"), Found(net, "-4").all(), "1000: the path MTU")
        with net.rule("r4", "output", MUTE):
            found = Found(net, "-4")
            tap.equal((1, "limited", 1000, "black_hole"), found.all(), "1000: a black hole")
            tap.ok("a firewall drops large echoes" in found.mtu["verdict"], "1000: or a firewall", found.mtu["verdict"])


def check_no_limit(net):
    for family in REPORTERS:
        found = Found(net, family)
        tap.equal((0, "unlimited", 1500, "none"), found.all(), f"{family}: no limit")
        tap.ok(found.packets <= 6, f"{family}: {found.packets} packets", found)
        with net.rule("r4", "output", MUTE):
            tap.equal((0, "unlimited", 1500, "none"), Found(net, family).all(), f"{family}: muted routers alone are no black hole")


def check_loss(net):
    """Lost packets of all sizes are no black hole."""
    for family in REPORTERS:
        with net.rule("r4", "forward", "numgen random mod 100 < 20 meta l4proto { icmp, ipv6-icmp } drop"):
            found = Found(net, family)
        tap.ok(found.mtu.get("limit") == "none" and found.mtu.get("state") in ("unlimited", "lossy", "silent"),
               f"20 % loss, {family}: {found.mtu.get('state')}", found)
    with net.rule("target", "input", "icmp type echo-request drop\nicmpv6 type echo-request drop"):
        for family in REPORTERS:
            found = Found(net, family)
            tap.equal((1, "silent", None, "none"), found.all(), f"{family}: a target that does not answer")
            tap.ok("Cannot tell" in found.mtu["verdict"], f"{family}: cannot tell", found.mtu["verdict"])


def check_host(net):
    net.run("host", "ip", "link", "set", "r1", "mtu", 1420)
    for family in REPORTERS:
        tap.equal((0, "limited", 1420, "host"), Found(net, family).all(), f"{family}: this host's interface")
    net.run("host", "ip", "link", "set", "r1", "mtu", 1500)


def check_nobody(net):
    net.run("host", "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    with link(net, 1400):
        for family, by in REPORTERS.items():
            found = Found(net, family, prefix=NOBODY)
            tap.equal((0, "limited", 1400, "reported"), found.all(), f"nobody, {family}: reported")
            tap.equal(by, found.mtu["reported_by"], f"nobody, {family}: by whom")
        with net.rule("r4", "output", MUTE):
            found = Found(net, "-4", prefix=NOBODY)
            tap.equal((1, "limited", 1400, "black_hole"), found.all(), "nobody: a black hole")
            tap.ok(found.packets / found.seconds < 6, f"nobody: {found.packets / found.seconds:.1f} packets a second", found)
    net.run("host", "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    found = Found(net, "-4", prefix=NOBODY)
    tap.ok(found.code == 2 and "may not send ICMP; leave out --mtu" in found.error, "nobody without ping sockets", found)


def check_agent(net, name, prefix):
    """The link of 1400 bytes: a black hole, then its router reports it."""
    net.run("host", "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    os.chmod(net.folder, 0o755)

    def mtus():
        return {(of["network.type"], int(value), of["edgelat.path.mtu.limit"]) for of, value in agent.points("edgelat.path.mtu")}

    def both(limit):
        return {("ipv4", 1400, limit), ("ipv6", 1400, limit)}

    def found(after):
        return {family for _, name, family, _, to, _, _ in agent.events() if name == "edgelat.path.black_hole" and to == after}

    with link(net, 1400):
        with net.rule("r4", "output", MUTE):
            agent = Agent(net, name, prefix, more="[path]\ntrace = no\nmtu_interval = 10s\n")
            wait_for(lambda: found("black hole") == {"ipv4", "ipv6"}, 90, 0.5)
            tap.equal({"ipv4", "ipv6"}, found("black hole"), f"{name}: a black hole is an event of each family")
            findings = json.loads(agent.status("--json"))["findings"]
            tap.equal([(1400, "black_hole")] * 2, [(mtu["bytes"], mtu["limit"]) for mtu in json.loads(agent.status("--json"))["path_mtus"]],
                      f"{name}: status has the path MTUs")
            tap.ok("path MTU to target (ipv4): 1400 bytes; larger packets vanish" in agent.status(), f"{name}: and its text", agent.status())
            tap.equal(2, sum("packets larger than 1400 bytes vanish" in line for line in findings), f"{name}: findings of status")
        wait_for(lambda: found("clear") == {"ipv4", "ipv6"}, 60, 0.5)
        tap.equal({"ipv4", "ipv6"}, found("clear"), f"{name}: it is gone")
        wait_for(lambda: mtus() >= both("reported"), 20, 0.5)
        tap.equal(both("reported") | both("black_hole"), mtus(), f"{name}: the metric of both families")
        findings = json.loads(agent.status("--json"))["findings"]
        tap.equal(0, sum("vanish" in line for line in findings), f"{name}: and no finding")
        tap.equal(4, sum(name == "edgelat.path.black_hole" for _, name, *_ in agent.events()), f"{name}: four events and no more")
        agent.end()


def main():
    routers.enter()
    with routers.lab() as net:
        Found(net, "-6")  # neighbours are known from here on
        for check in (check_no_limit, check_told, check_black_hole, check_loss, check_host):
            check(net)
        if os.geteuid() == 0 and net.run("host", *NOBODY, "true").returncode == 0:
            check_nobody(net)
            check_agent(net, "nobody", NOBODY)
        check_small(net)  # no IPv6 after it
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
