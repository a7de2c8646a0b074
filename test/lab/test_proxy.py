#!/usr/bin/python3 -B
"""A site whose only way out is an HTTP proxy, and whose DNS does not answer for outside names: `edgelat probe`,
`nearest`, `run`, `status` and `report` as its user sees them, against delays that the relay sets.

Runs itself in the lab. The site is a namespace behind the branch, which does not forward.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import lab
import probing
from lab import Tap, in_internet, json_lines, run, running, wait_for
from probing import EDGELAT

SITE, GATEWAY = "10.77.0.2", "10.77.0.1"
FAR_PROXY = "203.0.113.200"  # on the path "nobody"
OWN = "outlook.office365.com"  # served by the PoP of the path "london"
LONDON_MS, NOBODY_MS = 9, 5

tap = Tap()


def in_site(*command):
    return ["ip", "netns", "exec", "site", *map(str, command)]


def build():
    for line in ("netns add site", "link add veth0 type veth peer name veth1 netns site",
                 f"addr add {GATEWAY}/24 dev veth0", "link set veth0 up",
                 f"-n site addr add {SITE}/24 dev veth1", "-n site link set veth1 up", "-n site link set lo up",
                 f"-n site route add default via {GATEWAY}", f"-n internet addr add {FAR_PROXY}/32 dev lo"):
        done = run("ip", *line.split())
        if done.returncode != 0:
            raise RuntimeError(f"ip {line}: {done.stderr}")


def tinyproxy(name, *lines):
    path = os.path.join(lab.FOLDER, f"{name}.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(("Timeout 60", "MaxClients 50", "ConnectPort 443", *lines)) + "\n")
    return ["tinyproxy", "-d", "-c", path]


class Queries(threading.Thread):
    """Counts the DNS queries that come out of the site."""

    def __init__(self):
        super().__init__(daemon=True)
        self.count = 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.bind(("veth0", 0))
        self.start()

    def run(self):
        while True:
            packet, where = self.socket.recvfrom(2048)
            incoming = where[2] != socket.PACKET_OUTGOING
            self.count += incoming and packet[9] == 17 and packet[22:24] == b"\0\x35"


def environment(proxy):
    return dict(os.environ, https_proxy=proxy, SSL_CERT_FILE=os.path.join(lab.FOLDER, "ca.pem"))


def medians(done):
    return {name: d["p50"] for name, d in json_lines(done.stdout)[-1]["delays"].items()} if done.stdout else {}


def is_round_trip(ms, measured):
    """Tinyproxy leaves Nagle's algorithm on: the request may wait for an acknowledgement, and that may be delayed."""
    return measured is not None and ms <= measured < 2 * ms + 45


def test_probe(proxy, far):
    done = run(*in_site(EDGELAT, "probe", "https", OWN, "-n", 5, "-i", 0.1, "--json"), env=environment(proxy))
    first, delays = json_lines(done.stdout)[0], medians(done)
    tap.equal((0, "proxy", None, "LHR"), (done.returncode, first["family"], first["address"], first["pop"]),
              "probe: by name, no family of ours")
    tap.equal([None] * 3, [delays[name] for name in ("rtt", "dns", "connect")], "probe: what is the proxy's is undefined")
    tap.near(0, delays["proxy_connect"], 0.5, "probe: the proxy is near")
    tap.ok(LONDON_MS <= delays["proxy_tunnel"] < 2 * LONDON_MS + 8, "probe: CONNECT, with the proxy's lookup",
           delays["proxy_tunnel"])
    tap.ok(is_round_trip(LONDON_MS, delays["first_byte"]), "probe: the first byte", delays["first_byte"])
    tap.ok(LONDON_MS <= delays["tls"] < 2 * LONDON_MS + 8, "probe: TLS", delays["tls"])
    done = run(EDGELAT, "probe", "https", OWN, "-n", 5, "-i", 0.1, "--json", env=environment(far))
    delays = medians(done)
    tap.near(NOBODY_MS, delays["proxy_connect"], 1, "probe: a proxy that is far")
    tap.ok(NOBODY_MS <= delays["proxy_tunnel"] < 2 * NOBODY_MS + 20, "probe: with the PoP behind it", delays["proxy_tunnel"])
    tap.ok(is_round_trip(NOBODY_MS, delays["first_byte"]), "probe: the first byte through it", delays["first_byte"])


