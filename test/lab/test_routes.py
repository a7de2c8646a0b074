#!/usr/bin/python3 -B
"""The BMP station with FRR 8.4, GoBGP and stayrtr: each event of `edgelat run`, one by one, against what the router's own command line says; and
`edgelat routes`. Two labs run side by side."""

import os
import shutil
import signal
import subprocess
import sys
import time

from bgp import BGPD, Agent, Lab
from lab import Tap, run, wait_for
from probing import EDGELAT

R2, R3, MS = "198.51.100.2", "198.51.100.6", "13.107.6.0/24"
GOBGP = f"{os.path.abspath(__file__)} gobgp"
TEAMS = "52.112.0.0/14"
BOTH = "52.96.0.0/14"  # announced by both providers at the same moment

tap = Tap()


class Event(str):
    """The name of an event, and the peer that it is of."""

    def __new__(cls, name, attributes):
        event = super().__new__(cls, name)
        event.peer = attributes.get("network.peer.address")
        return event


class Steps:
    """What was done, and which events must have come of it. They are compared at the end: an event belongs to the step that had
    begun at its time."""

    def __init__(self, agent):
        self.agent, self.steps = agent, []

    def do(self, what, expected, change, until, timeout=8):
        """`change` the network, wait until `edgelat routes` shows it. `expected`: names of events, or a function of them."""
        self.steps.append((time.time(), what, expected))
        change()
        tap.ok(self.agent.until(until, timeout), f"{what}: edgelat routes shows it", self.agent.routes().stdout)

    def check(self):
        events = [(at, Event(name, of)) for at, name, _, of, _ in self.agent.decoded() if not name.startswith(("edgelat.target", "edgelat.nearest"))]
        ends = [begin for begin, _, _ in self.steps[1:]] + [float("inf")]
        for (begin, what, expected), end in zip(self.steps, ends):
            names = [name for at, name in events if begin <= at < end]
            if callable(expected):
                tap.ok(expected(names), f"{what}: its events", names)
            else:
                tap.equal(expected, names, f"{what}: its events")


def sessions_only(names):
    """Without those of the BMP session, which FRR may open anew at any time."""
    return [name.rsplit(".", 1)[1] for name in names if name.startswith("edgelat.bgp")]


def started(names):
    return sessions_only(names).count("lost") + 2 == len(sessions_only(names)) - sessions_only(names).count("lost") \
        and not any(name.startswith("Prefix") for name in names)


def prefixes_return(names, least=1):
    """As many announcements as withdrawals."""
    return sum("Announcement" in name for name in names) == sum("Withdrawal" in name for name in names) >= least


def flapped(names):
    """Flapping is reported once, with R3's third loss. On a busy host the hold time of FRR ends also at other times: R3 is then lost
    in the step before, or once more, and R2 is too."""
    sessions = sessions_only(name for name in names if name.peer == R3)
    lost = sessions.count("lost")
    return lost == sessions.count("established") >= 10 and sessions.count("flapping") == 1 and prefixes_return(names) and \
        1 <= sessions[:sessions.index("flapping")].count("lost") <= 3


def restarted(names):
    """A router that opens BMP after its sessions are up dumps whole tables, of which no prefix is missing."""
    for peer in (R2, R3):
        sessions = sessions_only(name for name in names if name.peer == peer)
        if not sessions.count("lost") == sessions.count("established") > 0:
            return False
    return prefixes_return(names, least=0)


def check_tables(net, agent, what):
    """Peers, paths, and the best path of each prefix, as `show bgp ... json` has them; not that of BOTH: of paths that
    came at the same moment FRR prefers the first, and BMP does not tell their order."""
    sessions = {peer: state == "Established" for peer, state in net.states().items()}
    tap.equal(sessions, {s["peer"]: s["state"] == "up" for s in agent.now()["sessions"]}, f"{what}: sessions as in FRR's summary")
    for family, prefix in (("ipv4", MS), ("ipv4", BOTH), ("ipv6", "2603:1006::/40")):
        theirs = {peer: (path, best) for peer, (path, _, best) in net.route(prefix, family=family).items()}
        ours = {path["peer"]: (" ".join(map(str, path["as_path"])), role == "active")
                for role, path in agent.prefix(prefix).items() if role in ("active", "backup")}
        if prefix == BOTH:
            theirs, ours = ({peer: path for peer, (path, _) in paths.items()} for paths in (theirs, ours))
        tap.equal(theirs, ours, f"{what}: paths of {prefix} as in FRR's table")


