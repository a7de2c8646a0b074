#!/usr/bin/python3 -B
"""The program as a process: closed descriptors, signals at any moment, resource limits, pipes without a reader, a
reload after an upgrade. On loopback; SEED=n repeats the signals."""

import concurrent.futures
import contextlib
import fcntl
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from lab import TOP, Tap, run, running, wait_for

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
SEED = int(os.environ.get("SEED", random.randrange(1 << 30)))
CONFIGURATION = """[agent]
window = 5s
workloads = no
front_doors = 0
state_dir = {0}/state
status_socket = {0}/status
stop_file = {0}/stop
[target {1}]
host = 127.0.0.1
port = 9
kinds = tcp
interval = 1s
slow_interval = 1s
"""
tap = Tap()


def configure(folder, target="local"):
    path = os.path.join(folder, "edgelat.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(CONFIGURATION.format(folder, target))
    return path


def shell(script, timeout=10, **options):
    """The exit code of a shell script, None if it did not end, and what it printed on standard error."""
    try:
        done = subprocess.run(["bash", "-c", f"ulimit -c 0; {script}"], timeout=timeout, text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        return done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        return None, ""


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def holds_signals(pid):
    return int(status_of(pid)["SigBlk"], 16) >> (signal.SIGHUP - 1) & 1


def answers(path, target):
    """Whether the agent answers with that target."""
    said = run(EDGELAT, "status", "-c", path, "--json").stdout
    return said.startswith("{") and target in [t["target"] for t in json.loads(said)["targets"]]


# ---- descriptors


def closed_descriptors(folder):
    path = configure(folder)
    commands = ("probe tcp 127.0.0.1:9 -n 1", f"nearest -c {path} -t 2", f"check-config {path}", "whereis AMS",
                f"status -c {path}", f"report --state {folder} -o -", "decode /dev/null", "--help",
                "collect --listen 1:1")
    wrong = []
    pool = concurrent.futures.ThreadPoolExecutor(16)  # nearest takes 2 s
    usual = {c: pool.submit(shell, f"{EDGELAT} {c} </dev/null >/dev/null 2>&1") for c in commands}
    tried = {(c, r): pool.submit(shell, f"{EDGELAT} {c} {r}") for c in commands for r in ("<&-", ">&-", "2>&-")}
    for (command, redirection), done in tried.items():
        if done.result()[0] != usual[command].result()[0]:
            wrong.append((command, redirection, done.result(), usual[command].result()))
    for redirections in [c for n in (1, 2, 3) for c in itertools.combinations(("<&-", ">&-", "2>&-"), n)]:
        with running("bash", "-c", f"exec {EDGELAT} run -c {path} {' '.join(redirections)}",
                     stderr=subprocess.DEVNULL) as agent:
            if not wait_for(lambda: answers(path, "local")):
                wrong.append(("run", redirections, "no answer"))
            for fd, word in enumerate(("<&-", ">&-", "2>&-")):
                if word in redirections and os.readlink(f"/proc/{agent.pid}/fd/{fd}") != "/dev/null":
                    wrong.append(("run", redirections, os.readlink(f"/proc/{agent.pid}/fd/{fd}")))
        if agent.returncode != 0:
            wrong.append(("run", redirections, agent.returncode))
    tap.equal([], wrong, "descriptors 0, 1, 2 closed: each command as with /dev/null there")


# ---- limits


def limits(folder):
    path = configure(folder)
    wrong = []
    def check(limit, command, codes):
        # the environment is on the stack: with a large one the kernel cannot start a program in 16 KiB
        code, said = shell(f"ulimit {limit}; exec {EDGELAT} {command}", env={"PATH": os.environ["PATH"]})
        sentence = code != 2 or (said.count("\n") <= 3 and re.search("edgelat: |error ", said))
        if code not in codes or not sentence:
            wrong.append((limit, command, code, said[-200:]))
    for n in range(4, 21):
        check(f"-n {n}", "probe tcp 127.0.0.1:9 -n 1 -w 0.2", (1, 2))
    for n in (6, 8, 16, 20):
        check(f"-n {n}", f"run -c {path}", (2,))
        check(f"-n {n}", "collect --listen 1:1", (2,))
    for limit in ("-f 0", "-f 1", "-s 16", "-s 32", "-s 64", "-v 65000", "-d 50000", "-i 0"):
        check(limit, f"run -c {path}", (2,))
    check("-v 45000", "probe https 127.0.0.1:9 -n 1", (1, 2))
    for limit in ("-s 16", "-s 32", "-i 0"):
        check(limit, "probe https 127.0.0.1:9 -n 1", (2,))
        check(limit, f"nearest -c {path} -t 2", (2,))
    for limit in ("-s 16", "-s 64"):
        check(limit, f"check-config {path}", (2,))
        check(limit, "whereis AMS", (2,))
    tap.equal([], wrong, "limits of descriptors, files, stack and memory: one sentence and exit code 2")
    code, said = shell(f"(ulimit -f 0; exec {EDGELAT} whereis AMS >{folder}/out)")
    tap.equal((2, True), (code, "ulimit -f" in said), "output past the limit of file sizes is an error")
    tap.equal(0, shell(f"ulimit -S -n 8; ulimit -S -s 64; exec {EDGELAT} check-config {path}")[0],
              "a soft limit is raised")


# ---- signals


def random_signals(folder):
    chance = random.Random(SEED)
    tap.note(f"SEED={SEED}")
    wrong = []
    for turn in range(10):
        path = configure(folder, "first")
        with running(EDGELAT, "run", "-c", path, stderr=subprocess.DEVNULL) as agent:
            wait_for(lambda: holds_signals(agent.pid), 5, 0.001)
            for _ in range(25):
                agent.send_signal(chance.choice((signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)))
                time.sleep(chance.choice((0, 0.001, 0.03)) * chance.random())
            configure(folder, "second")
            agent.send_signal(signal.SIGHUP)
            if not wait_for(lambda: agent.poll() is not None or answers(path, "second"), 5):
                wrong.append((turn, "the last reload is lost"))
            if agent.poll() is None and status_of(agent.pid)["Name"] != "edgelat":
                wrong.append((turn, status_of(agent.pid)["Name"]))
            agent.send_signal(signal.SIGHUP)
            time.sleep(0.03 * chance.random())
            agent.send_signal(chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)))
            time.sleep(0.03 * chance.random())
            agent.send_signal(signal.SIGHUP)
            try:
                agent.wait(6)
            except subprocess.TimeoutExpired:
                wrong.append((turn, "the order to stop is lost"))
        if agent.returncode != 0:
            wrong.append((turn, agent.returncode))
    tap.equal([], wrong, "signals at random moments: no death, no lost reload, no lost order to stop")


