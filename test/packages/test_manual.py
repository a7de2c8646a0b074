#!/usr/bin/python3 -B
"""The commands of the man pages, as mandoc prints them, and of the READMEs are ones that the program and the shell take."""
import glob
import gzip
import os
import re
import shlex
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
WRONG_USE = re.compile(r"--help|no command|has no option|is required|which file")
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
tests = 0
failed = False


def ok(fine, what, got=""):
    global tests, failed
    tests += 1
    failed |= not fine
    print(f"{'ok' if fine else 'not ok'} {tests} - {what}")
    if not fine:
        print(f"# {got}")


def rendered(line):
    """What a reader of the page sees of one line of its source."""
    page = f".Dd January 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Sh X\n{line}\n"
    text = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=1000"], input=page, capture_output=True, text=True,
                          check=True).stdout
    text = re.sub(".\b", "", text)
    return text.split("X\n", 1)[1].strip().split("\n")[0].strip()


def lines():
    for path in sorted(glob.glob(f"{TOP}/packaging/man/*")):
        with open(path, encoding="utf-8") as page:
            for line in page:
                if line.startswith(".Dl "):
                    yield os.path.basename(path), rendered(line)
    for name in "README.md", "packaging/collector/README.md":
        with open(f"{TOP}/{name}", encoding="utf-8") as readme:
            for line in readme:
                if line.startswith("    ") and "edgelat " in line:
                    yield name, line.split("   #")[0].strip()


def commands_of(line):
    """[[edgelat, argument, ...]] of a line of shell; brackets are for the reader."""
    for part in re.split(r"\|\||&&|\||;", line):
        words = shlex.split(part, comments=True)
        while words and (words[0] in ("sudo", "--", "scripts/lab") or "=" in words[0]):
            words.pop(0)
        if words and os.path.basename(words[0]) == "edgelat":
            yield words[1:]


def in_vain(arguments):
    """Its exit code and complaint, in a network of its own that leads nowhere; -1: it was still at it."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["unshare", "--net", EDGELAT, *arguments], cwd=folder, timeout=2, **QUIET)
            return done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        return -1, ""


def check_lines():
    found = 0
    for where, line in lines():
        if line.startswith("edgelat:"):  # an answer, not a command
            continue
        done = subprocess.run(["bash", "-n", "-c", line], **QUIET)
        ok(done.returncode == 0, f"{where}: shell: {line}", done.stderr)
        for arguments in commands_of(line):
            found += 1
            code, complaint = in_vain(arguments)
            ok(not WRONG_USE.search(complaint), f"{where}: edgelat {' '.join(arguments)}", f"{code}: {complaint}")
    ok(found >= 8, f"{found} commands were found")


def check_resending():
    """The line that brings back what was set aside, run as it is printed."""
    [line] = [line for _, line in lines() if "bad/" in line]
    with tempfile.TemporaryDirectory() as folder:
        spool = f"{folder}/spool"
        os.makedirs(f"{spool}/bad")
        names = ["00000000000000000007-metrics.pb.gz", "00000000000000000008-logs.pb.gz"]
        for name in names:
            with gzip.open(f"{spool}/bad/{name}", "wb") as batch:
                batch.write(b"\n\0")
        with open(f"{folder}/systemctl", "w", encoding="utf-8") as stub:
            stub.write(f'#!/bin/sh\necho "$@" >{folder}/called\n')
        os.chmod(f"{folder}/systemctl", 0o755)
        done = subprocess.run(["sh", "-c", line.replace("/var/lib/edgelat/spool", spool)],
                              env=dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"), **QUIET)
        ok(done.returncode == 0, f"it runs: {line}", done.stderr)
        left = sorted(name for name in os.listdir(spool) if name != "bad")
        ok(left == names and not os.listdir(f"{spool}/bad"), "they are back in the spool", left)
        called = f"{folder}/called"
        ok(os.path.exists(called) and open(called, encoding="utf-8").read() == "reload edgelat\n",
           "and the agent is told to look")


check_lines()
check_resending()
print(f"1..{tests}")
raise SystemExit(failed)
