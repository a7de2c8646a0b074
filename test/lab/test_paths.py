#!/usr/bin/python3 -B
"""`edgelat run` behind real routers, at the shipped rate of traces: the path of its target, a moved entry and a failover, and nothing on
equal-cost flutter; as root by ICMP and as nobody by TCP, side by side. The one of root knows the AS of routers from a database that
MaxMind's own Perl module wrote, and routes by BMP (RFC 7854). The truth is the lab's own configuration, and traceroute."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

import routers
from lab import TOP, Tap, wait_for
from probing import installed

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
AS_FILES = ["/usr/bin/perl", os.path.join(TOP, "test/io/net/as_files.pl")]
HOPS = """198.51.100.0/24 64500 Provider
203.0.112.0/22 64500 Provider
192.0.2.0/24 64500 Provider
2001:db8:2::/48 64500 Provider
2001:db8:3::/48 64500 Provider
2001:db8:4::/48 64500 Provider
2001:db8:5::/48 64500 Provider
"""
tap = Tap()


class Router:
    """r1 as a router that sends BMP: one peer, AS64500."""

    def __init__(self, net):
        self.process = net.start("r1", "bash", "-c", "until exec 3<>/dev/tcp/192.168.7.1/11019; do sleep 0.2; done 2>/dev/null; cat >&3",
                                 stdin=subprocess.PIPE)
        opened = [self.bgp(1, struct.pack("!BHH4sBBBBBI", 4, number, 90, socket.inet_aton("192.0.2.1"), 8, 2, 6, 65, 4, number))
                  for number in (64499, 64500)]
        self.send(4, struct.pack("!HH5s", 2, 5, b"edge1"))
        self.send(3, self.peer() + bytes(12) + socket.inet_aton("192.168.7.2") + struct.pack("!HH", 179, 40000) + b"".join(opened))

    @staticmethod
    def bgp(kind, body):
        return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body

    @staticmethod
    def peer():
        return struct.pack("!BBQ12x4sI4sII", 0, 0, 0, socket.inet_aton("192.0.2.1"), 64500, socket.inet_aton("192.0.2.1"), int(time.time()), 0)

    def send(self, kind, body):
        self.process.stdin.buffer.write(struct.pack("!BIB", 3, 6 + len(body), kind) + body)
        self.process.stdin.flush()

    def route(self, next_hop, *numbers):
        """The route to the target's prefix."""
        path = struct.pack(f"!BB{len(numbers)}I", 2, len(numbers), *numbers)
        attributes = b"\x40\x01\x01\x00" + struct.pack("!BBB", 0x40, 2, len(path)) + path + b"\x40\x03\x04" + socket.inet_aton(next_hop)
        self.send(0, self.peer() + self.bgp(2, struct.pack("!HH", 0, len(attributes)) + attributes + bytes([24, 13, 107, 6])))


