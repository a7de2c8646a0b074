#!/usr/bin/python3 -B
"""Checks packaging/collector/: the files are valid, and the dashboard shows data.

Runs itself in the lab.
"""

import contextlib
import glob
import gzip
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
from receivers import BUILD, TOOLS, Prometheus, VictoriaMetrics, decode_all

EXAMPLES = os.path.join(lab.TOP, "packaging", "collector")
EDGELAT = os.path.join(BUILD, "edgelat")
PROMTOOL = os.path.join(TOOLS, "promtool", "usr", "bin", "promtool")

tap = Tap()


def read(name):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
        return file.read()


def otelcol():
    """Acknowledged data is on disk: no pipeline has a `batch` processor, each exporter's queue has storage, a limit in
    bytes and unlimited retries. No part is unused, with or without the commented-out parts."""
    shipped = read("otelcol.yaml")
    uncommented = re.sub(r"^  # (?=( +#| *- | *[\w/]+:( |$)))", "  ", shipped, flags=re.M)
    for what, text in (("as shipped", shipped), ("uncommented", uncommented)):
        conf = yaml.safe_load(text)
        kinds = ("receivers", "processors", "exporters")
        parts = {kind: set(conf[kind]) for kind in (*kinds, "extensions")}
        pipelines = conf["service"]["pipelines"]
        used = {kind: {part for pipeline in pipelines.values() for part in pipeline[kind]} for kind in kinds}
        used["extensions"] = set(conf["service"]["extensions"])
        for kind, of_kind in used.items():
            tap.equal(set(), of_kind - parts[kind], f"otelcol.yaml, {what}: {kind} that are used are defined")
            if what == "as shipped":
                tap.equal(set(), parts[kind] - of_kind, f"otelcol.yaml, {what}: {kind} that are defined are used")
        batching = [part for part in parts["processors"] if part.split("/")[0] in ("batch", "groupbyattrs")]
        tap.equal([], batching, f"otelcol.yaml, {what}: nothing answers before the queue does")
        for name, exporter in conf["exporters"].items():
            queue = exporter.get("sending_queue", {})
            tap.ok(queue.get("enabled") and queue.get("storage") in used["extensions"] and
                   queue.get("sizer") == "bytes" and queue.get("batch", {}).get("sizer") == "items" and
                   not queue.get("wait_for_result"), f"otelcol.yaml, {what}: {name}: a queue on disk", queue)
            tap.equal({"enabled": True, "max_elapsed_time": "0s"}, exporter.get("retry_on_failure"),
                      f"otelcol.yaml, {what}: {name}: never gives up")
    tap.equal({"clickhouse", "kafka", "otlp_http"}, parts["exporters"], "otelcol.yaml: three backends")
    tap.equal({"memory_limiter", "filter/no_histograms"}, parts["processors"], "otelcol.yaml: two processors")


