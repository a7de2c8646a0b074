#!/usr/bin/python3 -B
"""Faults of the path, and how `edgelat probe` reports them: delay, delay variation,
loss, copies, overtaking, black holes, late and forged replies, neighbours, filters.

Runs itself in the lab. What is expected is the scenario's, or counted in a capture of the
same packets. Everything is probed at the same time, on a path of its own.
"""

import datetime
import itertools
import random
import signal
import sys
import time

import forger
import lab
import probing
from lab import Tap, ping_command, quantile, running
from probing import Capture, Probing, bounds, in_order

STEADY, JITTERY, THIN, LEAKY = "203.0.113.130", "203.0.113.131", "203.0.113.132", "203.0.113.133"
COPYING, SWAPPING, HOLE, TARDY = "203.0.113.134", "203.0.113.135", "203.0.113.136", "203.0.113.137"
FORGED, BESIDE, TWINS, RESENT = "203.0.113.138", "203.0.113.139", "203.0.113.140", "203.0.113.141"
NOHOST, ADMIN = "203.0.113.143", "203.0.113.144"
STEADY6, LEAKY6, ADMIN6 = "2001:db8:114::130", "2001:db8:114::133", "2001:db8:114::144"
SAID_BY = "198.51.100.2"  # the last router before those that reject

tap = Tap()


def sent_at(result):
    return datetime.datetime.fromisoformat(result["time"].replace("Z", "+00:00")).timestamp()


def account(what, probes, echoes):
    """Every probe is answered or lost as in the capture; none is missing."""
    tap.equal([e.rtt is not None for e in echoes],
              [r["outcome"] == "reply" for r in in_order(probes)],
              f"{what}: answered and lost, probe by probe")
    lost = [r for r in probes.results if r["outcome"] == "loss"]
    tap.equal([], [r for r in lost if r["delays"]["rtt"] is not None], f"{what}: no delay of a loss")
    s = probes.summary
    tap.equal((len(echoes), len(echoes) - len(lost), len(lost) / len(echoes)),
              (s["sent"], s["received"], s["loss_ratio"]), f"{what}: sent, received, loss ratio")


def longest_run(echoes):
    runs = (len(list(run)) for lost, run in itertools.groupby(echoes, lambda e: e.rtt is None) if lost)
    return max(runs, default=0)


# ---- delay and its variation


def test_delay(steady, steady6, tcp, capture):
    for what, probes, address in (("IPv4", steady, STEADY), ("IPv6", steady6, STEADY6)):
        d = probes.summary["delays"]["rtt"]
        tap.near(20, d["p50"], 0.5, f"a delay of 20 ms, {what}: p50")
        tap.ok(19.8 < d["min"] <= d["p50"] <= d["p90"] <= d["p95"] <= d["p99"] <= d["max"],
               f"a delay of 20 ms, {what}: no shorter, and in order", d)
        wrong = [abs(us) for us in probing.errors_us(probes, [e.rtt for e in capture.echoes(address)])]
        tap.ok(len(wrong) == probes.summary["received"] and quantile(wrong, 0.99) < 100,
               f"{what}: p99 of the error against the capture is {quantile(wrong, 0.99):.0f} us", wrong)
    tap.near(20, tcp.summary["delays"]["rtt"]["p50"], 0.5, "a delay of 20 ms, TCP: p50")
    tap.equal((100, 100), (tcp.summary["sent"], tcp.summary["received"]), "TCP: all are answered")


def model():
    """Round trips of the scenario's `jittery` path: half-normal, half of 4 ms each way."""
    chance = random.Random(20261123)
    return [10 + 2 * abs(chance.gauss(0, 1)) + 2 * abs(chance.gauss(0, 1)) for _ in range(200000)]


def test_jitter(probes):
    """A percentile of n values lies between those of the distribution that are four
    standard deviations of the rank away; the lab itself adds up to half a millisecond."""
    rtts = model()
    differences = [abs(a - b) for a, b in zip(rtts, rtts[1:])]
    n = probes.summary["received"]
    for what, said, values, slack in (
            ("delay", probes.summary["delays"]["rtt"], rtts, n),
            ("delay variation", probes.summary["delay_variation"], differences, n / 2)):
        for name, q in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
            off = bounds(slack, q) / slack  # neighbouring differences are not independent
            low, high = (quantile(values, min(1, q + side * off)) for side in (-1, 1))
            tap.ok(low - 0.1 <= said[name] <= high + 0.5,
                   f"jitter: {name} of the {what}, {said[name]:.2f} ms, is the distribution's",
                   f"from {low:.2f} to {high:.2f}")
    d = probes.delays
    exact = quantile([abs(a - b) for a, b in zip(d, d[1:])], 0.5)
    tap.near(exact, probes.summary["delay_variation"]["p50"], 0.03 * exact,
             "jitter: the variation is that of the reported delays")
    tap.equal((min(d), max(d)), (probes.summary["delays"]["rtt"]["min"], probes.summary["delays"]["rtt"]["max"]),
              "jitter: minimum and maximum are exact")
    for name, q in (("p50", 0.5), ("p99", 0.99)):
        tap.near(quantile(d, q), probes.summary["delays"]["rtt"][name], 0.01 * quantile(d, q),
                 f"jitter: {name} is within 1 % of the order statistic")


