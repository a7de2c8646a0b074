#!/usr/bin/python3 -B
"""What is not Microsoft's edge is not ranked: Akamai in front of a name, an Azure region, a private endpoint, DNS of a
filter. And the front door that serves is listed once, with Exchange's chains of 2026.

Runs itself in the lab, once for each scenario.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import lab
import probing
from lab import Tap, json_lines, run, running, wait_for
from probing import EDGELAT

NAMES = {  # target: host, what is to be said of it, and by which evidence
    "bing": ("www.bing.com", "foreign", "X-CDN-TraceID of Akamai"),
    "msn": ("www.msn.com", "foreign", "X-CDN-TraceID of Akamai"),
    "www": ("www.microsoft.com", "foreign", "e13678.dscb.akamaiedge.net of akamai"),
    "copy": ("copy.example.net", "unknown", None),
    "login": ("login.microsoftonline.com", "region", "www.tm.ak.prd.aadg.trafficmanager.net of entra"),
    "private": ("private.example.net", "private", "DNS answers 10.99.0.1, a private address"),
    "blocked": ("blocked.example.net", "filtered", "DNS answers 127.0.0.1, the loopback address of this host"),
    "portal": ("portal.example.net", "filtered", "DNS answers 169.254.1.1, a link-local address"),
    "teams": ("teams.microsoft.com", "edge", "s-0005.s-msedge.net of teams"),
}
FOREIGN = [name for name, (_, verdict, _) in NAMES.items() if verdict == "foreign"]

tap = Tap()


def has_verdict(name, row):
    _, verdict, basis = NAMES[name]
    return (verdict, basis) == (row.get("verdict"), row.get("verdict_basis"))


def has_rank(name, row):
    verdict = NAMES[name][1]
    return ((row.get("rank") is not None) == (verdict in ("edge", "unknown"))
            and (row.get("pop") is not None) == (verdict == "edge"))


def check_rows(what, rows):
    for name, (_, verdict, _) in NAMES.items():
        row = rows.get(name, {})
        tap.ok(has_verdict(name, row), f"{what}: {name} is {verdict}", row)
        tap.ok(has_rank(name, row), f"{what}: {name} has {'a' if verdict in ('edge', 'unknown') else 'no'} rank", row)


def make_configuration():
    return probing.configuration("edge", (
        f"window = 5s\nlocation = AMS\nstatus_socket = {lab.FOLDER}/status\n" + "".join(
            f"[target {name}]\nhost = {host}\nservice = {name}\ninterval = 1s\nslow_interval = 1s\n"
            "https_interval = 2s\nhttps_slow_interval = 2s\n" for name, (host, _, _) in NAMES.items())))


def test_nearest(path):
    done = run(EDGELAT, "nearest", "-c", path, "-t", 3, "--json")
    rows = {row["target"]: row for row in json_lines(done.stdout)}
    check_rows("nearest", rows)
    tap.near(1.0, rows["bing"]["min"], 0.3, "nearest: the delay to Akamai is shown")
    tap.equal(0, rows["blocked"]["sent"], "nearest: what a filter answers is not probed")
    done = run(EDGELAT, "nearest", "-c", path, "-t", 2)
    for name in FOREIGN:
        tap.ok(re.search(rf"^   -  {name} +foreign +- ", done.stdout, re.M), f"nearest: {name} in the table", done.stdout)
        tap.equal(1, len(re.findall(rf"^{name}: .* is not on Microsoft's edge here ", done.stdout, re.M)),
                  f"nearest: {name} beneath it")
    tap.ok("blocked: DNS answers 127.0.0.1, " in done.stdout and "login: login.microsoftonline.com is in an Azure region"
           in done.stdout and "for private.example.net: a private endpoint or a proxy" in done.stdout,
           "nearest: and the others", done.stdout)
    tap.ok("less than light" not in done.stdout, "nearest: no PoP, no distance", done.stdout)


def test_hint():
    """Without a location the first PoP that is one tells where this is."""
    path, _ = probing.configuration("hint", "[target bing]\nhost = www.bing.com\n[target exchange]\n"
                                    "service = exchange\nhost = outlook.office365.com\n", "front_doors = 4\nworkloads = no\n")
    done = run(EDGELAT, "nearest", "-c", path, "-t", 3, "--json")
    rows = {row["target"]: row for row in json_lines(done.stdout)}
    tap.ok("exchange-ams" in rows and rows["bing"]["rank"] is None,
           "discovery: around London and not around Chennai", sorted(rows))


def test_probe():
    done = run(EDGELAT, "probe", "https", "www.bing.com", "-n", 1, "--json",
               env=dict(os.environ, SSL_CERT_FILE=os.path.join(lab.FOLDER, "ca.pem")))
    result = json_lines(done.stdout)[0]
    tap.equal((None, "X-CDN-TraceID of Akamai"), (result["pop"], result.get("foreign")), "probe: no PoP, and why")
    for host, word in (("blocked.example.net", "DNS answers 127.0.0.1, "), ("portal.example.net", "169.254.1.1")):
        done = run(EDGELAT, "probe", "tcp", host, "-n", 1)
        tap.ok(done.returncode == 2 and word in done.stderr and "a filter or a hijack of DNS" in done.stderr
               and done.stderr.count("\n") == 1, f"probe: {host} in one sentence", done)
    done = run(EDGELAT, "probe", "tcp", "localhost:9", "127.0.0.1:9", "-n", 1, "--json")
    tap.equal(2, sum(not r.get("summary") for r in json_lines(done.stdout)), "probe: this host by its own name")


def test_run(path):
    report = os.path.join(lab.FOLDER, "report.html")
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent:
        def status():
            done = run(EDGELAT, "status", "-c", path, "--json")
            return json.loads(done.stdout) if done.stdout.startswith("{") else {"window": {"end": None}}

        def decided():  # some verdicts need an HTTPS reply, which comes later on a busy machine
            now = status()
            rows = {row["target"]: row for row in now.get("targets", [])}
            return now if all(name in rows and has_verdict(name, rows[name]) and has_rank(name, rows[name])
                              for name in NAMES) else None
        now = wait_for(decided, 40, 0.5) or status()
        tap.ok(now.get("targets"), "run: windows have closed")
        check_rows("run", {row["target"]: row for row in now["targets"]})
        time.sleep(5)  # one more window
        shown = run(EDGELAT, "status", "-c", path).stdout
        for name in FOREIGN + ["blocked", "portal"]:
            tap.equal(1, sum(finding.startswith(f"{name}: ") for finding in now["findings"]),
                      f"run: one finding of {name}")
        tap.ok(re.search(r"^ +- +bing +foreign ", shown, re.M), "status: foreign in the table", shown)
        agent.send_signal(signal.SIGTERM)
        said = agent.communicate(timeout=15)[1]
    events = re.findall(r"edgelat\.target\.foreign: (\S+) \((ipv\d)\)", said)
    expected = [("bing", "ipv4"), ("bing", "ipv6"), ("msn", "ipv4"), ("msn", "ipv6"), ("www", "ipv4")]
    tap.equal(expected, sorted(events), "run: one event of each, and family")
    tap.equal([], re.findall(r"edgelat\.(?:edge|pop)\S+", said), "run: none of its PoP")
    done = run(EDGELAT, "report", "-c", path, "--since", "1h", "-o", report)
    page = lab.read("report.html") if done.returncode == 0 else done.stderr
    tap.ok("www.bing.com was not on Microsoft's edge here" in page, "report: it is said", page[-500:])
    tap.ok("teams.microsoft.com was not" not in page, "report: of no other")


# ---- Exchange's chains of 2026


def exchange_rows(path, seconds):
    done = run(EDGELAT, "nearest", "-c", path, "-t", seconds, "--json", "--location", "AMS")
    return [row for row in json_lines(done.stdout) if row["service"] == "exchange"]


def test_doors():
    def configure(name, host):
        return probing.configuration(name, f"window = 5s\nstatus_socket = {lab.FOLDER}/status\nlocation = AMS\n"
                                     f"[target exchange]\nhost = {host}\nservice = exchange\n",
                                     "front_doors = 4\nworkloads = no\n")[0]

    def check(what, rows):
        pops = [row["pop"] for row in rows if row["rank"]]
        tap.equal(1, pops.count("LHR"), f"{what}: London once")
        tap.equal(["exchange"], [r["target"] for r in rows if r["pop"] == "LHR"], f"{what}: as the target")
        tap.ok("AMS" in pops, f"{what}: and the door nearby", pops)
    no_zone, zone = configure("no-zone", "outlook.office365.com"), configure("zone", "outlook.cloud.microsoft")
    check("a chain without a zone", exchange_rows(no_zone, 3))
    check("a chain with a zone", exchange_rows(zone, 3))
    lab.point("LHR-efz.ms-acdc.office.com", "203.0.113.75")
    check("another address of the zone", exchange_rows(no_zone, 3))
    with running(EDGELAT, "run", "-c", no_zone, stderr=subprocess.DEVNULL) as agent:
        def rows():
            done = run(EDGELAT, "status", "-c", no_zone, "--json")
            now = json.loads(done.stdout) if done.stdout.startswith("{") else {"targets": []}
            return [r for r in now["targets"] if r["rank"]]
        now = wait_for(lambda: len(rows()) >= 3 and rows(), 25, 0.5) or rows()
        check("run", now)
        agent.send_signal(signal.SIGTERM)
        agent.wait(15)


if __name__ == "__main__":
    if lab.FOLDER is None:
        for scenario in ("akamai", "chains2026"):
            with running(probing.LAB, scenario, "--", sys.executable, "-B", os.path.abspath(__file__), scenario,
                         stdout=subprocess.PIPE) as inside:
                tap.include(inside.stdout)
            tap.ok(inside.returncode == 0, f"the lab with {scenario} ends well")
        sys.exit(tap.finish())
    if sys.argv[1] == "akamai":
        configuration, _ = make_configuration()
        test_nearest(configuration)
        test_hint()
        test_probe()
        test_run(configuration)
    else:
        test_doors()
    sys.exit(tap.finish())
