#!/usr/bin/python3 -B
"""A gateway that forwards a known number of bytes: `edgelat traffic setup` loads sets of nftables with counters, the helper `serve` reads
them, and `edgelat run`, which has no right to, counts the bytes by service and direction within 1 %. The rules of others stay.

    branch - gateway (nftables, helper, edgelat) - edge"""

import json
import os
import sys
import time

import test_flows
from lab import TOP, Tap, alone, run, wait_for
from probing import BUILD, installed
from test_flows import TRUTH, in_net

HELPER = os.path.join(BUILD, "edgelat-traffic")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all"]
FOREIGN = "table inet edgelat {\n chain mine { type filter hook input priority 0; policy accept; ip saddr 192.0.2.78 drop; }\n}\n"
OTHERS = "table ip others {\n chain c { type filter hook forward priority 0; policy accept; ip daddr 192.0.2.77 counter drop; }\n}\n"

tap = Tap()


def gateway(*words, **options):
    return run("ip", "netns", "exec", "gateway", *words, **options)


def points(state):
    """{(metric, service, direction): the last value}, of nftables."""
    found = {}
    for name in sorted(os.listdir(f"{state}/spool")):
        if not name.endswith("-metrics.pb.gz"):
            continue
        for line in run(EDGELAT, "decode", f"{state}/spool/{name}").stdout.splitlines():
            for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                if not metric["name"].startswith("edgelat.traffic."):
                    continue
                for point in (metric.get("sum") or metric["gauge"])["dataPoints"]:
                    of = {a["key"]: a["value"]["stringValue"] for a in point["attributes"]}
                    if of["edgelat.traffic.source"] == "nftables":
                        found[metric["name"], of["edgelat.service"], of["network.io.direction"]] = \
                            float(point.get("asDouble", point.get("asInt", 0)))
    return found


def many_prefixes(folder):
    """A prefixes.csv of 1,000 prefixes, half of them inside of others."""
    os.mkdir(f"{folder}/many")
    with open(f"{folder}/many/prefixes.csv", "w", encoding="utf-8") as file:
        file.write("# edgelat prefixes 2026-11-29\nprefix,service,basis\n")
        for i in range(500):
            file.write(f"20.{i // 250}.{i % 250}.0/24,teams,published\n20.{i // 250}.{i % 250}.16/28,exchange,published\n")
    return dict(os.environ, EDGELAT_DATA=f"{folder}/many")


def send(net, flows):
    for node in ("branch", "edge"):
        net.start(node, sys.executable, "-B", flows, "send", node).wait()


def main(net):
    flows = test_flows.__file__
    tap.equal(0, gateway("nft", "-f", "-", input=OTHERS).returncode, "rules of others")
    alone = gateway("nft", "list", "ruleset").stdout
    dry = gateway(*NOBODY, EDGELAT, "traffic", "setup", "--dry-run")
    tap.ok(dry.returncode == 0 and "52.112.0.0-52.115.255.255" in dry.stdout and gateway("nft", "list", "ruleset").stdout == alone,
           "--dry-run prints the rules and loads nothing", dry)
    gateway("nft", "-f", "-", input=FOREIGN)
    refused = [gateway(EDGELAT, "traffic", action) for action in ("setup", "remove")]
    tap.ok(all(r.returncode == 2 and "is not by edgelat" in r.stderr for r in refused) and "192.0.2.78" in gateway("nft", "list", "ruleset").stdout,
           "a table of the same name that somebody else made is left as it is", refused)
    gateway("nft", "delete", "table", "inet", "edgelat")
    path = f"{net.folder}/counters"
    with open(f"{net.folder}/conf", "w", encoding="utf-8") as file:
        file.write(f"""[agent]
state_dir = {net.folder}/state
status_socket = {net.folder}/status
stop_file = {net.folder}/stop
window = 5s
workloads = no
front_doors = 0
[traffic]
counters = {path}
[target self]
host = 127.0.0.1
kinds = icmp
""")
    agent = net.start("gateway", EDGELAT, "run", "-c", f"{net.folder}/conf")
    findings = lambda: " ".join(json.loads(gateway(EDGELAT, "status", "-c", f"{net.folder}/conf", "--json").stdout or "{}").get("findings", []))
    tap.ok(wait_for(lambda: "start edgelat-traffic.service" in findings(), 5), "finding: no helper", findings())
    helper = net.start("gateway", HELPER, "serve", "--socket", path)
    tap.ok(wait_for(lambda: "there is no table inet edgelat; run `edgelat traffic setup`" in findings(), 5), "finding: no table", findings())
    tap.equal(0, gateway(HELPER, "setup").returncode, "setup")
    tap.ok(wait_for(lambda: "nftables" not in findings() and "edgelat-traffic" not in findings() and "table" not in findings(), 5), "no finding", findings())
    shown = gateway(*NOBODY, EDGELAT, "traffic", "show")
    tap.ok(shown.returncode == 2 and "CAP_NET_ADMIN" in shown.stderr, "nobody may not read", shown)
    for node in ("branch", "edge"):
        net.start(node, sys.executable, "-B", flows, "sink")
    time.sleep(2.5)  # the first answer only tells what the counters hold
    send(net, flows)
    time.sleep(2.5)
    listed = {(e["service"], e["direction"]): e["bytes"] for e in
              json.loads(gateway(EDGELAT, "status", "-c", f"{net.folder}/conf", "--json").stdout).get("counters", [])}
    tap.equal(set(TRUTH), set(listed), "the status shows the services")
    tap.equal(0, gateway("nft", "flush", "ruleset").returncode, "somebody flushes all rules")
    gateway("nft", "-f", "-", input=OTHERS)
    tap.ok(wait_for(lambda: "there is no table" in findings(), 5), "which is a finding")
    gateway(EDGELAT, "traffic", "setup")
    time.sleep(2.5)
    send(net, flows)
    time.sleep(2.5)
    net.stop(agent)
    found = points(f"{net.folder}/state")
    for (service, direction), bytes_once in TRUTH.items():
        value = found.get(("edgelat.traffic.io", service, direction), 0)
        tap.ok(abs(value - 2 * bytes_once) <= 0.02 * bytes_once, f"{service} {direction}: {value:.0f} of {2 * bytes_once} bytes", found)
    tap.equal(set(TRUTH), {key[1:] for key in found}, "and nothing else")
    tap.equal({"edgelat.traffic.io", "edgelat.traffic.rate", "edgelat.traffic.rate.max"}, {key[0] for key in found}, "bytes only: packets are not told")
    many = many_prefixes(net.folder)
    tap.equal(0, gateway(EDGELAT, "traffic", "setup", env=many).returncode, "1,000 prefixes, half of them inside of others")
    began = time.monotonic()
    tap.equal("nothing counted yet\n", gateway(EDGELAT, "traffic", "show").stdout, "read")
    tap.note(f"in {1000 * (time.monotonic() - began):.1f} ms, with the start of two programs")
    net.stop(helper)
    tap.equal((0, 0), (gateway(EDGELAT, "traffic", "remove").returncode, gateway(EDGELAT, "traffic", "remove").returncode), "remove, also twice")
    tap.equal(alone, gateway("nft", "list", "ruleset").stdout, "the rules of others are as before")


def begin(work):
    global EDGELAT
    os.mkdir(f"{work}/installed")
    EDGELAT = installed(f"{work}/installed")
    in_net(main)(work)


if __name__ == "__main__":
    os.environ["EDGELAT_DATA"] = os.path.join(TOP, "packaging", "data")
    alone("gateway", begin, tap)