# ---- loss


def test_loss(probes, address, p, capture):
    echoes = capture.echoes(address)
    what = f"{100 * p:g} % loss, {address}"
    account(what, probes, echoes)
    lost = len(probes.with_outcome("loss"))
    tap.near(len(echoes) * p, lost, bounds(len(echoes), p), f"{what}: lost of {len(echoes)}")
    tap.equal(longest_run(echoes), probes.summary["longest_loss_burst"], f"{what}: longest burst")
    tap.ok(probes.summary["longest_loss_burst"] <= (20 if p > 0.1 else 4), f"{what}: which is plausible")
    tap.near(8, probes.summary["delays"]["rtt"]["p50"], 0.5, f"{what}: p50 of those that came")
    tap.equal(1, probes.code, f"{what}: exit code")


def test_black_hole(probes, capture):
    echoes = capture.echoes(HOLE)
    account("black hole", probes, echoes)
    results = in_order(probes)
    lost = [k for k, e in enumerate(echoes) if e.rtt is None]
    tap.near(100, len(lost), 2, "black hole of 10 s at 10 probes a second: lost")
    tap.equal(list(range(lost[0], lost[-1] + 1)), lost, "black hole: one after the other")
    tap.equal(len(lost), probes.summary["longest_loss_burst"], "black hole: the longest burst is all of it")
    silent = sent_at(results[lost[-1] + 1]) - sent_at(results[lost[0]])
    tap.near(10, silent, 0.15, "black hole: seconds from the first loss to the first reply's probe")
    tap.ok(max(probes.delays) < 60, f"black hole: no delay is longer for it, {max(probes.delays):.1f} ms")
    before, after = echoes[lost[0] - 1].id, echoes[lost[-1] + 1].id
    tap.ok(before != after, "black hole: a new ICMP id afterwards", (before, after))
    tap.equal({before}, {e.id for e in echoes[:lost[0]]}, "black hole: and one id before")
    tap.equal({after}, {e.id for e in echoes[lost[-1] + 1:]}, "black hole: and one after")


def test_late(probes, capture):
    """A fifth is held back by 200 ms; the waiting time is 100 ms."""
    echoes = capture.echoes(TARDY)
    tap.equal([e.rtt is not None and e.rtt <= 100 for e in echoes],
              [r["outcome"] == "reply" for r in in_order(probes)], "late: a reply after the waiting time is a loss")
    s = probes.summary
    came_late = sum(1 for e in echoes if e.rtt is not None and e.rtt > 100)
    tap.near(200 * 0.2, came_late, bounds(200, 0.2), "late: held back")
    tap.equal(s["sent"] - s["received"], s["outcomes"]["loss"], "late: counted as lost")
    # the end of the program does not wait for what is late by then
    tap.ok(came_late - 6 <= s["late"] <= came_late, f"late: {s['late']} counted as late of {came_late}")
    rtt = s["delays"]["rtt"]
    tap.equal((None, 100), (rtt["max"], rtt["longer_than"]["max"]), "late: longer than the waiting time, and no more is known")
    tap.near(10, rtt["p50"], 0.5, "late: p50")
    tap.equal(0, s["duplicates"], "late: not taken for copies")


# ---- copies, overtaking, forgery, neighbours


def test_copies(probes, capture):
    echoes = capture.echoes(COPYING)
    account("copies", probes, echoes)
    copies = sum(len(e.replies) - 1 for e in echoes)
    one_way = 1 - 0.8 ** 0.5
    tap.near(500 * ((1 + one_way) ** 2 - 1), copies, 2 * bounds(500, 0.2), "copies: came of 500")
    tap.near(copies, probes.summary["duplicates"], 2, "copies: are counted")
    tap.equal((500, 500), (probes.summary["sent"], probes.summary["received"]), "copies: one reply a probe")
    tap.near(8, probes.summary["delays"]["rtt"]["p50"], 0.5, "copies: p50")