def broken_meanwhile(folder):
    """The configuration breaks after it was looked at for the reload: the one of before is used."""
    path = configure(folder)
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent:
        wait_for(lambda: answers(path, "local"))
        agent.send_signal(signal.SIGHUP)
        while "restarting with it" not in agent.stderr.readline():
            pass
        with open(path, "a", encoding="ascii") as file:
            file.write("nonsense\n")
        time.sleep(0.5)
        configure(folder)
        tap.ok(wait_for(lambda: answers(path, "local")), "a configuration that breaks during a reload")
    tap.equal(0, agent.returncode, "it ends with 0")


def broken_at_any_moment(folder):
    """The configuration becomes invalid and valid again all the time: what was checked is used, not what is on disk later."""
    path = configure(folder)
    with open(path, encoding="ascii") as file:
        valid = file.read()
    over = threading.Event()

    def spoil():
        while not over.is_set():
            for text in (valid, valid + "nonsense\n"):
                with open(path + ".new", "w", encoding="ascii") as file:
                    file.write(text)
                os.rename(path + ".new", path)
                time.sleep(0.002)
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.DEVNULL) as agent:
        wait_for(lambda: answers(path, "local"))
        spoiler = threading.Thread(target=spoil)
        spoiler.start()
        for _ in range(60):
            agent.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        over.set()
        spoiler.join()
        tap.equal(None, agent.poll(), "a configuration that breaks between check and restart")
        configure(folder, "second")
        agent.send_signal(signal.SIGHUP)
        tap.ok(wait_for(lambda: answers(path, "second")), "the next valid one is taken")


def upgrade(folder):
    """A reload after the program was replaced, as dpkg and rpm do it, runs the new one under its own name."""
    path, program = configure(folder), os.path.join(folder, "edgelat")
    shutil.copy(EDGELAT, program)
    with running(program, "run", "-c", path, stderr=subprocess.DEVNULL) as agent:
        wait_for(lambda: answers(path, "local"))
        shutil.copy(EDGELAT, program + ".new")
        os.rename(program + ".new", program)
        configure(folder, "second")
        agent.send_signal(signal.SIGHUP)
        wait_for(lambda: answers(path, "second"))
        tap.equal((program, "edgelat"), (os.readlink(f"/proc/{agent.pid}/exe"), status_of(agent.pid)["Name"]),
                  "after an upgrade a reload runs the new program")
        os.unlink(program)
        configure(folder, "third")
        agent.send_signal(signal.SIGHUP)
        wait_for(lambda: answers(path, "third"))
        tap.equal("edgelat", status_of(agent.pid)["Name"], "its name stays where the file is gone")


