#!/usr/bin/python3 -B
"""UDP media against coturn behind the relay: delays, loss, duplicates and late packets of `edgelat probe stun` and of a burst
(--media) are those of a capture; the mapped address is coturn's; a blocked port is told from a host that is away.

Runs itself in the lab.
"""

import contextlib
import os
import sys

import lab
import probing
from lab import Tap, quantile, run, wait_for
from probing import Agent, Capture, Probing, bounds, errors_us

AMSTERDAM, AMSTERDAM6, LONDON, NEWARK = "203.0.113.20", "2001:db8:113::20", "203.0.113.10", "203.0.113.40"
NOBODY, ZURICH = "203.0.113.200", "203.0.113.61"
ERROR_US = 40  # of p10 and p90: other tests use the CPUs too; test/bench/accuracy has the figures of an idle host

tap = Tap()


@contextlib.contextmanager
def coturn(*addresses):
    """A STUN server; it listens before the block begins."""
    listen = [word for address in addresses for word in ("-L", address)]
    command = ["turnserver", "-n", *listen, "-p", "3478", "-S", "--no-tls", "--no-dtls", "--no-cli", "--no-tcp",
               "--pidfile", os.path.join(lab.FOLDER, "coturn.pid"), "--log-file", os.path.join(lab.FOLDER, "coturn.log")]
    with open(os.devnull, "w", encoding="utf-8") as nothing, \
            lab.running(*lab.in_internet(*command), stdout=nothing, stderr=nothing):
        ready = wait_for(lambda: all(f"{a}:3478" in run(*lab.in_internet("ss", "-Hlun")).stdout.replace("[", "").replace("]", "")
                                     for a in addresses), timeout=10)
        if not ready:
            raise RuntimeError("coturn does not listen: " + lab.read("coturn.log")[-500:])
        yield


def media(*hosts):
    return Probing("stun", "--media", *hosts)


def burst_of(probing_):
    return probing_.wait().results[0]


# ---- single probes


def test_delays(what, address, probes, captured):
    errors = errors_us(probes, [b.rtt for b in captured])
    tap.equal(len(captured), len(probes.results), f"{what}: as many results as requests")
    tap.equal(len(errors), len(captured), f"{what}: all are answered")
    low, high = quantile(errors, 0.1), quantile(errors, 0.9)
    tap.note(f"{what}: error of the delay p10 {low:.1f}, p50 {quantile(errors, 0.5):.1f}, p90 {high:.1f} us")
    tap.ok(max(abs(low), abs(high)) < ERROR_US, f"{what}: the error is below {ERROR_US} us", (low, high))
    mapped = {(r["mapped"]["address"], r["mapped"]["port"]) for r in probes.results}
    tap.equal(1, len(mapped), f"{what}: one mapped address")
    tap.equal("10.42.0.10" if "." in address else "2001:db8:42::10", mapped.pop()[0], f"{what}: it is the branch's")


def test_loss(probes, captured):
    """Which were lost is the capture's word; how many, the relay's."""
    lost = [b.rtt is None for b in captured]
    tap.equal(lost, [r["outcome"] == "loss" for r in probing.in_order(probes)], "loss: the same ones as in the capture")
    tap.near(0.01 * len(lost), sum(lost), bounds(len(lost), 0.01), "loss of 1 %")
    s = probes.summary
    tap.equal((len(lost), len(lost) - sum(lost)), (s["sent"], s["received"]), "loss: the summary")
    doubled = sum(max(0, len(b.replies) - 1) for b in captured)
    tap.equal(doubled, s["duplicates"], f"duplicates: the {doubled} of the capture")


def test_late(probes, captured, waiting_ms):
    late = [b.rtt is not None and b.rtt > waiting_ms for b in captured]
    tap.ok(sum(late) > 0, f"late: {sum(late)} in the capture")
    tap.equal(late, [r["outcome"] == "loss" for r in probing.in_order(probes)], "late: each is lost")
    tap.equal(sum(late), probes.summary["late"], "late: counted")


# ---- a burst


def longest_run(lost):
    run_, longest = 0, 0
    for one in lost:
        run_ = run_ + 1 if one else 0
        longest = max(longest, run_)
    return longest