def test_overtaking(probes, capture):
    echoes = capture.echoes(SWAPPING)
    account("overtaking", probes, echoes)
    arrivals = sorted((e.replies[0], k) for k, e in enumerate(echoes))
    newest, overtaken = -1, 0
    for _, k in arrivals:
        overtaken += k < newest
        newest = max(newest, k)
    tap.near(500 * 0.1, overtaken, bounds(500, 0.1), "overtaking: replies that others overtook")
    tap.near(overtaken, probes.summary["reordered"], 1, "overtaking: is counted")
    held = [d for d in probes.delays if d > 40]
    tap.near(500 * 0.1, len(held), bounds(500, 0.1), "overtaking: their delays are their own")
    tap.near(10, probes.summary["delays"]["rtt"]["p50"], 0.5, "overtaking: p50 of all")


def test_forgery(probes, forged, capture):
    """Each request gets replies that are nearly right at once, and the right one 5 ms later."""
    tap.ok(forged >= 4 * 100, f"forgery: {forged} forged replies were sent")
    came = sum(len(e.replies) for e in capture.echoes(FORGED))
    tap.ok(came >= 200, f"forgery: {came} with the right address, id and sequence came")
    s = probes.summary
    tap.equal((100, 100, 0, 0), (s["sent"], s["received"], s["duplicates"], s["late"]),
              "forgery: each probe has its one reply")
    tap.ok(s["delays"]["rtt"]["min"] > 14.8, f"forgery: which is the right one, {s['delays']['rtt']['min']} ms")


def test_neighbours(first, second, pings):
    for what, probes in (("the first", first), ("the second", second)):
        s = probes.summary
        tap.equal((200, 200, 0, 0), (s["sent"], s["received"], s["duplicates"], s["late"]),
                  f"{what} of two agents beside a ping: all its own")
        tap.near(6, s["delays"]["rtt"]["p50"], 0.5, f"{what} of two agents beside a ping: p50")
    tap.equal([], pings.lost, "and the ping has all of its own")


def test_twins(probes, capture):
    """Two names on one address, which loses a tenth."""
    echoes = capture.echoes(TWINS)
    at, waiting = [], iter(echoes)
    for when, results in itertools.groupby(in_order(probes), lambda r: r["time"]):
        said = [r["outcome"] == "reply" for r in results]  # both, where both were due at once
        came = [e.rtt is not None for e in itertools.islice(waiting, len(said))]
        at += [when] if sum(said) != sum(came) else []
    tap.equal([], at, "two names on one address: answered and lost, probe by probe")
    for s in probes.summaries:
        mine = [r for r in probes.of(s["target"]) if r["outcome"] == "reply"]
        tap.equal((300, len(mine), 0, 0), (s["sent"], s["received"], s["duplicates"], s["late"]),
                  f"{s['target']}: its own probes and replies")
        tap.near(30, 300 - len(mine), bounds(300, 0.1), f"{s['target']}: lost of 300")
        tap.near(7, s["delays"]["rtt"]["p50"], 0.5, f"{s['target']}: p50")
    wrong = [abs(us) for us in probing.errors_us(probes, [e.rtt for e in echoes])]
    tap.ok(quantile(wrong, 0.99) < 100, f"two names on one address: p99 of the error is {quantile(wrong, 0.99):.0f} us")


# ---- TCP and what is filtered


def test_resent(probes):
    """A third of the handshakes lose a packet, which TCP sends again after a second."""
    s = probes.summary
    resent = [r for r in probes.results if r["outcome"] == "reply" and r.get("lost_packets", 0) > 0]
    tap.ok(len(resent) > 5, f"SYN sent again: {len(resent)} of {s['sent']}")
    tap.equal([], [r for r in resent if r["delays"]["rtt"] is not None], "SYN sent again: has no delay")
    tap.ok(s["lost_packets"] >= len(resent), f"SYN sent again: {s['lost_packets']} lost packets are counted")
    tap.ok(0 < max(probes.delays) < 50, f"SYN sent again: the longest delay is {max(probes.delays)} ms")
    tap.near(10, s["delays"]["rtt"]["p50"], 0.5, "SYN sent again: p50 of the others")
    clean = [r for r in probes.results if r["outcome"] == "reply" and not r.get("lost_packets")]
    tap.equal(len(clean), len(probes.delays), "each other one has its delay")


