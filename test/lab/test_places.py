#!/usr/bin/python3 -B
"""The nearest front door of Exchange in five places, without a location, with a resolver far away: what a row of the table
says is what exists there and how far it is.

Runs itself in one lab for each place, all at the same time.
"""

import os
import subprocess
import sys
import tempfile

import lab
import probing
from lab import Tap, json_lines, run
from probing import EDGELAT

SECONDS = 9
PLACES = {  # place: where DNS leads, the doors that exist and their delays in ms, doors that are silent
    "Lyon": ("mnz", {"cdg": 6, "fra": 12, "lhr": 14, "ams": 17, "mnz": 82}, []),
    "Chicago": ("sin", {"mdw": 2, "mnz": 18, "phx": 40, "eat": 50, "sin": 230}, []),
    "Sao Paulo": ("mia", {"gru": 3, "scl": 60, "mia": 110, "mnz": 120, "lhr": 190}, []),
    "Perth": ("syd", {"mel": 42, "syd": 47, "sin": 49, "kul": 55, "lhr": 240}, []),  # Singapore is as near as Sydney
    "Helsinki": ("dub", {"cph": 9, "osl": 13, "fra": 26, "ams": 28, "dub": 45}, ["sto"]),  # Stockholm is nearer, and silent
}

tap = Tap()


def host(code):
    return f"{code}-efz.ms-acdc.office.com"


def scenario_of(place):
    served, doors, silent = PLACES[place]
    lines = ["branch 10.42.0.10/24", "dns 198.51.100.53", "ttl 60", "router office 10.42.0.1 -", "path dns 198.51.100.53 delay=150ms"]
    for number, (code, delay) in enumerate(doors.items(), 1):
        address = f"203.0.113.{number}"
        lines += [f"path {code} {address} delay={delay}ms", f"pop {code} {address} 401",
                  f"header {code} X-FirstHopCafeEFZ: {code.upper()}", f"name {host(code)} = {code}"]
    for number, code in enumerate(silent, 200):
        lines += [f"path {code} 203.0.113.{number} delay=5ms blackhole=on", f"name {host(code)} = 203.0.113.{number}"]
    lines.append(f"name outlook.office365.com -> outlook.ms-acdc.office.com -> {host(served)} = {served}")
    return "\n".join(lines) + "\n"


def test_place(place):
    served, doors, silent = PLACES[place]
    nearest = min(doors, key=doors.get)
    path, _ = probing.configuration("place", "[target exchange]\nhost = outlook.office365.com\nservice = exchange\n",
                                    "workloads = no\n")
    done = run(EDGELAT, "nearest", "-c", path, "-t", SECONDS, "--json")
    rows = {row["rank"]: row for row in json_lines(done.stdout)}
    first, last = rows.get(1, {}), {row["target"]: row for row in rows.values()}.get("exchange", {})
    tap.equal(nearest.upper(), first.get("pop"), f"{place}: the nearest, although DNS leads to {served.upper()}")
    tap.near(doors[nearest], first.get("min"), 1.5, f"{place}: its delay")
    tap.near(doors[served], last.get("min"), 3, f"{place}: and that of what DNS leads to")
    found = first.get("front_doors", {})
    tap.equal((len(doors) + len(silent), len(doors), len(silent)),
              tuple(found.get(key) for key in ("exist", "answering", "left")),
              f"{place}: how many exist, answer, and could be nearer")


if __name__ == "__main__":
    if lab.FOLDER is not None:
        test_place(sys.argv[1])
        sys.exit(tap.finish())
    with tempfile.TemporaryDirectory() as folder:
        inside = {}
        for place in PLACES:
            file = os.path.join(folder, place.replace(" ", "-"))
            with open(file, "w", encoding="utf-8") as out:
                out.write(scenario_of(place))
            inside[place] = subprocess.Popen([probing.LAB, file, "--", sys.executable, "-B", os.path.abspath(__file__), place],
                                             text=True, stdout=subprocess.PIPE)
        for place, process in inside.items():
            output, _ = process.communicate(timeout=60)
            tap.include(output.splitlines(keepends=True))
            tap.equal(0, process.returncode, f"{place}: the lab ends well")
    sys.exit(tap.finish())
