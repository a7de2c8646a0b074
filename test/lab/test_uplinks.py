#!/usr/bin/python3 -B
"""A host with two uplinks: `probe -I` sends each kind over the uplink that is named, in both families, as root and as nobody.

    host =(up1|up2)= edge

What counts is the packets that the far end of each link received, not what the program says."""

import json
import os
import subprocess
import sys
import tempfile

import routers
from lab import Tap, run, wait_for
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


def check_refusals():
    for options, expected in ((["-I", "nosuch"], "no such interface"), (["-I", "fd09:1::2"], "no address of that family"),
                              (["-I", "fd09:1::2", "-4"], "family"), (["-I", "192.0.2.7"], "does not have the source address")):
        for kind in ("icmp", "tcp"):
            done = host(EDGELAT, "probe", kind, EDGE, "-n", "1", *options)
            tap.equal(2, done.returncode, f"{kind} {' '.join(options)}: an error")
            tap.ok(expected in done.stdout + done.stderr, f"{kind} {' '.join(options)}: says why", done.stdout + done.stderr)


def main():
    os.chmod(FOLDER, 0o755)
    make_uplinks()
    servers = serve(FOLDER)
    try:
        check_probes(FOLDER)
        check_refusals()
    finally:
        for server in servers:
            server.terminate()
    return tap.finish()


if __name__ == "__main__":
    routers.enter()
    with tempfile.TemporaryDirectory() as FOLDER:
        EDGELAT = installed(FOLDER)
        sys.exit(main())
