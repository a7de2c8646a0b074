#!/usr/bin/python3 -B
"""The wall clock is stepped by an hour, forwards and back, while probes are under way: no
delay, loss or order comes out of it, and windows say that they were interrupted. A host
without a battery begins in 1970, one with a bad battery anywhere.

Runs itself in the lab. The clock is that of the programs under test alone: clock.c.
"""

import contextlib
import os
import struct
import sys
import time

import lab
import probing
from lab import Tap
from probing import Agent, Capture, Probing

PROBED, PROBED_MS = "203.0.113.30", 24
# The agent's, so far that its probe is still under way at a step, also if a busy host sends it late.
HOST, ADDRESS, RTT_MS = "www.bing.com", "203.0.113.40", 200
HOUR_NS = 3600 * 10**9
# seconds, and from then on the clock's offset
STEPS = ((3, HOUR_NS), (8, 0), (13, -HOUR_NS), (18, 0))

tap = Tap()


class Clock:
    """What programs started behind `.before` take for the wall clock."""

    def __init__(self):
        library = os.path.join(lab.FOLDER, "clock.so")
        self.path = os.path.join(lab.FOLDER, "clock")
        source = os.path.join(lab.HERE, "clock.c")
        lab.run("cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-o", library, source).check_returncode()
        self.steps = 0
        with open(self.path, "wb") as file:
            file.write(bytes(64 * 16))
        self.before = ["env", f"LD_PRELOAD={library}", f"LAB_CLOCK={self.path}"]

    def set(self, ns, since=None):
        with open(self.path, "r+b") as file:
            file.seek(self.steps * 16)
            file.write(struct.pack("qq", since or time.time_ns(), ns))
        self.steps += 1


def test_probes(probes):
    s = probes.summary
    tap.equal((2000, 2000, 0, 0), (s["sent"], s["received"], s["duplicates"], s["late"]),
              "clock steps, probe: every probe is answered")
    tap.equal((0, 0), (s["reordered"], s["longest_loss_burst"]), "clock steps, probe: none overtaken, none lost")
    d = s["delays"]["rtt"]
    # where the stamps make no sense it is our own clock's, which a busy host delays
    tap.ok(PROBED_MS - 0.5 < d["min"] and d["max"] < PROBED_MS + 60,
           f"clock steps, probe: delays from {d['min']:.2f} to {d['max']:.2f} ms")
    jumps = [r["time"][11:13] for r in probes.results]
    changes = sum(a != b for a, b in zip(jumps, jumps[1:]))
    tap.ok(changes >= len(STEPS), f"clock steps, probe: its results saw the clock change {changes} times")
    tap.ok(s["delay_variation"]["max"] < 60, f"clock steps, probe: delay variation up to {s['delay_variation']['max']:.2f} ms")


def test_run(agent, in_time):
    """`in_time`: the steps that were set before they took effect, which a busy host may miss."""
    for kind in ("icmp", "tcp"):
        tap.equal(["reply"], list(agent.outcomes(kind)), f"clock steps, run, {kind}: nothing is lost")
    for (_, kind), (least, most) in agent.delays().items():
        tap.ok(RTT_MS - 0.5 < least and most < RTT_MS + 60, f"clock steps, run, {kind}: from {least:.2f} to {most:.2f} ms")
    sent = [sum(int(p["asInt"]) for _, p in batch.points("edgelat.probe.results", kind="icmp")) for batch in agent.batches]
    tap.ok(sent == sorted(sent) and 18 <= sent[-1] <= 26, f"clock steps, run: probes so far, by batch: {sent}")
    stamps = [int(batch.points("edgelat.target.up")[0][1]["timeUnixNano"]) for batch in agent.batches
              if batch.points("edgelat.target.up")]
    backs = sum(b <= a for a, b in zip(stamps, stamps[1:]))
    tap.ok(1 <= backs <= 2, f"clock steps, run: stamps go back with a clock that was an hour ahead, {backs} times", stamps)
    tap.ok(abs(stamps[-1] / 10**9 - time.time()) < 60, "clock steps, run: and are right when it is", stamps)
    tap.ok(4 <= len(agent.batches) <= 12, f"clock steps, run: {len(agent.batches)} windows in 24 s, of 5 s each")
    fallbacks = agent.total("edgelat.agent.probe.timestamp_fallbacks")
    tap.ok(fallbacks >= 1 or not in_time, f"clock steps, run: {fallbacks:g} times the stamps made no sense, and our own clock was taken")
    interrupted = agent.total("edgelat.agent.windows", state="interrupted")
    tap.ok(2 <= interrupted <= len(agent.batches), f"clock steps, run: {interrupted:g} windows say it")


def test_battery(clock):
    """An agent that begins in 1970 waits; one whose clock was years ahead goes back with it."""
    clock.set(-time.time_ns() + 60 * 10**9)
    agent = Agent("unset", HOST, "icmp", "family = ipv4\n", clock.before)
    with contextlib.ExitStack() as stack:
        stack.callback(agent.process.kill)
        with Capture() as capture:
            time.sleep(7)
        tap.equal(([], []), (capture.requests(), probing.batches(agent.state)), "in 1970: nothing is sent, no window closes")
        clock.set(20 * 365 * 24 * HOUR_NS)  # wrong, but it could be right
        tap.ok(lab.wait_for(lambda: probing.batches(agent.state), 15), "the clock is set: windows close")
        clock.set(0)
        now = time.time_ns()
        lab.wait_for(lambda: stamp(probing.batches(agent.state)[-1]) < now + HOUR_NS, 20, 0.5)
        agent.stop()
    tap.ok(now <= stamp(agent.batches[-1]) < now + 60 * 10**9, "set back by years: the new windows have the right time", agent.said)
    for words in ("nothing is measured: this host's clock was never set", "clock is set: measuring begins",
                  "clock stepped by 6307"):
        tap.equal(1, agent.said.count(words), f"the log: {words}")
    tap.row("no clock", "begun in 1970, then 20 years ahead, then set right", "nothing measured in 1970; then the right time")


def stamp(batch):
    return int(batch.points("edgelat.agent.probing")[0][1]["timeUnixNano"])


def next_request(capture):
    """Waits for the agent's next echo request; when it left (ns)."""
    begin = struct.pack("4B", *map(int, ADDRESS.split("."))) + b"\x08"
    seen = len(capture.packets)
    return lab.wait_for(lambda: next((at for at, packet in capture.packets[seen:] if packet[9] == 1 and packet[16:21] == begin), None), 10, 0.01)


def main():
    clock = Clock()
    lab.change("newark", f"delay={RTT_MS}ms")
    with contextlib.ExitStack() as stack:
        capture = stack.enter_context(Capture())
        agent = Agent("stepped", HOST, "icmp tcp", "family = ipv4\n", clock.before)
        stack.callback(agent.process.kill)
        probing_ = Probing("icmp", PROBED, "-n", 2000, "-i", 0.01, before=clock.before)
        began, in_time = time.monotonic(), 0
        for at, offset in STEPS:
            time.sleep(max(0, began + at - time.monotonic()))
            since = next_request(capture) + RTT_MS // 2 * 10**6  # while it is under way
            clock.set(offset, since)
            in_time += time.time_ns() < since
        probes = probing_.wait()
        time.sleep(max(0, began + 24 - time.monotonic()))
        agent.stop()
    test_probes(probes)
    test_run(agent, in_time)
    test_battery(clock)
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
