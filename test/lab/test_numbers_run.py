#!/usr/bin/python3 -B
"""What `edgelat run` exports on faults of the path, the names or this host: a name with ten
addresses, a name that moves, a SIGSTOP of 20 s, no CAP_NET_RAW, ICMP filtered, nobody there, a
spool with room for two batches.

Runs itself in the lab. Each agent has a target of its own and no collector: what it
exported is what stands in its spool.
"""

import collections
import contextlib
import os
import signal
import sys
import time

import lab
import probing
from lab import Tap
from probing import UNPRIVILEGED, Agent, Capture

AMSTERDAM, LONDON, FRANKFURT, NEWARK = "203.0.113.20", "203.0.113.10", "203.0.113.30", "203.0.113.40"
TEN = [f"203.0.113.{n}" for n in range(101, 111)]
ICMP, TCP = 1, 6
TTL_S, STOPPED_S = 5, 20

tap = Tap()


def requests_of(capture, *addresses):
    """[(seconds since the first packet, protocol, address)]"""
    first = capture.packets[0][0]
    return [((stamp - first) / 1e9, protocol, to) for stamp, protocol, to in capture.requests()
            if to in addresses]


# ---- names


def test_ten_addresses(agent, capture, used, removed_at):
    """One is in use, up to seven others are watched by a quarter of the probes; dnsmasq gives them in turns."""
    sent = requests_of(capture, *TEN)
    before = collections.Counter(to for at, _, to in sent if TTL_S < at < removed_at)
    tap.ok(len(before) <= 8 and before.most_common(1)[0][0] == used and before[used] > 0.4 * before.total(),
           f"ten addresses: one is in use through three lookups: {before}", sent)
    after = collections.Counter(to for at, _, to in sent if at > removed_at + TTL_S + 2)
    first, count = after.most_common(1)[0]
    tap.ok(first != used and count > 0.6 * after.total() > 6 and after[used] < 0.2 * after.total(),
           f"ten addresses: another one when it is not among them any more: {after}", sent)
    for kind in ("icmp", "tcp"):
        tap.equal(["reply"], list(agent.outcomes(kind)), f"ten addresses, {kind}: all are answered")
        for name, (least, most) in agent.delays(kind=kind).items():
            tap.ok(11.5 < least and most < 40, f"ten addresses: {name} from {least:.1f} to {most:.1f} ms")


def test_moving(agent, capture, moved_at):
    sent = requests_of(capture, AMSTERDAM, NEWARK)
    new = [at for at, _, to in sent if to == NEWARK]
    old = [at for at, _, to in sent if to == AMSTERDAM]
    tap.ok(new and moved_at < new[0] < moved_at + TTL_S + 2.5,
           f"a name that moves: followed after {new[0] - moved_at if new else -1:.1f} s of a TTL of {TTL_S} s", new)
    late = [at for at in old if new and at > new[0] + 1]
    tap.ok(len(late) < 0.35 * len(new), f"a name that moves: the old address is only watched, by {len(late)} of {len(late + new)}")
    ranges = agent.delays()
    for (pop, kind), (least, most) in ranges.items():
        tap.ok(most < 30 or least > 50, f"a name that moves, {pop} {kind}: from {least:.1f} to {most:.1f} ms, not both")
    tap.ok({("AMS", "icmp"), ("EWR", "icmp")} <= set(ranges), "a name that moves: each PoP has its series", ranges)
    blended = []
    for batch in agent.batches:
        window = {}
        for of, point in batch.points("edgelat.probe.delay.quantile", delay="rtt"):
            window.setdefault((of["pop"], of["kind"]), []).append(1000 * point["asDouble"])
        blended += [(key, values) for key, values in window.items() if min(values) < 30 and max(values) > 50]
    tap.equal([], blended, "a name that moves: no window has the delays of both")
    for kind in ("icmp", "tcp", "https"):
        tap.equal(["reply"], list(agent.outcomes(kind)), f"a name that moves, {kind}: nothing is lost")


# ---- this host


def test_stopped(agent, capture, stopped_at, went_on_at):
    sent = [at for at, protocol, _ in requests_of(capture, FRANKFURT) if protocol == ICMP]
    tap.equal([], [at for at in sent if stopped_at + 0.1 < at < went_on_at - 0.1], "stopped: nothing is sent")
    after = [at for at in sent if at > went_on_at]
    tap.ok(after and after[0] < went_on_at + 1.1 and min(b - a for a, b in zip(after, after[1:])) > 0.9,
           "stopped: no burst afterwards", after)
    for kind in ("icmp", "tcp"):
        tap.near(STOPPED_S, agent.total("edgelat.probe.anomalies", kind=kind, anomaly="missed"), 1,
                 f"stopped, {kind}: missed probes are counted")
        tap.equal(["reply"], list(agent.outcomes(kind)), f"stopped, {kind}: nothing is called lost")
    for key, (least, most) in agent.delays().items():
        tap.ok(23.5 < least and most < 60, f"stopped, {key[1]}: from {least:.1f} to {most:.1f} ms")
    tap.ok("interrupted" in agent.said, "stopped: the log says it", agent.said)
    tap.equal(1, agent.total("edgelat.agent.windows", state="interrupted"), "stopped: and one window does")


