#!/usr/bin/python3 -B
"""Two uplinks of different delay, loss, MTU, address translation, entry and DNS, each through a relay of its own; one dies and returns.

    host =(up1) isp1 (relay: fiber)= edge
         =(up2) isp2 (relay: lte)=

What is planted is written down here; what was lost is counted by nftables at the routers, not by the program."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import routers
from lab import Tap, run, running, wait_for
from probing import BUILD, bounds, installed

EDGE, STUN, STUN2, LONDON, FRANKFURT = "203.0.113.9", "203.0.113.20", "203.0.113.21", "203.0.113.10", "203.0.113.30"
DNS = {"fiber": "203.0.113.53", "lte": "203.0.113.54"}
PUBLIC = {"fiber": "198.51.100.7", "lte": "192.0.2.8"}
OWN = "10.9.1.102"  # source of the probes over fiber alone, so that the routers can count them
SLOWER = {EDGE: 18, STUN: 25}  # ms, of lte
TOLERANCE = 0.3  # ms: both relays send late by some 10 us each
NAME, EFZ = "outlook.office365.com", "{}-efz.ms-acdc.office.com"
SCENARIO = {"fiber": f"""
router bng 198.51.100.254 2001:db8::1
router entry 104.44.21.110 2001:db8::2
path edge {EDGE} delay=10ms via=bng@1ms,entry@8ms
path stun {STUN} {STUN2} delay=12ms via=bng@1ms,entry@8ms
path door {LONDON} delay=11ms via=bng@1ms,entry@8ms
path dns {DNS["fiber"]} delay=2ms
""", "lte": f"""
router pgw 192.0.2.254 2001:db8::1
router core 192.0.2.253 2001:db8::2
router entry 104.44.44.30 2001:db8::3
path edge {EDGE} delay=28ms loss=3% via=pgw@20ms,core@22ms,entry@26ms
path stun {STUN} {STUN2} delay=37ms loss=2% via=pgw@20ms,core@22ms,entry@26ms
path door {FRANKFURT} delay=40ms jitter=6ms via=pgw@20ms,core@22ms,entry@26ms
path dns {DNS["lte"]} delay=20ms
"""}
ROUTERS = {"198.51.100.254": "bng1.fiber.example.net", "104.44.21.110": "ae21-0.ier01.lon32.ntwk.msn.net",
           "192.0.2.254": "pgw3.lte.example.org", "192.0.2.253": "core1.lte.example.org",
           "104.44.44.30": "ae12-0.ier01.fra31.ntwk.msn.net"}
CONFIG = """[agent]
window = 5s
state_dir = {folder}/state
status_socket = {folder}/status
stop_file = {folder}/stop
workloads = no
front_doors = 0
gateway = no
[path]
interval = 30s
[dns]
probe = no
[uplink fiber]
interface = up1
source = {own}
[uplink lte]
interface = up2
dns_servers = {dns}
[target edge]
host = {edge}
kinds = icmp
interval = 1s
[target turn]
host = {stun}
kinds = stun
interval = 1s
[target turn2]
host = {stun2}
kinds = stun
interval = 1s
[target exchange]
host = {name}
kinds = icmp
interval = 1s
"""

tap = Tap()


def at(node, *words, **options):
    return run("ip", "netns", "exec", node, *words, **options)


def check(*words, **options):
    done = run(*words, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


def make_uplink(number, name, folder):
    """host - isp - relay - edge; returns the relay's process."""
    isp, link, far = f"isp{number}", f"up{number}", f"far{number}"
    check("ip", "netns", "add", isp)
    check("ip", "link", "add", link, "netns", "host", "type", "veth", "peer", "name", "lan", "netns", isp)
    for node, device, address in (("host", link, f"10.9.{number}.2/24"), (isp, "lan", f"10.9.{number}.1/24")):
        check("ip", "-n", node, "addr", "add", address, "dev", device)
        check("ip", "-n", node, "link", "set", device, "up")
    check("ip", "netns", "exec", isp, "sysctl", "-qw", *routers.FORWARD[:1], *routers.FORWARD[2:4], "net.ipv4.icmp_ratelimit=0")
    file = f"{folder}/{name}.scenario"
    with open(file, "w", encoding="utf-8") as out:
        out.write(f"seed {number}\n" + SCENARIO[name])
    log = f"{folder}/{name}.log"
    with open(log, "w", encoding="utf-8") as out:
        relay = subprocess.Popen(["ip", "netns", "exec", isp, RELAY, file, "/run/netns/edge", str(time.monotonic_ns())], stderr=out)
    wait_for(lambda: "ready" in open(log, encoding="utf-8").read())
    check("ip", "-n", "edge", "link", "set", "wan0", "name", far)
    for node, device in ((isp, "wan0"), ("edge", far)):
        check("ip", "-n", node, "link", "set", device, "up")
    check("ip", "-n", isp, "addr", "add", f"{PUBLIC[name]}/32", "dev", "wan0")
    check("ip", "-n", isp, "route", "add", "default", "dev", "wan0")
    check("ip", "-n", "edge", "route", "add", PUBLIC[name], "dev", far)
    # lte: another port for each destination, as carrier-grade translation does it
    to = f"snat to {PUBLIC[name]}" if name == "fiber" else "masquerade fully-random"
    check("ip", "netns", "exec", isp, "nft",
          f'table ip nat {{\nchain out {{\ntype nat hook postrouting priority srcnat; oifname "wan0" {to};\n}}\n}}')
    return relay