class Agent:
    def __init__(self, net, name, prefix=(), more=""):
        self.net, self.name, self.folder = net, name, os.path.join(net.folder, name)
        os.mkdir(self.folder, 0o777)
        os.chmod(self.folder, 0o777)
        self.path = os.path.join(self.folder, "edgelat.conf")
        with open(self.path, "w", encoding="ascii") as file:
            file.write(f"""[agent]
state_dir = {self.folder}/state
status_socket = {self.folder}/status
stop_file = {self.folder}/stop
window = 5s
workloads = no
front_doors = 0
[peering_service]
connection = branch
primary = London
primary_metro = LON
backup = Paris
backup_metro = PAR
[target target]
host = target.example
kinds = tcp
interval = 1s
{more}""")
        self.prefix, self.program = prefix, EDGELAT
        if prefix:  # another user
            os.mkdir(os.path.join(self.folder, "installed"))
            self.program = installed(os.path.join(self.folder, "installed"))
        self.begin()

    def begin(self):
        with open(os.path.join(self.folder, "log"), "a", encoding="ascii") as log:
            self.process = self.net.start("host", *self.prefix, self.program, "run", "-c", self.path, stderr=log)

    def end(self):
        self.process.terminate()
        self.process.wait(20)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
            return log.read()

    def status(self, *options):
        return self.net.run("host", EDGELAT, "status", "-c", self.path, *options).stdout

    def paths(self):
        """{family: path} of `edgelat status --json`."""
        found = json.loads(self.status("--json") or "{}").get("paths", {"targets": []})
        return {path["family"]: path for path in found["targets"]}

    def learned(self):
        """Both families have been traced often enough."""
        paths = self.paths()
        return len(paths) == 2 and all(path["traces"] >= 10 for path in paths.values())

    def batches(self, signal):
        for root, _, names in os.walk(os.path.join(self.folder, "state")):
            for name in sorted(names):
                if name.endswith(f"-{signal}.pb.gz"):
                    yield from map(json.loads, self.net.run("host", EDGELAT, "decode", f"{root}/{name}").stdout.splitlines())

    def events(self):
        """(name, family, before, after, attributes), oldest first."""
        found = []
        for batch in self.batches("logs"):
            for record in batch["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
                of = {a["key"]: next(iter(a["value"].values())) for a in record["attributes"]}
                if of["event.name"].startswith(("edgelat.path", "edgelat.edge.")):
                    found.append((int(record["timeUnixNano"]) / 1e9, of["event.name"], of.get("network.type"),
                                  of.get("edgelat.before"), of.get("edgelat.after"), of, record["body"]["stringValue"]))
        return sorted(found, key=lambda event: event[0])

    def points(self, metric):
        """[(attributes, value)] of all batches."""
        found = []
        for batch in self.batches("metrics"):
            for m in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                if m["name"] == metric:
                    for p in m["gauge"]["dataPoints"]:
                        found.append(({a["key"]: next(iter(a["value"].values())) for a in p["attributes"]},
                                      float(p.get("asInt", p.get("asDouble")))))
        return found


def traceroute(net, target):
    """The addresses of the hops, by somebody else's program."""
    said = net.run("host", "traceroute", "-I", "-n", "-q", "1", target).stdout
    return re.findall(r"^ *\d+ +([\da-f.:]+)", said, re.M)


def check_as_hops(agent):
    """At first by the database and by BGP: one."""
    paths = agent.paths()
    tap.equal([1, 1], [paths[family]["as_hops"] for family in ("ipv4", "ipv6")], f"{agent.name}: one AS hop")
    tap.equal(["AS64500", "AS64500"], [paths[family]["provider"] for family in ("ipv4", "ipv6")], f"{agent.name}: the AS path")


def check_path(net, agent):
    for family, target, entry in (("ipv4", routers.TARGET, "104.44.1.2"), ("ipv6", routers.TARGET6, "2001:db8:6::2")):
        path, hops = agent.paths()[family], traceroute(net, target)
        what = f"{agent.name}, {family}"
        tap.equal(len(hops), path["hops"], f"{what}: as many hops as traceroute finds")
        tap.equal(entry, hops[3], f"{what}: traceroute passes London")
        tap.equal(("found", "LON", "primary"), (path["entry_state"], path["entry"], path["role"]), f"{what}: the entry")
        total = sum(ms for ms in path["segments"].values() if ms is not None)
        tap.ok(0 < total < 50, f"{what}: the delays of the segments", path["segments"])
    location = json.loads(agent.status("--json"))["paths"]["locations"][0]
    tap.equal(("LON", ["icr02.lon24"]), (location["metro"], [r["router"] for r in location["routers"]]),
              f"{agent.name}: one router at the location")
    tap.ok(0 < location["second_router_share_below"] < 1, f"{agent.name}: how sure that is", location)


def check_long(agent):
    """By the new route, in IPv4, Microsoft's network is two AS hops away; and it explains the other entry."""
    events = agent.events()
    tap.equal([("ipv4", "direct", "long", 2)], [(family, before, after, int(of["edgelat.path.as_hops"])) for _, name, family, before, after, of, _
                                                in events if name == "edgelat.path.long"], f"{agent.name}: two AS hops are reported")
    causes = [of.get("edgelat.cause", "") for _, _, family, _, _, of, _ in events if family == "ipv4"]
    tap.ok(all(cause.startswith(("edgelat.route.", "edgelat.bgp.")) for cause in causes), f"{agent.name}: routing is the cause", causes)
    tap.equal([2, 1], [agent.paths()[family]["as_hops"] for family in ("ipv4", "ipv6")], f"{agent.name}: status has the AS hops")
    tap.equal({1.0, 2.0}, {value for _, value in agent.points("edgelat.path.as_hops")}, f"{agent.name}: the metric has both")


def check_moved(agent, moved_at):
    events = agent.events()
    for family in ("ipv4", "ipv6"):
        mine = [event for event in events if event[2] == family and event[1] != "edgelat.path.long"]
        what = f"{agent.name}, {family}"
        tap.equal([("edgelat.path.entry_changed", "LON", "PAR"), ("edgelat.edge.failover", "primary", "backup")],
                  [(name, before, after) for _, name, _, before, after, _, _ in mine], f"{what}: its events, and no others")
        if len(mine) == 2:
            tap.ok(0 < mine[0][0] - moved_at < 60, f"{what}: within a minute: {mine[0][0] - moved_at:.1f} s")
            tap.equal("entry", mine[1][5].get("edgelat.verdict.basis"), f"{what}: by the entry")
            gap = mine[1][5].get("edgelat.unanswered", 0)
            # Four probes a second apart are lost, or three if the SYN of the fourth was sent again in time; a probe may be late.
            tap.ok(2.9 <= gap <= 8, f"{what}: seconds without an answer: {gap}", mine[1][6])
    path = agent.paths()["ipv4"]
    tap.equal(("PAR", "backup"), (path["entry"], path["role"]), f"{agent.name}: status has the new entry")
    text = agent.status()
    tap.ok("Paris (PAR)" in text and "last failover" in text, f"{agent.name}: status says so", text)
    entries = {of["edgelat.path.entry"] for of, _ in agent.points("edgelat.path.hops")}
    tap.ok({"LON", "PAR"} <= entries <= {"LON", "PAR", "unknown"}, f"{agent.name}: the metrics have both entries", entries)
    tap.equal({6.0}, {value for _, value in agent.points("edgelat.path.hops")}, f"{agent.name}: six hops")
    segments = {of["edgelat.path.segment"] for of, _ in agent.points("edgelat.path.segment.delay")}
    tap.equal({"local", "provider", "microsoft"}, segments, f"{agent.name}: delays of the segments")


def check_restart(net, agent):
    """The entry moves back while the agent is stopped."""
    agent.end()
    net.enter_at("r4")
    agent.begin()
    wait_for(lambda: sum(after in ("LON", "primary") for _, _, _, _, after, _, _ in agent.events()) >= 4, 60, 1)
    back = [(name, before, after) for _, name, family, before, after, _, _ in agent.events() if family == "ipv6"][2:]
    tap.equal([("edgelat.path.entry_changed", "PAR", "LON"), ("edgelat.edge.failover", "backup", "primary")], back, f"{agent.name}: noticed after the restart")


def main():
    routers.enter()
    with routers.lab() as net:
        subprocess.run([*AS_FILES, net.folder], input=HOPS, text=True, check=True)
        agents = [Agent(net, "root", more=f"[path]\nas_database = {net.folder}/geolite.mmdb\n"
                                          "[bmp]\nlisten = 192.168.7.1:11019\nrouters = 192.168.7.2\n")]
        router = Router(net)
        router.route("192.0.2.1", 64500, 8075)
        net.run("host", "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
        os.chmod(net.folder, 0o755)
        if os.geteuid() == 0 and net.run("host", *NOBODY, "true").returncode == 0:
            agents.append(Agent(net, "nobody", NOBODY))
        for agent in agents:
            learned = wait_for(agent.learned, 90, 1)
            if not tap.ok(learned, f"{agent.name}: the path is learned", agent.log() + agent.status()):
                return tap.finish()
            check_path(net, agent)
            tap.equal([], agent.events(), f"{agent.name}: flutter is no event")
        check_as_hops(agents[0])
        moved_at = time.time()
        with net.rule("r5", "forward", "ip daddr 13.107.6.152 drop; ip6 daddr 2603:1006::10 drop"):
            net.enter_at("r4p")
            router.route("192.0.2.9", 64500, 64510, 8075)
            time.sleep(4)
        for agent in agents:
            wait_for(lambda a=agent: len(a.events()) >= 4, 60, 1)
            check_moved(agent, moved_at)
        wait_for(lambda: any(event[1] == "edgelat.path.long" for event in agents[0].events()), 60, 1)
        check_long(agents[0])
        for agent in agents[1:]:
            tap.equal([], agent.points("edgelat.path.as_hops"), f"{agent.name}: no AS hops, as none is known")
        tap.equal(routers.PARIS, traceroute(net, routers.TARGET)[3], "traceroute passes Paris")
        check_restart(net, agents[0])
        for agent in agents:
            agent.end()
        tap.row("the entry moves from London to Paris", "a route of the provider's router", "event within a minute, one for each family")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
