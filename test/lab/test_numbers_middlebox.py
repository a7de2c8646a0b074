#!/usr/bin/python3 -B
"""A middlebox that answers handshakes itself, in front of a server that is farther away, and
in front of nobody: it is detected and named, and its handshakes are in no number.

Runs itself in the lab.
"""

import sys
import time

import lab
import probing
from lab import Tap
from probing import Agent, Probing

FAR, DEAD, PLAIN = "outlook.office365.com", "nobody.example.net", "teams.microsoft.com"
FAR_MS, BOX_MS = 30, 2

tap = Tap()


def test_probe(what, kind, probes):
    s = probes.summary
    tap.equal(True, s["intercepted"], f"{what}, {kind}: detected")
    tap.ok(f"{BOX_MS}." in (s["interception"] or ""), f"{what}, {kind}: {s['interception']}")
    tap.equal(None, s["delays"]["rtt"]["p50"], f"{what}, {kind}: no percentile of its handshakes")


def test_run(what, agent, icmp):
    tap.equal(None, agent.delays(kind="tcp") or None, f"{what}, run: no delay of its handshakes")
    pops = agent.delays(kind="icmp")
    least = min((low for low, _ in pops.values()), default=None)
    if icmp:
        tap.near(FAR_MS, least, 0.7, f"{what}, run: ICMP is the way's")
        tap.equal({1.0}, set(agent.up()), f"{what}, run: up")
    else:
        tap.equal(None, least, f"{what}, run: no ICMP data")
        tap.ok(1.0 not in agent.up()[1:], f"{what}, run: a middlebox's handshakes are no sign of life", agent.up())
    said = [line for line in agent.said.splitlines() if "middlebox" in line]
    tap.equal(1, len(said), f"{what}, run: the log says it once: {said[:1]}")


def main():
    lab.change("london", f"delay={FAR_MS}ms middlebox={BOX_MS}ms")
    lab.change("nobody", f"middlebox={BOX_MS}ms")
    agents = {what: Agent(what, host, "icmp tcp", "family = ipv4\n")
              for what, host in (("far", FAR), ("dead", DEAD))}
    began = time.monotonic()
    started = {(what, kind): Probing(kind, host, "-n", 10, "-i", 0.2)
               for what, host in (("far", FAR), ("dead", DEAD)) for kind in ("tcp", "https")}
    plain = {kind: Probing(kind, PLAIN, "-n", 5, "-i", 0.2) for kind in ("tcp", "https")}
    for (what, kind), one in started.items():
        test_probe(what, kind, one.wait())
    for kind, one in plain.items():
        s = one.wait().summary
        tap.equal((False, None), (s["intercepted"], s["interception"]), f"no middlebox, {kind}: none is seen")
        tap.near(3, s["delays"]["rtt"]["p50"], 0.5, f"no middlebox, {kind}: p50")
    time.sleep(max(0, began + 16 - time.monotonic()))
    for agent in agents.values():
        agent.stop()
    test_run("far", agents["far"], icmp=True)
    test_run("dead", agents["dead"], icmp=False)
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
