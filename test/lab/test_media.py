#!/usr/bin/python3 -B
"""UDP media against coturn behind the relay: delays, loss, duplicates and late packets of `edgelat probe stun` and of a burst
(--media) are those of a capture; the mapped address is coturn's; a blocked port is told from a host that is away.

Runs itself in the lab.
"""

import collections
import contextlib
import json
import os
import sys
import time

import lab
import probing
from lab import Tap, quantile, run, wait_for
from probing import Agent, Capture, Probing, bounds, errors_us

AMSTERDAM, AMSTERDAM6, LONDON, NEWARK = "203.0.113.20", "2001:db8:113::20", "203.0.113.10", "203.0.113.40"
FRANKFURT = "203.0.113.30"
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


# ---- bursts of the agent


class BurstingAgent:
    """`edgelat run` with a budget, whose next burst begins in some seconds: at most one each hour is configurable."""

    def __init__(self, name, host):
        path, self.state = probing.configuration(
            name, f"window = 5s\nstop_file = {lab.FOLDER}/{name}.stop\nstatus_socket = {lab.FOLDER}/{name}.status\nbudget = 20G/100M\n[target media]\nhost = {host}\n"
            "kinds = stun\ninterval = 10s\nslow_interval = 10s\n", "workloads = no\nfront_doors = 0\nmedia_bursts = 24\n")
        os.makedirs(self.state)
        with open(os.path.join(self.state, "instance_id"), "w", encoding="utf-8") as file:
            file.write(probing.identity_with_burst(24, 14, 18) + "\n")
        self.path = path

    def status(self, *options):
        return run(probing.EDGELAT, "status", "-c", self.path, *options).stdout


def captured_burst(capture, address):
    """The packets of the burst: those of the socket that sent most."""
    packets = capture.bindings(address)
    ports = collections.Counter(p.id for p in packets)
    return [p for p in packets if p.id == ports.most_common(1)[0][0]]


def run_until_burst(address):
    """The agent, its status after a burst, and the capture. A busy host drops its burst, as it would tell of the host: then again."""
    for attempt in range(4):
        agent = BurstingAgent(f"bursts-{attempt}", address)
        with Capture() as capture, open(os.path.join(lab.FOLDER, "bursts.log"), "w", encoding="utf-8") as log, \
                lab.running(probing.EDGELAT, "run", "-c", agent.path, stderr=log):
            if wait_for(lambda: json.loads(agent.status("--json") or "{}").get("media"), 40, 0.5):
                shown, text = json.loads(agent.status("--json")), agent.status()
                time.sleep(6)  # its window closes
                return agent, shown, text, capture
    raise RuntimeError("no burst has ended: " + lab.read("bursts.log")[-2000:])


def test_agent(address):
    """Loss of 1 % and in bursts: what the agent exports, logs, shows and reports of its burst is what the capture has."""
    agent, shown, text, capture = run_until_burst(address)
    packets = captured_burst(capture, address)
    lost = [p.rtt is None for p in packets]
    trips = sorted(p.rtt for p in packets if p.rtt is not None)
    burst = shown["media"][0]
    tap.ok(700 <= len(packets) <= 750, f"agent: {len(packets)} packets captured")
    tap.equal((len(lost), sum(lost), longest_run(lost)), (burst["sent"], burst["lost"], burst["longest_loss_burst"]), "agent: status: sent, lost, in a row")
    tap.near(trips[(len(trips) - 1) // 2], burst["rtt"], 0.1, "agent: status: median round trip")
    tap.ok(f"{sum(lost)} of {len(lost)} packets lost, {longest_run(lost)} in a row" in text and f"MOS {burst['mos']:.2f} ({burst['codec']})" in text, "agent: status says it", text)
    events = [(of, said) for name, of, said in probing.log_records(agent.state) if name == "edgelat.media.measured"]
    tap.equal(1, len(events), "agent: one event")
    of, said = events[0]
    tap.near(sum(lost) / len(lost), of["edgelat.media.loss_ratio"], 1e-9, "agent: loss of the event")
    tap.equal((longest_run(lost), burst["verdict"]), (of["edgelat.media.longest_loss_burst"], of["edgelat.after"]), "agent: longest burst, verdict")
    tap.equal("over", burst["verdict"], "agent: 1 % and bursts of loss are over the limits")
    tap.ok("Microsoft's limits exceeded: " in said and "loss" in said.split("exceeded")[1], "agent: the event names what is over", said)
    exported = [b for b in probing.batches(agent.state) if b.points("edgelat.media.mos")]
    tap.equal(1, len(exported), "agent: exported in one window")
    tap.near(burst["mos"], exported[0].value("edgelat.media.mos"), 1e-6, "agent: MOS of the metrics")
    tap.near(longest_run(lost), exported[0].value("edgelat.media.longest_loss_burst"), 0, "agent: longest burst of the metrics")
    budget = shown["budget"]
    page = run(probing.EDGELAT, "report", "--state", agent.state, "--since", "1h", "-o", "-").stdout
    tap.ok("over Microsoft&#39;s limits for media in 1 of 1 bursts" in page or "over Microsoft's limits for media in 1 of 1 bursts" in page,
           "agent: the report's line", page[:3000])
    tap.ok("Media: bursts like a call" in page and f"<td>{burst['mos']:.2f}</td>" in page, "agent: the report's table")
    tap.ok(budget["paths_bytes"] >= 1500 * 60, "agent: the burst is in the budget", budget)
    tap.row("agent's burst", "loss=1% and bursts", f"{sum(lost)} of {len(lost)} lost, {longest_run(lost)} in a row, MOS {burst['mos']:.2f}")


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
    tap.ok("by the target" in declined.results[0]["cause"], "the server declines: it says so", declined.results[0]["cause"])
    tap.equal((1, False), (away.code, away.results[0]["udp_blocked"]), "nothing answers: not known to be blocked")


def main():
    with coturn(AMSTERDAM, AMSTERDAM6, NEWARK, FRANKFURT, "203.0.113.60"):
        with Capture() as capture:
            started = [(a, Probing("stun", a, "-n", 150, "-i", 0.02)) for a in (AMSTERDAM, AMSTERDAM6)]
            for address, one in started:
                test_delays(f"to {address}", address, one.wait(), capture.bindings(address))
        lab.change("frankfurt", "delay=24ms loss=1% duplicate=2%")
        lab.change("newark", "delay=120ms jitter=20ms loss=5%")
        lab.change("stockholm", "delay=30ms reorder=5% held=400ms")
        with Capture() as capture:
            loss = Probing("stun", FRANKFURT, "-n", 1000, "-i", 0.01, "-w", 1)
            late = Probing("stun", "203.0.113.60", "-n", 200, "-i", 0.05, "-w", 0.2)
            clean, far = media(AMSTERDAM), media(NEWARK)
            test_loss(loss.wait(), capture.bindings(FRANKFURT))
            test_late(late.wait(), capture.bindings("203.0.113.60"), 200)
            clean, far = burst_of(clean), burst_of(far)
            test_burst("clean", clean, capture.bindings(AMSTERDAM))
            test_burst("far", far, capture.bindings(NEWARK))
        lab.change("frankfurt", "delay=24ms loss=1% duplicate=0%")
        with Capture() as capture:
            lossy = burst_of(media(FRANKFURT))
            test_burst("1 % loss", lossy, capture.bindings(FRANKFURT))
        lab.change("frankfurt", "delay=24ms loss=1% burst=70% duplicate=0%")
        test_agent(FRANKFURT)
        test_verdicts(clean, lossy, far)
        test_blocked()
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
