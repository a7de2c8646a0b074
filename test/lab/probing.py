"""For tests of measured values in the lab: runs `edgelat probe` and `edgelat run` in parallel,
and captures the same packets as an independent oracle."""

import collections
import json
import math
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid

import lab

BUILD = os.path.join(lab.TOP, os.environ.get("BUILD", "build"))
EDGELAT = os.path.join(BUILD, "edgelat")
LAB = os.path.join(lab.TOP, "scripts", "lab")
UNPRIVILEGED = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"]


def run_in_lab(scenario, file):
    """Restarts the test program in the lab unless it already runs there."""
    if lab.FOLDER is None:
        os.execv(LAB, [LAB, scenario, "--", sys.executable, "-B", os.path.abspath(file)])


def installed(prefix):
    """The program, installed with the lab's data files where every user can read them: the checkout may be in a home that
    only its owner can enter."""
    program = os.path.join(prefix, "bin", "edgelat")
    os.chmod(prefix, 0o755)
    os.mkdir(os.path.dirname(program), 0o755)
    shutil.copy(EDGELAT, program)
    data = os.path.join(prefix, "share", "edgelat")
    shutil.copytree(os.path.join(lab.TOP, "packaging", "data"), data)
    shutil.copytree(os.environ["EDGELAT_DATA"], data, dirs_exist_ok=True)
    os.environ["EDGELAT_DATA"] = data
    return program


def bounds(count, probability):
    """Allowed distance of a binomial count from its mean: four standard deviations."""
    return 4 * math.sqrt(count * probability * (1 - probability))


# ---- probes from the command line


class Probes:
    """The output of `edgelat probe --json`."""

    def __init__(self, text, said, code):
        lines = [json.loads(line) for line in text.splitlines()]
        self.results = [line for line in lines if not line.get("summary")]
        self.summaries = [line for line in lines if line.get("summary")]
        self.said, self.code = said, code

    @property
    def summary(self):
        return self.summaries[0]

    def of(self, target):
        return [r for r in self.results if r["target"] == target]

    def with_outcome(self, outcome):
        return [r for r in self.results if r["outcome"] == outcome]

    @property
    def delays(self):
        """Defined delays, in the order of sending."""
        ordered = sorted(self.results, key=lambda r: r["time"])
        return [r["delays"]["rtt"] for r in ordered if r["delays"]["rtt"] is not None]