def test_unprivileged(agent):
    tap.equal(["not_measured"], list(agent.outcomes("icmp")), "no CAP_NET_RAW: ICMP is not measured, which is no loss")
    for kind in ("tcp", "https"):
        tap.equal(["reply"], list(agent.outcomes(kind)), f"no CAP_NET_RAW: {kind} is measured")
    tap.equal({1.0}, set(agent.up()), "no CAP_NET_RAW: the target is up")
    warned = [line for line in agent.said.splitlines() if "icmp is not measured" in line]
    tap.ok(len(warned) == 1 and "CAP_NET_RAW" in warned[0], "no CAP_NET_RAW: one plain sentence in the log", agent.said)
    tap.equal(1, agent.said.count("cannot search the path MTU"), "no CAP_NET_RAW: and one for what else needs ICMP")


# ---- what answers and what does not


def test_filtered(agent):
    tap.equal(["loss"], list(agent.outcomes("icmp")), "ICMP filtered: no reply to it")
    tap.equal(["reply"], list(agent.outcomes("tcp")), "ICMP filtered: TCP is answered")
    tap.equal({1.0}, set(agent.up()), "ICMP filtered: never an outage")
    tap.equal(1, agent.total("edgelat.target.rank"), "ICMP filtered: the target is ranked")


def test_dead(agent):
    tap.equal({0.0}, set(agent.up()), "nobody there: down")
    tap.equal([["loss"], ["loss"]], [list(agent.outcomes(kind)) for kind in ("icmp", "tcp")], "nobody there: loss")
    tap.equal({}, agent.delays(), "nobody there: no delay")
    ratios = {batch.value("edgelat.probe.loss_ratio", kind="icmp", type="ipv4") for batch in agent.batches[1:-1]}
    tap.equal({1.0}, ratios, "nobody there: the loss ratio is 1")


# ---- what is dropped


def test_bounded(agent):
    """Batch n pushes out batch n - 2; the next batch says so."""
    spool = os.path.join(agent.state, "spool")
    numbers = sorted(int(name.split("-")[0]) for name in os.listdir(spool) if name.endswith(".pb.gz"))
    said = [batch.value("edgelat.agent.spool.dropped") for batch in agent.batches]
    tap.ok(len(numbers) == 2 and numbers[-1] > 4, "a spool of two batches: the youngest two wait", numbers)
    tap.equal([number - 3 for number in numbers], said, "a spool of two batches: each says how many had gone before it")
    tap.equal(1, agent.said.count("the oldest batches are dropped"), "a spool of two batches: the log says it once")


def main():
    lab.change("london", "icmp=off")
    ipv4 = "family = ipv4\n"
    with contextlib.ExitStack() as stack:
        capture = stack.enter_context(Capture())
        agents = {}
        for arguments in (("ten", "ten.example.net", "icmp tcp", ipv4),
                          ("moving", "moving.example.net", "icmp tcp https", ipv4),
                          ("stopped", "microsoft.sharepoint.com", "icmp tcp", ipv4 + "[path]\ntrace = no\nmtu = no\n"),
                          ("filtered", "outlook.office365.com", "icmp tcp"),
                          ("dead", "nobody.example.net", "icmp tcp"),
                          ("bounded", "outlook.office365.com", "tcp", "[spool]\nbatches = 2"),
                          ("unprivileged", "ipv6.example.net", "icmp tcp https", "family = ipv6", UNPRIVILEGED)):
            agents[arguments[0]] = Agent(*arguments)
            stack.callback(agents[arguments[0]].process.kill)

        def now():
            return time.time() - capture.packets[0][0] / 1e9

        time.sleep(5)
        agents["stopped"].process.send_signal(signal.SIGSTOP)
        stopped_at = now()
        time.sleep(4)
        moved_at = now()
        lab.point("moving.example.net", NEWARK)
        time.sleep(3)
        removed_at = now()
        used = collections.Counter(to for _, _, to in requests_of(capture, *TEN)).most_common(1)[0][0]
        lab.point("ten.example.net", *(address for address in TEN if address != used))
        time.sleep(max(0, stopped_at + STOPPED_S - now()))
        agents["stopped"].process.send_signal(signal.SIGCONT)
        went_on_at = now()
        time.sleep(6)
        for agent in agents.values():
            agent.stop()

    test_ten_addresses(agents["ten"], capture, used, removed_at)
    test_moving(agents["moving"], capture, moved_at)
    test_stopped(agents["stopped"], capture, stopped_at, went_on_at)
    test_unprivileged(agents["unprivileged"])
    test_filtered(agents["filtered"])
    test_dead(agents["dead"])
    test_bounded(agents["bounded"])
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