# ---- standard error


def fill(writer):
    """Fills a pipe or socket by an open file of its own: the agent's stays as it is."""
    if hasattr(writer, "send"):
        writer.setblocking(False)
        write = writer.send
    else:
        own = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
        write = lambda data: os.write(own, data)  # noqa: E731
    for size in (4096, 1):
        try:
            while True:
                write(b"x" * size)
        except BlockingIOError:
            pass
    if hasattr(writer, "send"):
        writer.setblocking(True)


def unread(folder):
    """Standard error is not read: the agent measures, answers, reloads, stops, and later logs the number of dropped lines."""
    path = configure(folder)
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    for what, read_from, write_to in (("pipe", reader, writer), ("socket", ours.fileno(), theirs)):
        fill(write_to)
        with running(EDGELAT, "run", "-v", "-c", path, stderr=write_to) as agent:
            tap.ok(wait_for(lambda: answers(path, "local")), f"a full {what}: it answers")
            with open(path, "a", encoding="ascii") as file:
                file.write("nonsense\n" * 200)
            agent.send_signal(signal.SIGHUP)
            tap.ok(wait_for(lambda: answers(path, "local")), f"a full {what}: and after a bad configuration")
            while select.select([read_from], [], [], 0)[0]:
                os.read(read_from, 1 << 20)
            agent.send_signal(signal.SIGHUP)
            said = b""
            while b"keeping the running configuration" not in said and select.select([read_from], [], [], 3)[0]:
                said += os.read(read_from, 1 << 20)
            tap.ok(b"lines were dropped: standard error was not read" in said, f"a {what} that is read again", said)
            configure(folder)
            fill(write_to)
            agent.send_signal(signal.SIGTERM)
            agent.wait(6)
        tap.equal(0, agent.returncode, f"a full {what}: it stops")
    tap.equal(0, fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK, "the pipe that others share stays blocking")


def check_gone_reader(command, lines=0):
    reader, writer = os.pipe()
    if lines == 0:
        os.close(reader)
    with subprocess.Popen([EDGELAT, *command.split()], stdout=writer, stderr=subprocess.PIPE) as program:
        os.close(writer)
        if lines > 0:
            with open(reader, encoding="utf-8") as file:
                for _ in range(lines):
                    file.readline()
        began = time.monotonic()
        said = program.stderr.read().decode()
        program.wait()
        took = time.monotonic() - began
    tap.ok(program.returncode == -signal.SIGPIPE and took < 2 and "edgelat: " not in said, f"gone reader: {command}",
           (program.returncode, took, said))


def gone_reader(folder):
    """The reader of standard output goes: the end comes at once, without a word, as of any program in a pipe."""
    path = configure(folder)
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.DEVNULL):
        wait_for(lambda: answers(path, "local"))
        check_gone_reader(f"status -c {path}")
        time.sleep(1.2)  # a result
    batches = [os.path.join(folder, "state/spool", name) for name in os.listdir(f"{folder}/state/spool")]
    batch = next(name for name in batches if name.endswith("metrics.pb.gz"))
    code, said = shell(f"{EDGELAT} probe tcp 127.0.0.1:9 -n 0 -i 0.2 >/dev/full")
    tap.equal((2, 1, True), (code, said.count("\n"), "free disk space" in said), "a full disk ends probing, with a sentence")
    check_gone_reader("probe tcp 127.0.0.1:9 -n 0 -i 60", 1)
    check_gone_reader("probe tcp 127.0.0.1:9 -n 5 -i 0.2", 2)
    check_gone_reader("probe tcp 127.0.0.1:9 -n 5 -i 0.2 --json", 1)
    for command in (f"nearest -c {path} -t 30", "whereis AMS", f"report --state {folder}/state -o -", f"decode {batch}",
                    "check-config --keys", "--help"):
        check_gone_reader(command)


