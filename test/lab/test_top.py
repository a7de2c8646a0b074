#!/usr/bin/python3 -B
"""`edgelat top` in a real terminal (tmux): beside an agent and alone, at 80x24, 132x43 and 40x8, with and without UTF-8, when the
agent leaves; terminals that cannot be drawn on; `status --watch`, `nearest --watch`, and what
`probe` says beside an agent. Runs itself in the lab."""

import os
import re
import signal
import socket
import subprocess
import sys

import lab
from lab import Tap, run, running, wait_for
from probing import EDGELAT, TEAMS_AND_HOLE, run_in_lab

CONFIGURATION = """[agent]
window = 5s
state_dir = {folder}/state
stop_file = {folder}/stop
status_socket = {folder}/status
workloads = no
front_doors = 0
gateway = no
[dns]
probe = no
""" + TEAMS_AND_HOLE

tap = Tap()


class Terminal:
    """A terminal with a command in it. Each has a tmux server of its own name: one that ends may still accept sessions."""

    def __init__(self, name, columns, rows, command, locale="C.UTF-8", **environment):
        self.name = f"edgelat-{os.getpid()}-{name}"
        variables = " ".join(f"{k}={v}" for k, v in {"LC_ALL": locale, **environment}.items())
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
                  f"env {variables} {' '.join(command)}; echo code $?; exec sleep 60")
        self.tmux("set", "-g", "window-size", "manual")

    def tmux(self, *words):
        return run("tmux", "-L", self.name, *map(str, words), env={**os.environ, "LC_ALL": "C.UTF-8"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def rows(self):
        return self.tmux("capture-pane", "-p").stdout.splitlines()

    def key(self, *keys):
        self.tmux("send-keys", *keys)

    def until(self, words, what, timeout=20):
        found = wait_for(lambda: re.search(words, "\n".join(self.rows())), timeout, 0.2)
        return tap.ok(found, what, "\n".join(self.rows()))


def beside_an_agent(folder, command):
    for columns, rows, locale in ((80, 24, "C.UTF-8"), (132, 43, "C"), (80, 24, "C"), (132, 43, "C.UTF-8")):
        with Terminal(f"a{columns}-{locale}", columns, rows, command, locale) as t:
            size = f"{columns}x{rows}, {locale}"
            t.until(r"edgelat top .*  agent  window \d\d:\d\d:\d\d UTC", f"{size}: the agent's windows")
            t.until(r"\n +1 teams +AMS .* \(?(?:[3-9]|\d\d+)\.\d+\)? ", f"{size}: teams is the nearest, with its delay")
            t.until(r"\n +- hole .*down", f"{size}: hole is down")
            t.until(r"hole is down by tcp", f"{size}: a problem")
            seen = t.rows()
            tap.equal(locale == "C.UTF-8", any(ord(c) > 127 for c in "".join(seen)), f"{size}: characters beyond ASCII")
            tap.ok(all(len(row) <= columns for row in seen), f"{size}: it fits", seen)
            tap.equal(columns >= 100, " p99" in seen[1], f"{size}: p99 where there is room")
            t.key("End", "Enter")
            t.until(r"hole  203\.0\.113\.99 .*down", f"{size}: one target")
            t.key("Up")
            t.until(r"rtt (?:[3-9]|\d\d+)\.\d+ .*tls ", f"{size}: phases of teams")
            t.until(r"delays by icmp/ipv4, of 8 h at most", f"{size}: its histogram")
            t.key("?")
            t.until(r"sort by rank, state, delay, loss, name", f"{size}: help")
            t.key("x", "s")
            t.until(r"\n +- hole .*\n +1 teams", f"{size}: sorted by state")
            t.tmux("resize-window", "-x", 40, "-y", 8)
            t.until(r"\A edgelat top[^\n]*\n[^\n]*\n[^\n]*hole(.*\n){4}", f"{size}: resized to 40x8")
            tap.ok(all(len(row) <= 40 for row in t.rows()), "and it fits", t.rows())
            t.tmux("resize-window", "-x", 212 - columns, "-y", 67 - rows)
            t.until(r"\n +- hole .*down(.*\n)+.*hole is down by tcp", f"{size}: resized to the other size")
            tap.equal(columns < 100, " p99" in t.rows()[1], f"{size}: with the columns of that")
            t.key("q")
            t.until(r"code 0", f"{size}: q ends it")
    for what, coloured, environment in (("colours", True, {}), ("NO_COLOR", False, {"NO_COLOR": 1}), ("NO_COLOR=", True, {"NO_COLOR": ""}),
                                        ("vt220", False, {"TERM": "vt220"}), ("xterm-256color", True, {"TERM": "xterm-256color"})):
        with Terminal(f"c{what.strip('=')}{coloured}", 80, 24, command, **environment) as t:
            t.until("hole .*down", what)
            seen = t.tmux("capture-pane", "-pe").stdout
            tap.equal(coloured, bool(re.search(r"\x1b\[[0-9;]*3[0-7]m *down", seen)), f"{what}: a target that is down, coloured")
    with Terminal("w", 80, 24, (EDGELAT, "status", "--watch", "-c", f"{folder}/edgelat.conf")) as t:
        t.until(r"teams", "status --watch")


def gone_terminal(command):
    """Its terminal goes, and SIGHUP is ignored: it ends all the same."""
    with Terminal("h", 80, 24, ("sh", "-c", f"\"trap '' HUP; exec {' '.join(command)}\"")) as t:
        t.until("hole .*down", "SIGHUP is ignored")
        pid = t.tmux("list-panes", "-F", "#{pane_pid}").stdout.strip()
        children = run("pgrep", "-g", pid, "-x", "edgelat").stdout.split()
    tap.ok(children and wait_for(lambda: not any(os.path.exists(f"/proc/{child}") for child in children), 10, 0.2),
           "the terminal goes: it ends", children)


def restarted(folder, command, log):
    """The agent ends, and another one starts, which is reloaded: its windows are shown."""
    def start():
        return subprocess.Popen((EDGELAT, "run", "-c", f"{folder}/edgelat.conf"), stderr=log)
    agent = start()
    wait_for(lambda: os.path.exists(f"{folder}/status.windows"), 10)
    with Terminal("g", 80, 24, command) as t:
        t.until("agent  window", "attached")
        agent.terminate()
        agent.wait()
        t.until("the agent has ended; waiting for it", "the agent ends: it says so, and waits")
        agent = start()
        t.until(r"\A edgelat top [^\n]* agent  window", "another one starts: attached again")
        t.until(r"\n +1 teams +AMS .* \(?(?:[3-9]|\d\d+)\.\d+\)? ", "and its windows are shown")
        agent.send_signal(signal.SIGHUP)
        t.until("waiting for it", "a reload: it waits")
        t.until(r"\A edgelat top [^\n]* agent  window", "and is attached again")
        t.key("q")
        t.until("code 0", "q")
    agent.terminate()
    agent.wait()


def tables(folder):
    """Texts of the other commands fit a terminal of 80 columns; a file has all columns."""
    for words, told, left_out in ((("status", "-c", f"{folder}/edgelat.conf"), r"\nagent: ", "address|window"),
                                  (("nearest", "-t", 3, "-l", "London"), "teams", "known by"),
                                  (("trace", "teams.microsoft.com"), "The target|the target", "back"),
                                  (("whereis", "ae21-0.ier01.ams30.ntwk.msn.net"), "rdns code", "rdns code"),
                                  (("diagnose", "teams", "-t", 5), r"clock", "clock")):
        command = " ".join(map(str, (EDGELAT, *words)))
        whole = run(*command.split()).stdout
        tap.ok(re.search(left_out, whole), f"{words[0]}: a file has it whole", whole)
        with Terminal(words[0], 80, 60, ["sh", "-c", f"'{command}; echo code'"]) as t:
            t.until(f"(?s){told}.*code", words[0], 40)
            seen = t.tmux("capture-pane", "-pJ").stdout.splitlines()
            tap.ok(max(map(len, (row.rstrip() for row in seen))) <= 80, f"{words[0]}: it fits 80 columns", "\n".join(seen))
            if os.environ.get("SHOW"):
                print("\n".join("# " + row for row in seen + whole.splitlines()))


def slow_readers(folder):
    """Who reads gets each window, whatever others do: test/io/status/test_socket.c drops them."""
    slow = socket.socket(socket.AF_UNIX)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    slow.connect(f"{folder}/status.windows")
    reader = socket.socket(socket.AF_UNIX)
    reader.connect(f"{folder}/status.windows")
    reader.settimeout(20)
    lines = b""
    while lines.count(b"\n") < 3:
        lines += reader.recv(1 << 16)
    tap.ok(b'"history":[' in lines and b'"histogram":' in lines, "a stream of windows, a line each")
    reader.close()
    slow.close()


def probed(configuration):
    """What a probe has to be compared with: Microsoft's limit, and what the agent measures."""
    done = run(EDGELAT, "probe", "icmp", "teams.microsoft.com", "-4", "-c", 3, "-i", 0.2, "-q",
               env={**os.environ, "EDGELAT_CONFIG": configuration, "COLUMNS": "80"})
    tap.ok(re.search(r"limit 60\.0 ms for p50 \(thresholds\.csv\): (?:[3-9]|\d\d+)\.\d+ ms is within; usual here: (?:[3-9]|\d\d+)\.\d+ ms", done.stdout),
           "probe: the limit, and what is usual", done)
    tap.equal(0, done.returncode, "within: exit code 0")


def main():
    folder = os.path.join(lab.FOLDER, "top")
    os.makedirs(f"{folder}/state")
    with open(f"{folder}/edgelat.conf", "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(folder=folder))
    command = (EDGELAT, "top", "-c", f"{folder}/edgelat.conf")
    done = run(*command, stdin=subprocess.DEVNULL)
    tap.equal((2, "", "edgelat: top needs a full screen, but standard input and output are not a terminal; use `edgelat status "
               "--watch`\n"), (done.returncode, done.stdout, done.stderr), "no terminal: a sentence")
    with Terminal("d", 120, 24, command, TERM="dumb") as t:
        t.until(r"cannot move its cursor \(TERM is 'dumb'\); use", "TERM=dumb: a sentence")
        t.until("code 2", "and exit code 2")
    with open(f"{folder}/log", "w", encoding="utf-8") as log:
        with running(EDGELAT, "run", "-c", f"{folder}/edgelat.conf", stderr=log):
            wait_for(lambda: os.path.exists(f"{folder}/status.windows"), 10)
            beside_an_agent(folder, command)
            tables(folder)
            slow_readers(folder)
            probed(f"{folder}/edgelat.conf")
            gone_terminal(command)
        restarted(folder, command, log)
    tap.ok(not os.path.exists(f"{folder}/status.windows"), "the agent leaves no file")
    with Terminal("l", 80, 24, command) as t:
        t.until("measured here: no agent runs", "alone")
        t.until(r"\n +1 teams +AMS .* \(?(?:[3-9]|\d\d+)\.\d+\)? ", "it measures by itself", 30)
        t.key("C-c")
        t.until("code 0", "Ctrl-C ends it")


def nearest():
    """Again and again, until Ctrl-C."""
    done = run("timeout", "-s", "INT", 8, EDGELAT, "nearest", "--watch", "-t", 2, "--json")
    ranked = re.findall(r'"rank":1,"target":"teams",', done.stdout)
    tap.ok(len(ranked) >= 2, f"nearest --watch: teams is the nearest, {len(ranked)} times", done)


run_in_lab("default", __file__)
main()
nearest()
sys.exit(tap.finish())