def test_wrong(proxy):
    def probe(url, host=OWN):
        return run(*in_site(EDGELAT, "probe", "https", host, "-n", 1), env=environment(url))
    for what, url, host, code, word in (
            ("wants a password", f"http://u:topsecret@{GATEWAY}:3129", OWN, 2, "wants a user and a password"),
            ("refuses the port", proxy, OWN + ":444", 1, "refuses CONNECT"),
            ("is not there", f"http://{GATEWAY}:1", OWN, 1, "connection refused; check https_proxy")):
        done = probe(url, host)
        said = done.stdout + done.stderr
        tap.equal(code, done.returncode, f"a proxy that {what}: exit code")
        tap.ok(said.count(word) == 1 and "topsecret" not in said, f"a proxy that {what}: one sentence, no secret", said)


def test_run(proxy, queries):
    path, _ = probing.configuration("proxy", f"window = 5s\nstatus_socket = {lab.FOLDER}/status\n[target exchange]\n"
                                    f"host = {OWN}\nservice = exchange\nhttps_interval = 1s\nhttps_slow_interval = 1s\n"
                                    "kinds = icmp tcp https\n", "workloads = no\n")
    before = queries.count
    with running(*in_site(EDGELAT, "run", "-c", path), stderr=subprocess.PIPE, env=environment(proxy)) as agent:
        nearest = run(*in_site(EDGELAT, "nearest", "-c", path, "-t", 5), env=environment(proxy))
        tap.ok(nearest.returncode == 0, "nearest: exit code", nearest)
        tap.ok(re.search(r"^ +1  exchange +LHR .* https +proxy$", nearest.stdout, re.M), "nearest: the PoP of the proxy",
               nearest.stdout)
        tap.ok("Cannot tell whether other front doors" in nearest.stdout and "front doors that answered" not in
               nearest.stdout, "nearest: and what cannot be told", nearest.stdout)

        def status():
            done = run(*in_site(EDGELAT, "status", "-c", path, "--json"))
            now = json.loads(done.stdout) if done.stdout.startswith("{") else {"targets": []}
            streams = [s for t in now["targets"] for s in t["streams"]]
            return streams if any(s["p50"] for s in streams) else None
        streams = wait_for(status, 10, 0.3) or [{}]
        tap.equal([("https", "proxy", "up")], [(s.get("kind"), s.get("family"), s.get("state")) for s in streams],
                  "status: one stream, and no families")
        first_byte = streams[0].get("delays", {}).get("first_byte")
        tap.ok(is_round_trip(LONDON_MS, first_byte), "status: the first byte", first_byte)
        shown = run(*in_site(EDGELAT, "status", "-c", path)).stdout
        tap.ok("through the proxy, median, ms: " in shown and "proxy_tunnel" in shown, "status: the phases", shown)
        tap.equal(1, shown.count("(cannot tell by icmp and tcp: "), "status: what cannot be told, once")
        tap.ok("No problems found" in shown, "status: no problem", shown)
        agent.send_signal(signal.SIGTERM)
        said = agent.communicate(timeout=15)[1]
    tap.equal(1, said.count("warn "), "run: one warning")
    tap.ok("ERROR" not in said and "error " not in said, "run: nothing is down", said)
    tap.ok(queries.count - before < 120, "run and nearest: the silent DNS is left alone", queries.count - before)
    report = os.path.join(lab.FOLDER, "proxy.html")
    done = run(EDGELAT, "report", "-c", path, "--since", "1h", "-o", report)
    page = lab.read("proxy.html") if done.returncode == 0 else done.stderr
    tap.ok("proxy_connect" in page and "proxy_tunnel" in page and ">ipv4<" not in page, "report: the phases", "ipv4" in page)


def test_trace(proxy):
    done = run(*in_site(EDGELAT, "trace", OWN), env=environment(proxy))
    said = done.stdout + done.stderr
    tap.equal(2, done.returncode, "trace without DNS: exit code")
    tap.ok(said.count(f"goes through the HTTP proxy {GATEWAY}, which a trace cannot use") == 1 and
           "resolv.conf" not in said, "trace: one sentence", said)


