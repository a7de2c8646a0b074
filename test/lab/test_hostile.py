#!/usr/bin/python3 -B
"""A target and a collector send endless data: the agent keeps closing windows, answers status and signals; a command ends in time.
Runs itself in the lab."""

import json
import os
import signal
import socket
import sys
import threading
import time

import lab
from lab import Tap, run, running, wait_for
from probing import EDGELAT, run_in_lab

HELLO_REQUESTS = b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 29000
CONFIGURATION = """[agent]
state_dir = {folder}/state
status_socket = {folder}/status
window = 5s
workloads = no
front_doors = 0
[collector]
url = https://127.0.0.1:{port}
[target near]
host = 127.0.0.1
kinds = icmp
interval = 1s
slow_interval = 1s
[target hostile]
host = 127.0.0.1
port = {port}
kinds = https
interval = 1s
slow_interval = 1s
"""

tap = Tap()


def flood(connection):
    try:
        while True:
            connection.sendall(HELLO_REQUESTS)
    except OSError:
        connection.close()


def serve(listener):
    while True:
        threading.Thread(target=flood, args=(listener.accept()[0],), daemon=True).start()


def ends_within(process, seconds, what):
    began = time.monotonic()
    process.wait(10)
    tap.ok(time.monotonic() - began < seconds, f"{what} within {seconds} s")


def check_agent(port):
    path, log_path = (os.path.join(lab.FOLDER, name) for name in ("edgelat.conf", "log"))
    with open(path, "w", encoding="ascii") as file:
        file.write(CONFIGURATION.format(folder=lab.FOLDER, port=port))
    with open(log_path, "w", encoding="ascii") as log, running(EDGELAT, "run", "-v", "-c", path, stderr=log) as agent:
        wait_for(lambda: open(log_path, encoding="utf-8").read().count("window closed") >= 1, 12, 0.2)
        asked = run(EDGELAT, "status", "-c", path, timeout=10)
        agent.send_signal(signal.SIGTERM)
        ends_within(agent, 4, "SIGTERM ends the agent")
    with open(log_path, encoding="utf-8") as log:
        text = log.read()
    tap.ok("window closed" in text, "windows close on time", text[-2000:])
    tap.ok(asked.returncode in (0, 1), "status is answered", asked.stderr)
    tap.ok("held this host too long; check that `url`" in text, "the log names the collector as the cause", text[-2000:])


def check_command(port):
    began = time.monotonic()
    done = run(EDGELAT, "probe", "https", f"127.0.0.1:{port}", "-n", "1", "-w", "1", "--json")
    result = json.loads(done.stdout.splitlines()[0])
    tap.ok(time.monotonic() - began < 2, "-w 1: it ends in time")
    tap.equal("tls_error", result["outcome"], "no loss, and measured")
    tap.ok("held this host too long" in result["cause"], "the cause is named", result["cause"])
    with running(EDGELAT, "probe", "https", f"127.0.0.1:{port}", "-i", "0.2", stdout=lab.subprocess.DEVNULL) as probe:
        time.sleep(1)
        probe.send_signal(signal.SIGINT)
        ends_within(probe, 3, "Ctrl-C ends a command")


def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        check_command(port)
        check_agent(port)
    if not tap.failed:
        tap.row("a target and a collector that flood", "HelloRequest records without end",
                "windows, status and signals as ever; named as the cause")


run_in_lab("default", __file__)
main()
sys.exit(tap.finish())