def peer_of(role, prefix=MS):
    return lambda agent: agent.prefix(prefix).get(role, {}).get("peer")


def next_hops(agent, prefix):
    return [path["next_hop"] for path in agent.prefix(prefix).values()]


def origin_is(origin):
    return lambda agent: agent.prefix(MS).get("active", {}).get("origin_as") == origin


def validation(prefix):
    return lambda agent: agent.prefix(prefix).get("active", {}).get("origin_validation")


def is_up(*peers):
    return lambda agent: all(agent.session(peer).get("state") == "up" for peer in peers)


def frr():
    with Lab("frr") as net:
        net.provider("r2", 65002, "198.51.100.1", f"0.0.0.0/0; {MS} route-map MS; 52.96.0.0/14 route-map MS",
                     "2603:1006::/40 route-map MS")
        net.provider("r3", 4200000003, "198.51.100.5", "52.96.0.0/14 route-map MS")
        agent = Agent(net, EDGELAT)
        steps = Steps(agent)
        steps.do("start, a table dump is no event", started, net.branch, lambda a: is_up(R2, R3)(a) and peer_of("active")(a) and peer_of("backup", BOTH)(a)
                 and peer_of("active", "2603:1006::/40")(a), 15)
        time.sleep(7)  # the dump is over
        check_tables(net, agent, "start")
        path = agent.prefix("2603:1006::/40").get("active", {})
        tap.equal((["8075:8007", "65002:1"], ["8075:1:2"]), (path.get("communities"), path.get("large_communities")),
                  "communities and large communities over IPv6")
        tap.equal((4200000003, 4200000001), (agent.session(R3).get("peer_as"), agent.now()["routers"][0]["local_as"]),
                  "4-byte AS of the neighbour and of the router")
        tap.equal(0, agent.routes().returncode, "exit status 0 while all is well")

        def first(*words):
            return lambda: net.network("r2", 65002, " ".join(words))

        def second(*words):
            return lambda: net.network("r3", 4200000003, " ".join(words))

        def branch(*words):
            return lambda: net.network("r1", 4200000001, " ".join(words))

        steps.do("withdrawal", ["PrefixWithdrawalEvent"], first("no network", MS), lambda a: not peer_of("active")(a))
        tap.equal({}, net.route(MS), "FRR has it no longer")
        tap.equal(1, agent.routes().returncode, "exit status 1 while a prefix is withdrawn")
        steps.do("announcement", ["PrefixAnnouncementEvent"], first("network", MS, "route-map MS"), peer_of("active"))
        steps.do("backup route", ["PrefixBackupRouteAnnouncementEvent", "PrefixBackupPath"],
                 second("network", MS, "route-map MS"), lambda a: peer_of("backup")(a) == R3)
        check_tables(net, agent, "backup")
        steps.do("failover", ["PrefixWithdrawalEvent", "PrefixActivePath"], first("no network", MS),
                 lambda a: peer_of("active")(a) == R3)
        check_tables(net, agent, "failover")
        back = ["PrefixAnnouncementEvent", "PrefixActivePath", "PrefixBackupPath"]
        away = ["PrefixWithdrawalEvent", "PrefixActivePath"]
        steps.do("the first provider again, by a longer path", back,
                 first("network", MS, "route-map TRANSIT"), lambda a: peer_of("active")(a) == R2)
        tap.equal((True, 2), (agent.prefix(MS)["active"]["as_configured"], agent.prefix(MS)["active"]["as_hops"]),
                  "the router prefers it by local preference, which BMP does not have")
        check_tables(net, agent, "fallback")
        steps.do("the first provider away", away, first("no network", MS), lambda a: peer_of("active")(a) == R3)
        steps.do("origin AS change", ["PrefixOriginAsChangeEvent", "edgelat.route.origin_unexpected"],
                 second("network", MS, "route-map HIJACK"), origin_is(174))
        check_tables(net, agent, "origin")
        steps.do("origin AS back", ["PrefixOriginAsChangeEvent"], second("network", MS, "route-map MS"), origin_is(8075))

        steps.do("first provider beside it", back, first("network", MS, "route-map MS"), lambda a: peer_of("active")(a) == R2)
        steps.do("backup route's origin AS change", ["PrefixBackupRouteOriginAsChangeEvent", "edgelat.route.origin_unexpected"],
                 second("network", MS, "route-map HIJACK"), lambda a: a.prefix(MS).get("backup", {}).get("origin_as") == 174)
        tap.equal(["unexpected_origin"], agent.prefix(MS)["backup"].get("problems"), "the problem of the path")
        steps.do("backup route's origin AS back", ["PrefixBackupRouteOriginAsChangeEvent"],
                 second("network", MS, "route-map MS"), lambda a: a.prefix(MS).get("backup", {}).get("origin_as") == 8075)
        steps.do("first provider away again", away, first("no network", MS), lambda a: not peer_of("backup")(a))
        steps.do("long, private and prepended transit path to Microsoft",
                 ["PrefixAnnouncementEvent", "edgelat.route.path_long", "edgelat.route.path_private_as", "edgelat.route.path_prepended"],
                 first("network", TEAMS, "route-map ODD"), peer_of("active", TEAMS))
        path = agent.prefix(TEAMS)["active"]
        tap.equal(([], ["long_path", "private_as", "prepended"], 3), (path["problems"], path["facts"], path["as_hops"]),
                  "facts of the path, no problems")
        tap.equal(0, agent.routes().returncode, "exit status 0: Azure's rules are for registered prefixes")
        steps.do("more specific than a registered prefix", ["PrefixAnnouncementEvent", "edgelat.route.more_specific"],
                 first("network", "192.0.2.128/25"), peer_of("active", "192.0.2.128/25"))
        tap.equal(1, agent.routes().returncode, "exit status 1: possible hijack")
        steps.do("it is gone", ["PrefixWithdrawalEvent"], first("no network", "192.0.2.128/25"),
                 lambda a: not peer_of("active", "192.0.2.128/25")(a))
        moved = ["edgelat.route.next_hop_changed"] * 2  # of MS and of BOTH
        # FRR may choose another of two equal paths for a moment
        steps.do("next hop moved, redundancy lost", lambda names: moved + ["edgelat.route.redundancy_lost"] ==
                 [name for name in names if name not in ("PrefixActivePath", "PrefixBackupPath")],
                 branch("neighbor", R3, "route-map MOVED in"), lambda a: R2 in next_hops(a, BOTH) and R3 not in next_hops(a, BOTH))
        tap.equal({R2}, {hop for _, hop, _ in net.route(BOTH).values()}, "FRR has one next hop for both")
        steps.do("next hop back", moved,
                 branch("no neighbor", R3, "route-map MOVED in"), lambda a: R3 in next_hops(a, BOTH))

        steps.do("ten flaps", flapped, lambda: flap(agent, lambda: net.vty("r1", f"clear bgp {R3}"), "flap", 10), lambda a: peer_of("active")(a) == R3 and peer_of("backup", BOTH)(a) == R3, 12)
        tap.equal("up", agent.session(R2).get("state"), "the other session is up")

        flaps = agent.session(R3)["flaps"]
        tap.ok(wait_for(lambda: agent.metric("edgelat.bgp.session.flaps", R3)[-1:] == [flaps], 12, 0.5), f"metric: {flaps} flaps",
               agent.metric("edgelat.bgp.session.flaps", R3))
        windows = [agent.metric("edgelat.bgp.session.availability", peer) for peer in (R2, R3)]
        steady = [values[values.index(1.0):] for values in windows]  # both come up in the first one or two
        tap.ok(set(steady[0]) == {1.0} and min(steady[1]) < 1, "metric: availability of each session", windows)
        tap.ok(wait_for(lambda: [agent.metric("edgelat.bgp.session.routes", peer)[-1] for peer in (R2, R3)] == [3, 2], 12, 0.5),
               "metric: watched routes")

        def stall():
            agent.process.send_signal(signal.SIGSTOP)  # messages wait in the sockets
            second("no network", MS)()
            time.sleep(1)
            agent.process.send_signal(signal.SIGCONT)

        steps.do("stalled station", ["PrefixWithdrawalEvent"], stall, lambda a: not peer_of("active")(a))
        steps.do("a router that dies", ["edgelat.bmp.router.lost"], lambda: net.stop("r1"),
                 lambda a: a.session(R2).get("state") == "unknown")
        steps.do("router restart", restarted, net.branch, lambda a: is_up(R2, R3)(a) and peer_of("backup", BOTH)(a)
                 and peer_of("active", "2603:1006::/40")(a), 15)
        check_tables(net, agent, "restart")
        net.stop("agent")
        steps.check()
        levels = {name: severity for _, name, severity, *_ in agent.decoded()}
        tap.equal((9, 13, 21), tuple(levels.get(f"Prefix{name}Event") for name in
                                     ("Announcement", "Withdrawal", "OriginAsChange")), "levels as in Azure, exported")


