#!/usr/bin/python3 -B
"""An agent that is stopped while probes are under way: `edgelat run` reads replies in slots, so what came while it stood
still waits in its sockets. Seven stops: short ones as of a loop that stalls, one that is longer than the waiting time,
one as of a host that was suspended.

Each probe is judged by the kernel's times: sent and answered are what a capture on the interface counts, also of the
probes whose waiting time ended during a stop; the sum of all delays is the capture's, so no stop is in any of them; an
answer that came too late is lost, though it was there when the agent looked. Runs itself in the lab.
"""

import signal
import sys
import time

import lab
import probing
from lab import Tap
from probing import Agent, Capture

TARGETS = {"far": "203.0.113.40", "lossy": "203.0.113.50", "late": "203.0.113.61", "near": "203.0.113.20"}
WAITING_S = 1
STOPS_S = (0.3, 0.7, 0.3, 1.6, 0.5, 0.3, 4)
# A stop is 300 ms and more. On a busy CPU Linux gives a packet to TCP up to some ms after the capture has stamped it.
MEAN_ERROR_US, ERROR_MS = 2000, 10

tap = Tap()


def histogram(agent, kind, name):
    """(count, sum in ms, greatest in ms) of a series, over all its windows; each is stated as the total so far."""
    found = (0, 0, 0)
    for batch in agent.batches:
        for _, point in batch.points("edgelat.probe.delay", delay="rtt", kind=kind, target=name):
            if int(point.get("count", 0)) > found[0]:
                found = int(point["count"]), 1000 * point["sum"], max(found[2], 1000 * point.get("max", 0))
    return found


def judged_at(trip):
    """A lost one at the end of a slot."""
    sent, rtt = trip
    return sent + rtt / 1000 if rtt and rtt <= 1000 * WAITING_S else sent + WAITING_S + 0.1


def test_series(agent, kind, name, trips, stopped, ended):
    """`trips`: of the capture, [(sent, delay in ms or None)]; `stopped`, `ended`: when."""
    what = f"{name}, {kind}"
    outcomes = {of["outcome"]: int(point["asInt"]) for of, point in agent.batches[-1].points(
        "edgelat.probe.results", kind=kind, target=name) if int(point["asInt"]) > 0}
    trips.sort(key=judged_at)
    least, judged = sum(judged_at(trip) < ended for trip in trips), sum(outcomes.values())
    tap.ok(least <= judged <= least + 1, f"{what}: all {judged} that were sent have an outcome, but for what was under way at the end", (least, outcomes))
    trips = trips[:judged]
    in_time = [rtt for _, rtt in trips if rtt is not None and rtt <= 1000 * WAITING_S]
    expected = {"reply": len(in_time), "loss": len(trips) - len(in_time)}
    tap.equal({k: n for k, n in expected.items() if n}, outcomes, f"{what}: answered and lost as the capture says, nothing else")
    count, total, greatest = histogram(agent, kind, name)
    tap.equal(len(in_time), count, f"{what}: each answer has its delay")
    if count:
        wrong_us = 1000 * (total - sum(in_time)) / count
        tap.ok(abs(wrong_us) < MEAN_ERROR_US, f"{what}: the mean delay is {wrong_us:.1f} us beside the capture's")
        tap.near(max(in_time), greatest, ERROR_MS, f"{what}: the longest is the capture's, ms")
    if name == "far":
        under_way = sum(0 < at - sent < 0.06 for sent, _ in trips for at in stopped)
        tap.ok(under_way >= 3, f"{what}: {under_way} probes were under way when it was stopped")


def main():
    lab.change("zurich", "delay=1300ms")
    more = "family = ipv4\n" + "".join(
        f"[target {name}]\nhost = {address}\nkinds = icmp tcp\nfamily = ipv4\ninterval = 1s\nslow_interval = 1s\nwaiting = {WAITING_S}s\n"
        for name, address in TARGETS.items()) + "[path]\ntrace = no\nmtu = no\n"
    stopped = []  # when
    with Capture() as capture:
        agent = Agent("first", "203.0.113.10", "icmp tcp", more)
        time.sleep(4)
        for i, stop_s in enumerate(STOPS_S):
            sent = capture.connects if i % 2 else capture.echoes
            before = len(sent(TARGETS["far"]))
            lab.wait_for(lambda: len(sent(TARGETS["far"])) > before, step=0.002)
            agent.process.send_signal(signal.SIGSTOP)
            stopped.append(time.time())
            time.sleep(stop_s)
            agent.process.send_signal(signal.SIGCONT)
            time.sleep(1.5)
        time.sleep(4)
        ended = time.time()
        agent.stop()

    for name, address in TARGETS.items():
        for kind, trips in (("icmp", [(e.sent, e.rtt) for e in capture.echoes(address)]), ("tcp", capture.connects(address))):
            test_series(agent, kind, name, [(ns / 1e9, rtt) for ns, rtt in trips], stopped, ended)
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
