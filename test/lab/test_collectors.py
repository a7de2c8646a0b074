#!/usr/bin/python3 -B
"""The receivers that packaging/collector/ suggests: what is written there can be read, and the dashboard shows something.

Runs itself in the lab.
"""

import glob
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import yaml

import lab
from lab import Tap, run, running, wait_for
from receivers import BUILD, Prometheus, VictoriaMetrics, decode_all

EXAMPLES = os.path.join(lab.TOP, "packaging", "collector")
EDGELAT = os.path.join(BUILD, "edgelat")

tap = Tap()


def read(name):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
        return file.read()


def otelcol():
    """What a pipeline names is there, with or without the parts that are commented out."""
    shipped = read("otelcol.yaml")
    begun = shipped.index("exporters:")
    uncommented = shipped[:begun] + re.sub(r"^  # (?!----)", "  ", shipped[begun:], flags=re.M)
    for what, text in (("as shipped", shipped), ("uncommented", uncommented)):
        conf = yaml.safe_load(text)
        parts = {kind: set(conf[kind]) for kind in ("receivers", "processors", "exporters", "extensions")}
        for name, pipeline in conf["service"]["pipelines"].items():
            missing = [(kind, part) for kind, used in pipeline.items() for part in used if part not in parts[kind]]
            tap.equal([], missing, f"otelcol.yaml, {what}: {name}: every part of the pipeline is defined")
        stores = {e.get("sending_queue", {}).get("storage") for e in conf["exporters"].values()} - {None}
        tap.ok(stores <= parts["extensions"] and set(conf["service"]["extensions"]) <= parts["extensions"],
               f"otelcol.yaml, {what}: queues are where they say", stores)
    tap.equal({"clickhouse", "kafka", "prometheusremotewrite"}, parts["exporters"], "otelcol.yaml: three backends")


def queries(dashboard):
    """(panel and query, expression) of all that Prometheus' language is asked in."""
    values = {"site": "lab", "target": ".*", "kind": "icmp", "delay": "rtt", "__rate_interval": "1m"}
    for panel in dashboard["panels"]:
        if panel["datasource"]["type"] == "prometheus":
            for target in panel["targets"]:
                expression = re.sub(r"\$(\w+)", lambda m: values[m.group(1)], target["expr"])
                yield f"{panel['title']}, {target['refId']}", expression
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            yield f"variable {variable['name']}", f"count by ({label}) (({series})) != 0"