def check_gobgp(net, agent, what):
    """Peers, paths, and the best path of each prefix, as `gobgp` has them; not the best of BOTH, as in check_tables()."""
    states = {peer["state"]["neighbor_address"]: peer["state"].get("session_state") == 6 for peer in net.gobgp_says("neighbor")}
    tap.equal(states, {s["peer"]: s["state"] == "up" for s in agent.now()["sessions"]}, f"{what}: sessions as in gobgp neighbor")
    for prefix in (MS, BOTH):
        paths = agent.prefix(prefix)
        ours = [(paths[role]["peer"], " ".join(map(str, paths[role]["as_path"]))) for role in ("active", "backup") if role in paths]
        theirs = net.gobgp_paths(prefix)
        tap.equal(*((sorted(theirs), sorted(ours)) if prefix == BOTH else (theirs, ours)), f"{what}: paths of {prefix} as in gobgp global rib")


def flap(agent, reset, what, n):
    for i in range(1, n + 1):
        before = agent.session(R3)["flaps"]
        reset()
        tap.ok(agent.until(lambda a, before=before: a.session(R3).get("flaps", 0) > before and is_up(R3)(a), 12), f"{what} {i} is counted")


def flapped_at_gobgp(names):
    sessions = sessions_only(names)
    return sessions == ["lost", "established"] * 2 + ["lost", "flapping", "established"] and prefixes_return(names)


