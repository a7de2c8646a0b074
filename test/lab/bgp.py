"""A miniature of a branch with two providers, in namespaces of its own: router r1 (FRR or GoBGP, sends BMP), providers r2 and r3
(FRR), and the station `sta`, where the agent runs. Debian's Python, standard library only."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

from lab import run, wait_for

BGPD, SPACE = "/usr/lib/frr/bgpd", "bgplab"
LINKS = (("r1", "198.51.100.1/30", "r2", "198.51.100.2/30"), ("r1", "198.51.100.5/30", "r3", "198.51.100.6/30"),
         ("r1", "203.0.113.1/30", "sta", "203.0.113.2/30"))

BRANCH = """frr version 8.4.4
hostname r1
router bgp 4200000001
 bgp router-id 192.0.2.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 198.51.100.2 remote-as 65002
 neighbor 198.51.100.2 timers 3 9
 neighbor 198.51.100.2 timers connect 1
 neighbor 198.51.100.6 remote-as 4200000003
 neighbor 198.51.100.6 timers 3 9
 neighbor 198.51.100.6 timers connect 1
 address-family ipv4 unicast
  network 10.42.0.0/16
  neighbor 198.51.100.2 soft-reconfiguration inbound
  neighbor 198.51.100.2 route-map PRIMARY in
  neighbor 198.51.100.6 soft-reconfiguration inbound
 exit-address-family
 address-family ipv6 unicast
  neighbor 198.51.100.2 activate
  neighbor 198.51.100.2 soft-reconfiguration inbound
 exit-address-family
 bmp mirror buffer-limit 1048576
 bmp targets station
  bmp stats interval 1000
  bmp mirror
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv4 unicast post-policy
  bmp monitor ipv6 unicast pre-policy
  bmp monitor ipv6 unicast post-policy
  bmp connect 203.0.113.2 port 11019 min-retry 200 max-retry 500
 exit
exit
route-map PRIMARY permit 10
 set local-preference 200
exit
route-map MOVED permit 10
 set ip next-hop 198.51.100.2
exit
"""
PROVIDER = """frr version 8.4.4
hostname {name}
router bgp {own_as}
 bgp router-id 192.0.2.{number}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor {peer} remote-as 4200000001
 neighbor {peer} timers 3 9
 neighbor {peer} timers connect 1
 neighbor {peer} advertisement-interval 0
 address-family ipv4 unicast
{networks}
{more}
 exit-address-family
 address-family ipv6 unicast
{networks6}
  neighbor {peer} activate
 exit-address-family
exit
route-map MS permit 10
 set as-path prepend 8075
 set community 8075:8007 {own_as2}:1
 set large-community 8075:1:2
exit
ip prefix-list NONE deny any
route-map HIJACK permit 10
 set as-path prepend 3356 174
exit
route-map TRANSIT permit 10
 set as-path prepend 3356 8075
exit
route-map ODD permit 10
 set as-path prepend {own_as} 64999 3356 8075
exit
"""
GOBGP = """[global.config]
  as = 4200000001
  router-id = "192.0.2.1"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "198.51.100.2"
    peer-as = 65002
  [neighbors.timers.config]
    connect-retry = 1
    hold-time = 9
    keepalive-interval = 3
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
    [neighbors.afi-safis.add-paths.config]
      receive = true
      send-max = 4
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "198.51.100.6"
    peer-as = 4200000003
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
    hold-time = 9
    keepalive-interval = 3
[[bmp-servers]]
  [bmp-servers.config]
    address = "203.0.113.2"
    port = 11019
    route-monitoring-policy = "all"
    statistics-timeout = 15
