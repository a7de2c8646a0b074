#!/usr/bin/python3 -B
"""A host with two uplinks: `probe -I` sends each kind over the uplink that is named, in both families, as root and as nobody. The
agent probes over both in pairs, tells which one dies and returns and which one the routes use; only real moves are moves of the host.
Beside it hosts with IPv4 only, IPv6 only, an address without a route, a route that goes and comes, and no route at all.

    host =(up1|up2)= edge

What counts is the packets that the far end of each link received, not what the program says."""

import concurrent.futures
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import routers
from lab import Tap, run, running, wait_for
from probing import BUILD, installed

EDGE, EDGE6 = "203.0.113.9", "2001:db8:9::9"
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all"]

tap = Tap()


def host(*words, **options):
    return run("ip", "netns", "exec", "host", *words, **options)


def make_uplinks():
    run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")  # of this mount namespace only
    for node in ("host", "edge"):
        run("ip", "netns", "add", node)
        run("ip", "-n", node, "link", "set", "lo", "up")
    for i in (1, 2):
        run("ip", "link", "add", f"up{i}", "netns", "host", "type", "veth", "peer", "name", f"far{i}", "netns", "edge")
        for node, link, end in (("host", f"up{i}", 2), ("edge", f"far{i}", 1)):
            run("ip", "-n", node, "addr", "add", f"10.9.{i}.{end}/24", "dev", link)
            run("ip", "-n", node, "addr", "add", f"fd09:{i}::{end}/64", "dev", link, "nodad")
            run("ip", "-n", node, "link", "set", link, "up")
    for address in (EDGE, EDGE6):
        run("ip", "-n", "edge", "addr", "add", address, "dev", "lo")
    for family, gateways, sources in (("-4", "10.9.{}.1", "10.9.{}.2"), ("-6", "fd09:{}::1", "fd09:{}::2")):
        for i in (1, 2):
            run("ip", "-n", "host", family, "route", "add", "default", "via", gateways.format(i), "dev", f"up{i}", "metric", f"{i}0")
            run("ip", "-n", "host", family, "route", "add", "default", "via", gateways.format(i), "dev", f"up{i}", "table", f"{i}")
            run("ip", "-n", "host", family, "rule", "add", "from", sources.format(i), "table", f"{i}")
            run("ip", "-n", "host", family, "rule", "add", "fwmark", f"{i}", "table", f"{i}")
    host("sysctl", "-qw", "net.ipv4.ping_group_range=0 65534")


def restore_routes():
    """What check_agent() changed; the kernel takes IPv6 addresses off a link that goes down."""
    run("ip", "-n", "edge", "addr", "replace", "fd09:1::1/64", "dev", "far1", "nodad")
    host("ip", "addr", "replace", "10.9.1.2/24", "dev", "up1")
    for address in ("10.9.1.77/24", "10.9.1.88/24"):
        host("ip", "addr", "del", address, "dev", "up1")
    host("ip", "addr", "replace", "10.9.1.2/24", "dev", "up1")
    host("ip", "route", "replace", "default", "via", "10.9.1.1", "dev", "up1", "metric", "10")
    host("ip", "route", "replace", "default", "via", "10.9.1.1", "dev", "up1", "table", "1")
    for words in (["metric", "10"], ["table", "1"]):
        host("ip", "-6", "route", "replace", "default", "via", "fd09:1::1", "dev", "up1", *words)