def make_lab(folder):
    check("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")  # of this mount namespace only
    for node in ("host", "edge"):
        check("ip", "netns", "add", node)
        check("ip", "-n", node, "link", "set", "lo", "up")
    at("edge", "sysctl", "-qw", *routers.FORWARD[2:4])
    for address in (EDGE, STUN, STUN2, LONDON, FRANKFURT, *DNS.values()):
        check("ip", "-n", "edge", "addr", "add", f"{address}/32", "dev", "lo")
    relays = [make_uplink(number, name, folder) for number, name in ((1, "fiber"), (2, "lte"))]
    check("ip", "-n", "host", "addr", "add", f"{OWN}/24", "dev", "up1")
    check("ip", "-n", "isp2", "link", "set", "wan0", "mtu", "1420")
    for number in (1, 2):
        check("ip", "-n", "host", "route", "add", "default", "via", f"10.9.{number}.1", "dev", f"up{number}", "metric", f"{number}0")
    check("ip", "-n", "host", "route", "add", "default", "via", "10.9.1.1", "dev", "up1", "table", "1")
    check("ip", "-n", "host", "rule", "add", "from", OWN, "table", "1")  # what a failover leaves alone
    with open("/run/resolv.conf", "w", encoding="ascii") as out:
        out.write(f"nameserver {DNS['fiber']}\n")
    check("mount", "--bind", "/run/resolv.conf", os.path.realpath("/etc/resolv.conf"))
    return relays


def serve(folder):
    """A DNS server for each uplink, which names the front door near it, and a STUN server."""
    started = []
    for uplink, metro, door in (("fiber", "LHR", LONDON), ("lte", "FRA", FRANKFURT)):
        names = "".join(f"host-record={EFZ.format(metro)},{door}\ncname={NAME},{EFZ.format(metro)}\n"
                        f"host-record={name},{address}\n" if number == 0 else f"host-record={name},{address}\n"
                        for number, (address, name) in enumerate(ROUTERS.items()))
        with open(f"{folder}/{uplink}.dnsmasq", "w", encoding="ascii") as out:
            out.write("no-resolv\nno-hosts\nbind-interfaces\nport=53\ncache-size=0\naddress=/#/\nlocal-ttl=5\npid-file=\n"
                      f"listen-address={DNS[uplink]}\nexcept-interface=none\n{names}")
        started.append(["dnsmasq", "--no-daemon", f"--conf-file={folder}/{uplink}.dnsmasq"])
    started.append(["turnserver", "-n", "-L", STUN, "-L", STUN2, "-p", "3478", "-S", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp",
                    "--pidfile", f"{folder}/coturn.pid", "--log-file", f"{folder}/coturn.log"])
    with open(os.devnull, "w", encoding="ascii") as nothing:
        servers = [subprocess.Popen(["ip", "netns", "exec", "edge", *words], stdout=nothing, stderr=nothing) for words in started]
    ready = [f"{a}:53 " for a in DNS.values()] + [f"{a}:3478 " for a in (STUN, STUN2)]
    if not wait_for(lambda: all(word in at("edge", "ss", "-Hlun").stdout for word in ready), timeout=10):
        raise RuntimeError("servers do not listen: " + at("edge", "ss", "-Hlun").stdout)
    return servers