def restarted_twice(names):
    return sessions_only(names) == ["lost", "established"] * 2 and not any(name.startswith("Prefix") for name in names)


def gobgp():
    with Lab("go") as net:
        # GoBGP 3.10 keeps a path in its table when the peer replaces it by one that has GoBGP's own AS.
        leaf = "  neighbor {} prefix-list NONE in"
        net.provider("r2", 65002, "198.51.100.1", f"0.0.0.0/0; {MS} route-map MS; 52.96.0.0/14 route-map MS",
                     "2603:1006::/40 route-map MS", leaf.format("198.51.100.1"))
        net.provider("r3", 4200000003, "198.51.100.5", "52.96.0.0/14 route-map MS", more=leaf.format("198.51.100.5"))
        net.stayrtr([(MS, 24, 8075), ("2603:1000::/24", 48, 8075)])
        agent = Agent(net, EDGELAT, "validator = 203.0.113.2:8282")
        steps = Steps(agent)
        steps.do("start of GoBGP, a table dump is no event", ["edgelat.bmp.router.connected"] + ["edgelat.bgp.session.established"] * 2,
                 net.gobgp, lambda a: is_up(R2, R3)(a) and peer_of("active")(a) and peer_of("backup", BOTH)(a)
                 and peer_of("active", "2603:1006::/40")(a), 15)
        time.sleep(7)
        check_gobgp(net, agent, "start of GoBGP")
        path = agent.prefix(MS).get("active", {})
        tap.equal((["8075:8007", "65002:1"], ["8075:1:2"], 4200000003), (path.get("communities"), path.get("large_communities"),
                  agent.session(R3).get("peer_as")), "GoBGP: communities, large communities, 4-byte AS")

        def first(*words):
            return lambda: net.network("r2", 65002, " ".join(words))

        def second(*words):
            return lambda: net.network("r3", 4200000003, " ".join(words))

        steps.do("withdrawal at GoBGP", ["PrefixWithdrawalEvent"], first("no network", MS), lambda a: not peer_of("active")(a))
        tap.equal([], net.gobgp_paths(MS), "GoBGP has it no longer")
        steps.do("announcement at GoBGP", ["PrefixAnnouncementEvent"], first("network", MS, "route-map MS"), peer_of("active"))
        steps.do("backup route at GoBGP", ["PrefixBackupRouteAnnouncementEvent", "PrefixBackupPath"],
                 second("network", MS, "route-map TRANSIT"), lambda a: peer_of("backup")(a) == R3)
        check_gobgp(net, agent, "backup at GoBGP")
        steps.do("failover at GoBGP", ["PrefixWithdrawalEvent", "PrefixActivePath"], first("no network", MS),
                 lambda a: peer_of("active")(a) == R3)
        steps.do("first provider again at GoBGP, by a shorter path",
                 ["PrefixAnnouncementEvent", "PrefixBackupPath", "PrefixActivePath", "PrefixBackupPath"],
                 first("network", MS, "route-map MS"), lambda a: (peer_of("active")(a), peer_of("backup")(a)) == (R2, R3))
        check_gobgp(net, agent, "fallback at GoBGP")
        backup = peer_of("backup", BOTH)(agent)  # the one whose route came later
        its, name = {R2: (first, "Prefix"), R3: (second, "PrefixBackupRoute")}[backup]
        steps.do("backup route withdrawn at GoBGP", [name + "WithdrawalEvent"], its("no network", BOTH),
                 lambda a: not peer_of("backup", BOTH)(a))
        steps.do("it is back at GoBGP", [name + "AnnouncementEvent", "PrefixBackupPath"], its("network", BOTH, "route-map MS"),
                 lambda a: peer_of("backup", BOTH)(a) == backup)
        hijack = ["edgelat.route.origin_unexpected", "edgelat.route.origin_invalid"]
        steps.do("origin AS change of the backup at GoBGP", ["PrefixBackupRouteOriginAsChangeEvent"] + hijack,
                 second("network", MS, "route-map HIJACK"), lambda a: a.prefix(MS).get("backup", {}).get("origin_as") == 174)
        steps.do("and back", ["PrefixBackupRouteOriginAsChangeEvent"],
                 second("network", MS, "route-map TRANSIT"), lambda a: a.prefix(MS).get("backup", {}).get("origin_as") == 8075)
        steps.do("backup away", ["PrefixBackupRouteWithdrawalEvent"], second("no network", MS), lambda a: not peer_of("backup")(a))
        steps.do("origin AS change at GoBGP", ["PrefixOriginAsChangeEvent"] + hijack, first("network", MS, "route-map HIJACK"), origin_is(174))
        check_gobgp(net, agent, "origin at GoBGP")
        steps.do("origin AS back at GoBGP", ["PrefixOriginAsChangeEvent"], first("network", MS, "route-map MS"), origin_is(8075))
        steps.do("second provider beside it", ["PrefixBackupRouteAnnouncementEvent", "PrefixBackupPath"],
                 second("network", MS, "route-map TRANSIT"), lambda a: peer_of("backup")(a) == R3)
        tap.equal({MS: "valid", "2603:1006::/40": "valid", BOTH: "not_found"},
                  {prefix: validation(prefix)(agent) for prefix in (MS, "2603:1006::/40", BOTH)}, "origins by RPKI, with stayrtr")
        tap.equal(0, agent.routes().returncode, "exit status 0")
        steps.do("origin invalid by RPKI", ["edgelat.route.origin_invalid"], lambda: net.stayrtr([(MS, 24, 8068)]),
                 lambda a: validation(MS)(a) == "invalid")
        tap.equal((["origin_invalid"], 1), (agent.prefix(MS)["active"]["problems"], agent.routes().returncode), "a problem, exit status 1")
        net.stop("stayrtr")
        tap.equal("invalid", validation(MS)(agent), "data of a validator that is gone counts until it expires")
        tap.ok(agent.until(lambda a: a.now()["validator"]["state"] == "failed"), "routes has that it is gone")
        status = run(EDGELAT, "status", "-c", agent.path)
        tap.ok("the RPKI validator 203.0.113.2:8282 is not reached since" in status.stdout and status.returncode == 1, f"status has it: {status.stdout}")
        tap.ok("origins by RPKI: 0 valid, 1 invalid, 2 not found, 0 not validated" in status.stdout, "status has the state of the watched prefixes")
        steps.do("three flaps at GoBGP", flapped_at_gobgp, lambda: flap(agent, lambda: net.vty("r3", "clear bgp *"), "flap at GoBGP", 3), lambda a: peer_of("backup", BOTH)(a) == R3)
        net.stop("r1")
        tap.ok(agent.until(lambda a: a.session(R2).get("state") == "unknown"), "GoBGP dies")
        steps.do("restart of GoBGP", restarted_twice, net.gobgp, lambda a: is_up(R2, R3)(a) and peer_of("backup", BOTH)(a), 15)
        time.sleep(7)
        check_gobgp(net, agent, "restart of GoBGP")
        junk = run("ip", "netns", "exec", net.prefix + "r1", sys.executable, "-c",
                   "import socket; s = socket.create_connection(('203.0.113.2', 11019)); "
                   "s.send(b'GET / HTTP/1.1\\r\\n\\r\\n'); print(s.recv(10))")
        tap.equal("b''", junk.stdout.strip(), "bytes that are no BMP end that session only")
        tap.equal("up", agent.session(R2).get("state"), "GoBGP's goes on")
        net.stop("agent")
        steps.check()
        check_first_table(net, first)