def test_burst(what, burst, captured):
    """The oracle is the capture alone: which came back, when, and after which others."""
    trips = [b.rtt for b in captured]
    lost = [trip is None for trip in trips]
    answered = sorted(trip for trip in trips if trip is not None)
    tap.equal(750, burst["sent"] + burst["not_measured"], f"{what}: packets sent, or not sent in time")
    tap.ok(burst["not_measured"] < 75, f"{what}: {burst['not_measured']} not sent in time")
    span = (captured[-1].sent - captured[0].sent) / 1e9
    tap.near(749 * 0.02, span, 0.05, f"{what}: seconds from the first to the last")
    tap.equal((len(captured), sum(lost)), (burst["sent"], burst["lost"]), f"{what}: sent and lost")
    tap.equal(longest_run(lost), burst["longest_loss_burst"], f"{what}: longest burst")
    tap.near(answered[(len(answered) - 1) // 2], burst["delays"]["rtt"]["p50"], 0.1, f"{what}: median")
    differences = [abs(b - a) for a, b in zip(trips, trips[1:]) if a is not None and b is not None]
    # the capture has no gap where a packet was not sent in time
    tap.near(sum(differences) / len(differences), burst["delay_variation"]["mean"],
             0.5 if burst["not_measured"] else 0.05, f"{what}: delay variation")
    came = [(b.replies[0], i) for i, b in enumerate(captured) if b.replies]
    overtaken = sum(any(later < at and k > i for later, k in came) for at, i in came)
    tap.equal(overtaken, burst["reordered"], f"{what}: reordered")


def verdicts(burst):
    return {name: measure["verdict"] for name, measure in burst["measures"].items()}


def test_verdicts(clean, lossy, far):
    tap.equal({"within"}, set(verdicts(clean).values()), "clean: within all limits")
    tap.ok(4.2 < clean["mos"] < 4.45, f"clean: MOS {clean['mos']:.2f}")
    tap.ok(verdicts(lossy)["loss"] == ("over" if lossy["lost"] > 4 else "cannot_tell"), "1 %: not within", lossy)
    tap.equal("over", verdicts(far)["rtt"], "120 ms: over")
    tap.equal("over", verdicts(far)["loss"], "5 % in bursts: over")
    tap.ok(far["mos"] < lossy["mos"] < clean["mos"], "worse paths, lower MOS", (far["mos"], lossy["mos"], clean["mos"]))
    tap.ok("sfb-docs" in clean["measures"]["loss"]["source"], "the limits name their source")


# ---- blocked


SILENT = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 3478))
print("ready", flush=True)
sys.stdin.read()
"""


def test_blocked():
    """Amsterdam's nginx serves TCP 443; its UDP port takes packets and never answers, as behind a firewall."""
    with lab.running(*lab.in_internet(sys.executable, "-c", SILENT, LONDON), stdin=-1, stdout=-1) as silent:
        silent.stdout.readline()
        lab.change("nobody", "blackhole=on")
        agents = [Agent(name, host, "stun", "family = ipv4\nwaiting = 500ms\n")
                  for name, host in (("open", AMSTERDAM), ("closed", LONDON))]
        blocked, away, declined = media(LONDON), media(NOBODY), media(ZURICH)
        blocked, away, declined = blocked.wait(), away.wait(), declined.wait()
        for agent in agents:
            agent.stop()
    tap.equal((1, True, 0), (blocked.code, blocked.results[0]["udp_blocked"], blocked.results[0]["received"]),
              "UDP 3478 is silent, TCP 443 answers: blocked")
    opened, closed = agents
    points = opened.batches[-1].points("edgelat.egress")
    tap.equal(["10.42.0.10"], [of["address"] for of, _ in points], "run: the public address is exported")
    tap.equal("none", points[0][0]["nat"] if points else None, "run: there is no address translation")
    tap.equal(0, opened.batches[-1].value("edgelat.udp.blocked"), "run: UDP is not blocked")
    tap.equal(1, closed.batches[-1].value("edgelat.udp.blocked"), "run: UDP is blocked")
    said = [line for line in closed.said.splitlines() if "event: edgelat.udp.blocked" in line]
    tap.ok(len(said) == 1 and "TCP port 443" in said[0], "run: one event says it", closed.said)
    tap.equal((1, False), (declined.code, declined.results[0]["udp_blocked"]), "the server declines: no server there, not blocked")
    tap.ok("the target itself" in declined.results[0]["cause"], "the server declines: it says so", declined.results[0]["cause"])
    tap.equal((1, False), (away.code, away.results[0]["udp_blocked"]), "nothing answers: not known to be blocked")


def main():
    with coturn(AMSTERDAM, AMSTERDAM6, NEWARK, "203.0.113.30", "203.0.113.60"):
        with Capture() as capture:
            started = [(a, Probing("stun", a, "-n", 150, "-i", 0.02)) for a in (AMSTERDAM, AMSTERDAM6)]
            for address, one in started:
                test_delays(f"to {address}", address, one.wait(), capture.bindings(address))
        lab.change("frankfurt", "delay=24ms loss=1% duplicate=2%")
        lab.change("newark", "delay=120ms jitter=20ms loss=5%")
        lab.change("stockholm", "delay=30ms reorder=5% held=400ms")
        with Capture() as capture:
            loss = Probing("stun", "203.0.113.30", "-n", 1000, "-i", 0.01, "-w", 1)
            late = Probing("stun", "203.0.113.60", "-n", 200, "-i", 0.05, "-w", 0.2)
            clean, far = media(AMSTERDAM), media(NEWARK)
            test_loss(loss.wait(), capture.bindings("203.0.113.30"))
            test_late(late.wait(), capture.bindings("203.0.113.60"), 200)
            clean, far = burst_of(clean), burst_of(far)
            test_burst("clean", clean, capture.bindings(AMSTERDAM))
            test_burst("far", far, capture.bindings(NEWARK))
        lab.change("frankfurt", "delay=24ms loss=1% duplicate=0%")
        with Capture() as capture:
            lossy = burst_of(media("203.0.113.30"))
            test_burst("1 % loss", lossy, capture.bindings("203.0.113.30"))
        test_verdicts(clean, lossy, far)
        test_blocked()
    return tap.finish()


probing.run_in_lab("default", __file__)
sys.exit(main())