class Agent:
    def __init__(self, folder):
        self.file, self.log, self.folder = f"{folder}/edgelat.conf", f"{folder}/log", folder
        with open(self.file, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(folder=folder, own=OWN, dns=DNS["lte"], edge=EDGE, stun=STUN, stun2=STUN2, name=NAME))

    def text(self):
        with open(self.log, encoding="utf-8") as lines:
            return lines.read()

    def status(self):
        return json.loads(at("host", EDGELAT, "status", "-c", self.file, "--json").stdout or "{}")

    def rows(self, array, target, inner=None):
        """{uplink: row} of a target over the uplinks."""
        rows = self.status().get(array, [])
        rows = rows.get(inner, []) if inner is not None and isinstance(rows, dict) else rows
        return {row["uplink"]: row for row in rows if row.get("target", target) == target and "uplink" in row}


def check_differences(agent):
    def known():
        return {d["target"]: d for d in agent.status().get("uplink_differences", []) if d["known"] and d["pairs"] >= 30}

    wait_for(lambda: len(known()) == 4, timeout=150)
    found = known()
    for target, to in (("edge", EDGE), ("turn", STUN)):
        d = found.get(target, {"low": 0, "high": 0})
        tap.note(f"{target}: {d}")
        tap.ok(d["low"] - TOLERANCE <= SLOWER[to] <= d["high"] + TOLERANCE, f"lte is {SLOWER[to]} ms slower to {target}: in the interval", d)
        tap.ok(d["high"] - d["low"] < 1, f"{target}: which is narrow", d)
    fiber, lte = (at("host", "ping", "-n", "-q", "-c", "50", "-i", "0.02", *way) for way in (("-I", "up1", LONDON), ("-I", "up2", FRANKFURT)))
    by_ping = [float(re.search(r"= [\d.]+/([\d.]+)/", done.stdout)[1]) for done in (fiber, lte)]
    d = found.get("exchange", {"low": 0, "high": 0})
    tap.note(f"exchange: {d}; means of ping {by_ping}")
    tap.ok(d["low"] - 2 <= by_ping[1] - by_ping[0] <= d["high"] + 2, "exchange: the door of each uplink is compared, as ping does", d)


def check_knowledge(agent):
    """Entry, MTU, public address and PoP are those of each uplink."""
    def entries():
        rows = agent.rows("paths", "edge", "targets")
        return {name: row["entry"] for name, row in rows.items()} if len(rows) == 2 else {}

    wait_for(lambda: entries() == {"fiber": "LON", "lte": "FRA"}, timeout=90)
    tap.equal({"fiber": "LON", "lte": "FRA"}, entries(), "the entry into Microsoft's network")
    paths = agent.rows("paths", "edge", "targets")
    tap.equal({"fiber": ("example.net", 4), "lte": ("example.org", 5)},
              {name: (row["provider"], row["hops"]) for name, row in paths.items()}, "provider and hops")
    tap.near(26, paths["lte"]["segments"]["provider"] + paths["lte"]["segments"]["local"], 4, "lte: the delay up to the entry")

    def mtus():
        return {name: (row["bytes"], row["limit"]) for name, row in agent.rows("path_mtus", "edge").items()}

    planted = {"fiber": (1500, "none"), "lte": (1420, "reported")}
    wait_for(lambda: mtus() == planted, timeout=60)
    tap.equal(planted, mtus(), "the path MTU")
    egress = agent.rows("egress", None)
    tap.equal(PUBLIC, {name: row["address"] for name, row in egress.items()}, "the public address")
    tap.equal({"fiber": "endpoint_independent", "lte": "symmetric"}, {name: row["nat"] for name, row in egress.items()}, "the translation")
    targets = agent.rows("uplink_targets", "exchange")
    tap.equal({"fiber": ("LHR", LONDON), "lte": ("FRA", FRANKFURT)},
              {name: (row["pop"], row["address"]) for name, row in targets.items()}, "the PoP, by the DNS servers of the uplink")
    shown = at("host", EDGELAT, "status", "-c", agent.file).stdout
    for words in ("edge over lte", f"public address over lte (ipv4): {PUBLIC['lte']}", "path MTU to edge over lte (ipv4): 1420",
                  f"exchange over lte (ipv4): PoP FRA, {FRANKFURT}"):
        tap.ok(words in shown, f"status says: {words}", shown)


