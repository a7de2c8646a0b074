#!/usr/bin/python3 -B
"""The main job end to end: names, probes, percentiles, batches, independent receivers.

Runs itself in the lab. The delays that are expected are the scenario's.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import lab
import receivers
import scenario as scenarios
from lab import Tap, json_lines, run, running, wait_for
from receivers import VictoriaMetrics

BUILD = os.path.join(lab.TOP, os.environ.get("BUILD", "build"))
EDGELAT = os.path.join(BUILD, "edgelat")
SHIPPED = os.path.join(lab.TOP, "packaging", "edgelat.conf")
POPS = {  # host: PoP in the reply, round-trip delay in ms
    "teams.microsoft.com": ("AMS", 3),
    "outlook.office365.com": ("LHR", 9),
    "microsoft.com": ("DUB", 15),
    "portal.azure.com": ("ZRH", 20),
    "microsoft.sharepoint.com": ("FRA", 24),
    "www.office.com": ("STO", 30),
    "bing.com": ("EWR", 60),
}
LOSSY = "microsoft.com"
ICMP4 = r'edgelat\.probe\.kind="icmp",network\.type="ipv4"})'  # the end of a query

tap = Tap()


def folder(name):
    path = os.path.join(lab.FOLDER, name)
    os.makedirs(path, exist_ok=True)
    return path


def configuration(name, text):
    """The shipped configuration with a drop-in; returns its path and its state folder."""
    path, state = os.path.join(folder(name), "edgelat.conf"), os.path.join(folder(name), "state")
    with open(SHIPPED, encoding="utf-8") as shipped, open(path, "w", encoding="utf-8") as own:
        own.write(shipped.read())
    targets = re.findall(r"^\[target .*\]$", open(path, encoding="utf-8").read(), re.M)
    os.makedirs(path + ".d", exist_ok=True)
    with open(os.path.join(path + ".d", "test.conf"), "w", encoding="utf-8") as drop_in:
        drop_in.write(f"[agent]\nstate_dir = {state}\n{text}\n")
        for target in targets:
            drop_in.write(f"{target}\ninterval = 1s\nslow_interval = 1s\n")
    return path, state


def spooled(state):
    spool = os.path.join(state, "spool")
    return sorted(f for f in os.listdir(spool) if f.endswith(".pb.gz")) if os.path.isdir(spool) else []


# ---- probes from the command line


def probes():
    done = run(EDGELAT, "probe", "icmp", *POPS, "-n", 40, "-i", "0.05", "--json")
    lines = json_lines(done.stdout)
    summaries = {s["target"]: s for s in lines if s.get("summary")}
    results = [r for r in lines if not r.get("summary")]
    tap.equal(40 * len(POPS), len(results), "icmp: one line of JSON a result")
    for host, (_, delay) in POPS.items():
        tap.near(delay, summaries[host]["delays"]["rtt"]["p50"], 0.5, f"icmp to {host}: p50")
    tap.ok(0 < summaries[LOSSY]["loss_ratio"] < 0.35, "icmp: the lossy PoP loses", summaries[LOSSY])
    tap.equal(1, done.returncode, "icmp: loss is exit code 1")
    lost = [r for r in results if r["outcome"] == "loss"]
    tap.ok(lost and all(r["delays"]["rtt"] is None for r in lost), "a lost probe has no delay")

    good = [host for host in POPS if host != LOSSY]
    done = run(EDGELAT, "probe", "tcp", *good, "-6", "-n", 10, "-i", "0.1", "--json")
    for s in json_lines(done.stdout):
        if s.get("summary"):
            tap.near(POPS[s["target"]][1], s["delays"]["rtt"]["p50"], 0.5, f"tcp over IPv6 to {s['target']}: p50")
            tap.equal("ipv6", s["family"], "and it was IPv6")
    tap.equal(0, done.returncode, f"tcp: all fine is exit code 0 {done.stderr}")

    done = run(EDGELAT, "probe", "https", *good, "-n", 3, "-i", "0.5", "--json")
    for host in good:
        pop, delay = POPS[host]
        of_host = [r for r in json_lines(done.stdout) if r["target"] == host and not r.get("summary")]
        tap.equal({pop}, {r["pop"] for r in of_host}, f"https to {host}: PoP by its header")
        d = of_host[-1]["delays"]
        tap.near(delay, d["rtt"], 0.5, f"https to {host}: rtt of the handshake")
        tap.near(delay, d["first_byte"], 5, f"https to {host}: first byte one round trip later")
        phases = sum(d[k] or 0 for k in ("dns", "connect", "tls", "first_byte"))
        tap.ok(phases <= d["total"] + 0.001 and d["total"] < phases + delay + 10,
               f"https to {host}: the phases add up to the total", d)


def long_names():
    """Names of 253 characters that differ behind the 63rd are whole, in JSON and in text."""
    scenario = scenarios.Scenario(lab.read("scenario"))
    names = sorted(name for name in scenario.names if len(name) == 253)
    done = run(EDGELAT, "probe", "icmp", *names, "-n", 1, "--json")
    tap.equal(sorted(2 * names), sorted(line["target"] for line in json_lines(done.stdout)),
              "names of 253 characters: whole in each result and summary")
    done = run(EDGELAT, "probe", "icmp", *names, "-n", 1)
    tap.equal([2, 2], [len(re.findall(rf"(?m)(?:^|\s){re.escape(name)}\s+icmp\s", done.stdout)) for name in names],
              "and in the text, which stays a table")


def stopped():
    """Probes in flight when a session is stopped count as sent, not as answered."""
    for what, number, kind, arguments in (("Ctrl-C", signal.SIGINT, "icmp", ["-i", "0.2"]),
                                          ("SIGTERM", signal.SIGTERM, "tcp", ["-i", "0.2"]),
                                          ("Ctrl-C ahead of the first result", signal.SIGINT, "https", [])):
        with running(EDGELAT, "probe", kind, "203.0.113.200", "-n", 0, "--json", *arguments,
                     stdout=subprocess.PIPE) as probe:
            time.sleep(0.9)
            probe.send_signal(number)
            summary = json_lines(probe.communicate(timeout=10)[0])[-1]
        sent = 5 if arguments else 1
        tap.ok(abs(summary["sent"] - sent) <= 1 and summary["sent"] > 0
               and summary["waiting"] == summary["sent"] and summary["received"] == 0
               and summary["loss_ratio"] is None and probe.returncode == 1,
               f"{what} on a dead host, {kind}: {sent} sent, all still waiting, exit code 1",
               (probe.returncode, summary))
    with running(EDGELAT, "probe", "icmp", "203.0.113.40", "-n", 0, "-i", 0.2, "--json",
                 stdout=subprocess.PIPE) as probe:
        time.sleep(1.02)
        probe.send_signal(signal.SIGINT)
        summary = json_lines(probe.communicate(timeout=10)[0])[-1]
    tap.ok(probe.returncode == 0 and summary["received"] >= 4, "Ctrl-C on a host that answers: exit code 0",
           (probe.returncode, summary))


def bad_input():
    cases = [
        ("an unknown kind", ["probe", "icpm", "localhost"], "icmp"),
        ("an unknown command", ["prob", "icmp", "localhost"], "probe"),
        ("an unknown option", ["probe", "icmp", "localhost", "--jsn"], "--json"),
        ("no host", ["probe", "tcp"], "HOST"),
        ("a URL instead of a host", ["probe", "https", "https://www.bing.com/x"], "www.bing.com"),
        ("a name that does not exist", ["probe", "tcp", "no-such-name.example.net"], "no-such-name"),
        ("an interval that is too short", ["probe", "icmp", "localhost", "-i", "0.001"], "0.01"),
        ("a configuration that is not there", ["run", "-c", "/nowhere/edgelat.conf"], "/nowhere/edgelat.conf"),
        ("a batch that is none", ["decode", "/etc/hostname"], "/etc/hostname"),
    ]
    for what, arguments, named in cases:
        done = run(EDGELAT, *arguments)
        lines = done.stderr.strip().splitlines()
        tap.ok(done.returncode == 2 and len(lines) == 1 and named in lines[0],
               f"{what}: one sentence that names it, exit code 2", f"{done.returncode}: {done.stderr}")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([EDGELAT, "whereis"] + ["AMS"] * 1000, stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False)  # more than fits into a buffer
    tap.ok(done.returncode == 2 and "free disk space" in done.stderr, "output to a full disk: said, exit code 2", done)
    done = run(EDGELAT, "probe", "https", "nobody.example.net", "-n", 2, "-i", "0.2", "--json")
    outcomes = {r["outcome"] for r in json_lines(done.stdout) if not r.get("summary")}
    tap.ok(outcomes and outcomes <= {"refused", "loss", "unreachable"} and done.returncode == 1,
           f"nobody listens: {outcomes}", done.stderr)

    path, _ = configuration("broken", "intervall = 5s\nwindow = 7s\n[colector]\nurl = x")
    done = run(EDGELAT, "check-config", path)
    tap.ok(done.returncode == 2 and "test.conf:3" in done.stderr and "test.conf:4" in done.stderr
           and "[collector]" in done.stderr, "check-config: every mistake with file and line", done.stderr)
    path, _ = configuration("stateless", "state_dir = /proc/nowhere")
    with open(path + ".d/test.conf", encoding="utf-8") as drop_in:
        text = drop_in.read().replace("state_dir", "# state_dir", 1)
    with open(path + ".d/test.conf", "w", encoding="utf-8") as drop_in:
        drop_in.write(text)
    done = run(EDGELAT, "run", "-c", path)
    tap.ok(done.returncode == 2 and "/proc/nowhere" in done.stderr, "no state folder: said, exit code 2", done)

    done = run(EDGELAT, "check-config", SHIPPED)
    tap.equal((0, ""), (done.returncode, done.stderr), "check-config: the shipped configuration is fine")


def nearest():
    done = run(EDGELAT, "nearest", "-c", SHIPPED, "-t", 4, "--json")
    ranking = json_lines(done.stdout)
    tap.equal("AMS", ranking[0]["pop"], "nearest: Amsterdam is first")
    ranked = [r["host"] for r in ranking if r["rank"] and r["host"] != LOSSY]
    tap.equal([h for h in POPS if h != LOSSY], ranked, "nearest: the rest by distance")
    tap.near(3, ranking[0]["min"], 0.5, "nearest: the evidence")
    tap.equal(0, done.returncode, "nearest: exit code 0")


# ---- the agent and receivers


def to_victoria_metrics():
    """One window, so the agent's own percentiles and the receiver's are of the same results."""
    vm = VictoriaMetrics()
    path, state = configuration("vm-agent", "window = 1h\n[collector]\n"
                                f"url = http://127.0.0.1:{vm.PORT}/opentelemetry\nevents = no")
    with running(*vm.command, stdout=vm.log, stderr=vm.log):
        if not tap.ok(wait_for(vm.ready, 15), "VictoriaMetrics is up"):
            return
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent:
            time.sleep(15)
            began = time.monotonic()
            agent.send_signal(signal.SIGTERM)
            _, said = agent.communicate(timeout=10)
            took = time.monotonic() - began
        tap.ok(agent.returncode == 0 and took < 5, f"SIGTERM: exit code 0 after {took:.1f} s", said)
        tap.equal([], spooled(state), "nothing is left in the spool")

        sent = vm.query(r'sum by (edgelat\.target) ({__name__="edgelat.probe.results",' + ICMP4, len(POPS))
        tap.equal(len(POPS), len(sent), "the receiver has every target")
        tap.ok(all(10 <= value <= 16 for _, value in sent), "about one probe a second each", sent)
        compare_percentiles(vm)


def compare_percentiles(vm):
    printed = {(m["edgelat.target"], m["quantile"]): value for m, value in vm.query(
        r'({__name__="edgelat.probe.delay.quantile",edgelat\.period="window",' + ICMP4, len(POPS))}
    tap.equal({"0.5"}, {quantile for _, quantile in printed}, "some 15 results support p50 and no other percentile")
    asked = vm.query(r'histogram_quantile(0.5, sum by (vmrange, edgelat\.target) '
                     '({__name__="edgelat.probe.delay_bucket",' + ICMP4 + ')', len(POPS))
    tap.equal(len(POPS), len(asked), "the receiver has p50 of every target")
    for labels, value in asked:
        name = labels["edgelat.target"]
        own = printed.get((name, "0.5"))
        if tap.ok(own is not None, f"p50 of {name} was sent"):
            tap.near(own * 1e3, value * 1e3, own * 1e3 * 0.045,
                     f"p50 of {name}: the receiver's within 4.5 % (scale 3) of the agent's")


def collector_down_and_up():
    """Batches wait in the spool and arrive when the collector is back; the table shows the decoded batch."""
    path, state = configuration("down", "window = 5s\n[collector]\nurl = http://127.0.0.1:18429")
    received = os.path.join(lab.FOLDER, "received")
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent:
        waiting = wait_for(lambda: len(spooled(state)) >= 3, 20)
        tap.ok(waiting, "collector down: batches wait in the spool")
        decoded = run(EDGELAT, "decode", os.path.join(state, "spool", [f for f in spooled(state) if "metrics" in f][-1]))
        names = {m["name"] for m in json.loads(decoded.stdout)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
        tap.ok({"edgelat.probe.delay", "edgelat.probe.results", "edgelat.target.rank"} <= names,
               "decode: a spooled batch as OTLP/JSON", decoded.stdout[:500] + decoded.stderr)
        with running(EDGELAT, "collect", "--listen", "127.0.0.1:18429", "--dir", received,
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as receiver:
            # the back-off has grown to half a minute meanwhile, and chance says when in it
            empty = wait_for(lambda: not spooled(state), 70)
            tap.ok(empty, "collector up: the spool is empty again")
            time.sleep(6)
            agent.send_signal(signal.SIGTERM)
            _, said = agent.communicate(timeout=10)
            receiver.send_signal(signal.SIGTERM)
            table = receiver.communicate(timeout=10)[0]
    tap.ok("127.0.0.1" in said or "connect" in said.lower(), "the log names the collector that is down", said)
    official_decoders(received)
    rows = [line.split() for line in table.splitlines() if re.match(r"(\d+|-) .* (icmp|tcp|https) ", line)]
    # rows of a series whose first probe was not HTTPS say that the PoP is unknown yet
    tap.ok({row[0] for row in rows if "AMS" in row} == {"1"} and rows[0][0] == "1",
           "the table: the nearest PoP first", table)
    last = {}
    for row in rows:
        last[row[1]] = row
    tap.ok(len(last) == len(POPS), "the table: every target", table)


def official_decoders(received):
    """Every batch that was sent is decoded by protoc with the official .proto."""
    texts = receivers.decode_all(tap, received)
    tap.ok("edgelat.probe.delay" in texts["metrics"] and "AGGREGATION_TEMPORALITY_CUMULATIVE" in texts["metrics"],
           "cumulative exponential histograms")
    tap.ok("severity_number: SEVERITY_NUMBER_INFO" in texts["logs"]
           and 'event_name: "edgelat.target.resolved"' in texts["logs"], "events are log records", texts["logs"][:2000])


def make_run():
    """What `make run LAB=1` runs inside of the lab."""
    done = run(os.path.join(lab.TOP, "scripts", "run"), "--inside", "lab", timeout=60, cwd=lab.TOP,
               env=dict(os.environ, DURATION="12", BUILD=BUILD))
    tap.ok(done.returncode == 0 and "0 left in the spool" in done.stdout, "make run: every batch accepted",
           done.stdout[-2000:] + done.stderr[-2000:])
    events = re.findall(r"^\S+Z  (?:INFO|WARN|ERROR)  .*", done.stdout, re.M)
    tap.equal((1, 1), (len(re.findall("^rank ", done.stdout, re.M)), done.stdout.count("; delays in ms: icmp rtt, tcp rtt, https total")),
              "make run: one table, of known delays")
    tap.ok(len(set(events)) == len(events) and "info event" not in done.stdout + done.stderr, "make run: each event once", events)
    tap.ok("issuer" not in done.stdout, "make run: the lab's certificates are no interception", done.stdout[-2000:])


if __name__ == "__main__":
    if lab.FOLDER is None:
        os.execv(os.path.join(lab.TOP, "scripts", "lab"), ["lab", "--", sys.executable, os.path.abspath(__file__)])
    probes()
    long_names()
    stopped()
    bad_input()
    nearest()
    to_victoria_metrics()
    collector_down_and_up()
    make_run()
    sys.exit(tap.finish())
