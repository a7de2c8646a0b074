#!/usr/bin/python3 -B
"""The receivers that packaging/collector/ suggests: what is written there can be read, and the dashboard shows something.

Runs itself in the lab.
"""

import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import yaml

import lab
from lab import Tap, run, running, wait_for
from receivers import BUILD, TOOLS, VictoriaMetrics, decode_all

EXAMPLES = os.path.join(lab.TOP, "packaging", "collector")
EDGELAT = os.path.join(BUILD, "edgelat")
PROMETHEUS_PORT = 18430

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


def prometheus():
    """Debian's has no OTLP receiver, but it reads the configuration of one."""
    def ready():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PROMETHEUS_PORT}/-/ready", timeout=1) as reply:
                return reply.status == 200
        except OSError:
            return False

    program = os.path.join(TOOLS, "prometheus", "usr", "bin", "prometheus")
    log = os.path.join(lab.FOLDER, "prometheus.log")
    with open(log, "w", encoding="utf-8") as out, running(
            program, f"--config.file={EXAMPLES}/prometheus.yml", f"--storage.tsdb.path={lab.FOLDER}/prometheus",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", stdout=out, stderr=out):
        tap.ok(wait_for(ready, 15), "Prometheus runs with prometheus.yml", open(log, encoding="utf-8").read()[-2000:])


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
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            yield f"variable {variable['name']}", f"count by ({label}) ({metric}{{{label}!=''}})"


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
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE):
            time.sleep(25)
            for what, expression in queries(dashboard):
                found = vm.query(expression, 1)
                if what == "Delay by PoP, merged over the sites, C":
                    tap.equal([], found, f"dashboard: {what}: nothing, as it is for Prometheus")
                else:
                    tap.ok(found, f"dashboard: {what}: {len(found)} series", expression)
            refused = glob.glob(f"{lab.FOLDER}/collectors/spool/bad/*-logs.pb.gz")
            tap.ok(refused, "VictoriaMetrics takes no events: they are set aside")
            tap.equal([], glob.glob(f"{lab.FOLDER}/collectors/spool/bad/*-metrics.pb.gz"), "and metrics are not")


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
    prometheus()
    dashboard_shows_something()
    delta()
    sys.exit(tap.finish())