def check_first_table(net, first):
    """A hijack that GoBGP's first table has already is reported by an agent that starts afterwards."""
    first("network", MS, "route-map HIJACK")()
    time.sleep(1)
    began = time.time()
    agent = Agent(net, EDGELAT)
    tap.ok(agent.until(lambda a: 174 in [path["origin_as"] for path in a.prefix(MS).values()], 40), "the first table has the hijack",
           agent.routes().stdout)

    def found():
        return [text for at, name, _, _, text in agent.decoded() if at >= began and name == "edgelat.route.origin_unexpected"]
    said = wait_for(found, 30, 0.5) or []
    tap.ok(len(said) == 1 and "since before this agent saw the session" in said[0], "it is an event", said)
    status = run(EDGELAT, "status", "-c", agent.path)
    tap.ok("1 path may be hijacked or leaked" in status.stdout, "and a finding", status.stdout)
    net.stop("agent")


def main():
    if not os.path.exists(BGPD) or not all(map(shutil.which, ("gobgpd", "stayrtr"))):
        print("1..0 # SKIP frr, gobgpd and stayrtr are not installed: sudo scripts/setup test")
        return 0
    if sys.argv[1:] == ["gobgp"]:
        gobgp()
        return tap.finish()
    with subprocess.Popen([sys.executable, "-B", *GOBGP.split()], stdout=subprocess.PIPE, text=True) as beside:
        frr()
        for line in beside.communicate(timeout=60)[0].splitlines():
            if line.startswith(("ok", "not ok")):
                tap.ok(line.startswith("ok"), line.split(" - ", 1)[1])
            elif not line.startswith("1.."):
                print(line)
    return tap.finish()


sys.exit(main())