"""


class Lab:
    """Namespaces and routers; `with Lab("a") as net`: ends all of it."""

    def __init__(self, name):
        self.prefix, self.processes = f"{SPACE}-{name}-", {}
        self.folder = tempfile.mkdtemp(prefix=self.prefix)
        os.chmod(self.folder, 0o755)
        self.spaces = []

    def __enter__(self):
        for space in ("r1", "r2", "r3", "sta"):
            run("ip", "netns", "add", self.prefix + space)
            self.spaces.append(space)
            self.ip(space, "link", "set", "lo", "up")
        for near, near_address, far, far_address in LINKS:
            self.ip(near, "link", "add", "name", f"to-{far}", "type", "veth", "peer", "name", f"to-{near}", "netns",
                    self.prefix + far)
            for space, other, address in ((near, far, near_address), (far, near, far_address)):
                self.ip(space, "addr", "add", address, "dev", f"to-{other}")
                self.ip(space, "link", "set", f"to-{other}", "up")
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.stop(name)
        for space in self.spaces:
            run("ip", "netns", "del", self.prefix + space)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ip(self, space, *words):
        done = run("ip", "-n", self.prefix + space, *words)
        if done.returncode != 0:
            raise RuntimeError(f"ip {words}: {done.stderr}")

    def start(self, name, space, *command, **options):
        self.processes[name] = subprocess.Popen(["ip", "netns", "exec", self.prefix + space, *command], text=True,
                                                **options)
        return self.processes[name]

    def stop(self, name):
        process = self.processes.pop(name, None)
        if process is None:
            return
        if process.poll() is None:
            process.kill() if name in ("r1", "r2", "r3") else process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def frr(self, name, configuration):
        """bgpd in the foreground; its vty is in a folder of its own."""
        folder = f"{self.folder}/{name}"
        os.makedirs(folder, exist_ok=True)
        shutil.chown(folder, "frr", "frr")
        with open(f"{self.folder}/{name}.conf", "w", encoding="utf-8") as file:
            file.write(configuration)
        bmp = ["-M", "bmp"] if name == "r1" else []
        with open(f"{self.folder}/{name}.log", "w", encoding="utf-8") as log:
            self.start(name, name, BGPD, "-n", "-Z", *bmp, "-f", f"{self.folder}/{name}.conf", "-i", f"{folder}/pid",
                       "--vty_socket", folder, "-A", "127.0.0.1", "-P", "0", stdout=log, stderr=log)

    def provider(self, name, own_as, peer, networks, networks6="", more=""):
        """`more`: a line of its IPv4 address family."""
        lines = lambda text, indent: "\n".join(f"  network {line}" for line in text.split("; ") if line)
        self.frr(name, PROVIDER.format(name=name, own_as=own_as, own_as2=65002, number=name[1:], peer=peer,
                                       networks=lines(networks, 2), networks6=lines(networks6, 2), more=more))

    def branch(self):
        self.frr("r1", BRANCH)

    def gobgp(self):
        with open(f"{self.folder}/gobgp.toml", "w", encoding="utf-8") as file:
            file.write(GOBGP)
        with open(f"{self.folder}/gobgp.log", "w", encoding="utf-8") as log:
            self.start("r1", "r1", "gobgpd", "-f", f"{self.folder}/gobgp.toml", "--api-hosts", "127.0.0.1:50051",
                       stdout=log, stderr=log)

    def stayrtr(self, vrps):
        """The validator at 203.0.113.2:8282, with these VRPs: (prefix, maximum length, AS)."""
        with open(f"{self.folder}/vrps.json", "w", encoding="utf-8") as file:
            json.dump({"roas": [{"prefix": prefix, "maxLength": longest, "asn": f"AS{number}", "ta": "lab"}
                                for prefix, longest, number in vrps]}, file)
        if "stayrtr" in self.processes:
            self.processes["stayrtr"].send_signal(signal.SIGHUP)
            return
        with open(f"{self.folder}/stayrtr.log", "w", encoding="utf-8") as log:
            self.start("stayrtr", "sta", "stayrtr", "-cache", f"{self.folder}/vrps.json", "-bind", "203.0.113.2:8282",
                       "-metrics.addr", "127.0.0.1:19847", "-checktime=false", stdout=log, stderr=log)

    def vty(self, name, *lines):
        words = [word for line in lines for word in ("-c", line)]
        return run("vtysh", "--vty_socket", f"{self.folder}/{name}", *words).stdout

    def configure(self, name, own_as, *lines):
        return self.vty(name, "configure terminal", f"router bgp {own_as}", *lines)

    def network(self, name, own_as, *lines):
        return self.configure(name, own_as, "address-family ipv4 unicast", *lines)

    def route(self, prefix, family="ipv4"):
        """{peer: (AS path, next hop, is best)} of FRR's own command line."""
        done = self.vty("r1", f"show bgp {family} unicast {prefix} json")
        paths = json.loads(done or "{}").get("paths", [])
        return {path["peer"]["peerId"]: (path["aspath"]["string"], path["nexthops"][0]["ip"],
                                         path.get("bestpath", {}).get("overall", False)) for path in paths}

    def gobgp_says(self, *words):
        return json.loads(run("ip", "netns", "exec", self.prefix + "r1", "gobgp", *words, "-j").stdout or "null")

    def gobgp_paths(self, prefix):
        """[(peer, AS path)] of GoBGP's own command line, the best first."""
        paths = (self.gobgp_says("global", "rib", prefix) or {}).get(prefix, [])
        return [(path["neighbor-ip"], next((" ".join(map(str, segment["asns"])) for a in path["attrs"] if a["type"] == 2
                                         for segment in a["as_paths"]), "")) for path in paths]

    def states(self):
        """{peer: state} of r1's own command line."""
        peers = json.loads(self.vty("r1", "show bgp ipv4 unicast summary json") or "{}").get("peers", {})
        return {peer: is_now["state"] for peer, is_now in peers.items()}


