#!/usr/bin/python3 -B
"""A long run with faults: runs the agent in the lab for SECONDS (3600). Its memory stays flat, no
descriptor leaks, and no window is missed. Starts itself in the lab.

    test/lab/soak.py [SECONDS]
"""

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import lab
from lab import Tap, run, running

EDGELAT = os.path.join(lab.TOP, os.environ.get("BUILD", "build"), "edgelat")
SHIPPED = os.path.join(lab.TOP, "packaging", "edgelat.conf")
WINDOW_S = 5
FLAT = 1.02  # after a third of the time; shorter runs consist of warm-up only
NEARLY_FLAT = 1.05
LONG_S = 1200
CONFIGURATION = """[agent]
state_dir = {state}
window = {window}s
[collector]
url = http://127.0.0.1:{port}
[spool]
history = 100K
[target moving]
host = moving.example.net
kinds = icmp tcp https
interval = 1s
slow_interval = 1s
"""

tap = Tap()


# ---- the collector


class Collector:
    """Keeps accepted batches; can answer with another code, or not at all."""

    def __init__(self):
        self.code, self.port, self.kept = 200, 0, 0
        self.folder = os.path.join(lab.FOLDER, "kept")
        os.mkdir(self.folder)

    def start(self):
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.code == 200:
                    collector.keep(self.path, body)
                self.send_response(collector.code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def keep(self, path, body):
        if path == "/v1/metrics":
            with open(os.path.join(self.folder, f"{self.kept:06}.pb.gz"), "wb") as file:
                file.write(body)
            self.kept += 1

    def windows(self):
        """The windows of the received batches, in order: closing times in windows since 1970."""
        files = sorted(os.path.join(self.folder, name) for name in os.listdir(self.folder))
        times = set()
        for i in range(0, len(files), 100):
            for line in run(EDGELAT, "decode", *files[i:i + 100]).stdout.splitlines():
                for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                    if metric["name"] == "edgelat.agent.memory.resident":
                        times.add(int(metric["gauge"]["dataPoints"][0]["timeUnixNano"]) // int(WINDOW_S * 1e9))
        return sorted(times)


# ---- faults, each reverted at its end


@contextlib.contextmanager
def collector_gone(collector):
    collector.stop()
    yield
    collector.start()


@contextlib.contextmanager
def collector_fails(collector):
    collector.code = 503
    yield
    collector.code = 200


@contextlib.contextmanager
def packets_lost(_):
    for path in ("london", "amsterdam"):
        lab.change(path, "loss=60% jitter=5ms")
    yield
    for path in ("london", "amsterdam"):
        lab.change(path, "loss=0% jitter=0ms")


@contextlib.contextmanager
def pop_moves(_):
    lab.point("moving.example.net", "203.0.113.10")
    yield
    lab.point("moving.example.net", "203.0.113.20")


@contextlib.contextmanager
def names_gone(_):
    server = int(lab.read("dnsmasq.pid"))
    os.kill(server, signal.SIGSTOP)
    yield
    os.kill(server, signal.SIGCONT)


@contextlib.contextmanager
def disk_full(_):
    ballast = os.path.join(lab.FOLDER, "state", "ballast")
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    os.unlink(ballast)


FAULTS = [  # what it is, what is done, the fault
    ("the collector is gone", "its port closed, then open again", collector_gone),
    ("the collector fails", "each batch answered with 503", collector_fails),
    ("packets are lost", "60 % of those to two PoPs, 5 ms of jitter", packets_lost),
    ("a PoP moves", "its name points to another one, then back", pop_moves),
    ("no DNS", "the name server is stopped, then goes on", names_gone),
    ("the disk is full", "the state folder's file system filled to the last byte", disk_full),
]


# ---- the agent, observed from outside


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def least_seen(pid, seconds):
    """Minimum of resident memory in KiB and of descriptors, because probes in flight vary."""
    memory, descriptors, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        memory.append(resident(pid))
        descriptors.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(0.05)
    return min(memory), min(descriptors)


def trouble(agent, collector, seconds):
    """Cycles of all faults and a quiet time; returns the observations of each quiet time."""
    cycle_s = 60 if seconds >= LONG_S else 20
    quiet_s = WINDOW_S + 1  # contains the end of a window, when free memory is returned to the system
    fault_s = (cycle_s - quiet_s - 1) / len(FAULTS)
    seen, end = [], time.monotonic() + seconds
    tap.note(f"for {seconds:.0f} s, all {len(FAULTS)} faults each {cycle_s} s")
    while time.monotonic() + cycle_s <= end and agent.poll() is None:
        for _, _, fault in FAULTS:
            began = time.monotonic()
            with fault(collector):
                time.sleep(fault_s * 0.7)
            time.sleep(max(0.0, fault_s - (time.monotonic() - began)))
        if agent.poll() is not None:
            break
        seen.append(least_seen(agent.pid, quiet_s))
        tap.note(f"{seconds - (end - time.monotonic()):5.0f} s: {collector.kept} batches came, "
                 f"{seen[-1][0]} KiB, {seen[-1][1]} descriptors")
    return seen


def judge(agent, collector, seen, began, ended):
    settled = max(2, len(seen) // 3)  # earlier cycles are warm-up
    flat = FLAT if ended - began >= LONG_S else NEARLY_FLAT
    memory, descriptors = [m for m, _ in seen], [d for _, d in seen]
    tap.ok(len(seen) >= 3, f"{len(seen)} times each of {len(FAULTS)} faults in {ended - began:.0f} s")
    tap.ok(max(memory[settled:]) <= flat * memory[settled - 1],
           f"resident memory is flat: {memory[settled - 1]} KiB, then {max(memory[settled:])} KiB at most", memory)
    tap.ok(max(descriptors[settled:]) <= max(descriptors[:settled]) + 1,
           f"no descriptor leaks: {descriptors[0]} at first, {descriptors[-1]} at last", descriptors)
    tap.equal(0, agent.returncode, "it went on to the end, and ended with 0")
    windows = collector.windows()
    expected = range(int(began // WINDOW_S) + 1, int(ended // WINDOW_S) + 1)
    tap.equal([], sorted(set(expected) - set(windows)), f"no window is missed: {len(windows)} came")
    if not tap.failed:
        for what, done, _ in FAULTS:
            tap.row(what, f"{done}, {len(seen)} times", "no window is missed, memory and descriptors as before")


def main(seconds):
    state, path = os.path.join(lab.FOLDER, "state"), os.path.join(lab.FOLDER, "edgelat.conf")
    os.mkdir(state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", state], check=True)
    collector = Collector()
    collector.start()
    with open(SHIPPED, encoding="utf-8") as shipped:
        text = shipped.read()
    with open(path, "w", encoding="utf-8") as own:
        own.write(text)
    os.mkdir(path + ".d")
    with open(path + ".d/soak.conf", "w", encoding="utf-8") as own:
        own.write(CONFIGURATION.format(state=state, window=WINDOW_S, port=collector.port))
        for target in re.findall(r"^\[target .*\]$", text, re.M):
            own.write(f"{target}\ninterval = 1s\nslow_interval = 1s\n")
    log = open(os.path.join(lab.FOLDER, "agent.log"), "w+", encoding="utf-8")
    with running(EDGELAT, "run", "-c", path, stderr=log) as agent:
        lab.wait_for(lambda: "windows of" in lab.read("agent.log"), 10)
        began = time.time()
        seen = trouble(agent, collector, seconds)
        ended = time.time()
    judge(agent, collector, seen, began, ended)
    if tap.failed:
        log.seek(0)
        tap.note("".join(log.readlines()[-60:]))


if lab.FOLDER is None:
    LAB = os.path.join(lab.TOP, "scripts", "lab")
    os.execv(LAB, [LAB, "--", sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:]])
main(float(sys.argv[1]) if len(sys.argv) > 1 else 3600)
sys.exit(tap.finish())
