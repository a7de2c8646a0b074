#!/usr/bin/python3 -B
"""Faults of this host, and how `edgelat probe` reports them: stopped for
20 s, every core busy, without CAP_NET_RAW, with one family of addresses only.

Runs itself in labs.
"""

import contextlib
import datetime
import os
import signal
import subprocess
import sys
import time

import lab
import probing
import slow_neighbour
from lab import Tap, quantile, wait_for
from probing import LAB, UNPRIVILEGED, Capture, Probing, bounds, in_order, probe

AMSTERDAM, LONDON = "203.0.113.20", "203.0.113.10"
FRANKFURT, NEWARK = "203.0.113.30", "203.0.113.40"
STOPPED_S = 20

tap = Tap()


def seconds(result):
    return datetime.datetime.fromisoformat(result["time"].replace("Z", "+00:00")).timestamp()


# ---- stopped


def stop_with_one_under_way(probing_, capture, captured):
    """SIGSTOP just after a probe has left: its reply arrives while the process is stopped."""
    before = len(captured(capture))
    wait_for(lambda: len(captured(capture)) > before, step=0.002)
    probing_.process.send_signal(signal.SIGSTOP)
    return time.monotonic()


def test_stopped(what, probes, stopped_s, interval, delay):
    results = in_order(probes)
    at = [seconds(r) for r in results]
    gaps = [later - sooner for sooner, later in zip(at, at[1:])]
    pause = gaps.index(max(gaps))
    tap.near(stopped_s + interval, gaps[pause], interval, f"{what}, stopped: seconds without a probe")
    others = gaps[:pause] + gaps[pause + 1:]
    tap.ok(min(others) > 0.8 * interval, f"{what}, stopped: no burst, the shortest gap is {min(others):.3f} s")
    off_grid = (gaps[pause] + interval / 2) % interval - interval / 2
    tap.near(0, off_grid, 0.05, f"{what}, stopped: the grid is kept, seconds beside it")
    s = probes.summary
    tap.equal((50, 50), (s["sent"], s["received"]), f"{what}, stopped: nothing is called lost")
    tap.ok(max(probes.delays) < delay + 30, f"{what}, stopped: the longest delay is {max(probes.delays):.1f} ms")
    tap.near(delay, results[pause]["delays"]["rtt"], 2, f"{what}, stopped: the delay of the one under way")
    tap.near(gaps[pause] / interval - 1, s.get("missed"), 0.5, f"{what}, stopped: missed probes are counted")


# ---- busy


