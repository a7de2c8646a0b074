#!/usr/bin/python3 -B
"""`edgelat run` behind real routers: the path of its target, a moved entry and a failover, and nothing on equal-cost flutter; as root
by ICMP and as nobody by TCP, side by side. The truth is the lab's own configuration, and traceroute."""

import json
import os
import re
import subprocess
import sys
import time

import routers
from lab import TOP, Tap, wait_for

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
LOOSE = ("edgelat.target", "edgelat.nearest")
tap = Tap()


class Agent:
    def __init__(self, net, name, prefix=()):
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
[path]
interval = 10s
[target target]
host = target.example
kinds = tcp
interval = 1s
""")
        self.prefix = prefix
        self.begin()

    def begin(self):
        with open(os.path.join(self.folder, "log"), "a", encoding="ascii") as log:
            self.process = self.net.start("host", *self.prefix, EDGELAT, "run", "-c", self.path, stderr=log)

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
        return len(paths) == 2 and all(path["traces"] >= 11 for path in paths.values())

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
                if of["event.name"].startswith(("edgelat.path", "edgelat.edge")):
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


def check_moved(agent, moved_at):
    events = agent.events()
    for family in ("ipv4", "ipv6"):
        mine = [event for event in events if event[2] == family]
        what = f"{agent.name}, {family}"
        tap.equal([("edgelat.path.entry_changed", "LON", "PAR"), ("edgelat.edge.failover", "primary", "backup")],
                  [(name, before, after) for _, name, _, before, after, _, _ in mine], f"{what}: its events, and no others")
        if len(mine) == 2:
            tap.ok(0 < mine[0][0] - moved_at < 60, f"{what}: within a minute: {mine[0][0] - moved_at:.1f} s")
            tap.equal("entry", mine[1][5].get("edgelat.verdict.basis"), f"{what}: by the entry")
            gap = mine[1][5].get("edgelat.unanswered", 0)
            tap.ok(3 <= gap <= 8, f"{what}: seconds without an answer: {gap}", mine[1][6])
    path = agent.paths()["ipv4"]
    tap.equal(("PAR", "backup"), (path["entry"], path["role"]), f"{agent.name}: status has the new entry")
    text = agent.status()
    tap.ok("Paris (PAR)" in text and "last failover" in text, f"{agent.name}: status says so", text)
    entries = {of["edgelat.path.entry"] for of, _ in agent.points("edgelat.path.hops")}
    tap.ok({"LON", "PAR"} <= entries <= {"LON", "PAR", "unknown"}, f"{agent.name}: the metrics have both entries", entries)
    tap.equal({6.0}, {value for _, value in agent.points("edgelat.path.hops")}, f"{agent.name}: six hops")
    segments = {of["edgelat.path.segment"] for of, _ in agent.points("edgelat.path.segment.delay")}
    tap.equal({"local", "provider", "microsoft"}, segments, f"{agent.name}: delays of the segments")
    tap.equal([], agent.points("edgelat.path.as_hops"), f"{agent.name}: no AS hops, as none is known")


def check_restart(net, agent):
    """The entry moves back while the agent is stopped."""
    agent.end()
    net.enter_at("r4")
    agent.begin()
    wait_for(lambda: sum(after in ("LON", "primary") for _, _, _, _, after, _, _ in agent.events()) >= 4, 60, 1)
    back = [(name, before, after) for _, name, family, before, after, _, _ in agent.events() if family == "ipv4"][2:]
    tap.equal([("edgelat.path.entry_changed", "PAR", "LON"), ("edgelat.edge.failover", "backup", "primary")], back, f"{agent.name}: noticed after the restart")


def main():
    routers.enter()
    with routers.lab() as net:
        agents = [Agent(net, "root")]
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
        moved_at = time.time()
        with net.rule("r5", "forward", "ip daddr 13.107.6.152 drop; ip6 daddr 2603:1006::10 drop"):
            net.enter_at("r4p")
            time.sleep(4)
        for agent in agents:
            wait_for(lambda a=agent: len(a.events()) >= 4, 60, 1)
            check_moved(agent, moved_at)
        tap.equal(routers.PARIS, traceroute(net, routers.TARGET)[3], "traceroute passes Paris")
        check_restart(net, agents[0])
        for agent in agents:
            agent.end()
        tap.row("the entry moves from London to Paris", "a route of the provider's router", "event within a minute, one for each family")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
