"""Receivers and decoders of others, which the tests measure what we send against."""

import json
import os
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request

import lab
from lab import wait_for

BUILD = os.path.join(lab.TOP, os.environ.get("BUILD", "build"))
TOOLS = os.environ.get("EDGELAT_TOOLS", os.path.join(BUILD, "tools"))


class VictoriaMetrics:
    """A receiver that is not ours, on loopback in the branch."""

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
        self.get("/internal/force_flush")  # so that the newest points count
        found = json.loads(self.get("/api/v1/query", query=text))["data"]["result"]
        return [(r["metric"], float(r["value"][1])) for r in found]

    def query(self, text, least):
        """[(labels, value)] of an instant query; waits until there are as many as `least`."""
        wait_for(lambda: len(self.ask(text)) >= least, 10, 0.5)
        return self.ask(text)


def decode(signal, plain):
    """The text of protoc for an ExportMetricsServiceRequest or ExportLogsServiceRequest; None when it is none."""
    proto = os.path.join(TOOLS, "proto")
    name = f"opentelemetry.proto.collector.{signal}.v1.Export{signal.capitalize()}ServiceRequest"
    done = subprocess.run(["protoc", f"-I{proto}", f"--decode={name}",
                           f"opentelemetry/proto/collector/{signal}/v1/{signal}_service.proto"],
                          input=plain, capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def decode_all(tap, folder):
    """{signal: text} of all batches in a folder, each of which has to be what its name says."""
    texts = {"metrics": "", "logs": ""}
    for file in sorted(os.listdir(folder)):
        signal = re.fullmatch(r"\d{20}-(metrics|logs)\.pb\.gz", file).group(1)
        plain = subprocess.run(["gzip", "-dc", os.path.join(folder, file)], check=True, capture_output=True).stdout
        text = decode(signal, plain)
        tap.ok(text is not None, f"protoc with the official .proto decodes {file}")
        texts[signal] += text or ""
    for signal, text in texts.items():
        unknown = [line for line in text.splitlines() if re.match(r"\s*\d+: ", line)]
        tap.equal([], unknown, f"{signal}: no field that the official .proto does not know")
    return texts
