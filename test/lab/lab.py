"""Helpers for tests that run in the lab or start it; Debian's Python, standard library only:

    scripts/lab -- /usr/bin/python3 -B test/lab/test_something.py

    from lab import Tap, change, ping, run
    tap = Tap()
    change("london", "delay=40ms")
    tap.near(40, ping("outlook.office365.com", count=20).p50, 0.5, "london: a longer path")
    sys.exit(tap.finish())

Delays are in milliseconds, times in seconds.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# The lab's CA is one that the services use; the other data files are the shipped ones.
os.environ.setdefault("EDGELAT_DATA", os.path.join(HERE, "data"))
PYTHON = sys.executable
FOLDER = os.environ.get("EDGELAT_LAB")  # None outside of the lab


class Tap:
    """Prints the Test Anything Protocol; the plan comes at the end."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, passed, what, detail=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {what}", flush=True)
        if not passed and str(detail):
            self.note(detail)
        return bool(passed)

    def equal(self, expected, actual, what):
        return self.ok(expected == actual, what, f"expected {expected!r}, got {actual!r}")

    def near(self, expected, actual, tolerance, what):
        close = actual is not None and abs(actual - expected) <= tolerance
        shown = "nothing" if actual is None else f"{actual:.3f}"
        return self.ok(close, f"{what}: {shown}",
                       f"expected {expected:g} +- {tolerance:g}, got {shown}")

    def note(self, text):
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def row(self, fault, tried, happened):
        """A line of the table that test/run prints at the end."""
        print(f"# | {fault} | {tried} | {happened}", flush=True)

    def include(self, lines):
        """Adds the TAP lines of another program, renumbered."""
        for line in lines:
            match = re.match(r"(not )?ok \d+ - (.*)", line)
            if match:
                self.ok(not match[1], match[2])
            elif line.startswith("#"):
                print(line.rstrip("\n"), flush=True)

    def finish(self):
        """Prints the plan; returns the exit code of the program."""
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed or not self.count else 0


# ---- programs


def run(*command, timeout=30, **options):
    """Runs a command to its end; returns .stdout and .stderr as text, and .returncode."""
    return subprocess.run([str(word) for word in command], text=True, check=False,
                          capture_output=True, timeout=timeout, **options)


