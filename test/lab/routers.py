"""Real routers: namespaces joined by veth links, with the kernel's own forwarding and ICMP.

    host - r1 =(r2a|r2b)= r3 - r4 - r5 - target        and behind r4:  c1 - ... - c15 - far
                            \- r4p -/

The way by r4p, which enters Microsoft's network in Paris, is not used before net.enter_at("r4p"). The gateway r1 has private addresses, r2a to r3 those of a provider, the rest Microsoft's. The
two branches cost the same. DNS in the host's namespace names some of the routers.

    with routers.lab() as net:      # in namespaces of its own: routers.enter() first
        net.run("host", "traceroute", "13.107.6.152")
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

TARGET, TARGET6 = "13.107.6.152", "2603:1006::10"
FAR = "13.107.128.9"  # 20 hops away
LOOPED = "13.107.136.9"  # r4 sends it back to r3
FORWARD = """net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0
    net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0 net.ipv4.icmp_ratelimit=0
    net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_errors_use_inbound_ifaddr=1 net.ipv4.fib_multipath_hash_policy=3
    net.ipv6.fib_multipath_hash_policy=3 net.ipv4.fib_multipath_hash_fields=0x37
    net.ipv6.fib_multipath_hash_fields=0x3f net.ipv4.fib_multipath_hash_seed=7""".split()
CHAIN = [f"c{i}" for i in range(1, 16)]
NODES = ["host", "r1", "r2a", "r2b", "r3", "r4", "r4p", "r5", "target", *CHAIN, "far"]
# left node, right node, network of the link: .1 is the left one, .2 the right one
LINKS = [("host", "r1", "192.168.7"), ("r1", "r2a", "198.51.100"), ("r1", "r2b", "203.0.113"),
         ("r2a", "r3", "192.0.2"), ("r2b", "r3", "203.0.114"), ("r3", "r4", "104.44.1"), ("r4", "r5", "104.44.2"),
         ("r5", "target", "104.44.3"),
         *((left, right, f"104.44.{10 + i}") for i, (left, right) in
           enumerate(zip(["r4", *CHAIN], [*CHAIN, "far"]))), ("r3", "r4p", "104.44.4"), ("r4p", "r5", "104.44.5")]
PARIS, PARIS6 = "104.44.4.2", f"2001:db8:{len(LINKS) - 1:x}::2"
NAMES = {"192.168.7.2": "gw.branch.example", "198.51.100.2": "a.provider.example",
         "203.0.113.2": "b.provider.example", "104.44.1.2": "ae25-0.icr02.lon24.ntwk.msn.net",
         "2001:db8:6::2": "ae25-0.icr02.lon24.ntwk.msn.net",
         "104.44.2.2": f"{'x' * 50}.{'y' * 50}.router.example",
         PARIS: "ae20-0.icr01.par21.ntwk.msn.net", PARIS6: "ae20-0.icr01.par21.ntwk.msn.net"}
# TXT records of the zones that tell the AS of an address: the longest prefix decides, other prefixes do not.
ORIGINS = {"2.100.51.198.origin.asn.cymru.com": ["64496 | 198.0.0.0/8 | US | arin | 2001-01-01",
                                                 "64500 | 198.51.100.0/24 | US | arin | 2001-01-01"],
           "2.113.0.203.origin.asn.cymru.com": ["64500 | 203.0.113.0/24 | US | arin | 2001-01-01",
                                                "64496 | 203.0.0.0/8 | US | arin | 2001-01-01"],
           "2.2.0.192.origin.asn.cymru.com": ["64500 | 192.0.2.0/24 | US | arin | 2001-01-01"],
           "2.114.0.203.origin.asn.cymru.com": ["64500 | 203.0.114.0/24 | US | arin | 2001-01-01"],
           "2.1.44.104.origin.asn.cymru.com": ["8075 | 104.44.0.0/16 | US | arin | 2001-01-01"],
           "2.2.44.104.origin.asn.cymru.com": ["64511 | 40.96.0.0/13 | US | arin | 2001-01-01"]}
# What the path is, written down from LINKS: the address of each hop by the branch that is taken.
TRUTH = {"a": ["192.168.7.2", "198.51.100.2", "192.0.2.2", "104.44.1.2", "104.44.2.2", TARGET],
         "b": ["192.168.7.2", "203.0.113.2", "203.0.114.2", "104.44.1.2", "104.44.2.2", TARGET]}
TRUTH6 = {"a": ["2001:db8:1::2", "2001:db8:2::2", "2001:db8:4::2", "2001:db8:6::2", "2001:db8:7::2", TARGET6],
          "b": ["2001:db8:1::2", "2001:db8:3::2", "2001:db8:5::2", "2001:db8:6::2", "2001:db8:7::2", TARGET6]}


def enter():
    """Runs this program again in namespaces that vanish with it; returns there."""
    if "ROUTERS" in os.environ:
        return
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        words[1:1] = ["--map-root-user"]
    os.execvpe("unshare", [*words, sys.executable, "-B", *sys.argv], dict(os.environ, ROUTERS="1"))


def call(*words, **options):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **options)


class Net:
    def __init__(self, folder):
        self.folder = folder
        call("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")  # of this mount namespace only
        for node in NODES:
            call("ip", "netns", "add", node)
            call("ip", "netns", "exec", node, "sysctl", "-qw", *FORWARD)
        self._links()
        self._routes()
        self.dns = self._dns()

    def batch(self, node, lines):
        call("ip", "-n", node, "-batch", "-", input="\n".join(lines) + "\n", text=True)

    def _links(self):
        up = {node: ["link set lo up"] for node in NODES}
        for number, (left, right, network) in enumerate(LINKS, 1):
            call("ip", "link", "add", "name", right, "netns", left, "type", "veth", "peer", "name", left,
                 "netns", right)
            for node, other, end in ((left, right, 1), (right, left, 2)):
                up[node] += [f"addr add {network}.{end}/24 dev {other}",
                             f"addr add 2001:db8:{number:x}::{end}/64 dev {other} nodad", f"link set {other} up"]
        up["target"] += [f"addr add {TARGET}/32 dev lo", f"addr add {TARGET6}/128 dev lo"]
        up["far"] += [f"addr add {FAR}/32 dev lo"]
        for node, lines in up.items():
            self.batch(node, lines)

    def _routes(self):
        link = {(left, right): (network, f"2001:db8:{number:x}") for number, (left, right, network)
                in enumerate(LINKS, 1)}

        def via(node, others):
            found = []
            for other in others:
                (v4, v6), end = (link[node, other], 2) if (node, other) in link else (link[other, node], 1)
                found.append((f"nexthop via {v4}.{end}", f"nexthop via {v6}::{end}"))
            return [" ".join(words) for words in zip(*found)]

        def to(node, v4, v6, *others):
            by4, by6 = via(node, others)
            self.batch(node, [f"route add {v4} {by4}", f"route add {v6} {by6}"])

        branch = ("192.168.7.0/24", "2001:db8:1::/64")
        to("host", "default", "default", "r1")
        to("r1", "default", "default", "r2a", "r2b")
        to("r2a", "default", "default", "r3")
        to("r2b", "default", "default", "r3")
        to("r3", "default", "default", "r4")
        to("r4", "default", "default", "r5")
        to("r4p", "default", "default", "r5")
        to("r4p", *branch, "r3")
        to("r5", "default", "default", "target")
        to("r2a", *branch, "r1")
        to("r2b", *branch, "r1")
        to("r3", *branch, "r2a")
        to("r4", *branch, "r3")
        to("r5", *branch, "r4")
        to("target", "default", "default", "r5")
        self.batch("r4", [f"route add {LOOPED}/32 {via('r4', ['r3'])[0]}"])
        for before, node, behind in zip(["r4", *CHAIN], [*CHAIN, "far"], [*CHAIN[1:], "far", None]):
            self.batch(before, [f"route add {FAR}/32 {via(before, [node])[0]}"])
            to(node, *branch, before)

    def _dns(self):
        """dnsmasq in the host's namespace; resolv.conf of this mount namespace only."""
        own, real = os.path.join(self.folder, "resolv.conf"), os.path.realpath("/etc/resolv.conf")
        for path in [own, real] if real.startswith("/run/") else [own]:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write("nameserver 127.0.0.53\n")
        call("mount", "--bind", own, real)
        words = [f"--host-record={name},{address}" for address, name in NAMES.items()]
        words += [f"--host-record=target.example,{TARGET},{TARGET6}", "--host-record=far.example," + FAR]
        words += [f"--txt-record={name},{text}" for name, texts in ORIGINS.items() for text in texts]
        server = subprocess.Popen(["ip", "netns", "exec", "host", "dnsmasq", "--no-daemon", "--conf-file=/dev/null",
                                   "--no-resolv", "--no-hosts", "--listen-address=127.0.0.53", "--bind-interfaces",
                                   "--pid-file=", "--address=/#/", "--user=root", *words],
                                  stderr=subprocess.DEVNULL)
        for _ in range(200):
            with open("/proc/%d/net/udp" % server.pid, encoding="ascii") as file:
                if ":0035 " in file.read():
                    break
            time.sleep(0.01)
        return server

    def enter_at(self, router):
        """Traffic enters Microsoft's network at r4 (London) or r4p (Paris)."""
        v4, v6 = ("104.44.1.2", "2001:db8:6::2") if router == "r4" else (PARIS, PARIS6)
        self.batch("r3", [f"route replace default via {v4}", f"route replace default via {v6}"])

    def start(self, node, *words, **options):
        return subprocess.Popen(["ip", "netns", "exec", node, *map(str, words)], text=True, **options)

    def run(self, node, *words, **options):
        return subprocess.run(["ip", "netns", "exec", node, *map(str, words)], text=True, check=False,
                              capture_output=True, timeout=30, **options)

    @contextlib.contextmanager
    def answering(self, node, interface, address, *mode):
        """A router whose errors this program writes: routers_answer.py, MODE mpls or short."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "routers_answer.py")
        with self.rule(node, "prerouting", "ip ttl 1 drop"):
            process = self.start(node, sys.executable, "-B", script, interface, address, *mode,
                                 stdout=subprocess.PIPE)
            process.stdout.readline()  # it is ready
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    @contextlib.contextmanager
    def rule(self, node, hook, rule, family="inet"):
        """An nftables rule at a router."""
        table = f"table {family} t {{\nchain c {{\ntype filter hook {hook} priority 0\n{rule}\n}}\n}}"
        call("ip", "netns", "exec", node, "nft", table)
        try:
            yield
        finally:
            call("ip", "netns", "exec", node, "nft", f"delete table {family} t")


@contextlib.contextmanager
def lab():
    with tempfile.TemporaryDirectory() as folder:
        net = Net(folder)
        try:
            yield net
        finally:
            net.dns.terminate()
            net.dns.wait()