def attributes(record):
    return {a["key"]: next(iter(a["value"].values())) for a in record.get("attributes", [])}


class Agent:
    """The agent in `sta`: its events as it has logged them, and `edgelat routes`."""

    def __init__(self, net, program, more=""):
        self.net, self.program, self.seen = net, program, 0
        self.path, self.log = f"{net.folder}/edgelat.conf", f"{net.folder}/agent.log"
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(f"""[agent]
state_dir = {net.folder}/state
status_socket = {net.folder}/status
stop_file = {net.folder}/stop
window = 5s
workloads = no
front_doors = 0
[peering_service]
connection = branch
primary = Ashburn
primary_metro = ASH
backup = Chicago
backup_metro = CHI
prefixes = 192.0.2.0/24
[bmp]
listen = 203.0.113.2:11019
routers = 203.0.113.1
primary_peers = 198.51.100.2
backup_peers = 198.51.100.6
{more}
[target self]
host = 203.0.113.2
kinds = icmp
""")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = net.start("agent", "sta", program, "run", "-c", self.path, stderr=log)

    def routes(self, *options):
        return run(self.program, "routes", "-c", self.path, *options)

    def now(self):
        return json.loads(self.routes("--json").stdout or '{"routers": [], "sessions": [], "prefixes": []}')

    def session(self, peer):
        return next((s for s in self.now()["sessions"] if s["peer"] == peer), {})

    def prefix(self, prefix):
        """{role: path}"""
        found = next((p for p in self.now()["prefixes"] if p["prefix"] == prefix), {"paths": []})
        return {path["role"]: path for path in found["paths"]}

    def until(self, condition, timeout=8):
        return wait_for(lambda: condition(self), timeout, 0.1)

    def batches(self, signal):
        """What the batches of the spool hold, oldest first."""
        spool = f"{self.net.folder}/state/spool"
        for name in sorted(os.listdir(spool)):
            if name.endswith(f"-{signal}.pb.gz"):
                for line in run(self.program, "decode", f"{spool}/{name}").stdout.splitlines():
                    yield json.loads(line)

    def decoded(self):
        """All events: (time, name, severity, attributes, text)."""
        events = []
        for batch in self.batches("logs"):
            for record in batch["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
                of = attributes(record)
                events.append((int(record["timeUnixNano"]) / 1e9, of["event.name"], record["severityNumber"], of, record["body"]["stringValue"]))
        return events

    def metric(self, name, peer):
        """The values of a metric for this BGP session, window by window."""
        values = []
        for batch in self.batches("metrics"):
            for metric in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                for point in (metric.get("gauge") or metric.get("sum") or {}).get("dataPoints", []):
                    if metric["name"] == name and attributes(point).get("network.peer.address") == peer:
                        values.append(float(point.get("asDouble", point.get("asInt", 0))))
        return values
