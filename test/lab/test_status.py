#!/usr/bin/python3 -B
"""`edgelat status` asks the running agent: probing, a target that is down, a collector that is gone, a restart in
place, stopped, killed. Runs itself in the lab."""

import datetime
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile

import lab
from lab import Tap, run, running, wait_for
from probing import EDGELAT, TEAMS_AND_HOLE, installed, run_in_lab

NOBODY, SOMEBODY = 65534, 65533  # the agent's owner, and another user
SECRET = "do-not-tell"
CONFIGURATION = """[agent]
site = Zürich
window = 5s
state_dir = {folder}/state
stop_file = {folder}/stop
status_socket = {folder}/status
workloads = no
front_doors = 0
[collector]
url = http://127.0.0.1:{port}
header_file = {folder}/token
spread = 0s
""" + TEAMS_AND_HOLE

tap = Tap()


def prepare(port):
    folder = os.path.join(lab.FOLDER, "own")
    os.mkdir(folder)
    os.chown(folder, NOBODY, NOBODY)
    os.mkdir(f"{folder}/state", 0o700)
    os.chown(f"{folder}/state", NOBODY, NOBODY)
    os.chmod(lab.FOLDER, 0o755)
    for name, text in (("token", f"Authorization: Bearer {SECRET}\n"),
                       ("edgelat.conf", CONFIGURATION.format(folder=folder, port=port))):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    os.chown(f"{folder}/token", NOBODY, NOBODY)
    os.chmod(f"{folder}/token", 0o600)
    return folder


