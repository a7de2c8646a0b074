#!/usr/bin/python3 -B
"""Compares `edgelat report` with `edgelat decode`: batches are accepted, then the collector is down, then the agent restarts.
Runs itself in the lab."""

import collections
import glob
import math
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import lab
from lab import Tap, run, running, wait_for
from probing import EDGELAT, TEAMS_AND_HOLE, Batch, configuration, installed, run_in_lab

OTHER_UID = 65533
CONFIGURATION = """site = Zürich <1>
window = 5s
[collector]
url = http://127.0.0.1:{port}
spread = 0s
""" + TEAMS_AND_HOLE

tap = Tap()


def files(state, where, signal="metrics"):
    return sorted(glob.glob(f"{state}/{where}/*-{signal}.pb.gz"))


def live(path, state, log):
    """The collector accepts some windows, then is down; then a second run, whose batches all wait in the spool."""
    with running(EDGELAT, "collect", "--listen", "127.0.0.1:0", "--quiet", stdout=subprocess.DEVNULL,
                 stderr=subprocess.PIPE) as receiver:
        port = re.search(r":(\d+)", receiver.stderr.readline())[1]
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("{port}", port)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        with running(EDGELAT, "run", "-c", path, stderr=log):
            tap.ok(wait_for(lambda: len(files(state, "history")) >= 3, 40, 0.2), "batches are accepted")
            receiver.terminate()
            receiver.wait(10)
    before = len(files(state, "spool"))  # includes the window that was open at the end
    tap.ok(before > 0, "then batches wait in the spool")
    with running(EDGELAT, "run", "-c", path, stderr=log):
        tap.ok(wait_for(lambda: len(files(state, "spool")) >= before + 1, 40, 0.2), "a second run")


# ---- expected: from decode


SCALE = 3  # of the histograms, the agent's default


def quantile(buckets, q):
    """In ms; buckets by index."""
    rank = math.ceil(q * sum(buckets.values()) - 1e-9)
    for index in sorted(buckets):
        rank -= buckets[index]
        if rank <= 0:
            return 1000 * 2 ** ((index + 0.5) / 2 ** SCALE)
    return None


def measured(state):
    """{(target, kind, family, PoP): [sent, lost, p50 or None]}"""
    outcomes, delays = {}, {}
    for file in sorted(files(state, "history") + files(state, "spool"), key=os.path.basename):
        batch = Batch(run(EDGELAT, "decode", file).stdout)
        for of, point in batch.points("edgelat.probe.results"):
            outcomes[of["target"], of["kind"], of["type"], of["pop"], of["address"], point["startTimeUnixNano"],
                     of["outcome"]] = int(point["asInt"])
        for of, point in batch.points("edgelat.probe.delay"):
            if of["delay"] == ("total" if of["kind"] == "https" else "rtt"):
                delays[of["target"], of["kind"], of["type"], of["pop"], of["address"],
                       point["startTimeUnixNano"]] = point.get("positive", {"bucketCounts": []})
    found = collections.defaultdict(lambda: [0, 0, None])
    merged = collections.defaultdict(collections.Counter)
    for key, count in outcomes.items():
        found[key[:4]][0] += count * (key[-1] != "not_measured")
        found[key[:4]][1] += count * (key[-1] == "loss")
    for key, positive in delays.items():
        for i, count in enumerate(positive["bucketCounts"]):
            merged[key[:4]][int(positive.get("offset", 0)) + i] += int(count)
    for key, buckets in merged.items():
        found[key][2] = quantile(buckets, 0.5)
    return {key: value for key, value in found.items() if value[0] > 0}


# ---- actual: from the page


def text_of(element):
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def figures(page):
    """The same figures, from the tables of the page."""
    found = collections.defaultdict(lambda: [0, [], None])
    for section in page.iter("section"):
        for row in section.iter("tr"):
            cells = [text_of(cell) for cell in row.iter("td")]
            if len(cells) != 12 or cells[0] == "":
                continue
            pop = re.sub(r".*\((.*)\).*", r"\1", cells[2]).partition(" ")[0]
            key = (section.find("h2").text.strip(), cells[0], cells[1], pop)
            found[key][0] += int(cells[4])
            found[key][1].append(cells[5])
            found[key][2] = float(cells[7].strip("()")) if cells[7] != "-" else None
    return found


def compare(state, page):
    expected, shown = measured(state), figures(page)
    tap.equal(sorted(expected), sorted(shown), "the page has the same rows as decode")
    for key, (sent, lost, p50) in sorted(expected.items()):
        name = " ".join(key)
        tap.equal(sent, shown[key][0], f"{name}: probes")
        if len(shown[key][1]) == 1:  # two addresses whose PoP is unknown are two rows
            tap.near(100 * lost / sent, float(re.sub(r"[^0-9.]", "", shown[key][1][0])), 0.51, f"{name}: loss")
            if p50 is not None:
                tap.near(p50, shown[key][2], 0.045 * p50 + 0.05, f"{name}: p50")  # the page knows the extremes


def check_texts(page, text):
    body = text_of(page.find("body"))
    tap.ok("Zürich <1>" in body, "the site, unchanged")
    tap.ok(re.search(r"hole .*: down: none of the last \d+ probes was answered \(tcp, ipv4\)", body), "the outage and its cause", body[:1000])
    tap.ok("Amsterdam (AMS)" in body, "the serving PoP")
    agent = text_of(list(page.iter("section"))[-1])
    tap.equal(2, len(re.findall(r"\d\d:\d\d", re.search("started(.*)probes", agent)[1])), "two starts")
    tap.ok(not re.search(r"<script|https?://|src=|url\(|@import", text), "self-contained")


def main():
    path, state = configuration("report", CONFIGURATION)
    output = os.path.join(lab.FOLDER, "page.html")
    with open(os.path.join(lab.FOLDER, "report.log"), "w", encoding="utf-8") as log:
        live(path, state, log)
    done = run(EDGELAT, "report", "-c", path, "-o", output)
    tap.equal((0, ""), (done.returncode, done.stderr), "exit code and stderr")
    with open(output, encoding="utf-8") as file:
        text = file.read()
    page = xml.etree.ElementTree.fromstring(text)
    compare(state, page)
    check_texts(page, text)
    os.chmod(lab.FOLDER, 0o755)
    with tempfile.TemporaryDirectory() as prefix:
        done = run("setpriv", "--reuid", OTHER_UID, "--regid", OTHER_UID, "--clear-groups", installed(prefix), "report", "-c", path,
                   "-o", "-")
    tap.ok(done.returncode == 2 and done.stdout == "" and "run this as root" in done.stderr, "another user gets permission advice",
           done)
    if not tap.failed:
        tap.row("report", "batches accepted, batches waiting, a second run, a target down",
                "the page's counts, loss and percentiles equal those of decode")


run_in_lab("default", __file__)
main()
sys.exit(tap.finish())