def test_rejection(name, probes, code_words):
    s = probes.summary
    tap.equal({"unreachable": s["sent"]}, s["outcomes"], f"{name}: unreachable, each time")
    tap.equal([], probes.delays, f"{name}: without a delay")
    causes = {r["cause"] for r in probes.results}
    tap.ok(all(any(word in c for word in code_words) for c in causes), f"{name}: {sorted(causes)[0]}", causes)


def main():
    took = time.monotonic()
    lab.change_later("hole", (2, "blackhole=on"), (12, "blackhole=off"))
    with Capture() as capture, running(*lab.in_internet(lab.PYTHON, "-B", forger.__file__, FORGED),
                                       stdout=-1) as forging:
        forging.stdout.readline()
        often = ("-i", 0.01)
        started = {
            "hole": Probing("icmp", HOLE, "-n", 160, "-i", 0.1, "-w", 1),
            "steady": Probing("icmp", STEADY, "-n", 300, *often),
            "steady6": Probing("icmp", STEADY6, "-n", 300, *often),
            "tcp": Probing("tcp", STEADY, "-n", 100, "-i", 0.03),
            "jittery": Probing("icmp", JITTERY, "-n", 1000, "-i", 0.014),
            "thin": Probing("icmp", THIN, "-n", 1400, *often, "-w", 1),
            "resent": Probing("tcp", RESENT, "-n", 60, "-i", 0.1, "-w", 5),
            "forged": Probing("icmp", FORGED, "-n", 100, "-i", 0.03),
            "tardy": Probing("icmp", TARDY, "-n", 200, "-i", 0.05, "-w", 0.1),
        }
        time.sleep(4)
        started.update({
            "leaky": Probing("icmp", LEAKY, "-n", 800, *often, "-w", 1),
            "leaky6": Probing("icmp", LEAKY6, "-n", 800, *often, "-w", 1),
            "copying": Probing("icmp", COPYING, "-n", 500, *often),
            "swapping": Probing("icmp", SWAPPING, "-n", 500, *often),
        })
        time.sleep(5)
        started.update({
            "twins": Probing("icmp", "twin-1.example.net", "twin-2.example.net", "-4", "-n", 300, *often, "-w", 1),
            "first": Probing("icmp", BESIDE, "-n", 200, *often),
            "second": Probing("icmp", BESIDE, "-n", 200, *often),
            "nohost": Probing("icmp", NOHOST, "-n", 5, "-i", 0.1),
            "admin": Probing("icmp", ADMIN, "-n", 5, "-i", 0.1),
            "admin6": Probing("icmp", ADMIN6, "-n", 5, "-i", 0.1),
            "admin-tcp": Probing("tcp", ADMIN, "-n", 5, "-i", 0.1),
            "filtered": Probing("icmp", "filtered.example.net", "-n", 5, "-i", 0.1, "-w", 0.5),
            "filtered-tcp": Probing("tcp", "filtered.example.net", "-n", 5, "-i", 0.1),
        })
        pings = lab.ping(BESIDE, 150)
        got = {name: probing_.wait() for name, probing_ in started.items()}
        forging.send_signal(signal.SIGTERM)
        forged = int(forging.stdout.readline())
    tap.note(f"measured for {time.monotonic() - took:.0f} s; relay: {lab.relay_report()}")

    test_delay(got["steady"], got["steady6"], got["tcp"], capture)
    test_jitter(got["jittery"])
    test_loss(got["thin"], THIN, 0.01, capture)
    test_loss(got["leaky"], LEAKY, 0.3, capture)
    test_loss(got["leaky6"], LEAKY6, 0.3, capture)
    test_black_hole(got["hole"], capture)
    test_late(got["tardy"], capture)
    test_copies(got["copying"], capture)
    test_overtaking(got["swapping"], capture)
    test_forgery(got["forged"], forged, capture)
    test_neighbours(got["first"], got["second"], pings)
    test_twins(got["twins"], capture)
    test_resent(got["resent"])
    for name, words in (("nohost", ("host",)), ("admin", ("prohibited", "filtered")),
                        ("admin6", ("prohibited",))):
        test_rejection(name, got[name], words)
    test_rejection("admin-tcp", got["admin-tcp"], ("reported by",))
    tap.ok(all(SAID_BY in r["cause"] for r in got["nohost"].results + got["admin"].results),
           "rejected: by the router that said so")
    tap.equal({"loss": 5}, got["filtered"].summary["outcomes"], "ICMP filtered: no reply")
    tap.near(12, got["filtered-tcp"].summary["delays"]["rtt"]["p50"], 0.5, "ICMP filtered: but TCP, p50")
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("numbers", __file__)
    sys.exit(main())
