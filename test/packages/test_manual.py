#!/usr/bin/python3 -B
"""Checks that the program and the shell accept the commands in the man pages (as mandoc renders them) and in the READMEs."""
import glob
import gzip
import os
import re
import shlex
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
WRONG_USE = re.compile(r"--help|no command|has no option|is required")
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
    """One line of mdoc source as the reader sees it."""
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
    """The arguments of each edgelat command in a line of shell."""
    for part in re.split(r"\|\||&&|\||;", line):
        words = shlex.split(part, comments=True)
        while words and (words[0] in ("sudo", "--", "scripts/lab") or "=" in words[0]):
            words.pop(0)
        if words and os.path.basename(words[0]) == "edgelat":
            yield words[1:]


def run_offline(arguments):
    """Runs edgelat in an empty network namespace; returns exit code and standard error, or -1 if it still ran after 2 s."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["unshare", "--net", EDGELAT, *arguments], cwd=folder, timeout=2, **QUIET)
            return done.returncode, done.stderr
    except subprocess.TimeoutExpired:
        return -1, ""


def check_lines():
    found = 0
    for where, line in lines():
        if line.startswith("edgelat:"):  # a collector's answer, not a command
            continue
        done = subprocess.run(["bash", "-n", "-c", line], **QUIET)
        ok(done.returncode == 0, f"{where}: shell: {line}", done.stderr)
        for arguments in commands_of(line):
            found += 1
            code, complaint = run_offline(arguments)
            ok(not WRONG_USE.search(complaint), f"{where}: edgelat {' '.join(arguments)}", f"{code}: {complaint}")
    ok(found >= 8, f"{found} commands were found")


def check_resending():
    """Runs the command that moves batches back from spool/bad, exactly as printed."""
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
        ok(done.returncode == 0, f"runs: {line}", done.stderr)
        left = sorted(name for name in os.listdir(spool) if name != "bad")
        ok(left == names and not os.listdir(f"{spool}/bad"), "the batches are back in the spool", left)
        called = f"{folder}/called"
        ok(os.path.exists(called) and open(called, encoding="utf-8").read() == "reload edgelat\n",
           "the agent is reloaded")


def listed(*command):
    """[{"c", "-config"}, ...]: the names of each option that --help lists."""
    text = subprocess.run([EDGELAT, *command, "--help"], check=True, **QUIET).stdout
    rows = re.findall(r"^  (?:-(\w),|   ) --([a-z0-9-]+)", text, re.M)
    return [{letter, "-" + name} - {""} for letter, name in rows if name != "help"]


def named(lines):
    """The options in lines of mdoc: Fl c, Fl -json; Fl 46 is two options."""
    flags = re.findall(r"\bFl (-?[\w-]+)", "\n".join(lines))
    return {part for flag in flags for part in ([flag] if flag.startswith("-") else flag)}


def check_options():
    """The synopsis of edgelat(1) has exactly the options of each command."""
    with open(f"{TOP}/packaging/man/edgelat.1", encoding="utf-8") as page:
        text = page.read()
    synopsis = text.split("\n.Sh SYNOPSIS\n")[1].split("\n.Sh ")[0]
    blocks = {}
    for block in synopsis.split(".Nm\n")[1:]:
        command = re.findall(r"^\.Cm (\S+)$", block, re.M)
        blocks[tuple(command[:1])] = block.split("\n")
    commands = re.findall(r"^  ([a-z-]+)  +\w", subprocess.run([EDGELAT, "--help"], check=True, **QUIET).stdout, re.M)
    ok([c for key in blocks for c in key] == commands, "the synopsis has the commands in the order of --help",
       (list(blocks), commands))
    prose = dict(re.findall(r"^\.It Cm ([a-z-]+)\n(.*?)(?=^\.It |^\.El)", text, re.M | re.S))
    ok(sorted(prose) == sorted(commands), "every command is described", sorted(prose))
    for key in [(), *((c,) for c in commands)]:
        what, options = " ".join(key) or "no command", listed(*key)
        there = named(blocks.get(key, []))
        missing = [sorted(names) for names in options if not names & there]
        ok(not missing, f"synopsis of {what}: every option", missing)
        unknown = (there | named(prose.get(what, "").split("\n"))) - set().union({"h", "-help"}, *options)
        ok(not unknown, f"synopsis and description of {what}: no other option", unknown)


def check_fuzz_targets():
    """The table of parsers in edgelat-threat-model(7) names the programs of test/fuzz, all of them."""
    with open(f"{TOP}/packaging/man/edgelat-threat-model.7", encoding="utf-8") as page:
        rows = re.findall(r"^\.It .* Ta (.*)$", page.read(), re.M)
    there = {re.sub(r".*/fuzz_|\.c$", "", path) for path in glob.glob(f"{TOP}/test/fuzz/fuzz_*.c")}
    named_there = {name for row in rows for name in row.split(", ")} - {"-", "Em fuzz target"}
    ok(named_there == there, "edgelat-threat-model(7) names the fuzz targets", named_there ^ there)


def check_make_help():
    """Each target that `make help` lists exists, and it lists the commands with which the README begins."""
    shown = subprocess.run(["make", "-s", "-C", TOP, "--no-print-directory", "help"], check=True, **QUIET).stdout
    listed = set(re.findall(r"\bmake ([a-z][\w.-]*)", re.sub(r"  .*", "", shown, flags=re.M)))
    with open(f"{TOP}/Makefile", encoding="utf-8") as makefile:
        text = makefile.read().replace("\\\n", " ")
    there = {target for rule in re.findall(r"^([\w./ %-]+):(?!=)", text, re.M) for target in rule.split()}
    ok(len(listed) > 10 and not listed - there, "make help: each target exists", (listed - there, len(listed)))
    with open(f"{TOP}/README.md", encoding="utf-8") as readme:
        begin = readme.read().split("\n## ")[0]
    named_there = set(re.findall(r"`(?:sudo )?make ([a-z]+)", begin))
    ok({"run", "test"} <= named_there <= listed, "make help: the README's first commands", (named_there, listed))


check_lines()
check_options()
check_make_help()
check_fuzz_targets()
check_resending()
print(f"1..{tests}")
raise SystemExit(failed)