def allowance(folder):
    """Other users than root: five probes a second to a host, whatever it is called and in however many processes."""
    program = os.path.join(folder, "edgelat")
    shutil.copy(EDGELAT, program)
    os.chmod(folder, 0o755)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "probe", "tcp")
    def refused(*words):
        done = run(*nobody, *words, "-n", "1")
        return done.returncode == 2 and "only root may send more than 5" in done.stderr and "127.0.0.1" in done.stderr
    for words in (("127.0.0.1:9", "127.0.0.1:10", "-i", "0.2"), ("127.0.0.1:9", "[::ffff:127.0.0.1]:9", "-i", "0.3"),
                  ["127.0.0.1:9"] * 6):
        tap.ok(refused(*words), f"refused: {' '.join(words)}")
    tap.equal(1, run(*nobody, "127.0.0.1:9", "127.0.0.1:10", "127.0.0.2:9", "-i", "0.4", "-n", "1").returncode,
              "five a second are allowed")
    with running(*nobody, "127.0.0.1:9", "-i", "0.5", "-n", "0", stdout=subprocess.PIPE) as first:
        for _ in range(2):
            first.stdout.readline()
        with running(*nobody, "127.0.0.1:9", "-i", "0.5", "-n", "0", stdout=subprocess.PIPE) as second:
            for _ in range(2):
                second.stdout.readline()
            tap.ok(refused("127.0.0.1:9", "-i", "0.5"), "three processes: six a second are refused")
            tap.equal(1, run(*nobody, "127.0.0.1:9", "-n", "1").returncode, "one more a second is allowed")
            second.kill()
        tap.equal(1, run(*nobody, "127.0.0.1:9", "-i", "0.5", "-n", "1").returncode, "one was killed: there is room again")
    tap.equal(1, run(EDGELAT, "probe", "tcp", *["127.0.0.1:9"] * 6, "-n", "1").returncode, "root may")


def journal(folder):
    """Lines carry a priority where standard error is the journal's stream, not where JOURNAL_STREAM is inherited."""
    reader, writer = os.pipe()
    is_ = os.fstat(writer)
    bad = os.path.join(folder, "bad")
    with open(bad, "w", encoding="ascii") as file:
        file.write("nonsense\n")
    for stream, prefix in ((f"{is_.st_dev}:{is_.st_ino}", "<3>"), (f"{is_.st_dev}:{is_.st_ino + 1}", ""), ("1:2:3", ""),
                           ("x", "")):
        subprocess.run([EDGELAT, "check-config", bad], stderr=writer, stdout=subprocess.DEVNULL, check=False,
                       env=dict(os.environ, JOURNAL_STREAM=stream))
        tap.equal(f"{prefix}{bad}:1:", os.read(reader, 1 << 16).decode().split(" ")[0], f"JOURNAL_STREAM={stream}")


@contextlib.contextmanager
def silent_port():
    """A port whose queue is full: it does not answer a SYN."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def check_error_priority(folder, agent, log):
    """An event of severity ERROR is logged as an error: journalctl -p err shows it."""
    wait_for(lambda: "down" in open(log, encoding="utf-8").read(), 15, 0.2)
    agent.terminate()
    with open(log, encoding="utf-8") as file:
        events = [line for line in file if "edgelat.state.changed" in line and "down" in line]
    tap.ok(events and all(line.startswith("<3>error event: ") for line in events), "a target that is down", events)


def drip(listener):
    """Answers `edgelat status` with a byte each 0.2 s, for ever."""
    client, _ = listener.accept()
    try:
        while True:
            client.sendall(b"e")
            time.sleep(0.2)
    except OSError:
        pass


@contextlib.contextmanager
def dripping_status():
    """`edgelat status`, asking one who drips."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = configure(folder)
        listener.bind(f"{folder}/status")
        listener.listen(1)
        threading.Thread(target=drip, args=(listener,), daemon=True).start()
        with running(EDGELAT, "status", "-c", path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as asking:
            yield
            said = asking.stderr.read() if wait_for(lambda: asking.poll() is not None, 6, 0.1) else ""
            tap.ok(asking.returncode == 2 and "does not answer within 5 s" in said, "status, answered by one who drips", said)


def main():
    with dripping_status(), tempfile.TemporaryDirectory() as folder, silent_port() as port:
        path, log = configure(folder), os.path.join(folder, "log")
        with open(path, "a", encoding="ascii") as file:
            file.write("waiting = 100ms\n")
        os.system(f"sed -i 's/port = 9/port = {port}/' {path}")
        with open(log, "w", encoding="ascii") as file:
            is_ = os.fstat(file.fileno())
            with running(EDGELAT, "run", "-c", path, stderr=file,
                         env=dict(os.environ, JOURNAL_STREAM=f"{is_.st_dev}:{is_.st_ino}")) as agent:
                check_all()  # meanwhile its windows close
                check_error_priority(folder, agent, log)


def check_all():
    for check in (closed_descriptors, limits, random_signals, broken_meanwhile, broken_at_any_moment, upgrade, unread, gone_reader, allowance, journal):
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            check(folder)
            tap.note(f"{check.__name__}: {time.monotonic() - began:.1f} s")


os.environ.setdefault("EDGELAT_DATA", os.path.join(TOP, "packaging", "data"))
main()
sys.exit(tap.finish())