def serve(folder):
    """HTTPS on both addresses. Returns the processes."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key", "-out", f"{folder}/ca", "-days", "3",
        "-subj", "/CN=edge", "-addext", f"subjectAltName=IP:{EDGE},IP:{EDGE6}")
    os.chmod(f"{folder}/ca", 0o644)
    started = [subprocess.Popen(["ip", "netns", "exec", "edge", "openssl", "s_server", "-accept", at, "-www", "-quiet",
                                 "-key", f"{folder}/key", "-cert", f"{folder}/ca"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
               for at in (f"{EDGE}:443", f"[{EDGE6}]:443")]
    wait_for(lambda: run("ip", "netns", "exec", "edge", "ss", "-Htln").stdout.count(":443") == 2)
    return started


def received():
    """Packets that have come to the edge by each uplink."""
    return [int(run("ip", "netns", "exec", "edge", "cat", f"/sys/class/net/far{i}/statistics/rx_packets").stdout) for i in (1, 2)]


def probe(who, kind, to, *options):
    """(answered, uplinks that carried more than neighbour discovery)"""
    before = received()
    done = host(*who, EDGELAT, "probe", kind, to, "-n", "8", "-i", "0.2" if who else "0.02", "--json", *options)
    summary = json.loads(done.stdout.splitlines()[-1])
    return summary["received"], [i for i, n in enumerate(received(), 1) if n - before[i - 1] >= 8]


def check_probes(folder):
    for name, who in (("root", []), ("nobody", NOBODY)):
        for kind in ("icmp", "tcp", "https"):
            trust = ["--ca", f"{folder}/ca"] if kind == "https" else []
            for to, address in ((EDGE, "10.9.{}.2"), (EDGE6, "fd09:{}::2")):
                if not who:
                    tap.equal((8, [1]), probe(who, kind, to, *trust), f"{kind} to {to} goes as the routes say")
                for i in (2,) if who else (1, 2):
                    for way in (f"up{i}", address.format(i)):
                        tap.equal((8, [i]), probe(who, kind, to, *trust, "-I", way), f"{name}: {kind} to {to} over {way}")


def check_traces():
    """Path and path MTU by each method over each uplink; a packet that took the other one would be counted there."""
    for method in ("--icmp", "--tcp", "--udp"):
        for to, address in ((EDGE, "10.9.{}.2"), (EDGE6, "fd09:{}::2")):
            for i in (1, 2):
                for way in (f"up{i}", address.format(i)):
                    before = received()
                    done = host(EDGELAT, "trace", method, "--json", "-n", "-I", way, to)
                    hop = json.loads(done.stdout.splitlines()[0]) if done.stdout else {}
                    tap.equal((0, to), (done.returncode, hop.get("address")), f"trace {method} -I {way} {to}")
                    grown = [n - b for n, b in zip(received(), before)]
                    tap.ok(grown[i - 1] >= 3 > grown[2 - i], f"trace {method} -I {way} {to}: over uplink {i}", grown)
    run("ip", "-n", "host", "link", "set", "up2", "mtu", "1400")
    for i, mtu in ((1, 1500), (2, 1400)):
        found = json.loads(host(EDGELAT, "trace", "--mtu", "--json", "-n", "-I", f"up{i}", EDGE).stdout.splitlines()[-1])["mtu"]
        tap.equal((mtu, "none" if i == 1 else "host"), (found["bytes"], found["limit"]), f"trace --mtu -I up{i}")
    run("ip", "-n", "host", "link", "set", "up2", "mtu", "1500")
    done = host(EDGELAT, "trace", "-I", "fd09:1::2", "-4", EDGE)
    tap.ok(done.returncode == 2 and "family" in done.stderr, "trace -I of the other family: says so", done.stderr)


def check_refusals():
    for options, expected in ((["-I", "nosuch"], "no such interface"), (["-I", "fd09:1::2"], "no address of that family"),
                              (["-I", "fd09:1::2", "-4"], "family"), (["-I", "192.0.2.7"], "no such address")):
        for kind in ("icmp", "tcp"):
            done = host(EDGELAT, "probe", kind, EDGE, "-n", "1", *options)
            tap.equal(2, done.returncode, f"{kind} {' '.join(options)}: an error")
            tap.ok(expected in done.stdout + done.stderr, f"{kind} {' '.join(options)}: says why", done.stdout + done.stderr)


CONFIG = """[agent]
window = 5s
state_dir = {folder}/state
status_socket = {folder}/status
stop_file = {folder}/stop
workloads = no
front_doors = 0
[path]
trace = no
mtu = no
[uplink fiber]
interface = up1
[uplink lte]
mark = 2
[target edge]
host = 203.0.113.9
kinds = icmp tcp
interval = 1s
[target alone]
host = 2001:db8:9::9
kinds = icmp
uplinks = no
"""


def check_agent(folder):
    file, log = f"{folder}/edgelat.conf", f"{folder}/log"
    with open(file, "w", encoding="utf-8") as out:
        out.write(CONFIG.format(folder=folder))
    said = host(EDGELAT, "check-config", file).stdout
    tap.ok("1 of 2 targets over each of 2 uplinks (fiber, lte): 2.00 of these probes/s, 1.00 over each" in said,
           "check-config says what they cost", said)

    def text():
        with open(log, encoding="utf-8") as lines:
            return lines.read()

    def status():
        return json.loads(host(EDGELAT, "status", "-c", file, "--json").stdout or "{}")

    def moves():
        return text().count("survey begins")

    def settles(what, *commands):
        before = moves()
        for command in commands:
            host(*command.split())
        time.sleep(3)
        tap.equal(before, moves(), f"{what}: no move of this host")

    with open(log, "w", encoding="utf-8") as out, \
            running("ip", "netns", "exec", "host", EDGELAT, "run", "-c", file, stdout=out, stderr=out):
        tap.ok(wait_for(lambda: any(d["known"] for d in status().get("uplink_differences", [])), timeout=90), "the difference is known")
        now = status()
        tap.equal([("fiber", "up", True), ("lte", "up", False)],
                  [(u["name"], u["state"], u["used_ipv4"]) for u in now["uplinks"]], "both are up, fiber is used")
        for d in now["uplink_differences"]:
            tap.ok(not d["known"] or d["low"] <= d["difference"] <= d["high"], f"the interval of {d['kind']} holds its median", d)
        sent = [u["sent"] for u in now["uplinks"]]
        tap.ok(abs(sent[0] - sent[1]) <= 2, "sent in pairs", sent)

        settles("a container", "ip link add c0 type veth peer name c1", "ip link set c0 up", "ip link set c1 up", "ip addr add 172.17.3.1/24 dev c0")
        settles("a docker bridge", "ip link add docker0 type bridge", "ip addr add 172.17.0.1/16 dev docker0", "ip link set docker0 up",
                "ip link set c0 master docker0")
        settles("it ends", "ip link del c0", "ip link del docker0")
        settles("routes rewritten unchanged", "ip route replace default via 10.9.1.1 dev up1 metric 10",
                "ip -6 route replace default via fd09:1::1 dev up1 metric 10")
        settles("a lease renewed", "ip addr replace 10.9.1.2/24 dev up1 valid_lft 600 preferred_lft 600",
                "ip addr replace 10.9.1.2/24 dev up1 valid_lft 500 preferred_lft 500")
        settles("a router advertisement refreshed", "ip -6 addr replace fd09:1::2/64 dev up1 nodad valid_lft 900 preferred_lft 600")

        run("ip", "netns", "exec", "edge", "ip", "link", "set", "far1", "down")
        tap.ok(wait_for(lambda: "uplink fiber is down" in text(), timeout=30), "fiber dies", text())
        tap.ok("uplink lte is down" not in text(), "lte does not")
        before = moves()
        host("ip", "route", "del", "default", "via", "10.9.1.1")
        tap.ok(wait_for(lambda: "routes went from uplink fiber to lte" in text(), timeout=20), "the failover is told, with what was lost", text())
        tap.ok("probes over fiber were lost until then" in text(), "with what was lost")
        tap.ok(wait_for(lambda: moves() > before, timeout=20), "a default route by another interface is a move")
        run("ip", "netns", "exec", "edge", "ip", "link", "set", "far1", "up")
        host("ip", "route", "add", "default", "via", "10.9.1.1", "dev", "up1", "metric", "10")
        tap.ok(wait_for(lambda: "uplink fiber is up again" in text(), timeout=30), "fiber returns", text())
        tap.ok(wait_for(lambda: "routes went from uplink lte to fiber" in text(), timeout=20), "and is used again", text())
        host("ip", "addr", "add", "10.9.1.77/24", "dev", "up1")
        before = moves()
        host("ip", "addr", "del", "10.9.1.2/24", "dev", "up1")
        host("ip", "addr", "add", "10.9.1.88/24", "dev", "up1")
        host("ip", "route", "replace", "default", "via", "10.9.1.1", "dev", "up1", "metric", "10")
        tap.ok(wait_for(lambda: moves() > before, timeout=70), "another address of the uplink is a move", text())


def check_nearest(folder):
    """All probes of `nearest -I` take the uplink, and no other; it may be one of the configuration, as of the other commands."""
    file = f"{folder}/nearest.conf"
    with open(file, "w", encoding="utf-8") as out:
        out.write(CONFIG.format(folder=folder))
    for i, name in ((1, "up1"), (2, "up2"), (1, "fiber"), (2, "lte")):
        before = received()
        done = host(EDGELAT, "nearest", "-c", file, "-I", name, "-t", "4", "--json")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        tap.equal((0, {"edge", "alone"}), (done.returncode, {row["target"] for row in rows if row.get("rank")}), f"nearest -I {name}")
        grown = [n - b for n, b in zip(received(), before)]
        tap.ok(grown[i - 1] >= 16 and grown[2 - i] < 6, f"nearest -I {name}: over uplink {i}", grown)
    os.environ["EDGELAT_CONFIG"] = file
    tap.equal((8, [2]), probe([], "icmp", EDGE, "-I", "lte"), "probe over an uplink of the configuration")
    before = received()
    tap.equal(0, host(EDGELAT, "trace", "-n", "-I", "lte", EDGE).returncode, "trace over one, by its mark")
    tap.ok(received()[1] - before[1] >= 3, "it goes there", (before, received()))
    del os.environ["EDGELAT_CONFIG"]


ROUTES = [  # what, commands, taken back by, may use both
    ("a static route", ["ip route add 203.0.113.9 via 10.9.2.1 dev up2"], ["ip route del 203.0.113.9"]),
    ("a rule by destination", ["ip rule add to 203.0.113.9 table 2"], ["ip rule del to 203.0.113.9 table 2"]),
    ("a rule by port", ["ip rule add ipproto tcp dport 443 table 2"], ["ip rule del ipproto tcp dport 443 table 2"]),
    ("a rule by source", ["ip rule add from 10.9.1.2 table 2 pref 50"], ["ip rule del pref 50"]),
    ("a rule by a mark that nothing has", ["ip rule add fwmark 9 table 2 pref 51"], ["ip rule del pref 51"]),
    ("a better metric", ["ip route add default via 10.9.2.1 dev up2 metric 5"], ["ip route del default via 10.9.2.1 metric 5"]),
    ("equal-cost routes by flow", ["sysctl -qw net.ipv4.fib_multipath_hash_policy=1",
                                   "ip route add default metric 5 nexthop via 10.9.1.1 dev up1 nexthop via 10.9.2.1 dev up2"],
     ["ip route del default metric 5", "sysctl -qw net.ipv4.fib_multipath_hash_policy=0"]),
]


ROUTES6 = [
    ("an IPv6 rule by port", ["ip -6 rule add ipproto tcp dport 443 table 2"], ["ip -6 rule del ipproto tcp dport 443 table 2"]),
    ("an IPv6 rule by source", ["ip -6 rule add from fd09:1::2 table 2 pref 50"], ["ip -6 rule del pref 50"]),
    ("equal-cost IPv6 routes by flow", ["sysctl -qw net.ipv6.fib_multipath_hash_policy=1",
                                        "ip -6 route add default metric 5 nexthop via fd09:1::1 dev up1 nexthop via fd09:2::1 dev up2"],
     ["ip -6 route del default metric 5"]),
]


PORTS = itertools.count(20000, 24)


def carriers(folder, to):
    """The uplinks that 24 connections of a program that knows nothing of uplinks take, each from a port of its own."""
    def edge(*words):
        return run("ip", "netns", "exec", "edge", "nft", *words)

    first = next(PORTS)  # others than before, which the kernel still holds
    rules = "\n".join(f'iifname "far{i}" tcp sport {first}-{first + 23} tcp flags syn counter' for i in (1, 2))
    edge(f"table inet flows {{\nchain c {{\ntype filter hook input priority 0;\n{rules}\n}}\n}}")
    for port in range(first, first + 24):
        host("curl", "-s", "--cacert", f"{folder}/ca", "-o", "/dev/null", "--max-time", "2", "--local-port", port, f"https://{to}/")
    counted = re.findall(r"counter packets (\d+)", edge("list", "table", "inet", "flows").stdout)
    edge("delete", "table", "inet", "flows")
    return {name for name, n in zip(("fiber", "lte"), counted) if int(n) > 0}


def check_routes(folder, to, routes):
    """Which uplinks the system's routes use is what connections of other programs take."""
    file, log = f"{folder}/routes.conf", f"{folder}/routes.log"
    with open(file, "w", encoding="utf-8") as out:
        config = CONFIG.format(folder=f"{folder}/routes").replace("mark = 2", "interface = up2\nmark = 2")
        out.write(config.replace(f"host = {EDGE}\n", f"host = {to}\n"))
    os.makedirs(f"{folder}/routes", exist_ok=True)

    def used():
        rows = json.loads(host(EDGELAT, "status", "-c", file, "--json").stdout or "{}").get("uplink_targets", [])
        return {row["uplink"] for row in rows if row["target"] == "edge" and row["used"]}

    with open(log, "w", encoding="utf-8") as out, \
            running("ip", "netns", "exec", "host", EDGELAT, "run", "-c", file, stdout=out, stderr=out):
        tap.ok(wait_for(lambda: used() == {"fiber"}, timeout=30), "routes: fiber at first", used())
        for what, commands, undo in routes:
            for command in commands:
                host(*command.split())
            carried = carriers(folder, to if ":" not in to else f"[{to}]")
            time.sleep(1)
            tap.ok(wait_for(lambda: used() == carried, timeout=12), f"routes: {what}: {' and '.join(sorted(carried))}", used())
            for command in undo:
                host(*command.split())
            tap.ok(wait_for(lambda: used() == {"fiber"}, timeout=12), f"routes: {what}: and back", used())
        with open(log, encoding="utf-8") as lines:
            text = lines.read()
    if len(carried) == 2:  # IPv6 leaves out a gateway that is not known to be reachable
        tap.ok("went from uplink fiber to fiber and lte" in text, "routes: shared by both", text)


