#!/usr/bin/python3 -B
"""A name with five addresses, 20 to 280 ms away, one of which drops everything: the agent, `nearest` and `probe` against a
real DNS server that begins with another address each time. Runs itself in the lab; all at the same time."""

import json
import os
import subprocess
import sys
import tempfile
import time

import lab
import probing
from lab import Tap, json_lines, run, wait_for
from probing import EDGELAT, LAB

HOST = "teams.example.net"
DELAYS = {1: 150, 2: 20, 3: 280, 4: 85}  # last byte of 203.0.113.0/24: ms
DEAD = "203.0.113.5"
ALL = [f"203.0.113.{number}" for number in DELAYS] + [DEAD]
TARGET = f"[target teams]\nhost = {HOST}\nkinds = tcp icmp\nfamily = ipv4\ninterval = 1s\nslow_interval = 1s\nwaiting = 500ms\n"
AGENT = "workloads = no\nfront_doors = 0\nwindow = 5s\n"
SECONDS = 35

tap = Tap()


def scenario():
    lines = ["branch 10.42.0.10/24", "dns 198.51.100.53", "ttl 5", "router office 10.42.0.1 -", "path dns 198.51.100.53 delay=2ms"]
    for number, delay in DELAYS.items():
        lines += [f"path p{number} 203.0.113.{number} delay={delay}ms", f"pop p{number} 203.0.113.{number}"]
    lines += [f"path dead {DEAD} delay=5ms blackhole=on", f"name {HOST} = {' '.join(ALL)}"]
    return "\n".join(lines) + "\n"


def test_agent(agent, socket):
    """What status says after some windows."""
    def found():
        done = run(EDGELAT, "status", "-c", socket, "--json")
        status = json.loads(done.stdout) if done.stdout else {}
        return status if any(DEAD in line for line in status.get("findings", [])) else None

    status = wait_for(found, SECONDS)
    text = run(EDGELAT, "status", "-c", socket).stdout
    agent.terminate()
    agent.wait(10)
    page = run(EDGELAT, "report", "-c", socket, "-o", "-").stdout
    tap.ok(f"1 of 5 addresses of {HOST} does not answer: {DEAD}" in page, "the report too", page[:3000])
    if not status:
        tap.ok(False, "status names the address that does not answer", text)
        return
    target = status["targets"][0]
    line = next(line for line in status["findings"] if DEAD in line)
    tap.ok("1 of 5 addresses" in line, "status: one of five", line)
    tap.equal("up", target["state"], "status: the target is up")
    tap.equal([0, 0], [stream["lost"] for stream in target["streams"]], "status: no loss")
    tap.equal({"203.0.113.2"}, {stream["address"] for stream in target["streams"]}, "status: the values of the nearest")
    known = {row["address"]: row for row in target["addresses"]}
    tap.equal(sorted(ALL), sorted(known), "status: each address")
    for number, delay in DELAYS.items():
        tap.near(delay, known[f"203.0.113.{number}"]["p50"], 5, f"status: {delay} ms")
    tap.equal(["down"], [known[DEAD]["state"]], "status: its state")
    events = [event for event in status["events"] if event["name"] == "edgelat.address.changed"]
    tap.equal(1, len(events), "one event")
    tap.ok(DEAD in events[0]["text"], "with the address", events)
    tap.equal([], [e for e in status["events"] if e["name"].startswith("edgelat.state.")], "and none of the target")
    tap.ok("203.0.113.2 20." in text and f"{DEAD} does not answer" in text, "status: a line for the addresses", text)


def test_nearest(process):
    output, _ = process.communicate(timeout=60)
    row = json_lines(output)[0]
    tap.equal("203.0.113.2", row["address"], "nearest: the nearest address")
    tap.near(20, row["min"], 3, "nearest: its delay")
    tap.equal([0, 1], [row["loss_ratio"], row["rank"]], "nearest: no loss, a rank")
    silent = [a["address"] for a in row["addresses"] if a["unanswered"] > 1]
    tap.ok(silent == [DEAD], "nearest: the address that did not answer", row["addresses"])


def test_probe(number, process):
    output, _ = process.communicate(timeout=60)
    summary = json_lines(output)[-1]
    tap.equal(1, process.returncode, f"probe {number}: exit code 1")
    tap.equal((8, 8, 0), (summary["sent"], summary["received"], summary["lost"]), f"probe {number}: no loss")
    tap.near(20, summary["delays"]["rtt"]["min"], 3, f"probe {number}: the least")
    tap.near(280, summary["delays"]["rtt"]["max"], 5, f"probe {number}: the most")
    tap.equal([DEAD], [a["address"] for a in summary["addresses"] if a["silent"]], f"probe {number}: the address")


def main():
    folder = os.path.join(lab.FOLDER, "own")
    os.mkdir(folder)
    path = os.path.join(folder, "agent.conf")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"[agent]\n{AGENT}state_dir = {folder}/state\nstatus_socket = {folder}/status\nstop_file = {folder}/stop\n{TARGET}")
    with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
        agent = subprocess.Popen([EDGELAT, "run", "-c", path], stderr=log)
    nearest_path, _ = probing.configuration("nearest", TARGET, "workloads = no\nfront_doors = 0\n")
    nearest = subprocess.Popen([EDGELAT, "nearest", "-c", nearest_path, "-t", "9", "--json"], text=True, stdout=subprocess.PIPE)
    probes = [subprocess.Popen([EDGELAT, "probe", "tcp", HOST, "-n", "10", "-i", "0.2", "--json"], text=True,
                               stdout=subprocess.PIPE) for _ in range(3)]
    for number, process in enumerate(probes, 1):
        test_probe(number, process)
    test_nearest(nearest)
    test_agent(agent, path)


if __name__ == "__main__":
    if lab.FOLDER is not None:
        main()
        sys.exit(tap.finish())
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix="-five") as file:
        file.write(scenario())
        file.flush()
        sys.exit(subprocess.run([LAB, file.name, "--", sys.executable, "-B", os.path.abspath(__file__)], check=False).returncode)