def dropped():
    """Probes over fiber that its router dropped. Traces have a smaller TTL, searches of the MTU larger packets."""
    listed = at("isp1", "nft", "list", "table", "ip", "dead").stdout
    return sum(int(n) for n in re.findall(r"counter packets (\d+)", listed))


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else -1


def check_death(agent):
    own = f"ip saddr {OWN} ip ttl 63"
    began = time.monotonic()
    check("ip", "netns", "exec", "isp1", "nft",
          f"table ip dead {{\nchain c {{\ntype filter hook forward priority -1;\n{own} icmp type echo-request meta length 84 counter drop\n"
          f"{own} udp dport 3478 counter drop\ndrop\n}}\n}}")
    tap.ok(wait_for(lambda: "uplink fiber is down" in agent.text(), timeout=40), "fiber dies", agent.text())
    tap.ok(time.monotonic() - began < 20, f"told {time.monotonic() - began:.0f} s later")
    tap.ok("uplink lte is down" not in agent.text(), "lte lives on")
    time.sleep(5)
    before = dropped()
    check("ip", "-n", "host", "route", "del", "default", "via", "10.9.1.1")  # as a routing daemon or dhclient does
    said = r"routes went from uplink fiber to lte, .* after the first unanswered probe; (\d+) probes over fiber were lost"
    tap.ok(wait_for(lambda: re.search(said, agent.text()), timeout=30), "the failover is told", agent.text())
    after, told = dropped(), number(said, agent.text())
    # a loss is known after the waiting time of 2 s, in which up to 5 probes are sent
    tap.ok(before - 6 <= told <= after + 3, f"what was lost until then: {told}; the router dropped {before} to {after}")
    lost = agent.status()["uplinks"][0]["lost"]
    time.sleep(10)
    check("ip", "-n", "host", "route", "add", "default", "via", "10.9.1.1", "dev", "up1", "metric", "10")
    count = dropped()
    check("ip", "netns", "exec", "isp1", "nft", "delete table ip dead")
    outage = time.monotonic() - began
    said = r"uplink fiber is up again after ([\dms ]+); (\d+) probes over it were lost"
    tap.ok(wait_for(lambda: re.search(said, agent.text()), timeout=30), "fiber returns", agent.text())
    told = re.search(said, agent.text())
    # An answer on its way when it died was dropped, too. Those sent in the last 2 s were not yet known as lost at the first answer.
    tap.ok(told and count - 6 <= int(told[2]) <= count + 1, f"lost in all: {told[2] if told else None}; the router dropped {count}")
    tap.note(f"outage of {outage:.1f} s, told: {told[1] if told else None}")
    tap.ok("no interface or route" not in agent.text(), "all of them were sent")
    tap.ok(agent.status()["uplinks"][0]["lost"] >= max(lost, count - 4), "and counted")
    tap.ok(wait_for(lambda: "routes went from uplink lte to fiber" in agent.text(), timeout=30), "the return is told", agent.text())
    entries = {name: row["entry"] for name, row in agent.rows("paths", "edge", "targets").items()}
    tap.equal({"fiber": "LON", "lte": "FRA"}, entries, "the paths of the uplinks are known throughout")
    tap.equal({"fiber": 1500, "lte": 1420}, {name: row["bytes"] for name, row in agent.rows("path_mtus", "edge").items()},
              "and so are their path MTUs")
    tap.ok(not re.search(r"entry_changed.* over (fiber|lte)", agent.text()), "and did not change", agent.text())