FAMILIES = {  # host: its addresses, gateways
    "six": ([], ["2001:db8:{}::2/64"], [], ["2001:db8:{}::1"]),
    "four": (["10.8.{}.2/24"], ["fd08:{}::2/64"], ["10.8.{}.1"], []),  # a unique local address needs no route
    "bare": (["10.8.{}.2/24"], ["2001:db8:{}::2/64"], [], ["2001:db8:{}::1"]),
    "comes": (["10.8.{}.2/24"], ["2001:db8:{}::2/64"], ["10.8.{}.1"], ["2001:db8:{}::1"]),
    "none": (["10.8.{}.2/24"], ["2001:db8:{}::2/64"], [], []),
    "local": (["10.8.{}.2/24"], [], ["10.8.{}.1"], ["fe80::1"]),  # a router that announces itself, but no prefix
}
DOOR, OWN, OWN6 = "ams-efz.ms-acdc.office.com", "203.0.113.10", "2001:db8:9::10"
FAMILY_CONFIG = """[agent]
window = 5s
state_dir = {folder}/state-{node}
status_socket = {folder}/status-{node}
workloads = no
front_doors = {doors}
gateway = no
[dns]
probe = no
[path]
trace = no
mtu = no
[target exchange]
host = outlook.office365.com
kinds = icmp tcp
interval = 1s
[target edge]
host = edge.example
kinds = icmp tcp
interval = 1s
"""