class Probing:
    """Runs `edgelat probe` in parallel; .wait() returns its Probes."""

    def __init__(self, kind, *arguments, before=()):
        words = [*before, EDGELAT, "probe", kind, *map(str, arguments), "--json"]
        self.process = subprocess.Popen(words, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.said = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        self.said = self.process.communicate()

    def wait(self, timeout=60):
        self.reader.join(timeout)
        if self.said is None:
            self.process.kill()
            raise RuntimeError(f"{self.process.args} does not end")
        return Probes(*self.said, self.process.returncode)


def probe(kind, *arguments, before=()):
    return Probing(kind, *arguments, before=before).wait()


# ---- a capture


class Echo:
    """When a request and its replies passed the branch's interface (ns)."""

    def __init__(self, sent, key):
        self.sent, (_, self.id, self.seq) = sent, key
        self.replies = []

    @property
    def rtt(self):
        """ms; None if it was not answered."""
        return (self.replies[0] - self.sent) / 1e6 if self.replies else None


class Capture:
    """Captures all packets on the branch's interface, with kernel timestamps."""

    SO_TIMESTAMPNS = 35

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, self.SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("wan0", 3))
        self.socket.settimeout(0.1)
        self.packets = []
        self.open = True
        self.reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.open = False
        self.reader.join()
        self.socket.close()

    def _read(self):
        while self.open:
            try:
                packet, extra, _, _ = self.socket.recvmsg(128, 64)
            except socket.timeout:
                continue
            seconds, ns = struct.unpack("qq", extra[0][2])
            self.packets.append((seconds * 10**9 + ns, packet))

    @staticmethod
    def _parse(packet):
        """Protocol, source, destination, payload of the IP packet."""
        if packet[0] >> 4 == 6:
            ends = (socket.inet_ntop(socket.AF_INET6, packet[at:at + 16]) for at in (8, 24))
            return packet[6], *ends, packet[40:]
        ends = (socket.inet_ntoa(packet[at:at + 4]) for at in (12, 16))
        return packet[9], *ends, packet[(packet[0] & 15) * 4:]

    def echoes(self, address):
        """One Echo per echo request to the address, in the order of sending."""
        sent = collections.OrderedDict()
        for stamp, packet in sorted(self.packets, key=lambda p: p[0]):
            protocol, source, destination, body = self._parse(packet)
            if protocol not in (1, 58) or address not in (source, destination):
                continue
            key = (address, *struct.unpack_from(">HH", body, 4))
            if body[0] in (8, 128) and destination == address:
                sent[key] = Echo(stamp, key)
            elif body[0] in (0, 129) and source == address and key in sent:
                sent[key].replies.append(stamp)
        return list(sent.values())

    def bindings(self, address):
        """One Echo per STUN request to the address, in the order of sending."""
        return self._datagrams(address, 3478, slice(12, 28))

    def queries(self, address):
        """The same of DNS queries by UDP."""
        return self._datagrams(address, 53, slice(8, 10))

    def _datagrams(self, address, port, id_at):
        sent = collections.OrderedDict()
        for stamp, packet in sorted(self.packets, key=lambda p: p[0]):
            protocol, source, destination, body = self._parse(packet)
            if protocol != 17 or address not in (source, destination) or len(body) < id_at.stop:
                continue
            source_port, destination_port = struct.unpack_from(">HH", body)
            key = bytes(body[id_at])
            if (destination, destination_port) == (address, port):
                sent[key] = Echo(stamp, (address, source_port, key))
            elif (source, source_port) == (address, port) and key in sent:
                sent[key].replies.append(stamp)
        return list(sent.values())

    def handshakes(self, address, port=443):
        """Of the TCP handshakes with the address, SYN to SYN-ACK in ms, in their order."""
        return [rtt for _, rtt in self.connects(address, port)]

    def connects(self, address, port=443):
        """The same with the time of the first SYN in ns. By port and sequence number: the kernel draws ports, so two may have the same."""
        begun, took = {}, {}
        for stamp, packet in sorted(self.packets, key=lambda p: p[0]):
            protocol, source, destination, body = self._parse(packet)
            if protocol != 6 or address not in (source, destination):
                continue
            flags = body[13] & 0x12
            from_port, to_port, number, acknowledged = struct.unpack_from(">HHII", body)
            if flags == 0x02 and to_port == port:
                begun.setdefault((from_port, number), stamp)
            elif flags == 0x12 and from_port == port:
                of = to_port, (acknowledged - 1) % 2**32
                if of in begun:
                    took.setdefault(of, (stamp - begun[of]) / 1e6)
        return [(at, took.get(of)) for of, at in begun.items()]

    def requests(self):
        """Echo requests and SYNs that left: [(ns, IP protocol, address)]."""
        left = []
        for stamp, packet in sorted(self.packets, key=lambda p: p[0]):
            protocol, _, to, body = self._parse(packet)
            if (protocol in (1, 58) and body[0] in (8, 128)) or (
                    protocol == 6 and body[13] & 0x12 == 0x02):
                left.append((stamp, protocol, to))
        return left


def in_order(probes):
    """The results in the order of sending, as in Capture.echoes()."""
    return sorted(probes.results, key=lambda r: r["time"])


def errors_us(probes, captured_ms):
    """Reported minus captured delays, us, in the order of sending; None: undefined."""
    return [1000 * (r["delays"]["rtt"] - rtt) for r, rtt in zip(in_order(probes), captured_ms)
            if r["delays"]["rtt"] is not None and rtt is not None]


# ---- the agent


# A service, and an address where nobody is.
TEAMS_AND_HOLE = """[target teams]
host = teams.microsoft.com
interval = 1s
[target hole]
host = 203.0.113.99
kinds = tcp
interval = 1s
slow_interval = 1s
"""


def configuration(name, text, alone="workloads = no\nfront_doors = 0\n"):
    """A configuration in a folder of its own, without gateway and DNS servers as targets; returns its path and its state folder."""
    folder = os.path.join(lab.FOLDER, name)
    os.makedirs(folder)
    path, state = os.path.join(folder, "edgelat.conf"), os.path.join(folder, "state")
    with open(path, "w", encoding="utf-8") as file:
        dns = "[dns]\nprobe = no\n"
        text = text.replace("[dns]\n", dns) if "[dns]\n" in text else f"{text}\n{dns}"
        file.write(f"[agent]\nstate_dir = {state}\ngateway = no\n{alone}{text}\n")
    return path, state