def check_loss(agent, relay, folder):
    """lte loses 3 % of the probes of one target, 2 % of two, none of the fourth; the relay counts what it dropped, of others too."""
    lte = agent.status()["uplinks"][1]
    relay.send_signal(signal.SIGUSR1)
    dropped_by_relay = wait_for(lambda: re.search(r"dropped (\d+) by chance", open(f"{folder}/lte.log", encoding="utf-8").read()))
    tap.near(0.0175 * lte["sent"], lte["lost"], bounds(lte["sent"], 0.0175), f"lte: loss of {lte['sent']} probes")
    tap.ok(dropped_by_relay and lte["lost"] <= int(dropped_by_relay[1]), f"lte: the relay dropped {dropped_by_relay and dropped_by_relay[1]}", lte)


def check_export(folder):
    """The metrics of path, MTU and public address carry the uplink, and so does nothing twice."""
    spool = f"{folder}/state/spool"
    last = sorted(name for name in os.listdir(spool) if name.endswith("-metrics.pb.gz"))[-1]
    decoded = json.loads(run(EDGELAT, "decode", f"{spool}/{last}").stdout)
    found = {}
    for metric in decoded["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        for point in next(iter(v for k, v in metric.items() if k in ("gauge", "sum", "exponentialHistogram")))["dataPoints"]:
            of = {a["key"]: next(iter(a["value"].values())) for a in point.get("attributes", [])}
            found.setdefault(metric["name"], []).append(of)
    for name in ("edgelat.path.hops", "edgelat.path.mtu", "edgelat.egress", "edgelat.probe.delay"):
        tap.ok({"fiber", "lte"} <= {of.get("edgelat.uplink") for of in found.get(name, [])}, f"{name} has the uplink", found.get(name))
        keys = [tuple(sorted((k, str(v)) for k, v in of.items())) for of in found.get(name, [])]
        tap.equal(len(set(keys)), len(keys), f"{name}: each series once")


def check_bursts():
    """`probe stun --media -I`: delay, loss and public address are those of the uplink."""
    with contextlib.ExitStack() as stack:
        bursts = [stack.enter_context(subprocess.Popen(["ip", "netns", "exec", "host", EDGELAT, "probe", "stun", "--media", "--json", STUN, *over],
                                                       stdout=subprocess.PIPE, text=True)) for over in ((), ("-I", "up1"), ("-I", "up2"))]
        routes, fiber, lte = (json.loads(process.communicate(timeout=60)[0]) for process in bursts)
    for name, burst, rtt, public in (("as the routes say", routes, 12, "fiber"), ("fiber", fiber, 12, "fiber"), ("lte", lte, 37, "lte")):
        tap.near(rtt, burst["delays"]["rtt"]["p50"], 1, f"a burst, {name}: its delay")
        tap.equal(PUBLIC[public], (burst["mapped"] or {}).get("address"), f"a burst, {name}: its public address")
    tap.equal((0, 0), (routes["lost"], fiber["lost"]), "a burst over fiber loses nothing")
    tap.near(0.02 * lte["sent"], lte["lost"], bounds(lte["sent"], 0.02), "a burst over lte: loss of 2 %")


def main():
    os.chmod(FOLDER, 0o755)
    relays = make_lab(FOLDER)
    servers = serve(FOLDER)
    agent = Agent(FOLDER)
    try:
        check_bursts()
        with open(agent.log, "w", encoding="utf-8") as out, \
                running("ip", "netns", "exec", "host", EDGELAT, "run", "-c", agent.file, stdout=out, stderr=out):
            check_differences(agent)
            check_knowledge(agent)
            check_export(FOLDER)
            check_death(agent)
            check_loss(agent, relays[1], FOLDER)
    finally:
        for process in (*servers, *relays):
            process.terminate()
    return tap.finish()


if __name__ == "__main__":
    routers.enter()
    RELAY = os.environ.get("EDGELAT_RELAY", os.path.join(BUILD, "lab", "relay"))
    with tempfile.TemporaryDirectory() as FOLDER:
        EDGELAT = installed(FOLDER)
        sys.exit(main())