def in_host(node, *words):
    return run("ip", "netns", "exec", node, *words)


def make_families(folder):
    """The hosts, each with a link of its own to the edge, and its DNS. Returns the process."""
    for address in (OWN, OWN6):
        run("ip", "-n", "edge", "addr", "add", address, "dev", "lo")
    for number, (node, (v4, v6, gateways4, gateways6)) in enumerate(FAMILIES.items(), 1):
        run("ip", "netns", "add", node)
        run("ip", "link", "add", "eth0", "netns", node, "type", "veth", "peer", "name", f"to-{node}", "netns", "edge")
        for where, link, addresses in (("edge", f"to-{node}", [f"10.8.{number}.1/24", f"2001:db8:{number}::1/64", "fe80::1/64"]),
                                       (node, "eth0", [a.format(number) for a in v4 + v6])):
            for address in addresses:
                run("ip", "-n", where, "addr", "add", address, "dev", link, *(["nodad"] if ":" in address else []))
            run("ip", "-n", where, "link", "set", link, "up")
        for gateway in gateways4 + gateways6:
            run("ip", "-n", node, "route", "add", "default", "via", gateway.format(number), "dev", "eth0")
    with open(f"{folder}/hosts", "w", encoding="ascii") as file:
        file.write("".join(f"{v4} {names}\n{v6} {names}\n" for v4, v6, names in (
            (EDGE, EDGE6, f"edge.example {DOOR}"), (OWN, OWN6, "outlook.office365.com"))))
    with open(f"{folder}/resolv.conf", "w", encoding="ascii") as file:
        file.write(f"nameserver {EDGE}\nnameserver {EDGE6}\n")
    run("mount", "--bind", f"{folder}/resolv.conf", os.path.realpath("/etc/resolv.conf"))
    return subprocess.Popen(["ip", "netns", "exec", "edge", "dnsmasq", "-k", "-C", "/dev/null", "--user=root", "--no-resolv", "--no-hosts",
                             f"--addn-hosts={folder}/hosts", "--local=/com/", "--local=/example/", "--pid-file="],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_families(folder):
    """Beside other checks: returns what tap.equal() or tap.ok() is to be called with."""
    found = []

    def findings(node):
        status = json.loads(in_host(node, EDGELAT, "status", "-c", f"{folder}/{node}.conf", "--json").stdout or "{}")
        return [f for f in status.get("findings", []) if not f.startswith("this host was too busy ")], status

    def ready(node):
        """A window has closed with results of a whole one before it."""
        return wait_for(lambda: sum(s["sent"] for t in findings(node)[1].get("targets", []) for s in t["streams"]) >= 8, 20, 0.2)

    def log(node):
        with open(f"{folder}/{node}.log", encoding="utf-8") as lines:
            return [line.partition(": ")[2].rstrip() for line in lines if " prober: " in line]

    def equal(expected, actual, what):
        found.append((expected == actual, what, f"expected {expected!r}, got {actual!r}"))

    def is_found(node, lines, what):
        wait_for(lambda: findings(node)[0] == lines, 20, 0.2)
        equal(lines, findings(node)[0], what)

    no_route4 = ("no IPv4 route: the IPv4 addresses of 2 targets are not measured; add a default route (ip -4 route), or set "
                 "family = ipv6 for them")
    offline = "this host has no route to the internet; check cable or Wi-Fi, the address and the default route: ip address; ip route"
    with contextlib.ExitStack() as agents:
        for node in FAMILIES:
            for name, doors in ((node, 0), (f"{node}-nearest", 4)):
                with open(f"{folder}/{name}.conf", "w", encoding="utf-8") as file:
                    file.write(FAMILY_CONFIG.format(folder=folder, node=node, doors=doors))
            out = agents.enter_context(open(f"{folder}/{node}.log", "w", encoding="utf-8"))
            agents.enter_context(running("ip", "netns", "exec", node, EDGELAT, "run", "-c", f"{folder}/{node}.conf", stderr=out))
        for words in (["probe", "-c", "1", "edge.example"], ["trace", "edge.example"], ["trace", EDGE], ["nearest", "-t", "2", "-c", f"{folder}/none.conf"]):
            done = in_host("none", EDGELAT, *words)
            found.append((done.returncode == 2 and "no route to the internet: there is no default route, though eth0 has the address 10.8.5.2/24; add one: ip route"
                          in done.stderr and "resolv.conf" not in done.stderr, f"no route: {words[0]} says so, and not to look at DNS", done))
        for node in ("six", "four"):
            rows = [json.loads(line) for line in in_host(
                node, EDGELAT, "nearest", "-t", "4", "-c", f"{folder}/{node}-nearest.conf", "--json").stdout.splitlines()]
            equal([f"ipv{6 if node == 'six' else 4}"], [row["family"] for row in rows if row["target"] == "exchange-ams"],
                  f"{node}: nearest finds the front door")
        ready("comes")
        equal([], findings("comes")[0], "both families: no problem")
        run("ip", "-n", "comes", "-4", "route", "del", "default")
        is_found("comes", [no_route4], "the IPv4 route goes: one line")
        run("ip", "-n", "comes", "route", "add", "default", "via", "10.8.4.1", "dev", "eth0")
        is_found("comes", [], "it comes: no problem")
        equal({"ipv4"}, {s["family"] for t in findings("local")[1].get("targets", []) for s in t["streams"] if s["sent"]},
              "local: nothing is sent from a link-local address")
        for node, lines in (("six", []), ("four", []), ("local", []), ("bare", [no_route4]), ("none", [offline])):
            is_found(node, lines, f"{node}: {len(lines)} problems")
    again = "there is an IPv4 route again"
    for node, lines in (("six", []), ("four", []), ("local", []), ("bare", [no_route4]), ("none", [offline]), ("comes", [no_route4, again])):
        equal(lines, log(node), f"{node}: each is logged once")
    return found


def check_vrf():
    made = host("ip", "link", "add", "vrf9", "type", "vrf", "table", "90")
    if made.returncode != 0:
        tap.ok(True, "an uplink by its VRF device # SKIP this kernel has no VRF (CONFIG_NET_VRF)")
        return
    for words in ("link set vrf9 up", "link set up2 master vrf9", "route add default via 10.9.2.1 table 90"):
        host("ip", *words.split())
    tap.equal((8, [2]), probe([], "icmp", EDGE, "-I", "vrf9"), "icmp over a VRF device")
    tap.equal((8, [2]), probe([], "tcp", EDGE, "-I", "vrf9"), "tcp over a VRF device")
    tap.equal((8, [1]), probe([], "icmp", EDGE), "not over the VRF")
    host("ip", "link", "del", "vrf9")


def main():
    os.chmod(FOLDER, 0o755)
    make_uplinks()
    servers = serve(FOLDER)
    try:
        check_probes(FOLDER)
        check_traces()
        check_refusals()
        check_nearest(FOLDER)
        check_agent(FOLDER)
        restore_routes()
        dns = make_families(FOLDER)
        servers.append(dns)
        families = concurrent.futures.ThreadPoolExecutor().submit(check_families, FOLDER)
        check_routes(FOLDER, EDGE, ROUTES)
        check_routes(FOLDER, EDGE6, ROUTES6)
        check_vrf()
        for passed, what, detail in families.result():
            tap.ok(passed, what, detail)
    finally:
        for server in servers:
            server.terminate()
    return tap.finish()


if __name__ == "__main__":
    routers.enter()
    with tempfile.TemporaryDirectory() as FOLDER:
        EDGELAT = installed(FOLDER)
        sys.exit(main())