def identity_with_burst(bursts_per_day, soonest, latest):
    """An instance id whose agent sends its next burst like a call in `soonest` to `latest` seconds: its times are fixed by the identity
    (core/media.h), so that no restart adds one."""
    mask, day = (1 << 64) - 1, 86400 * 10**9
    length = day // bursts_per_day
    while True:
        now = time.time_ns()  # none begins in the last seconds of its share of the day: then this goes on until the next one
        name = str(uuid.uuid4())
        seed = 14695981039346656037
        for letter in name.encode():
            seed = (seed ^ letter) * 1099511628211 & mask
        for at in (now, now + length):
            slot = at // day * bursts_per_day + at % day // length
            x = seed + slot * 0x9e3779b97f4a7c15 & mask
            x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & mask
            x = (x ^ x >> 27) * 0x94d049bb133111eb & mask
            x ^= x >> 31
            begins = slot // bursts_per_day * day + slot % bursts_per_day * length + x % (length - 20 * 10**9)
            if soonest <= (begins - now) / 1e9 <= latest:
                return name


def log_records(state):
    """The log records in the spool, oldest first: [(event name, {attribute: value}, text)]."""
    found, spool = [], os.path.join(state, "spool")
    for name in sorted(os.listdir(spool)):
        if not name.endswith("-logs.pb.gz"):
            continue
        for record in json.loads(lab.run(EDGELAT, "decode", os.path.join(spool, name)).stdout)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
            of = {a["key"]: next(iter(a["value"].values())) for a in record["attributes"]}
            found.append((record["eventName"], of, record["body"]["stringValue"]))
    return found


class Batch:
    """An exported batch, as OTLP/JSON."""

    def __init__(self, decoded):
        scope = json.loads(decoded)["resourceMetrics"][0]["scopeMetrics"][0]
        self.metrics = {m["name"]: m for m in scope["metrics"]}

    def points(self, metric, **wanted):
        """[(attributes, point)]; wanted: kind="icmp", outcome="loss", target="x" ..."""
        found = []
        for data in self.metrics.get(metric, {}).values():
            for point in data.get("dataPoints", []) if isinstance(data, dict) else []:
                of = {re.sub(r".*\.", "", a["key"]): next(iter(a["value"].values()))
                      for a in point.get("attributes", [])}
                if all(of.get(key) == value for key, value in wanted.items()):
                    found.append((of, point))
        return found

    def value(self, metric, **wanted):
        """The sum of the points' values; None if there is no point."""
        values = [float(p.get("asInt", p.get("asDouble"))) for _, p in self.points(metric, **wanted)]
        return sum(values) if values else None


def batches(state):
    """The batches in the spool, oldest first."""
    spool = os.path.join(state, "spool")
    names = sorted(os.listdir(spool)) if os.path.isdir(spool) else []
    files = [os.path.join(spool, name) for name in names if name.endswith("-metrics.pb.gz")]
    return [Batch(lab.run(EDGELAT, "decode", file).stdout) for file in files]


class Agent:
    """`edgelat run` with one target, by default over both families."""

    def __init__(self, name, host, kinds="icmp tcp", more="", before=()):
        path, self.state = configuration(
            name, f"window = 5s\n[target {name}]\nhost = {host}\nkinds = {kinds}\n"
            f"interval = 1s\nslow_interval = 1s\n{more}")
        self.name = name
        self.process = subprocess.Popen([*before, EDGELAT, "run", "-c", path], text=True,
                                        stderr=subprocess.PIPE)
        self.said = ""

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            _, self.said = self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.batches = batches(self.state)

    def total(self, metric, **of):
        """A cumulative value at the end."""
        return self.batches[-1].value(metric, **of) or 0

    def outcomes(self, kind):
        """{outcome: count} at the end, without zeros."""
        counts = {}
        for of, point in self.batches[-1].points("edgelat.probe.results", kind=kind):
            counts[of["outcome"]] = counts.get(of["outcome"], 0) + int(point["asInt"])
        return {outcome: count for outcome, count in counts.items() if count > 0}

    def up(self):
        return [batch.value("edgelat.target.up") for batch in self.batches
                if batch.value("edgelat.target.up") is not None]

    def delays(self, metric="edgelat.probe.delay", **of):
        """{(PoP, kind): (least, most)} of the histograms at the end, ms; a batch states them if they have changed."""
        found = {}
        for batch in self.batches:
            for a, p in batch.points(metric, delay="rtt", **of):
                if "min" in p:
                    found[a["pop"], a["kind"]] = (1000 * p["min"], 1000 * p["max"])
        return found