@contextlib.contextmanager
def running(*command, stop=signal.SIGTERM, timeout=10, **options):
    """Runs a program in parallel; stops it at the end of the `with` block."""
    process = subprocess.Popen([str(word) for word in command], text=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def in_internet(*command):
    """The command line that runs a command in the lab's internet."""
    return ["ip", "netns", "exec", "internet", *command]


def json_lines(text):
    """The objects of a text with one JSON object per line; raises on anything else."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def wait_for(condition, timeout=5, step=0.02):
    """Polls `condition`; returns its first true value, or the last value after `timeout`."""
    end = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(step)


# ---- the lab itself


def read(name):
    """The text of a file in the lab's folder: "scenario", "relay.log", "nginx.log" ..."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def elapsed():
    """Seconds since the lab started, as used by `at` in a scenario."""
    return (time.monotonic_ns() - int(read("began"))) / 1e9


def _signal_relay(number, answer):
    """Sends a signal to the relay; returns the match of `answer` in its new log lines."""
    before = len(read("relay.log"))
    os.kill(int(read("relay.pid")), number)
    found = wait_for(lambda: re.search(answer, read("relay.log")[before:]))
    if not found:
        raise RuntimeError("the relay does not answer: " + read("relay.log")[before:])
    return found


def add_to_scenario(*lines):
    """Appends statements and waits until the relay has read them; returns its log lines."""
    with open(os.path.join(FOLDER, "scenario"), "a", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    return _signal_relay(signal.SIGHUP, r"relay: .*scenario.*\n")[0]


def change(path, settings):
    """Changes a path from now on: change("london", "delay=40ms loss=1%")."""
    said = add_to_scenario(f"at {max(0, elapsed() - 0.001):.6f}s {path} {settings}")
    if "relay: read" not in said:
        raise ValueError(said)


def change_later(path, *times_and_settings):
    """change_later("london", (1, "blackhole=on"), (2, "blackhole=off")), from now."""
    now = elapsed()
    add_to_scenario(*(f"at {now + after:.6f}s {path} {settings}"
                      for after, settings in times_and_settings))


def point(name, *addresses):
    """Changes the addresses of a name in the lab's DNS (the last name of its chain)."""
    with open(os.path.join(FOLDER, "hosts", name), "w", encoding="ascii") as file:
        file.write("".join(f"{address} {name}\n" for address in addresses))
    os.kill(int(read("dnsmasq.pid")), signal.SIGHUP)  # in case inotify does not work
    want = {str(address) for address in addresses}

    def is_served():
        return want == {answer[3] for kind in (1, 28) for answer in ask(name, kind)[1]}
    if not wait_for(is_served):
        raise RuntimeError(f"the DNS server did not load the addresses of {name}")


def relay_report():
    """The relay's own timing error so far: sent, median, p99, max (us), lost, queue_full."""
    words = ("sent", "median", "p99", "max", "lost", "queue_full")
    found = _signal_relay(signal.SIGUSR1, r"sent (\d+) packets, late by (\d+) us \(median\), "
                        r"(\d+) us \(p99\), (\d+) us \(max\); dropped (\d+) by chance, "
                        r"(\d+) by a full queue")
    return dict(zip(words, map(int, found.groups())))


# ---- measuring with independent tools


def quantile(values, q):
    """The q-quantile by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * q // 1) - 1)] if ordered else None


class Pings:
    """The output of the distribution's ping."""

    def __init__(self, count, text):
        self.text = text
        self.sent = count
        self.errors = re.findall(r"From \S+.*icmp_seq=\d+ (.*)", text)
        self.answerers = re.findall(r"From ([0-9a-f.:]+):? icmp_seq", text)
        replies = re.findall(r"icmp_seq=(\d+) ttl=\d+ time=([\d.]+) ms( \(DUP!\))?", text)
        self.times = [float(t) for t in re.findall(r"\[([\d.]+)\] \d+ bytes", text)]  # arrival times
        self.order = [int(number) for number, _, _ in replies]  # in order of arrival, with duplicates
        self.duplicates = sum(1 for reply in replies if reply[2])
        self.rtts = {int(n): float(rtt) for n, rtt, copy in replies if not copy}
        self.lost = [n for n in range(1, count + 1) if n not in self.rtts]

    @property
    def p50(self):
        return quantile(self.rtts.values(), 0.5)


def ping_command(host, count=20, interval=0.01, *options):
    return ["ping", "-n", "-D", "-c", str(count), "-i", str(interval), "-W", "1", *options, host]


def ping(host, count=20, interval=0.01, *options):
    done = run(*ping_command(host, count, interval, *options), timeout=60)
    return Pings(count, done.stdout + done.stderr)


def ping_all(hosts, count=20, interval=0.01):
    """Pings all hosts in parallel; returns Pings by host."""
    started = {host: subprocess.Popen(ping_command(host, count, interval), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for host in hosts}
    return {host: Pings(count, process.communicate(timeout=60)[0])
            for host, process in started.items()}


def fetch(url, *options):
    """One request by curl: status, headers (lower case; lists), and delays as the agent
    names them, each excluding the others."""
    times = "time_namelookup time_connect time_appconnect time_starttransfer time_total"
    form = "\\n" + " ".join("%{" + word + "}" for word in ["http_code", *times.split()])
    done = run("curl", "-sS", "--max-time", "20", "-D", "-", "-o", "/dev/null", "-w", form, *options, url)
    if done.returncode != 0:
        return {"error": done.stderr.strip(), "status": 0, "headers": {}}
    *head, last = done.stdout.splitlines()
    status, *stamps = last.split()
    dns, connect, tls, first_byte, total = (1000 * float(stamp) for stamp in stamps)
    headers = {}
    for name, value in (line.split(":", 1) for line in head if ":" in line):
        headers.setdefault(name.lower(), []).append(value.strip())
    return {"status": int(status), "headers": headers, "dns": dns, "connect": connect - dns,
            "tls": tls - connect, "first_byte": first_byte - tls, "total": total}


def _name_at(packet, at):
    """RFC 1035 4.1.4; returns the name and where it ends."""
    labels, end = [], None
    while packet[at]:
        if packet[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from(">H", packet, at)[0] & 0x3FFF
        else:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
    return ".".join(labels), end or at + 1


def ask(name, kind, server=None):
    """One DNS question (kind 1: A, 28: AAAA, 12: PTR): the response code and the answers,
    each (name, kind, ttl, value)."""
    if server is None:
        with open("/etc/resolv.conf", encoding="ascii") as file:
            server = file.read().split()[1]
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">6H", 0x1ab, 0x100, 1, 0, 0, 0) + question + struct.pack(
        ">BHH", 0, kind, 1)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(query, (server, 53))
        packet = s.recv(65535)
    answers, at = [], len(query)
    for _ in range(struct.unpack_from(">H", packet, 6)[0]):
        owner, at = _name_at(packet, at)
        kind_of, _, ttl, size = struct.unpack_from(">HHIH", packet, at)
        data = packet[at + 10:at + 10 + size]
        if kind_of in (5, 12):
            value = _name_at(packet, at + 10)[0]
        elif kind_of in (1, 28):
            value = socket.inet_ntop(socket.AF_INET if kind_of == 1 else socket.AF_INET6, data)
        else:
            value = data
        answers.append((owner, kind_of, ttl, value))
        at += 10 + size
    return packet[3] & 15, answers


def alone(name, main, tap):
    """For a test with a network of its own: restarts the test program in new namespaces, calls main(folder) and exits.
    The folder is temporary; KEEP=1 keeps it."""
    if "EDGELAT_ALONE" not in os.environ:
        words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        os.execvpe("unshare", [*words, sys.executable, "-B", *sys.argv], dict(os.environ, EDGELAT_ALONE="1"))
    work = tempfile.mkdtemp(prefix=f"edgelat-{name}-")
    os.chmod(work, 0o755)
    try:
        main(work)
    finally:
        if os.environ.get("KEEP"):
            print("# kept", work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    sys.exit(tap.finish())
