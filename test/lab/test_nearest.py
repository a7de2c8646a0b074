#!/usr/bin/python3 -B
"""The nearest PoPs by name, and what is told of them: front doors by metro, a PoP that fails
over to its backup and comes back, targets that go down, a delay that changes its level.

Runs itself in the lab. The delays that are expected are the scenario's.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import lab
import probing
from lab import Tap, json_lines, run, running, wait_for
from probing import EDGELAT

SHIPPED = os.path.join(lab.TOP, "packaging", "edgelat.conf")
WINDOW_S = 5
BRUSSELS, RESOLVER = "203.0.113.31", "198.51.100.53"
AMSTERDAM, LONDON = ["203.0.113.20", "2001:db8:113::20"], ["203.0.113.12", "2001:db8:113::12"]

CONFIGURATION = f"""window = {WINDOW_S}s
site = lab
location = 52.37 4.90
front_doors = 4
[peering_service]
connection = branch-17
provider = example-net
primary = Amsterdam
primary_metro = AMS
backup = London
backup_metro = LON
[collector]
url = http://127.0.0.1:18430
spread = 0s
"""
TARGETS = {  # name: host, service
    "teams": ("teams.microsoft.com", "teams"),
    "exchange": ("outlook.office365.com", "exchange"),
    "sharepoint": ("microsoft.sharepoint.com", "sharepoint"),
    "bing": ("www.bing.com", "front-door"),
}

tap = Tap()


# ---- edgelat nearest


def by_target(done):
    return {row["target"]: row for row in json_lines(done.stdout)}


def test_nearest():
    done = run(EDGELAT, "nearest", "-c", SHIPPED, "--location", "AMS", "-t", 8, "--json")
    rows = by_target(done)
    tap.equal(0, done.returncode, "nearest: exit code 0")
    ranked = [r["target"] for r in json_lines(done.stdout) if r["rank"]]
    tap.equal(["teams", "exchange-ams", "exchange-bru", "exchange"], ranked[:4],
              "nearest: front doors by metro stand among the targets")
    door = rows.get("exchange-ams", {})
    tap.near(3.6, door.get("min"), 0.5, "nearest: the front door's delay")
    tap.equal(("AMS", "X-FirstHopCafeEFZ", False), (door.get("pop"), door.get("basis"), door.get("configured")),
              "nearest: its PoP, and how that is known")
    tap.ok(door.get("distance_km") == 0, "nearest: no way from Amsterdam to Amsterdam", door)
    exchange = rows["exchange"]
    tap.equal("LHR-efz.ms-acdc.office.com".lower(), exchange["chain"][-1].lower(),
              "nearest: the chain that led to London")
    tap.ok(exchange["resolver"], "nearest: who was asked", exchange)
    tap.near(358, exchange["distance_km"], 5, "nearest: kilometres to London")
    tap.near(9.0 / exchange["bound"], exchange["stretch"], 0.2, "nearest: stretch over the bound of light")
    tap.equal([], [name for name in rows if name.startswith("exchange-lhr")],
              "nearest: the front door that serves is no second target")

    done = run(EDGELAT, "nearest", "-c", SHIPPED, "--location", "NYC", "-t", 3)
    tap.equal(1, done.stdout.count("is less than light needs for"),
              "nearest: a place where this cannot be is named once")

    done = run(EDGELAT, "nearest", "-t", 4, "--json", env=dict(os.environ, EDGELAT_CONFIG=""))
    tap.equal(7, sum(r["configured"] for r in json_lines(done.stdout)),
              "nearest: without a configuration the usual names are the targets")
    tap.ok("No /etc/edgelat/edgelat.conf" in done.stderr, "nearest: and it says so", done.stderr)

    done = run(EDGELAT, "nearest", "-c", SHIPPED, "-t", 5, "--json")
    tap.ok("exchange-ams" in by_target(done),
           "nearest: without a location around what is nearest, not who answers first", done.stdout)

    lab.point("bru-efz.ms-acdc.office.com", RESOLVER)
    done = run(EDGELAT, "nearest", "-c", SHIPPED, "--location", "AMS", "-t", 5, "--json")
    lab.point("bru-efz.ms-acdc.office.com", BRUSSELS)
    rows = by_target(done)
    tap.ok("exchange-ams" in rows and "exchange-bru" not in rows,
           "nearest: an address that a resolver made up is no front door", done.stdout)

    lone = os.path.join(lab.FOLDER, "lone.conf")
    with open(lone, "w", encoding="utf-8") as own:
        own.write("[target exchange-ams]\nhost = teams.microsoft.com\n")
    with running(EDGELAT, "nearest", "-c", lone, "--location", "AMS", "-t", 16, "--json",
                 stdout=subprocess.PIPE) as nearest:
        time.sleep(5)
        lab.point("bru-efz.ms-acdc.office.com")
        rows = json_lines(nearest.communicate(timeout=30)[0])
    lab.point("bru-efz.ms-acdc.office.com", BRUSSELS)
    names = [row["target"] for row in rows]
    tap.ok("exchange" in names and "exchange-lhr" not in names,
           "nearest: nor where nobody has configured what it serves", names)
    tap.ok("ams-efz.ms-acdc.office.com" in names, "nearest: a name that is taken is given to nobody else", names)
    tap.equal([], [name for name in names if "bru" in name], "nearest: a front door that is gone is no candidate")

    lab.change("london", "icmp=off")
    done = run(EDGELAT, "nearest", "-c", SHIPPED, "-t", 6, "--json")
    lab.change("london", "icmp=on")
    exchange = by_target(done)["exchange"]
    tap.equal((0, exchange["received"]), (exchange["loss_ratio"], exchange["sent"]),
              "nearest: ICMP that is filtered is no loss")

    with running(EDGELAT, "nearest", "-c", SHIPPED, "-t", 300, "--json", stdout=subprocess.PIPE) as nearest:
        time.sleep(3)
        nearest.send_signal(signal.SIGINT)
        rows = json_lines(nearest.communicate(timeout=10)[0])
    tap.ok(nearest.returncode == 0 and len(rows) >= 5, "nearest: Ctrl-C shows what came so far", rows)

    box = os.path.join(lab.FOLDER, "box.conf")
    for kinds, code in (("tcp", 1), ("icmp tcp", 0)):
        with open(box, "w", encoding="utf-8") as own:
            own.write("[agent]\nworkloads = no\nfront_doors = 0\n"
                      f"[target exchange]\nhost = outlook.office365.com\nkinds = {kinds}\n")
        lab.change("london", "middlebox=1ms")
        done = run(EDGELAT, "nearest", "-c", box, "-t", 5, "--json")
        lab.change("london", "middlebox=off")
        exchange = by_target(done)["exchange"]
        tap.ok(exchange["intercepted"] and "middlebox" in exchange["interception"],
               f"nearest: a middlebox is named, {kinds}", exchange)
        tap.equal(code, done.returncode, f"nearest: what is behind it is ranked by ICMP alone, {kinds}")
        tap.ok((exchange["min"] or 9) > 8, f"nearest: its handshakes are no evidence, {kinds}", exchange)
        tap.equal(code == 1, "a middlebox answers" in done.stderr, f"nearest: and why there is none, {kinds}")

    off = os.path.join(lab.FOLDER, "off.conf")
    with open(SHIPPED, encoding="utf-8") as shipped, open(off, "w", encoding="utf-8") as own:
        own.write(shipped.read().replace("#front_doors = 4", "front_doors = 0"))
    done = run(EDGELAT, "nearest", "-c", off, "-t", 4, "--json")
    tap.equal(7, len(json_lines(done.stdout)), "nearest: one line turns the front doors off")


def test_wrong():
    silent, _ = probing.configuration("silent", "[dns]\nservers = 192.0.2.99\n[target teams]\nhost = teams.microsoft.com\n")
    for what, arguments, word in [
            ("a metro that is none", ["--location", "QQX"], "edgelat: --location: QQX is not a code"),
            ("degrees that are none", ["--location", "95 5"], "edgelat: --location: 95 5 is not a location"),
            ("no place at all", ["--location", ""], "option --location needs a value"),
            ("no time to measure", ["-t", "1"], "2 to 300"),
            ("a DNS server that is silent", ["-c", silent, "-t", "2", "--json"], "no name was resolved; check"),
    ]:
        done = run(EDGELAT, "nearest", "-c", SHIPPED, *arguments)
        tap.ok(done.returncode == 2 and word in done.stderr and done.stderr.count("\n") == 1,
               f"{what}: one sentence, exit code 2: {done.stderr.strip()}", done)


# ---- edgelat run


def configure():
    return probing.configuration("events", f"status_socket = {lab.FOLDER}/status-events\n" + CONFIGURATION + "".join(
        f"[target {name}]\nhost = {host}\nservice = {service}\ninterval = 1s\nslow_interval = 1s\n"
        for name, (host, service) in TARGETS.items()), alone="")


class Received:
    """The log records that the receiver has stored, in order."""

    def __init__(self, folder):
        self.events = []
        for file in sorted(os.listdir(folder)):
            if "logs" not in file:
                continue
            decoded = run(EDGELAT, "decode", os.path.join(folder, file))
            for record in json.loads(decoded.stdout)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
                values = {a["key"]: next(iter(a["value"].values())) for a in record["attributes"]}
                self.events.append((record, values))

    def of(self, name, **wanted):
        """[(record, attributes)] of an event; target="teams", before="up" ..."""
        return [(r, a) for r, a in self.events if a.get("event.name") == name
                and all(a.get("edgelat." + k) == v for k, v in wanted.items())]


def play(agent, path):
    """What happens to the network while the agent runs. Returns what `status` says meanwhile."""
    lab.change("dublin", "loss=0%")  # which at random is an event of its own
    time.sleep(25)
    lab.point("late.example.net", AMSTERDAM[0])
    lab.point("s-0005.s-msedge.net", *LONDON)
    time.sleep(25)
    lab.point("s-0005.s-msedge.net", *AMSTERDAM)
    time.sleep(20)
    lab.change("newark", "delay=76ms")  # a level 27 % higher
    lab.change("frankfurt", "blackhole=on")
    time.sleep(18)
    lab.change("frankfurt", "blackhole=off")
    time.sleep(20)
    status = run(EDGELAT, "status", "-c", path), run(EDGELAT, "status", "-c", path, "--json")
    run("ip", "address", "add", "10.42.0.99/24", "dev", "wan0")  # no packet comes from there: no move
    time.sleep(4)
    run("ip", "route", "replace", "default", "via", "10.42.0.1", "dev", "wan0")
    time.sleep(8)
    agent.send_signal(signal.SIGTERM)
    return status


def test_failover(received):
    changes = received.of("edgelat.pop.changed", target="teams")
    pairs = {(a["edgelat.before"], a["edgelat.after"], a["network.type"]) for _, a in changes}
    tap.equal({(x, y, f) for x, y in (("AMS", "LON"), ("LON", "AMS")) for f in ("ipv4", "ipv6")}, pairs,
              "failover: the PoP changes and comes back, in both families")
    tap.equal(4, len(changes), "failover: each change is told once")
    there = [a for _, a in changes if a["edgelat.after"] == "LON"][0]
    tap.ok("s-0005.s-msedge.net" in there.get("edgelat.dns.chain", ""), "failover: with the chain", there)
    tap.ok(there.get("network.peer.address") in LONDON, "failover: and the address", there)
    roles = [(r.get("severityText"), a["edgelat.before"], a["edgelat.after"])
             for r, a in received.of("edgelat.front_door.away", target="teams") if a["network.type"] == "ipv4"]
    tap.equal([("INFO", "primary", "backup"), ("INFO", "backup", "primary")], roles,
              "failover: the front door from the primary location to the backup and back")
    tap.ok(received.of("edgelat.front_door.away", target="exchange", after="backup"),
           "failover: Exchange was at the backup location from the beginning")


def test_states(received):
    for kind in ("icmp", "tcp", "https"):
        states = [(a["edgelat.before"], a["edgelat.after"]) for _, a in received.of(
            "edgelat.state.changed", target="sharepoint") if a["edgelat.probe.kind"] == kind
            and a["network.type"] == "ipv4"]
        tap.equal([("up", "down"), ("down", "up")], states, f"a black hole: down and up again, {kind}")
    others = [a for _, a in received.of("edgelat.state.changed") if a["edgelat.target"] != "sharepoint"]
    tap.equal([], others, "a black hole: nobody else changes")


def test_shift(received):
    shifts = received.of("edgelat.delay.shifted")
    tap.ok(shifts, "a longer way: the change of level is told")
    for record, a in shifts:
        text = record["body"]["stringValue"]
        tap.ok(a["edgelat.before"].startswith("60") and a["edgelat.after"].startswith("76"),
               f"a longer way: from {a['edgelat.before']} to {a['edgelat.after']}", a)
        tap.ok("bing" in a.get("edgelat.target", text), "a longer way: of bing, and of nothing else", text)
    tap.ok(len(shifts) <= 2, f"a longer way: one event, not one a kind and family: {len(shifts)}",
           [r["body"]["stringValue"] for r, _ in shifts])


def test_gain(received, status):
    """Exchange is served by London at 9.0 ms, its front door in Amsterdam answers after 3.6."""
    found = [(r, a) for r, a in received.of("edgelat.edge.suboptimal") if r.get("severityText") == "WARN"]
    tap.equal([("exchange", "ipv4", "suboptimal")],
              [(a["edgelat.target"], a["network.type"], a["edgelat.after"]) for _, a in found],
              "gain: Exchange alone could be served sooner, told once")
    for record, a in found:
        text = record["body"]["stringValue"]
        tap.near(0.0054, a["edgelat.gain"], 0.0005, "gain: so many seconds")
        tap.near(0.0054, a["edgelat.gain.minimum"], 0.0005, "gain: of the minima, too")
        tap.ok(a["edgelat.gain.low"] <= a["edgelat.gain"] <= a["edgelat.gain.high"], "gain: in its interval", a)
        tap.ok(re.search(r"through London \(LHR\) 9\.\d ms, Amsterdam \(AMS\) answers in 3\.\d: you lose 5\.\d ms", text),
               "gain: what is lost, and where", text)
    text, values = status[0].stdout, json.loads(status[1].stdout)
    tap.equal((1, 1), (status[0].returncode, sum("you lose" in f for f in values["findings"])),
              "gain: an open finding is a problem in status")
    tap.ok("No problems found" not in text and "\nNotes:\nexchange (ipv4), since " in text,
           "gain: a front door away from the peering location is a note", text[-2000:])


def test_records(received):
    names = {a["edgelat.target"]: a for _, a in received.of("edgelat.target.resolved")}
    tap.equal(set(TARGETS), set(names), "where each name leads is recorded")
    tap.ok("lhr-efz.ms-acdc.office.com" in names["exchange"]["edgelat.dns.chain"].lower()
           and names["exchange"]["edgelat.dns.servers"], "with the chain and who was asked", names["exchange"])
    changes = [r["body"]["stringValue"] for r, _ in received.of("edgelat.network.changed")]
    tap.equal(["the default route went from wan0 to 10.42.0.1 by wan0"], changes,
              "the host's move is told, and not a second address")


def test_agent():
    path, _ = configure()
    late, _ = probing.configuration("late", "[target late]\nhost = late.example.net\nkinds = tcp\n")
    folder = os.path.join(lab.FOLDER, "received-events")
    printed = os.path.join(lab.FOLDER, "table")
    with open(printed, "w", encoding="utf-8") as file, running(
            EDGELAT, "collect", "--listen", "127.0.0.1:18430", "--dir", folder,
            stdout=file, stderr=subprocess.DEVNULL) as receiver:
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent, running(
                EDGELAT, "run", "-c", late, stderr=subprocess.PIPE) as late_agent:
            status = play(agent, path)
            _, said = agent.communicate(timeout=10)
            late_agent.send_signal(signal.SIGTERM)
            _, late_said = late_agent.communicate(timeout=10)
        page = run(EDGELAT, "report", "-c", path, "--since", "20s", "-o", "-").stdout
        receiver.send_signal(signal.SIGTERM)
        receiver.wait(10)
    table = lab.read("table")
    tap.equal(0, agent.returncode, "the agent ends well")
    tap.ok(re.search(r"<strong>exchange</strong> \(ipv4\) since .*you lose 5\.\d ms", page),
           "a report of the last 20 s has the finding that is older", page[:3000])
    first = re.search(r"nearest of (\d+): teams, PoP AMS", said)
    tap.ok(first and int(first[1]) >= 6, "it looks around first: what is nearest, of all that was found", said)
    tap.ok("nearest of 1: late" in late_said, "where nothing was near it looks again soon", late_said)
    received = Received(folder)
    test_failover(received)
    test_gain(received, status)
    test_states(received)
    test_shift(received)
    test_records(received)
    tap.equal(1, len(re.findall(r"10\.42\.0\.1 by wan0: survey begins", said)), "and a reason to look around")
    tap.ok("edgelat.pop.changed" in table, "the receiver prints events beneath its table", table[-2000:])
    tap.ok("edgelat.front_door.away" in said, "the agent's log tells them, too", said[-2000:])


if __name__ == "__main__":
    probing.run_in_lab("nearest", __file__)
    test_nearest()
    test_wrong()
    test_agent()
    sys.exit(tap.finish())
