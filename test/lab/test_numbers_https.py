#!/usr/bin/python3 -B
"""HTTPS that fails in one phase each: the result names the phase, and only the phases that
were completed have a delay. Certificates that are expired, of another name, of nobody.

Runs itself in the lab.
"""

import json
import subprocess
import sys

import broken
import lab
import probing
from lab import Tap, running
from probing import Probing

HOST, ADDRESS = "ipv4.example.net", "203.0.113.101"
PHASES = ("rtt", "connect", "tls", "first_byte", "total")
WAIT_S = 1.5
CASES = {  # what fails: the outcome, a word of the cause, how many of the phases have a delay
    "fine": ("reply", None, 5),
    "expired": ("tls_error", "expired", 2),
    "other name": ("tls_error", "not for ipv4.example.net", 2),
    "self-signed": ("tls_error", "not trusted", 2),
    "closes in TLS": ("tls_error", "TLS handshake", 2),
    "no TLS": ("tls_error", "TLS handshake", 2),
    "silent in TLS": ("slow", "TLS handshake", 2),
    "closes in HTTP": ("http_error", "without a reply", 3),
    "no HTTP": ("http_error", "not HTTP", 3),
    "silent in HTTP": ("slow", "the reply", 3),
    "half a reply": ("http_error", "too early", 4),
    "nobody listens": ("refused", "refused", 0),
}

tap = Tap()


def test_case(what, probes):
    outcome, words, completed = CASES[what]
    tap.equal({outcome: 3}, probes.summary["outcomes"], f"{what}: {outcome}")
    tap.equal(0 if outcome == "reply" else 1, probes.code, f"{what}: exit code")
    causes = {r.get("cause") for r in probes.results}
    tap.ok(all(words is None and c is None or c and words in c for c in causes), f"{what}: {causes}")
    defined = [[phase for phase in PHASES if r["delays"][phase] is not None] for r in probes.results]
    tap.equal([list(PHASES[:completed])] * 3, defined, f"{what}: which phases have a delay")
    summary = probes.summary["delays"]
    for phase in PHASES[completed:]:
        tap.equal(None, summary[phase]["p50"], f"{what}: no percentile of {phase}")
    if completed:
        tap.near(12, summary["rtt"]["p50"], 0.7, f"{what}: rtt of the handshake, which was fine")


def main():
    servers = running(*lab.in_internet(lab.PYTHON, "-B", broken.__file__, ADDRESS, lab.FOLDER),
                      stdout=subprocess.PIPE)
    with servers as process:
        ports = {**json.loads(process.stdout.readline()), "nobody listens": 9}
        started = {what: Probing("https", f"{HOST}:{port}", "-n", 3, "-i", 0.3, "-w", WAIT_S)
                   for what, port in ports.items()}
        for what, one in started.items():
            test_case(what, one.wait())
    return tap.finish()


if __name__ == "__main__":
    probing.run_in_lab("default", __file__)
    sys.exit(main())