class Status:
    """What the command says, as JSON and for people."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program
        self.seen = ""

    def ask(self, *options, before=()):
        done = run(*before, self.program, "status", "-c", f"{self.folder}/edgelat.conf", *options)
        self.seen += done.stdout + done.stderr
        return done

    def now(self):
        """The object, {} when none answers."""
        return json.loads(self.ask("--json").stdout or "{}")

    def until(self, condition, timeout=20):
        return wait_for(lambda: condition(self.now()), timeout, 0.2)


def state(of, name):
    return next((t["state"] for t in of.get("targets", []) if t["target"] == name), None)


def but_busy(findings):
    """A test machine may be."""
    return [finding for finding in findings if not finding.startswith("this host was too busy ")]


def wrong(text):
    """The problems, without the names of their faults."""
    lines = text.partition("\nProblems:\n")[2].splitlines()
    return but_busy([re.sub(r"^(Service down|Uplink down|Gateway silent): ", "", line) for line in lines])


def alive(status):
    tap.ok(status.until(lambda s: s.get("probing")), "an agent that has just begun answers")
    done = status.ask()
    tap.equal(([], ""), (wrong(done.stdout), done.stderr), "nothing is wrong yet")
    tap.equal("\nNo problems found\n" in done.stdout or "\ntoo early to say " in done.stdout, done.returncode == 0,
              "then the exit code is 0")
    tap.ok("site Zürich" in done.stdout, "for people", done.stdout)
    file = os.stat(f"{status.folder}/status")
    tap.equal((0o660, NOBODY), (stat.S_IMODE(file.st_mode), file.st_gid), "its file is the owner's and the group's")
    done = status.ask(before=("setpriv", "--reuid", SOMEBODY, "--regid", SOMEBODY, "--clear-groups"))
    tap.ok(done.returncode == 2 and done.stdout == "" and "permission denied" in done.stderr, "another user is told why not",
           done)


def in_trouble(status, receiver):
    tap.ok(status.until(lambda s: s["exports"]["accepted"] > 0), "a batch is accepted", status.now())
    collector = status.now()["collectors"][0]
    tap.ok(collector["in_use"] and collector["last_accepted"] and collector["answer"] == "accepted", "and it says so",
           collector)
    tap.ok(status.until(lambda s: state(s, "hole") == "down"), "a target is down", status.now())
    receiver.terminate()
    receiver.wait(10)
    tap.ok(status.until(lambda s: s["spool"]["waiting"] and s["exports"]["failed"]), "the collector is gone: batches wait",
           status.now())
    now, done = status.now(), status.ask()
    teams = next(t for t in now["targets"] if t["target"] == "teams")
    tap.equal(("up", 1, "AMS", True), tuple(teams[key] for key in ("state", "rank", "pop", "configured")), "teams is fine")
    icmp = next(s for s in teams["streams"] if (s["kind"], s["family"]) == ("icmp", "ipv4"))
    tap.near(3, icmp["p50"], 0.5, "its p50")
    tap.ok(now["spool"]["oldest"] and now["exports"]["failed"] > 0, "since when, and how often it was tried", now["spool"])
    tap.equal(1, done.returncode, "something is wrong: exit code 1")
    found = wrong(done.stdout)
    tap.equal(but_busy(now["findings"]), found, "the same for people as for scripts")
    tap.ok(len(found) == 2 and found[0].startswith("hole is down by tcp; ")
           and re.match(r"127\.0\.0\.1:\d+ does not accept the (batches|logs \(events\)): ", found[1]), "what, and what next", found)


def restarted(status, agent):
    def ran_s(of):
        since, now = (datetime.datetime.fromisoformat(of[key].rstrip("Z")) for key in ("since", "time"))
        return (now - since).total_seconds()
    before = ran_s(status.now())
    agent.send_signal(signal.SIGHUP)
    tap.ok(status.until(lambda s: s and ran_s(s) < before), "restarted in place it answers anew")


def second(status):
    """Another agent with the same socket runs without, and takes nothing away."""
    path = f"{status.folder}/second.conf"
    os.mkdir(f"{status.folder}/second", 0o700)
    os.chown(f"{status.folder}/second", NOBODY, NOBODY)
    with open(f"{status.folder}/edgelat.conf", encoding="utf-8") as first, open(path, "w", encoding="utf-8") as file:
        file.write(first.read().replace("/state\n", "/second\n"))
    with running(status.program, "run", "-c", path, stderr=subprocess.PIPE) as agent:
        line = agent.stderr.readline()
        tap.ok("warn status: " in line and "another agent answers there" in line, "a second agent says that it is taken",
               line)
        tap.ok(any("edgelat 0." in agent.stderr.readline() for _ in range(5)), "and runs")
        agent.send_signal(signal.SIGTERM)
        agent.communicate(timeout=10)
    tap.ok(state(status.now(), "teams"), "the first one answers as before")


def stopped(status):
    with open(f"{status.folder}/stop", "w", encoding="utf-8"):
        pass
    now = status.until(lambda s: not s["probing"]) and status.now()
    tap.ok(now and now["stopped"] == f"{status.folder}/stop exists", "stopped, and by what", now)
    tap.ok(now["findings"][0].startswith("probing is stopped: "), "that is wrong first of all", now["findings"])
    os.unlink(f"{status.folder}/stop")
    tap.ok(status.until(lambda s: s["probing"]), "it goes on")


def main():
    with tempfile.TemporaryDirectory() as prefix, \
         running(EDGELAT, "collect", "--listen", "127.0.0.1:0", stdout=subprocess.DEVNULL,
                 stderr=subprocess.PIPE) as receiver:
        status = Status(prepare(re.search(r":(\d+)", receiver.stderr.readline())[1]), installed(prefix))
        command = (status.program, "run", "-c", f"{status.folder}/edgelat.conf")
        done = status.ask()
        tap.ok(done.returncode == 2 and done.stdout == "" and "no agent answers at " in done.stderr, "no agent", done)
        with open(f"{status.folder}/log", "w", encoding="utf-8") as log:
            with running(*command, stderr=log) as agent:
                alive(status)
                in_trouble(status, receiver)
                restarted(status, agent)
                second(status)
                stopped(status)
                agent.send_signal(signal.SIGSTOP)
                done = status.ask()
                tap.ok(done.returncode == 2 and "does not answer within 5 s" in done.stderr, "one that hangs", done)
                agent.kill()
                agent.wait()
            tap.ok(os.path.exists(f"{status.folder}/status") and status.ask().returncode == 2, "one that was killed is gone")
            with running(*command, stderr=log) as agent:
                tap.ok(status.until(lambda s: s), "the next one takes its place")
            tap.ok(agent.returncode == 0 and not os.path.exists(f"{status.folder}/status"), "and leaves no file")
    tap.ok(SECRET not in status.seen, "no answer had the secret")
    if not tap.failed:
        tap.row("somebody asks how it is", "a target down, no collector, a restart, a second agent, SIGKILL, another user",
                "told what is wrong and what next, no secret, no file of another's taken")


run_in_lab("default", __file__)
main()
sys.exit(tap.finish())