def rules():
    path = os.path.join(EXAMPLES, "edgelat.rules.yml")
    groups = yaml.safe_load(read("edgelat.rules.yml"))["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    tap.equal(10, len(found), "edgelat.rules.yml: ten rules")
    tap.ok(all("summary" in rule["annotations"] for rule in found if "alert" in rule), "each alert has a summary")
    if os.access(PROMTOOL, os.X_OK):
        done = run(PROMTOOL, "check", "rules", path)
        tap.ok(f"SUCCESS: {len(found)} rules found" in done.stdout, "promtool accepts them", done.stdout + done.stderr)
        done = run(PROMTOOL, "test", "rules", os.path.join(lab.TOP, "test", "lab", "edgelat.rules.test.yml"))
        tap.ok(done.returncode == 0, "promtool: they fire when they should", done.stdout + done.stderr)
    return [(rule.get("record") or rule["alert"], rule["expr"]) for rule in found]


# ---- the dashboard, with windows of a minute and as Grafana asks


SHIPPED_WINDOW, SCRAPE_INTERVAL = 60, 15  # seconds: the agent's default; the default of Grafana's data source


def played(state, window):
    """[(request, the same as JSON)]: the batches in a state folder as windows of SHIPPED_WINDOW would have made them, the
    newest a second before the last minute, which is a step of Grafana's."""
    batches = []
    factor, newest = SHIPPED_WINDOW // window, (time.time_ns() // 60000000000 * 60 - 1) * 1000000000
    for file in sorted(glob.glob(f"{state}/history/*-metrics*"), key=os.path.basename):
        with gzip.open(file) as packed:
            batches.append((packed.read(), run(EDGELAT, "decode", file).stdout))
    times = {int(t) for _, text in batches for t in re.findall(r'imeUnixNano":"?(\d+)', text)}
    moved = {t: newest - (max(times) - t) * factor for t in times}
    out = []
    for request, text in batches:
        for t, to in moved.items():
            request = request.replace(struct.pack("<Q", t), struct.pack("<Q", to))
        text = re.sub(r'(imeUnixNano":"?)(\d+)', lambda m: m[1] + str(moved[int(m[2])]), text)
        out.append((request, json.loads(text)))
    return out


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def as_grafana(target, values, range_s):
    """(expression, step): $__rate_interval is the larger of step + scrape interval and four scrape intervals, where the
    Min step of the query takes the place of the data source's scrape interval."""
    scrape = seconds(target["interval"]) if "interval" in target else SCRAPE_INTERVAL
    step = max(scrape, range_s // 1000)
    values = values | {"__rate_interval": f"{max(step + scrape, 4 * scrape)}s"}
    return re.sub(r"\$(\w+)", lambda m: values[m[1]], target["expr"]), step


def series_of(store, target, values, end, windows):
    """[[(time, value)]] in a panel of 20 minutes, and how many there are at least: the first
    window begins the series, and of a short one no percentile is sent."""
    expression, step = as_grafana(target, values, 1200)
    if target.get("instant"):
        start, step, least = end, 300, 1  # the step is how far VictoriaMetrics looks back
    else:
        end = end // step * step
        start, least = end - 1200, (windows - 2) * 60 // step
    return [[(t, float(v)) for t, v in s["values"] if v != "NaN"]
            for s in store.query_range(expression, start, end, step)], least


def dashboard_shows(name, store, other, windows):
    """`other`: the queries of "Delay by PoP" for the other way of keeping histograms."""
    dashboard = json.loads(read("grafana-dashboard.json"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    tap.equal(len(ids), len(set(ids)), "dashboard: each panel has a number of its own")
    values = {"site": "lab", "target": ".*", "kind": "icmp", "delay": "rtt", "period": "hour"}
    now = int(time.time())
    for panel in dashboard["panels"]:
        if panel["datasource"]["type"] != "prometheus":
            continue
        for target in panel["targets"]:
            what = f"{name}: dashboard: {panel['title']}, {target['refId']}"
            found, least = series_of(store, target, values, now, windows)
            if panel["id"] == 5 and target["refId"] in other:
                tap.equal([], found, f"{what}: nothing, it is for the other store")
                continue
            most = max(map(len, found), default=0)
            tap.ok(most >= least, f"{what}: {most} points, at least {least}", target["expr"])
            found, _ = series_of(store, target, values | {"site": "elsewhere"}, now, windows)
            tap.equal([], [s for s in found if any(v for _, v in s)], f"{what}: nothing of another site")
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            expression = re.sub(r"\$(\w+)", lambda m: values[m[1]], f"count by ({label}) (({series})) != 0")
            tap.ok(store.query_range(expression, now - 60, now, 5), f"{name}: variable {variable['name']}", expression)


@contextlib.contextmanager
def recorded_router():
    """A router that sends a recorded BMP session of FRR and NetFlow of softflowd, for the panels of BGP and traffic."""
    with open(os.path.join(lab.TOP, "test", "fuzz", "corpus", "bmp", "frr"), "rb") as file:
        recorded = file.read()[1:]  # without the size of the pieces, for the fuzz target
    router = socket.socket()
    with router:
        if tap.ok(wait_for(lambda: router.connect_ex(("127.0.0.1", 11019)) == 0, 10), "the BMP station listens"):
            router.sendall(recorded)
        with open(os.path.join(lab.TOP, "test", "fuzz", "corpus", "netflow5", "softflowd"), "rb") as file:
            recorded = file.read(int.from_bytes(file.read(2), "big"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flows:
            flows.sendto(recorded, ("127.0.0.1", 12055))
        yield


def receivers_take_it():
    vm = VictoriaMetrics("-opentelemetry.usePrometheusNaming")
    path = os.path.join(lab.FOLDER, "collectors.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nsite = lab\nwindow = 6s\nstate_dir = {lab.FOLDER}/collectors\ngateway = no\n[dns]\nprobe = no\n"
                   f"[collector]\nurl = http://127.0.0.1:{vm.PORT}/opentelemetry\n"
                   "[bmp]\nlisten = 127.0.0.1:11019\nrouters = 127.0.0.1\n"
                   "[traffic]\nflows = 127.0.0.1:12055\nexporters = 127.0.0.1\n"
                   "[target teams]\nhost = teams.microsoft.com\ninterval = 1s\n"
                   "[target exchange]\nhost = outlook.office365.com\ninterval = 1s\n")
    with running(*vm.command, stdout=vm.log, stderr=vm.log):
        if not tap.ok(wait_for(vm.ready, 15), "VictoriaMetrics is up"):
            return
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE), \
                running(*restless_agent(vm), stderr=subprocess.DEVNULL) as restless, recorded_router():
            time.sleep(25)
            restless.send_signal(signal.SIGTERM)
            restless.wait(10)
            batches = batches_of(f"{lab.FOLDER}/restless")
            every_window_counts(vm, batches)
            waiting = glob.glob(f"{lab.FOLDER}/collectors/spool/*-logs.pb.gz")
            tap.ok(waiting, "VictoriaMetrics takes no events: they wait")
            tap.equal([], glob.glob(f"{lab.FOLDER}/collectors/spool/bad/*"), "and nothing is set aside")
    minutes = played(f"{lab.FOLDER}/collectors", 6)  # six results, as p50 needs
    tap.ok(len(minutes) >= 4, f"{len(minutes)} windows to play")
    victoria_metrics_shows(minutes)
    prometheus(batches, minutes)


def victoria_metrics_shows(minutes):
    vm = VictoriaMetrics("-opentelemetry.usePrometheusNaming")
    with running(*vm.command, stdout=vm.log, stderr=vm.log):
        if tap.ok(wait_for(vm.ready, 15), "VictoriaMetrics is up again"):
            tap.equal({None}, {vm.write(request) for request, _ in minutes}, "it takes what is played")
            vm.flush()
            dashboard_shows("VictoriaMetrics", vm, "CD", len(minutes))


# ---- new series all the time


class RestlessNames(threading.Thread):
    """A name server that returns another address of the lab's Paris every five seconds."""

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
    """Command of an agent without `site` whose target has another address in each window."""
    names = RestlessNames()
    names.start()
    path = os.path.join(lab.FOLDER, "restless.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nwindow = 5s\nworkloads = no\nfront_doors = 0\nstate_dir = {lab.FOLDER}/restless\ngateway = no\n"
                   f"status_socket = {lab.FOLDER}/restless.sock\n[dns]\nprobe = no\nservers = {names.servers}\n"
                   f"[collector]\nurl = http://127.0.0.1:{vm.PORT}/opentelemetry\nevents = no\n"
                   "[target restless]\nhost = restless.example\nkinds = icmp tcp\nfamily = ipv4\n"
                   "interval = 1s\nslow_interval = 1s\n")
    return [EDGELAT, "run", "-c", path]


def batches_of(state):
    """The sent batches, oldest first."""
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
    # two probes a second, of which a quarter watches the addresses that the name had before
    tap.ok(len(batches) >= 5 and results >= 30 and delays >= 30, f"{len(batches)} batches with {results} results")
    site = f'{{edgelat_target="restless",edgelat_site="{socket.gethostname()}"}}'
    for metric, exact in (("edgelat_probe_results_total", results), ("edgelat_probe_delay_seconds_count", delays)):
        found = vm.query(f"sum(increase({metric}{site}[5m]))", 1)
        tap.equal([exact], [value for _, value in found],
                  f"VictoriaMetrics: increase of {metric}, site by the host's name, is the exact count")


def prometheus(batches, minutes):
    """Prometheus accepts the example configuration, and increase() includes the first window of each series."""
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
        for series in server.query('{edgelat_target="restless",__name__=~"edgelat_probe_results_total|edgelat_probe_delay_seconds"}[5m]', now):
            of_results = "values" in series
            values = [float(v if of_results else v["count"]) for _, v in series["values" if of_results else "histograms"]]
            sums[not of_results] += sum(max(b - a, 0) for a, b in zip(values, values[1:]))
        tap.equal([results, delays], sums, "Prometheus: differences of points are the exact counts")
        found = server.query('sum(increase(edgelat_probe_results_total{edgelat_target="restless"}[5m]))', now)
        seen = float(found[0]["value"][1])  # it extrapolates a series of one window by half of that
        tap.ok(results <= seen <= 1.3 * results, f"Prometheus: increase is {seen:.1f}, of {results} results")
        tap.equal({None}, {server.write(batch) for _, batch in minutes}, "Prometheus takes what is played")
        dashboard_shows("Prometheus", server, "AB", len(minutes))
        for name, expression in rules():
            answer = server.query(expression, now)
            tap.ok(answer or not name.startswith(("edgelat_pop:", "site_target:")),
                   f"Prometheus: {name}: {len(answer)} results", expression)


def points(batch, metric):
    """[(key, start, time, value)] of a sum in a batch as `edgelat decode` prints it."""
    for found in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        if found["name"] == metric:
            for p in found["sum"]["dataPoints"]:
                key = tuple(sorted((a["key"], json.dumps(a["value"])) for a in p["attributes"]))
                yield key, int(p["startTimeUnixNano"]), int(p["timeUnixNano"]), int(p.get("asInt", "0"))


def delta():
    """Windows have no gap and no overlap; each result is in exactly one."""
    received = os.path.join(lab.FOLDER, "delta-received")
    path = os.path.join(lab.FOLDER, "delta.conf")
    with open(path, "w", encoding="utf-8") as conf:
        conf.write(f"[agent]\nwindow = 5s\nstate_dir = {lab.FOLDER}/delta\ngateway = no\n[dns]\nprobe = no\n"
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
    receivers_take_it()
    delta()
    sys.exit(tap.finish())
