#!/usr/bin/python3 -B
"""The AS of the hops in `edgelat trace`: from databases in the layouts of MaxMind, DB-IP and IPinfo, which MaxMind's own
Perl module wrote, from DNS where it is allowed (by an agent, too), and from the BGP table of an agent; and the AS hops to Microsoft's network."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

import routers
from lab import TOP, Tap, wait_for

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
PERL = ["/usr/bin/perl", os.path.join(TOP, "test/io/net/as_files.pl")]
PROVIDER = """198.51.100.0/24 64500 Provider
203.0.113.0/24 64500 Provider
2001:db8:2::/48 64500 Provider
2001:db8:3::/48 64500 Provider
"""
SECOND = """192.0.2.0/24 {0} {1}
203.0.114.0/24 {0} {1}
2001:db8:4::/48 {0} {1}
2001:db8:5::/48 {0} {1}
"""
MICROSOFT = """104.44.0.0/16 8075 MICROSOFT-CORP-MSN-AS-BLOCK
13.104.0.0/14 8075 MICROSOFT-CORP-MSN-AS-BLOCK
"""
tap = Tap()


class Trace:
    def __init__(self, net, *words, **environment):
        done = net.run("host", EDGELAT, "trace", "--json", *words, "target.example", env=dict(os.environ, **environment))
        self.code, self.error = done.returncode, done.stderr
        *self.hops, self.summary = [json.loads(line) for line in done.stdout.splitlines()] or [{}]
        self.numbers = [hop["as"] for hop in self.hops]
        self.trace = self.summary.get("as_hops", {}).get("trace", {})
        self.bgp = self.summary.get("as_hops", {}).get("bgp")
        self.verdict = self.summary.get("verdict", "")

    def __str__(self):
        return f"{self.code} {self.error}{self.numbers} {self.summary}"


def write(folder, lines):
    subprocess.run([*PERL, folder], input=lines, text=True, check=True)


def check_layouts(net, folder):
    write(folder, PROVIDER + SECOND.format(64500, "Provider") + MICROSOFT)
    for layout in ("geolite", "dbip", "isp", "ipinfo", "ipv4"):
        file = f"{folder}/{layout}.mmdb"
        trace = Trace(net, "-4", "--as-database", file)
        tap.equal([None, 64500, 64500, 8075, 8075, 8075], trace.numbers, f"{layout}: the AS of each hop")
        tap.equal(("exact", 1, [64500]), (trace.trace["state"], trace.trace["hops"], trace.trace["path"]), f"{layout}: one AS hop")
        tap.equal(["Provider", "MICROSOFT-CORP-MSN-AS-BLOCK"], [trace.hops[i]["as_name"] for i in (1, 3)], f"{layout}: their names")
        tap.equal({"database"}, {hop["as_source"] for hop in trace.hops[1:]}, f"{layout}: the source")
        tap.ok("one AS hop away, AS64500 > AS8075" in trace.verdict, f"{layout}: the verdict", trace.verdict)
    trace = Trace(net, "-6", "--as-database", f"{folder}/geolite.mmdb")
    tap.equal([None, 64500, 64500], trace.numbers[:3], "IPv6")
    tap.equal(("exact", 1), (trace.trace["state"], trace.trace["hops"]), "IPv6: one AS hop")
    text = net.run("host", EDGELAT, "trace", "-4", "--as-database", f"{folder}/geolite.mmdb", "target.example").stdout
    tap.ok("AS64500" in text and "one AS hop away" in text, "the table and the sentence", text)


def check_hops(net, folder):
    """Further networks, and hops whose AS is not known."""
    write(folder, PROVIDER + SECOND.format(64510, "Transit") + MICROSOFT)
    file = ["-4", "--as-database", f"{folder}/geolite.mmdb"]
    trace = Trace(net, *file)
    tap.equal(("exact", 2, [64500, 64510]), (trace.trace["state"], trace.trace["hops"], trace.trace["path"]), "two AS hops")
    tap.ok("2 AS hops away" in trace.verdict and "With Peering Service it is one" in trace.verdict, "it says so", trace.verdict)
    tap.equal(0, trace.code, "that alone is no problem")
    with net.rule("r3", "output", "icmp type time-exceeded drop"):
        trace = Trace(net, *file)
    tap.equal(("at_least", 1, [64500, None]), (trace.trace["state"], trace.trace["hops"], trace.trace["path"]),
              "a silent hop: a lower bound")
    tap.ok("at least one AS hop away, AS64500 > ? > AS8075" in trace.verdict, "the verdict", trace.verdict)
    write(folder, PROVIDER + SECOND.format(64510, "DE-CIX Management GmbH") + MICROSOFT)
    trace = Trace(net, *file)
    tap.equal(("at_least", 1), (trace.trace["state"], trace.trace["hops"]), "an exchange is on no AS path")
    tap.equal(64510, trace.numbers[2], "its number is shown")
    write(folder, MICROSOFT)
    trace = Trace(net, *file)
    tap.equal(("unknown", None), (trace.trace["state"], trace.trace["hops"]), "no AS is known: cannot tell")
    tap.ok("Cannot tell how many AS hops" in trace.verdict, "the verdict", trace.verdict)


def check_files(net, folder):
    """Files that are none, cut, changed, absent."""
    write(folder, PROVIDER + SECOND.format(64500, "Provider") + MICROSOFT)
    with open(f"{folder}/geolite.mmdb", "rb") as file:
        whole = file.read()
    for name, content in (("cut", whole[:len(whole) // 2]), ("changed", whole[:9] + b"\x77" + whole[10:]), ("empty", b""),
                          ("text", b"AS8075\n")):
        path = f"{folder}/{name}.mmdb"
        with open(path, "wb") as file:
            file.write(content)
        trace = Trace(net, "-4", "--as-database", path)
        tap.equal(([], 2), (trace.hops, trace.code), f"{name}: no trace without what was asked for")
        tap.ok(trace.error.count("\n") == 1 and path in trace.error, f"{name}: one sentence", trace.error)
        with open(f"{folder}/named.conf", "w", encoding="ascii") as file:
            file.write(f"[path]\nas_database = {path}\n")
        trace = Trace(net, "-4", EDGELAT_CONFIG=f"{folder}/named.conf")
        tap.equal([None] * 3, trace.numbers[:3], f"{name}: configured, a trace without AS")
        tap.ok(trace.code == 0 and path in trace.error, f"{name}: and a warning", trace.error)
    trace = Trace(net, "-4", "--as-database", f"{folder}/nowhere.mmdb")
    tap.ok(trace.code == 2 and "nowhere.mmdb" in trace.error and trace.error.count("\n") == 1, "no such file", trace.error)
    trace = Trace(net, "-4")
    tap.equal("", trace.error, "none is installed: no message")


@contextlib.contextmanager
def questions(net):
    """What is asked of DNS."""
    lines = []
    process = net.start("host", "tcpdump", "-i", "lo", "-n", "-l", "--immediate-mode", "-t", "udp dst port 53",
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stderr.readline()
    yield lines
    net.run("host", "sleep", "0.1")
    process.terminate()
    lines += process.communicate()[0].splitlines()


def check_dns(net, folder):
    with questions(net) as lines:
        Trace(net, "-4")
    tap.ok(len(lines) > 0, "names of routers are asked", lines)
    tap.ok(not any("cymru" in line for line in lines), "DNS is not asked for an AS by itself", lines)
    with questions(net) as lines:
        trace = Trace(net, "-4", "--as-dns")
    tap.equal([None, 64500, 64500, 8075, 8075, 8075], trace.numbers, "by DNS: the longest prefix")
    tap.equal(["dns", "dns", "dns", "segment"], [hop["as_source"] for hop in trace.hops[1:5]],
              "by DNS: a record of another prefix does not count")
    tap.equal(("exact", 1, "Team Cymru's DNS"), (trace.trace["state"], trace.trace["hops"], trace.trace["source"]), "one AS hop")
    tap.ok(any("cymru" in line for line in lines), "DNS is asked", lines)
    tap.ok(not any("168.192.origin" in line for line in lines), "but not for private addresses", lines)
    write(folder, PROVIDER + MICROSOFT)
    with questions(net) as lines:
        trace = Trace(net, "-4", "--as-dns", "--as-database", f"{folder}/geolite.mmdb")
    asked = {line.split("origin")[0].split()[-1] for line in lines if "cymru" in line}
    tap.ok(asked in ({"2.2.0.192."}, {"2.114.0.203."}), "only for what the database does not have", asked)
    tap.equal([64500, 64500], trace.numbers[1:3], "both together")


def check_agent_dns(net, folder):
    """An agent with as_dns learns the AS of its path by DNS; one without it asks nothing."""
    for as_dns in ("no", "yes"):
        at = f"{folder}/agent-{as_dns}"
        os.mkdir(at)
        with open(f"{at}/edgelat.conf", "w", encoding="ascii") as file:
            file.write(f"[agent]\nstate_dir = {at}/state\nstatus_socket = {at}/status\nstop_file = {at}/stop\nwindow = 5s\n"
                       f"workloads = no\nfront_doors = 0\n[path]\nas_dns = {as_dns}\nmtu = no\n"
                       "[target target]\nhost = target.example\nfamily = ipv4\nkinds = tcp\ninterval = 1s\n")

        def path():
            said = net.run("host", EDGELAT, "status", "--json", "-c", f"{at}/edgelat.conf").stdout  # pylint: disable=cell-var-from-loop
            return next(iter(json.loads(said or "{}").get("paths", {}).get("targets", [])), {})

        with questions(net) as lines:
            process = net.start("host", EDGELAT, "run", "-c", f"{at}/edgelat.conf", stderr=subprocess.DEVNULL)
            if as_dns == "yes":
                known = wait_for(lambda: path().get("as_hops"), 90, 1)
                tap.equal((1, "trace", "AS64500"), (known, path().get("as_hops_source"), path().get("provider")), "the agent: by DNS")
            else:
                tap.ok(wait_for(lambda: path().get("traces", 0) >= 2, 30, 0.5), "the agent: traced twice without DNS", path())
            process.terminate()
            process.wait(20)
        asked = [line for line in lines if "cymru" in line]
        tap.ok((len(asked) > 0) == (as_dns == "yes"), f"the agent: as_dns = {as_dns}", lines)
        tap.ok(len(asked) == len(set(line.split("origin")[0].split()[-1] for line in asked)), "the agent: each router is asked once", asked)


class Agent:
    """The routes socket of an agent, with a written answer."""

    def __init__(self, folder, paths):
        answer = {"prefixes": [{"prefix": "13.107.6.0/24", "paths": [
            {"role": "backup", "peer": "192.0.2.77", "router": "r9", "as_path": [64777, 8075], "origin_as": 8075},
            {"role": "active", "peer": "192.0.2.1", "router": "edge1", "as_path": paths, "origin_as": 8075}]}]}
        text = json.dumps(answer)
        self.config = f"{folder}/agent.conf"
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"[agent]\nstatus_socket = {folder}/status\n[bmp]\nlisten = 127.0.0.1:1790\nrouters = 127.0.0.1\n"
                       "[target t]\nhost = target.example\n")
        self.socket = socket.socket(socket.AF_UNIX)
        self.path = f"{folder}/status.routes"
        self.socket.bind(self.path)
        self.socket.listen()
        self.bytes = f"edgelat status 1 0 {len(text) + 1} 3\n{text}\nok\n".encode()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.socket.accept()[0]
                client.sendall(self.bytes)
                client.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        os.unlink(self.path)


def check_bgp(net, folder):
    write(folder, PROVIDER + SECOND.format(64510, "Transit") + MICROSOFT)
    for paths, state, hops, said in (([64500, 64500, 8075], "exact", 1, "one AS hop away, AS64500 > AS8075 (BGP table of edge1)"),
                                     ([64500, 64501, 64501, 8075], "exact", 2, "2 AS hops away, AS64500 > AS64501 > AS8075"),
                                     ([8075], "exact", 1, "one AS hop away, AS8075")):
        agent = Agent(folder, paths)
        trace = Trace(net, "-4", "--as-database", f"{folder}/geolite.mmdb", EDGELAT_CONFIG=agent.config)
        agent.close()
        tap.equal((state, hops, "13.107.6.0/24"), (trace.bgp["state"], trace.bgp["hops"], trace.bgp["prefix"]),
                  f"{paths}: the AS hops of the route")
        tap.ok(said in trace.verdict, f"{paths}: the verdict", trace.verdict)
        tap.equal(2, trace.trace["hops"], "beside those of the trace")
    tap.equal(None, Trace(net, "-4", EDGELAT_CONFIG=f"{folder}/agent.conf").bgp, "no agent answers")


def main():
    routers.enter()
    with routers.lab() as net, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Trace(net, "-6")  # neighbours are known from here on
        for check in (check_layouts, check_hops, check_files, check_dns, check_agent_dns, check_bgp):
            check(net, folder)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