def dashboard_shows_something():
    dashboard = json.loads(read("grafana-dashboard.json"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    tap.equal(len(ids), len(set(ids)), "dashboard: each panel has a number of its own")
    vm = VictoriaMetrics("-opentelemetry.usePrometheusNaming")
    path = os.path.join(lab.FOLDER, "collectors.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nsite = lab\nwindow = 5s\nstate_dir = {lab.FOLDER}/collectors\n"
                   f"[collector]\nurl = http://127.0.0.1:{vm.PORT}/opentelemetry\n"
                   "[target teams]\nhost = teams.microsoft.com\ninterval = 1s\n"
                   "[target exchange]\nhost = outlook.office365.com\ninterval = 1s\n")
    with running(*vm.command, stdout=vm.log, stderr=vm.log):
        if not tap.ok(wait_for(vm.ready, 15), "VictoriaMetrics is up"):
            return
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE), \
                running(*restless_agent(vm), stderr=subprocess.DEVNULL) as restless:
            time.sleep(25)
            restless.send_signal(signal.SIGTERM)
            restless.wait(10)
            batches = batches_of(f"{lab.FOLDER}/restless")
            every_window_counts(vm, batches)
            for what, expression in queries(dashboard):
                found = vm.query(expression, 1)
                if what == "Delay by PoP, merged over the sites, C":
                    tap.equal([], found, f"dashboard: {what}: nothing, as it is for Prometheus")
                else:
                    tap.ok(found, f"dashboard: {what}: {len(found)} series", expression)
            waiting = glob.glob(f"{lab.FOLDER}/collectors/spool/*-logs.pb.gz")
            tap.ok(waiting, "VictoriaMetrics takes no events: they wait")
            tap.equal([], glob.glob(f"{lab.FOLDER}/collectors/spool/bad/*"), "and nothing is set aside")
    prometheus(batches)


# ---- series that begin all the time


class RestlessNames(threading.Thread):
    """A name server whose answer is another address of the lab's Paris every five seconds."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.servers = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        while True:
            query, asker = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            a = query[end - 4:end - 2] == b"\0\1"
            address = bytes([203, 0, 113, 101 + int(time.monotonic() / 5) % 10])
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + address if a else b""
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, a, 0, 0) + query[12:end] + answer, asker)


def restless_agent(vm):
    """Command of an agent without `site` whose target is somewhere else in each window."""
    names = RestlessNames()
    names.start()
    path = os.path.join(lab.FOLDER, "restless.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nwindow = 5s\nworkloads = no\nfront_doors = 0\nstate_dir = {lab.FOLDER}/restless\n"
                   f"status_socket = {lab.FOLDER}/restless.sock\n[dns]\nservers = {names.servers}\n"
                   f"[collector]\nurl = http://127.0.0.1:{vm.PORT}/opentelemetry\nevents = no\n"
                   "[target restless]\nhost = restless.example\nkinds = icmp tcp\nfamily = ipv4\n"
                   "interval = 1s\nslow_interval = 1s\n")
    return [EDGELAT, "run", "-c", path]


def batches_of(state):
    """What was sent, the oldest first."""
    files = glob.glob(f"{state}/history/*-metrics*") + glob.glob(f"{state}/spool/*-metrics*")
    return [json.loads(run(EDGELAT, "decode", file).stdout) for file in sorted(files, key=os.path.basename)]


def counted(batches):
    """Exact sums of results and of delays over all series, from the last point of each."""
    last = {"edgelat.probe.results": {}, "edgelat.probe.delay": {}}
    for batch in batches:
        for metric in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
            for p in next(iter(v for v in metric.values() if isinstance(v, dict)))["dataPoints"]:
                if metric["name"] in last:
                    key = json.dumps(p["attributes"]), p["startTimeUnixNano"]
                    last[metric["name"]][key] = int(p.get("asInt", p.get("count", 0)))
    return [sum(values.values()) for values in last.values()]


def every_window_counts(vm, batches):
    results, delays = counted(batches)
    tap.ok(len(batches) >= 5 and results >= 40 and delays >= 40, f"{len(batches)} batches with {results} results")
    site = f'{{edgelat_target="restless",edgelat_site="{socket.gethostname()}"}}'
    for metric, exact in (("edgelat_probe_results_total", results), ("edgelat_probe_delay_seconds_count", delays)):
        found = vm.query(f"sum(increase({metric}{site}[5m]))", 1)
        tap.equal([exact], [value for _, value in found],
                  f"VictoriaMetrics: increase of {metric}, site by the host's name, is the exact count")


def prometheus(batches):
    """It reads the configuration that we suggest, and its increase() sees the first window of each series."""
    server = Prometheus(os.path.join(EXAMPLES, "prometheus.yml"))
    with running(*server.command, stdout=server.log, stderr=server.log):
        if not tap.ok(wait_for(server.ready, 15), "Prometheus runs with prometheus.yml",
                      open(server.log_path, encoding="utf-8").read()[-2000:]):
            return
        said = [server.write(batch) for batch in batches for _ in range(2)]
        tap.equal({None}, set(said), f"Prometheus takes {len(batches)} batches, each twice")
        now = time.time() + 1
        results, delays = counted(batches)
        sums = [0, 0]
        for series in server.query('{__name__=~"edgelat_probe_results_total|edgelat_probe_delay"}[5m]', now):
            of_results = "values" in series
            values = [float(v if of_results else v["count"]) for _, v in series["values" if of_results else "histograms"]]
            sums[not of_results] += sum(max(b - a, 0) for a, b in zip(values, values[1:]))
        tap.equal([results, delays], sums, "Prometheus: differences of points are the exact counts")
        found = server.query("sum(increase(edgelat_probe_results_total[5m]))", now)
        seen = float(found[0]["value"][1])  # it extrapolates a series of one window by half of that
        tap.ok(results <= seen <= 1.3 * results, f"Prometheus: increase is {seen:.1f}, of {results} results")


def points(batch, metric):
    """[(key, start, time, value)] of a sum in a batch as `edgelat decode` prints it."""
    for found in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        if found["name"] == metric:
            for p in found["sum"]["dataPoints"]:
                key = tuple(sorted((a["key"], json.dumps(a["value"])) for a in p["attributes"]))
                yield key, int(p["startTimeUnixNano"]), int(p["timeUnixNano"]), int(p.get("asInt", "0"))


def delta():
    """Window by window, without a gap and without an overlap; what was probed is in one of them."""
    received = os.path.join(lab.FOLDER, "delta-received")
    path = os.path.join(lab.FOLDER, "delta.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nwindow = 5s\nstate_dir = {lab.FOLDER}/delta\n"
                   "[collector]\nurl = http://127.0.0.1:18431\ntemporality = delta\n"
                   "[target teams]\nhost = teams.microsoft.com\nkinds = icmp\ninterval = 1s\n")
    with running(EDGELAT, "collect", "--quiet", "--listen", "127.0.0.1:18431", "--dir", received,
                 stderr=subprocess.DEVNULL):
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.DEVNULL) as agent:
            time.sleep(18)
            agent.send_signal(signal.SIGTERM)
            agent.wait(10)
    texts = decode_all(tap, received)
    tap.ok("AGGREGATION_TEMPORALITY_DELTA" in texts["metrics"] and "CUMULATIVE" not in texts["metrics"],
           "delta: every sum and histogram says so")
    files = sorted(glob.glob(f"{received}/*-metrics.pb.gz"))
    last, most, gaps = {}, 0, []
    for file in files:
        batch = json.loads(run(EDGELAT, "decode", file).stdout)
        for key, start, end, value in points(batch, "edgelat.probe.results"):
            if start < last.get(key, 0) or start >= end:
                gaps.append((key, start, end))
            last[key] = end
            most = max(most, value)
    tap.equal([], gaps, f"delta: {len(files)} windows, none of which overlaps another")
    tap.ok(0 < most <= 6, f"delta: at most {most} results in a window of 5 s")


if __name__ == "__main__":
    if lab.FOLDER is None:
        os.execv(os.path.join(lab.TOP, "scripts", "lab"), ["lab", "--", sys.executable, os.path.abspath(__file__)])
    otelcol()
    dashboard_shows_something()
    delta()
    sys.exit(tap.finish())
