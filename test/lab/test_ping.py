#!/usr/bin/python3 -B
"""The habits of ping: each of its options that `edgelat probe` takes, beside ping itself, with a capture where the option is about
the packet; Ctrl-C, Ctrl-\\ and gone readers; what fits into 80 columns, also above 1000 ms; and the limits. Runs itself in the lab."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time

import lab
from lab import Tap, change, json_lines, run
from probing import Capture, EDGELAT, configuration, run_in_lab

NEAR, DEAD, FAR = "203.0.113.20", "203.0.113.200", "203.0.113.40"
tap = Tap()


def same_counts():
    for what, arguments in (
            ("-c", ["-c", 3, "-i", 0.2, NEAR]),
            ("-c after the host", [NEAR, "-c", 2, "-i", 0.2]),
            ("-W, a dead host", ["-c", 2, "-i", 0.2, "-W", 0.3, DEAD]),
            ("-t 1, the office's router", ["-c", 2, "-i", 0.2, "-t", 1, NEAR]),
            ("-I address", ["-c", 2, "-i", 0.2, "-I", "10.42.0.10", NEAR]),
            ("-I interface", ["-c", 2, "-i", 0.2, "-I", "wan0", NEAR]),
            ("-I of a host without such an address", ["-c", 1, "-I", "192.0.2.77", NEAR]),
            ("a name with both families", ["-c", 2, "-i", 0.2, "teams.microsoft.com"]),
            ("-4", ["-4", "-c", 2, "-i", 0.2, "teams.microsoft.com"]),
            ("-6", ["-6", "-c", 2, "-i", 0.2, "teams.microsoft.com"]),
            ("-6 and an IPv4 address", ["-6", "-c", 1, NEAR])):
        done = run("ping", *arguments)
        counts = re.search(r"(\d+) packets transmitted, (\d+) received", done.stdout)
        address = re.search(r"\(([0-9a-f.:]+)[ )]", done.stdout)
        ours = run(EDGELAT, "probe", "icmp", *arguments, "--json")
        tap.equal(done.returncode, ours.returncode, f"{what}: exit code as ping's")
        if counts:
            summary = json_lines(ours.stdout)[-1]
            tap.equal((int(counts[1]), int(counts[2])), (summary["sent"], summary["received"]), f"{what}: counts as ping's")
            tap.equal(address and address[1], summary["address"], f"{what}: the address as ping's")
        else:
            tap.ok(ours.stderr.startswith("edgelat: ") and ours.stderr.count("\n") == 1, f"{what}: one sentence", ours)
    done = run(EDGELAT, "probe", "icmp", "-c", 1, "-t", 1, NEAR)
    tap.ok(re.search(r"unreachable\s+\(TTL exceeded, reported by 10\.42\.0\.1\)", done.stdout), "-t 1: who said so", done)


def packets():
    """-s, -t and --dscp on the wire."""
    with Capture() as capture:
        run("ping", "-c", 1, "-s", 1000, "-t", 9, NEAR)
        run(EDGELAT, "probe", "icmp", "-c", 1, "-s", 1000, "-t", 9, "--df", NEAR)
        time.sleep(0.3)
    sent = [packet for _, packet in capture.packets if packet[9] == 1 and packet[20] == 8]
    header = [(struct.unpack_from(">H", packet, 2)[0], packet[8], packet[6] & 0x40) for packet in sent]
    tap.equal([(1028, 9, 64)] * 2, header, "-s 1000 -t 9: length, TTL and DF as of ping")


def text_options():
    said = run(EDGELAT, "probe", "icmp", "-c", 3, "-i", 0.2, "-q", NEAR).stdout
    tap.ok("#1" not in said and "3 sent, 3 replies, loss 0.0 %" in said, "-q: only the summary", said)
    said = run(EDGELAT, "probe", "icmp", "-c", 1, "-D", NEAR).stdout
    stamp = re.search(r"^\[(\d+\.\d{6})\]", said, re.M)
    tap.ok(stamp and abs(float(stamp[1]) - time.time()) < 5, "-D: Unix time", said)
    said = run(EDGELAT, "probe", "icmp", "-c", 1, NEAR, env={**os.environ, "TZ": "America/New_York"}).stdout
    tap.ok(re.search(r"^\d\d:\d\d:\d\d\.\d{3}-0[45]:00  ", said, re.M), "local time, with its offset", said)
    for whose, program, each, both in (("ping", ["ping"], r" time=([\d.]+) ms$", r"= [\d.]+/([\d.]+)/[\d.]+/([\d.]+) ms"),
                                       ("probe", [EDGELAT, "probe", "icmp"], r" #\d+  rtt ([\d.]+) ms$", r"^ rtt .* ([\d.]+) +([\d.]+)$")):
        said = run(*program, "-c", 20, "-i", 0.02, FAR).stdout
        delays = [float(delay) for delay in re.findall(each, said, re.M)]
        avg, dev = map(float, re.search(both, said, re.M).groups())
        tap.near(statistics.fmean(delays), avg, 0.3, f"avg of its own replies, {whose}")
        tap.near(statistics.pstdev(delays), dev, 0.3, f"deviation (mdev) of its own replies, {whose}")
    done = run("jq", "-c", "select(.summary|not).delays.rtt", input=run(
        EDGELAT, "probe", "tcp", NEAR, "-c", 2, "-i", 0.2, "--json").stdout)
    tap.ok(re.fullmatch(r"((?:[3-9]|\d\d+)\.\d+\n){2}", done.stdout), "the help's example with jq: the delays, a line each", done)


def told(*arguments, number, after):
    """Runs both and sends both a signal; what each printed, and its exit code."""
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
                for words in (("ping", *arguments), (EDGELAT, "probe", "icmp", *arguments, "-c", 0))]
        time.sleep(after)
        for program in both:
            program.send_signal(number)
        time.sleep(0.5)
        for program in both:
            program.send_signal(signal.SIGINT)
        return [(*program.communicate(timeout=10), program.returncode) for program in both]


def signals():
    ping_said, ours = told("-i", 0.2, DEAD, number=signal.SIGINT, after=0.9)
    sent = int(re.search(r"(\d+) packets transmitted, 0 received", ping_said[0])[1])
    tap.ok(re.search(rf"  [{sent - 1}-{sent + 1}] sent, 0 replies, loss -, [{sent - 1}-{sent + 1}] still waiting\n", ours[0]),
           "Ctrl-C on a dead host: what ping counts as sent", (ping_said, ours))
    tap.equal(1, ours[2], "exit code 1")
    ping_said, ours = told("-i", 0.2, NEAR, number=signal.SIGQUIT, after=0.9)
    status = re.compile(r"^(?:\r?)(\d)/\1 packets|(\d) sent, \2 replies, 0 waiting, loss 0\.0 %, p50 (?:[3-9]|\d\d+)\.\d+ ms$", re.M)
    tap.ok(all(status.search(said[1]) for said in (ping_said, ours)), "Ctrl-\\: one line of counts on standard error, of both",
           (ping_said[1], ours[1]))
    tap.ok(ours[2] == 0 and ours[1].count("\n") == 1 and re.search(r"  \d sent, \d replies, loss 0\.0 %\n", ours[0]),
           "and it goes on to its summary", ours)


def screen(columns, *arguments):
    """What is printed on a terminal of that width, and the exit code."""
    child, fd = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.environ.pop("COLUMNS", None)
        os.execv(EDGELAT, [EDGELAT, "probe", *map(str, arguments)])
    said = b""
    with contextlib.suppress(OSError):
        while piece := os.read(fd, 4096):
            said += piece
    return said.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fits():
    long_name = "1-ipv4.farm.dprodmgd104.aa-rt.sharepoint.com.spo-0004.spo-msedge.net"
    change("newark", "delay=1200ms jitter=0ms")
    for what, arguments in (("icmp", ["icmp", NEAR, FAR, "-c", 2]),
                            ("all kinds", ["teams.microsoft.com", "-c", 2]),
                            ("both families", ["tcp", "teams.microsoft.com", "-4", "-6", "-c", 2]),
                            ("two hosts by https", ["https", long_name, "outlook.office365.com", "-c", 2]),
                            ("a dead host and a refusal", ["tcp", f"{DEAD}:443", f"{NEAR}:81", "-c", 1, "-W", 0.3]),
                            ("ten addresses", ["tcp", "ten.example.net", "-c", 10])):
        said, _ = screen(80, *arguments, "-i", 0.2)
        wide = [line for line in said.splitlines() if len(line) > 80]
        tap.equal([], wide, f"80 columns: {what}")
    said, code = screen(80, "icmp", FAR, "-c", 2, "-i", 0.2)
    tap.ok(len(re.findall(r"rtt 12\d\d ms$", said, re.M)) == 2 and re.search(r"^ rtt +12\d\d ", said, re.M), "above 1000 ms it stays ms", said)
    change("newark", "delay=60ms jitter=0.1ms")
    tap.equal(0, code, "slow, but without a limit: exit code 0")


def limit():
    """Above the limit of the configuration, or of Microsoft: exit code 1."""
    path, _ = configuration("limit", "[target far]\nhost = bing.com\ndelay_limit = 50ms\n")
    for what, host, code, line in (("above", "bing.com", 1, r"  limit 50\.0 ms for p50: [6-9]\d\.\d ms is ABOVE it$"),
                                   ("within", "teams.microsoft.com", 0,
                                    r"  limit 60\.0 ms for p50 \(thresholds\.csv\): (?:[3-9]|\d\d+)\.\d+ ms is within$")):
        done = run(EDGELAT, "probe", "icmp", host, "-c", 3, "-i", 0.2, env={**os.environ, "EDGELAT_CONFIG": path})
        tap.equal((code, ""), (done.returncode, done.stderr), f"{what} the limit: exit code {code}")
        tap.ok(re.search(line, done.stdout, re.M), f"{what} the limit: both values", done)


run_in_lab("default", __file__)
same_counts()
packets()
text_options()
signals()
fits()
limit()
sys.exit(tap.finish())
