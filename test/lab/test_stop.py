#!/usr/bin/python3 -B
"""The kill switch: a collector's 403, or a file, stops all probing until it is lifted; a
capture shows that nothing is sent. Runs itself in the lab."""

import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import lab
from lab import Tap, json_lines, run, wait_for
from probing import EDGELAT, Capture, run_in_lab

ORDER = "edgelat: stop probing: the office moves"
SETTLE_S = 20  # all operations under way have ended: a probe takes up to 2 s, a lookup 5 s
QUIET_S = 3

tap = Tap()


class Collector(http.server.ThreadingHTTPServer):
    """Answers each batch with (status, body) and keeps what it has accepted."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = 200, ""
        self.accepted, self.asked = [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = self.server.answer
        self.server.asked += 1
        if status == 200:
            self.server.accepted.append((self.path, body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def decoded(collector, path):
    """What was accepted there, as OTLP/JSON."""
    found = []
    for number, (where, body) in enumerate(collector.accepted):
        if where == path:
            file = os.path.join(lab.FOLDER, f"batch-{number}")
            with open(file, "wb") as out:
                out.write(body)
            signal_name = "logs" if path.endswith("logs") else "metrics"
            named = os.path.join(lab.FOLDER, f"{number + 1:020}-{signal_name}.pb.gz")
            os.replace(file, named)
            found += json_lines(run(EDGELAT, "decode", named).stdout)
    return found


class Agent:
    """`edgelat run` under a fake service manager."""

    def __init__(self, collector):
        self.folder = os.path.join(lab.FOLDER, "agent")
        os.makedirs(self.folder, exist_ok=True)
        self.stop_file = os.path.join(self.folder, "stop")
        self.config = os.path.join(self.folder, "edgelat.conf")
        self.log = os.path.join(self.folder, "log")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[agent]\nwindow = 5s\nstate_dir = {self.folder}/state\nstop_file = {self.stop_file}\n"
                       f"[collector]\nurl = http://127.0.0.1:{collector.server_port}\nspread = 0s\n"
                       "[target teams]\nhost = teams.microsoft.com\ninterval = 1s\n")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(os.path.join(self.folder, "notify"))
        self.status = ""  # the last that the service manager was told
        threading.Thread(target=self.listen, daemon=True).start()
        self.start()

    def listen(self):
        while True:  # nobody who does not listen may be told anything: the agent would wait
            words = self.manager.recv(4096).decode()
            self.status = "".join(re.findall(r"^STATUS=(.*)$", words, re.M)) or self.status

    def start(self):
        self.began = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        environment = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder, "notify"), WATCHDOG_USEC="1000000")
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([EDGELAT, "run", "-c", self.config], stderr=log, env=environment)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def said(self, words):
        """How often, since it was started."""
        with open(self.log, encoding="utf-8") as log:
            log.seek(self.began)
            return len(re.findall(words, log.read()))


def probes_in(seconds):
    """ICMP echoes, TCP and questions to DNS that leave or arrive meanwhile."""
    with Capture() as capture:
        time.sleep(seconds)
    kinds = [packet[6] if packet[0] >> 4 == 6 else packet[9] for _, packet in capture.packets]
    echoes = sum(kind == 1 or (kind == 58 and packet[40] in (128, 129))
                 for kind, (_, packet) in zip(kinds, capture.packets))
    return echoes + kinds.count(6) + kinds.count(17)


def check_probing(what):
    tap.ok(probes_in(QUIET_S) > 10, what)


def check_quiet(agent, what):
    wait_for(lambda: probes_in(1) == 0, SETTLE_S)
    tap.equal(0, probes_in(2 * QUIET_S), what)
    tap.ok(wait_for(lambda: agent.status.startswith("probing is stopped: "), 12), "the service manager is told")


def by_the_collector(agent, collector):
    tap.ok(wait_for(lambda: collector.accepted, 12), "a batch is accepted")
    check_probing("it probes")
    collector.answer = 403, ORDER + "\n"
    tap.ok(wait_for(lambda: agent.said("probing is stopped: by order of the collector: the office moves"), 12),
           "the collector's order is said, with its reason")
    check_quiet(agent, "and nothing is sent any more")
    tap.equal(1, agent.said("probing is stopped"), "it is said once")

    collector.answer = 503, ""
    asked = collector.asked
    tap.equal(0, agent.end(), "it ends as always")
    agent.start()
    tap.ok(wait_for(lambda: collector.asked > asked + 1, 15), "an agent that starts again asks the collector")
    tap.equal(0, probes_in(QUIET_S), "and does not probe before it has answered")
    tap.equal(1, agent.said("probing is stopped: by order of the collector: the office moves"), "it says why")

    collector.answer = 200, ""
    tap.ok(wait_for(lambda: agent.said("probing resumed"), 20), "an accepted batch lifts it")
    check_probing("it probes again")


def by_the_file(agent):
    with open(agent.stop_file, "w", encoding="utf-8"):
        pass
    tap.ok(wait_for(lambda: agent.said(f"probing is stopped: {agent.stop_file} exists"), 12), "the file's order is said")
    check_quiet(agent, "and nothing is sent any more")
    os.unlink(agent.stop_file)
    tap.ok(wait_for(lambda: agent.said("probing resumed") == 2, 12), "without the file it goes on")
    check_probing("it probes again")


def what_was_sent(agent, collector):
    tap.equal(0, agent.end(), "it ends as always")
    names = [r["eventName"] if "eventName" in r else str(r) for request in decoded(collector, "/v1/logs")
             for r in request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
    own = [name for name in names if name.startswith("edgelat.agent.")]
    tap.equal(["edgelat.agent.stopped", "edgelat.agent.stopped", "edgelat.agent.resumed",
               "edgelat.agent.stopped", "edgelat.agent.resumed"], own, "the events")
    tap.ok("edgelat.state.changed" not in names, "no target was down", names)
    probing, ratios = [], []
    for request in decoded(collector, "/v1/metrics"):
        metrics = {m["name"]: m["gauge"]["dataPoints"] if "gauge" in m else []
                   for m in request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
        probing.append(metrics["edgelat.agent.probing"][0]["asDouble"])
        ratios.append([p["asDouble"] for p in metrics.get("edgelat.probe.loss_ratio", [])
                       if {"key": "edgelat.target", "value": {"stringValue": "teams"}} in p["attributes"]])
    tap.ok(set(probing) == {0, 1}, "edgelat.agent.probing is 1, and 0 while it is stopped", probing)
    tap.ok([] in ratios, "windows without a probe have no loss ratio", ratios)
    tap.equal({0}, set(sum(ratios, [])), "and no other window shows a loss")


if __name__ == "__main__":
    run_in_lab("default", __file__)
    collectors = Collector()
    agents = Agent(collectors)
    try:
        by_the_collector(agents, collectors)
        by_the_file(agents)
        what_was_sent(agents, collectors)
        if not tap.failed:
            tap.row("it must stop", "the collector's 403, a restart under it, the file", "no packet until it is lifted")
    finally:
        agents.process.kill()
    sys.exit(tap.finish())