def test_dns_alone(proxy):
    """DNS resolves and ICMP passes; TCP 443 is dropped: only the proxy gets through."""
    for line in (f"nft add table ip site_way", "nft add chain ip site_way post { type nat hook postrouting priority 100 ; }",
                 f"nft add rule ip site_way post ip saddr {SITE} masquerade",
                 "nft add chain ip site_way forward { type filter hook forward priority 0 ; }",
                 f"nft add rule ip site_way forward ip saddr {SITE} tcp dport 443 drop",
                 "sysctl -qw net.ipv4.ip_forward=1"):
        done = run(*line.split())
        if done.returncode != 0:
            raise RuntimeError(f"{line}: {done.stderr}")
    done = run(*in_site(EDGELAT, "probe", "tcp", OWN, "-n", 2, "-i", 0.2, "-4", "--json"))
    tap.equal(["loss", "loss"], [row["outcome"] for row in json_lines(done.stdout)[:2]], "DNS alone: TCP is blocked")
    done = run(*in_site(EDGELAT, "probe", "https", OWN, "-n", 3, "-i", 0.1, "--json"), env=environment(proxy))
    first = json_lines(done.stdout)[0]
    tap.equal((0, "proxy", None, "LHR"), (done.returncode, first["family"], first["address"], first["pop"]),
              "DNS alone: probe goes through the proxy, although the name resolves")
    done = run(*in_site(EDGELAT, "trace", "--tcp", OWN), env=environment(proxy))
    tap.equal(1, done.returncode, "DNS alone: trace: exit code")
    tap.equal(1, done.stdout.count("which a trace cannot use"), "DNS alone: trace: one sentence")
    path, _ = probing.configuration("alone", f"window = 5s\nstatus_socket = {lab.FOLDER}/alone.status\n[target exchange]\n"
                                    f"host = {OWN}\nservice = exchange\ninterval = 1s\nslow_interval = 1s\nwaiting = 1s\n"
                                    "kinds = tcp https\nfamily = ipv4\n", "workloads = no\n")
    with running(*in_site(EDGELAT, "run", "-c", path), stderr=subprocess.DEVNULL, env=environment(proxy)):
        def status():
            done = run(*in_site(EDGELAT, "status", "-c", path, "--json"))
            now = json.loads(done.stdout) if done.stdout.startswith("{") else {"targets": []}
            rows = {s["kind"]: s for t in now["targets"] for s in t["streams"]}
            return (now, rows) if rows.get("tcp", {}).get("lost", 0) > 3 and rows.get("https", {}).get("p50") else None
        now, rows = wait_for(status, 20, 0.5) or ({}, {"https": {}, "tcp": {}})
        tap.equal(("proxy", "up"), (rows["https"].get("family"), rows["https"].get("state")), "DNS alone: https by the proxy")
        tap.equal([], now.get("findings"), "DNS alone: TCP that was never answered is no problem of the target")


if __name__ == "__main__":
    if lab.FOLDER is None:
        with running(probing.LAB, "default", "--", sys.executable, "-B", os.path.abspath(__file__),
                     stdout=subprocess.PIPE) as inside:
            tap.include(inside.stdout)
        tap.ok(inside.returncode == 0, "the lab ends well")
        sys.exit(tap.finish())
    build()
    near, far = f"http://{GATEWAY}:3128", f"http://{FAR_PROXY}:3128"
    with running(*tinyproxy("near", "Port 3128", f"Listen {GATEWAY}")), \
            running(*tinyproxy("secret", "Port 3129", f"Listen {GATEWAY}", "BasicAuth user secret")), \
            running(*in_internet(*tinyproxy("far", "Port 3128", f"Listen {FAR_PROXY}"))):
        wait_for(lambda: run("curl", "-sS", "-o", "/dev/null", near).returncode == 0, 5, 0.1)
        wait_for(lambda: run("curl", "-sS", "-o", "/dev/null", far).returncode == 0, 5, 0.1)
        test_probe(near, far)
        test_wrong(near)
        test_trace(near)
        test_run(near, Queries())
        test_dns_alone(near)
    sys.exit(tap.finish())