@contextlib.contextmanager
def busy_cores():
    hogs = [subprocess.Popen(["sha256sum", "/dev/zero"], stdout=subprocess.DEVNULL) for _ in range(4)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_busy():
    """The stamps are the kernel's: the numbers are as good as on an idle host."""
    with Capture() as capture:
        with busy_cores():
            icmp = Probing("icmp", AMSTERDAM, "-n", 300, "-i", 0.01)
            tcp = Probing("tcp", LONDON, "-n", 150, "-i", 0.02)
            icmp, tcp = icmp.wait(), tcp.wait()
    for kind, probes, captured, n, limit_us in (
            ("icmp", icmp, [e.rtt for e in capture.echoes(AMSTERDAM)], 300, 100),
            ("tcp", tcp, capture.handshakes(LONDON), 150, 200)):
        wrong = [abs(us) for us in probing.errors_us(probes, captured)]
        tap.ok(len(wrong) == n and quantile(wrong, 0.99) < limit_us,
               f"busy cores, {kind}: p99 of the error against the capture is {quantile(wrong, 0.99):.0f} us",
               (len(wrong), sorted(wrong)[-10:]))
        tap.equal(n, probes.summary["received"], f"busy cores, {kind}: nothing is lost")


# ---- without CAP_NET_RAW


def test_unprivileged():
    refused = probe("icmp", AMSTERDAM, before=UNPRIVILEGED)
    tap.equal((2, 1), (refused.code, len(refused.said.splitlines())), f"no CAP_NET_RAW: {refused.said.strip()}")
    tap.ok("CAP_NET_RAW" in refused.said and "ping_group_range" in refused.said,
           "no CAP_NET_RAW: it says what would help", refused.said)
    tap.equal([], refused.results, "no CAP_NET_RAW: and no result")
    tcp = probe("tcp", AMSTERDAM, "-n", 5, "-i", 0.1, before=UNPRIVILEGED)
    tap.equal((0, 5), (tcp.code, tcp.summary["received"]), f"no CAP_NET_RAW: TCP works {tcp.said}")
    tap.near(3, tcp.summary["delays"]["rtt"]["p50"], 0.5, "no CAP_NET_RAW: TCP, p50")

    with open("/proc/sys/net/ipv4/ping_group_range", "w", encoding="ascii") as file:
        file.write("0 0")  # until here it was the kernel's own: nobody
    with Capture() as capture:
        started = {address: [Probing("icmp", address, "-n", n, "-i", 0.02, "-w", 1, before=UNPRIVILEGED)
                             for _ in range(count)]
                   for address, n, count in ((AMSTERDAM, 100, 2), ("2001:db8:113::20", 100, 1),
                                             ("203.0.113.50", 300, 1))}
        got = {address: [one.wait() for one in these] for address, these in started.items()}
    for address in (AMSTERDAM, "2001:db8:113::20"):
        for probes in got[address]:
            s = probes.summary
            tap.equal((0, 100, 100, 0), (probes.code, s["sent"], s["received"], s["duplicates"]),
                      f"ping socket, {address}: every reply is its own {probes.said}")
            tap.near(3, s["delays"]["rtt"]["p50"], 0.5, f"ping socket, {address}: p50")
    wrong = [abs(us) for us in probing.errors_us(got["2001:db8:113::20"][0],
                                                 [e.rtt for e in capture.echoes("2001:db8:113::20")])]
    tap.ok(len(wrong) == 100 and quantile(wrong, 0.99) < 100,
           f"ping socket: p99 of the error against the capture is {quantile(wrong, 0.99):.0f} us", wrong)
    lossy = got["203.0.113.50"][0]
    tap.equal([e.rtt is not None for e in capture.echoes("203.0.113.50")],
              [r["outcome"] == "reply" for r in in_order(lossy)], "ping socket: losses, probe by probe")
    tap.near(30, len(lossy.with_outcome("loss")), bounds(300, 0.1), "ping socket: 10 % loss, lost of 300")
    lab.change("london", "reject=admin")
    rejected = probe("icmp", LONDON, "-n", 3, "-i", 0.1, before=UNPRIVILEGED)
    lab.change("london", "reject=no")
    tap.equal({"unreachable": 3}, rejected.summary["outcomes"],
              f"ping socket: {rejected.results[0].get('cause')}")


# ---- the first probe waits for the neighbour


def test_neighbour():
    """On an Ethernet whose other end takes 300 ms to say its hardware address."""
    setting = """
        ip netns add lan
        ip link add lan0 address 02:00:00:00:00:01 type veth peer name lan0 netns lan
        ip address add 192.0.2.1/24 dev lan0
        ip link set lan0 up
        ip -n lan address add 192.0.2.2/24 dev lan0
        ip netns exec lan sh -c 'echo 8 >/proc/sys/net/ipv4/conf/lan0/arp_ignore'
        ip -n lan link set lan0 up
        ip -n lan neighbour add 192.0.2.1 dev lan0 lladdr 02:00:00:00:00:01
    """
    done = lab.run("sh", "-ec", setting)
    if not tap.equal("", done.stderr, "neighbour: an Ethernet"):
        return
    slow = lab.running("ip", "netns", "exec", "lan", lab.PYTHON, "-B", slow_neighbour.__file__,
                       "lan0", "192.0.2.2", "0.3", stdout=subprocess.PIPE)
    with slow as process:
        process.stdout.readline()
        began = time.monotonic()
        probes = probe("icmp", "192.0.2.2", "-n", 1)
        took = time.monotonic() - began
    tap.ok(0.3 < took < 0.9, f"neighbour: the probe waited {took:.2f} s for it")
    tap.ok(probes.delays and probes.delays[0] < 5, f"neighbour: which is not in its delay: {probes.delays} ms")


# ---- one family


def family(there, away):
    """In a lab that has one family of addresses only."""
    own = Tap()
    names = ("teams.microsoft.com", "outlook.office365.com")
    started = {kind: Probing(kind, *names, "-n", 20, "-i", 0.05) for kind in ("icmp", "tcp")}
    started["https"] = Probing("https", *names, "-n", 3, "-i", 0.5)
    missing = Probing("icmp", names[0], f"-{away[-1]}", "-n", 3, "-i", 0.1)
    for kind, one in started.items():
        probes = one.wait()
        own.equal((0, ""), (probes.code, probes.said), f"{there} only, {kind}: nothing to complain of")
        own.equal({there}, {r["family"] for r in probes.results}, f"{there} only, {kind}: the family")
        for s, delay in zip(probes.summaries, (3, 9)):
            own.near(delay, s["delays"]["rtt"]["p50"], 0.7, f"{there} only, {kind} to {s['target']}: p50")
            own.equal(s["sent"], s["received"], f"{there} only, {kind} to {s['target']}: all are answered")
    probes = missing.wait()
    outcomes = probes.summaries[0]["outcomes"] if probes.summaries else {}
    own.ok(probes.code == 2 and "loss" not in outcomes and "reply" not in outcomes,
           f"{there} only: {away} is not measured, which is no loss", (probes.code, probes.summaries))
    why = {r["cause"] for r in probes.results}
    own.ok(all("route" in w or "address" in w for w in why), f"{there} only: {why or probes.said}")
    return own.finish()


def families():
    for there, away in (("ipv6", "ipv4"), ("ipv4", "ipv6")):
        done = lab.run(LAB, f"{there}only", "--", lab.PYTHON, "-B", os.path.abspath(__file__), there, away)
        tap.include(done.stdout.splitlines())
        tap.equal(0, done.returncode, f"{there} only: its tests {done.stderr if done.returncode else ''}")


# ---- the whole


def inside():
    often = ("-n", 50, "-i", 0.2)
    with Capture() as capture:
        icmp = Probing("icmp", NEWARK, *often)
        tcp = Probing("tcp", FRANKFURT, *often)
        time.sleep(1)
        at = [stop_with_one_under_way(icmp, capture, lambda c: c.echoes(NEWARK)),
              stop_with_one_under_way(tcp, capture, lambda c: c.handshakes(FRANKFURT))]
    test_busy()
    test_unprivileged()
    test_neighbour()
    time.sleep(max(0, at[1] + STOPPED_S - time.monotonic()))
    for one in (icmp, tcp):
        one.process.send_signal(signal.SIGCONT)
    lasted = [time.monotonic() - began for began in at]
    test_stopped("icmp", icmp.wait(), lasted[0], 0.2, 60)
    test_stopped("tcp", tcp.wait(), lasted[1], 0.2, 24)
    return tap.finish()


def around():
    with subprocess.Popen([LAB, "--", lab.PYTHON, "-B", os.path.abspath(__file__), "inside"],
                          text=True, stdout=subprocess.PIPE) as process:
        tap.include(process.stdout)
    tap.equal(0, process.returncode, "the tests in the lab")
    families()
    return tap.finish()


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        sys.exit(inside())
    sys.exit(family(*sys.argv[1:]) if sys.argv[1:] else around())
