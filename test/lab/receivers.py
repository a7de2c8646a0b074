"""Independent receivers and decoders that check the agent's output."""

import json
import os
import re
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

import lab
from lab import wait_for

BUILD = os.path.join(lab.TOP, os.environ.get("BUILD", "build"))
TOOLS = os.environ.get("EDGELAT_TOOLS", os.path.join(BUILD, "tools"))


class VictoriaMetrics:
    """VictoriaMetrics on loopback in the branch."""

    PORT = 18428

    def __init__(self, *options):
        program = os.path.join(TOOLS, "victoria-metrics", "usr", "bin", "victoria-metrics")
        data = tempfile.mkdtemp(prefix="vm-", dir=lab.FOLDER)
        self.log = open(os.path.join(lab.FOLDER, "victoria-metrics.log"), "w", encoding="utf-8")
        self.command = [program, f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{self.PORT}",
                        "-retentionPeriod=1d", "-search.latencyOffset=0s", "-search.disableCache",
                        "-memory.allowedBytes=64MB", *options]

    def get(self, path, **arguments):
        url = f"http://127.0.0.1:{self.PORT}{path}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.read()

    def ready(self):
        try:
            return self.get("/health") == b"OK"
        except OSError:
            return False

    def ask(self, text):
        self.flush()
        now = int(time.time()) + 1  # it uses whole seconds, and would miss points of the current one
        found = json.loads(self.get("/api/v1/query", query=text, time=now))["data"]["result"]
        return [(r["metric"], float(r["value"][1])) for r in found]

    def flush(self):
        self.get("/internal/force_flush")  # includes the newest points

    def write(self, batch):
        """Returns None on success; `batch` is a request, not gzipped."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.PORT}/opentelemetry/v1/metrics", batch,
                                         {"Content-Type": "application/x-protobuf"})
        try:
            with urllib.request.urlopen(request, timeout=5):
                return None
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def query_range(self, text, start, end, step):
        return json.loads(self.get("/api/v1/query_range", query=text, start=start, end=end, step=step))["data"]["result"]

    def query(self, text, least):
        """[(labels, value)] of an instant query; waits for at least `least` of them."""
        wait_for(lambda: len(self.ask(text)) >= least, 10, 0.5)
        return self.ask(text)


class Prometheus:
    """Debian's build has no OTLP receiver: batches come as `edgelat decode` prints them, and are translated as that
    receiver does (names with units, a counter a sum, a native histogram an exponential one, points of a series in their
    order, the promoted attributes of the resource), for the remote write receiver, which appends them by the same code.
    """

    PORT = 18430

    def __init__(self, config):
        with open(config, encoding="utf-8") as file:
            self.promoted = set(yaml.safe_load(file)["otlp"]["promote_resource_attributes"])
        program = os.path.join(TOOLS, "prometheus", "usr", "bin", "prometheus")
        self.log_path = os.path.join(lab.FOLDER, "prometheus.log")
        self.log = open(self.log_path, "w", encoding="utf-8")
        self.command = [program, f"--config.file={config}", f"--storage.tsdb.path={lab.FOLDER}/prometheus",
                        f"--web.listen-address=127.0.0.1:{self.PORT}", "--web.enable-remote-write-receiver",
                        "--enable-feature=native-histograms"]

    def url(self, path, **arguments):
        return f"http://127.0.0.1:{self.PORT}{path}?{urllib.parse.urlencode(arguments)}"

    def ready(self):
        try:
            with urllib.request.urlopen(self.url("/-/ready"), timeout=1) as reply:
                return reply.status == 200
        except OSError:
            return False

    def query(self, text, at):
        with urllib.request.urlopen(self.url("/api/v1/query", query=text, time=at), timeout=5) as reply:
            return json.loads(reply.read())["data"]["result"]

    def query_range(self, text, start, end, step):
        with urllib.request.urlopen(self.url("/api/v1/query_range", query=text, start=start, end=end, step=step),
                                    timeout=5) as reply:
            return json.loads(reply.read())["data"]["result"]

    def write(self, batch):
        """Returns None on success, else the error of Prometheus."""
        resource = {a["key"]: a for a in batch["resourceMetrics"][0]["resource"]["attributes"]}
        instance = resource["service.instance.id"]["value"]["stringValue"]
        promoted = [a for key, a in resource.items() if key in self.promoted]
        series = {}
        for metric in batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
            kind = next(k for k in ("sum", "gauge", "exponentialHistogram") if k in metric)
            unit = {"s": "_seconds", "By": "_bytes", "By/s": "_bytes_per_second", "bit/s": "_bits_per_second"}.get(metric.get("unit"), "")
            if metric.get("unit") == "1" and kind == "gauge" and "ratio" not in re.split(r"\W|_", metric["name"]):
                unit = "_ratio"
            for point in metric[kind]["dataPoints"]:
                labels = {a["key"].replace(".", "_"): str(next(iter(a["value"].values())))
                          for a in promoted + point.get("attributes", [])}
                labels |= {"job": "edgelat", "instance": instance,
                           "__name__": metric["name"].replace(".", "_") + unit + ("_total" if kind == "sum" else "")}
                key = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items()))
                series[key] = series.get(key, b"") + (histogram if kind == "exponentialHistogram" else sample)(point)
        body = b"".join(field(1, key + points) for key, points in series.items())
        request = urllib.request.Request(self.url("/api/v1/write"), snappy(body), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        try:
            with urllib.request.urlopen(request, timeout=5):
                return None
        except urllib.error.HTTPError as error:
            return error.read().decode()


# ---- prompb.TimeSeries: labels 1, samples 2, histograms 4


def varint(n):
    out = b""
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def zigzag(n):
    return varint(2 * n if n >= 0 else -2 * n - 1)


def field(tag, content):
    return varint(tag << 3 | 2) + varint(len(content)) + content


def milliseconds(point):
    return varint(int(point["timeUnixNano"]) // 1000000)


def sample(point):
    return field(2, b"\x09" + struct.pack("<d", float(point.get("asInt", point.get("asDouble")))) + b"\x10" +
                 milliseconds(point))


def histogram(point):
    """Its buckets are counted by their upper bounds, as differences from one to the next."""
    counts = [int(count) for count in point.get("positive", {}).get("bucketCounts", [])]
    out = (b"\x08" + varint(int(point.get("count", 0))) + b"\x19" + struct.pack("<d", point.get("sum", 0)) +
           b"\x20" + zigzag(int(point.get("scale", 0))) + b"\x29" + struct.pack("<d", 1e-128) +
           b"\x30" + varint(int(point.get("zeroCount", 0))))
    if counts:
        first = int(point["positive"].get("offset", 0)) + 1
        out += field(11, b"\x08" + zigzag(first) + b"\x10" + varint(len(counts)))
        out += field(12, b"".join(zigzag(b - a) for a, b in zip([0, *counts], counts)))
    return field(4, out + b"\x78" + milliseconds(point))


def snappy(plain):
    """Snappy format, uncompressed."""
    out = varint(len(plain))
    for at in range(0, len(plain), 65536):
        piece = plain[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return out


def decode(signal, plain):
    """An ExportMetricsServiceRequest or ExportLogsServiceRequest as protoc prints it; None if invalid."""
    proto = os.path.join(TOOLS, "proto")
    name = f"opentelemetry.proto.collector.{signal}.v1.Export{signal.capitalize()}ServiceRequest"
    done = subprocess.run(["protoc", f"-I{proto}", f"--decode={name}",
                           f"opentelemetry/proto/collector/{signal}/v1/{signal}_service.proto"],
                          input=plain, capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def decode_all(tap, folder):
    """{signal: text} of all batches in a folder; each must have the type in its name."""
    texts = {"metrics": "", "logs": ""}
    for file in sorted(os.listdir(folder)):
        signal = re.fullmatch(r"\d{20}-(metrics|logs)\.pb\.gz", file).group(1)
        plain = subprocess.run(["gzip", "-dc", os.path.join(folder, file)], check=True, capture_output=True).stdout
        text = decode(signal, plain)
        tap.ok(text is not None, f"protoc with the official .proto decodes {file}")
        texts[signal] += text or ""
    for signal, text in texts.items():
        unknown = [line for line in text.splitlines() if re.match(r"\s*\d+: ", line)]
        tap.equal([], unknown, f"{signal}: no field unknown to the official .proto")
    return texts
