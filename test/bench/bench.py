"""What the sections of `make bench` share: they write figures as JSON lines, and page.py makes the page and the table of
them. A section draws nothing and judges nothing.

    build/bench/results/SECTION.jsonl     one object a line, by its first key:

    section  title, date, command, machine, version, seconds
    peer     its version, or why it is missing
    plot     title, unit, form ("dots": a column for each load or data; "lines": columns are numbers, both axes logarithmic)
    value    of plot, column, tool, mark (p50, p99, ...) in one round
    goal     of a value, or of its ratio to a peer, with the limit
    row      which values go into the README's table
    noise    of a round: the machine's, and of what was measured
    text     what a program printed

A round measures everything once; figures are medians over the rounds that were quiet, with the least and the greatest.
"""

import datetime
import functools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
RESULTS = os.path.join(BUILD, "bench", "results")
TICKS = os.sysconf("SC_CLK_TCK")

# A round with more than this is not counted. The capture is judged by what the kernel's own stamps of the same packets
# differ from it.
STEAL_MOST, OTHERS_MOST, CAPTURE_US_MOST = 0.01, 0.10, 12

PACKAGES = {"ping": "iputils-ping", "dig": "bind9-dnsutils", "mtr": "mtr-tiny", "blackbox_exporter": "prometheus-blackbox-exporter",
            "smokeping_prober": "prometheus-smokeping-prober", "nfcapd": "nfdump", "pmbmpd": "pmacct"}
PROGRAMS = {"blackbox_exporter": "prometheus-blackbox-exporter", "smokeping_prober": "prometheus-smokeping-prober"}


@functools.lru_cache(maxsize=None)
def missing(tool):
    """Why a peer cannot be measured; None: it can."""
    if shutil.which(PROGRAMS.get(tool, tool)) is None:
        return f"not installed; make bench-deps installs {PACKAGES.get(tool, tool)}"
    return None


def version(tool):
    package = PACKAGES.get(tool, tool)
    for query in (["dpkg-query", "-W", "-f", "${Version}", package], ["rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", package]):
        if shutil.which(query[0]):
            done = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
            if done.returncode == 0 and done.stdout:
                return f"{package} {done.stdout}"
    return f"{tool}, version unknown"


def own_version():
    done = subprocess.run(["git", "-C", TOP, "-c", "safe.directory=*", "describe", "--always", "--dirty"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    number = subprocess.run([os.path.join(BUILD, "edgelat"), "--version"], text=True, check=False, stdout=subprocess.PIPE).stdout
    return " ".join([*number.split()[:2], f"({done.stdout.strip() or 'no git'})"])


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown processor")
    return f"{os.cpu_count()} x {model}, Linux {os.uname().release}"


def progress(what):
    """Time of day, so that somebody who waits sees that it goes on."""
    print(f"bench {datetime.datetime.now():%H:%M:%S}  {what}", file=sys.stderr, flush=True)


# ---- a process ----

def tasks(pid, file):
    """That file of each of its threads."""
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/{file}", encoding="ascii") as text:
                yield text.read()
        except OSError:
            pass


def cpu_s(pid):
    """Of all threads that it has, by the scheduler's account: to the nanosecond, where /proc/PID/stat counts ticks."""
    return sum(int(text.split()[0]) for text in tasks(pid, "schedstat")) / 1e9


def memory_mib(pid):
    """Resident now, the highest, and anonymous now."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        values = dict(line.split(":", 1) for line in file)
    return tuple(int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM", "RssAnon"))


def wait_for_port(process, port, table="tcp"):
    """Until a program on this host listens there; `table`: "tcp" or "udp". Ends the section if it does not."""
    end, listening = time.monotonic() + 20, re.compile(rf":{port:04X} 00000000:0000 (0A|07) ")
    while True:
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            if listening.search(file.read()):
                return
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"{' '.join(process.args)}: does not listen at port {port}")
        time.sleep(0.05)


def end(process):
    """SIGTERM, and SIGKILL to one that does not end."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# ---- noise ----

def cpu_of_tree(root):
    """CPU seconds of a process, its descendants, and those that they have waited for."""
    spent, children, work = {}, {}, 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    words = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(words[1]), []).append(int(name))
            spent[int(name)] = sum(map(int, words[11:15])) / TICKS
    todo = [root]
    while todo:
        pid = todo.pop()
        work += spent.get(pid, 0)
        todo += children.get(pid, [])
    return work


class Noise:
    """What else used the processors since it was made: `steal` is the share of them that the hypervisor took, `others` the
    cores that processes outside of this benchmark used."""

    def __init__(self):
        self.before = self.look()

    @staticmethod
    def look():
        with open("/proc/stat", encoding="ascii") as stat:
            user, nice, system, _, _, _, _, steal = map(int, stat.readline().split()[1:9])
        return time.monotonic(), (user + nice + system) / TICKS, steal / TICKS, cpu_of_tree(os.getpid())

    def found(self):
        took, busy, steal, own = (now - then for now, then in zip(self.look(), self.before))
        return {"steal": round(steal / took / os.cpu_count(), 4), "others": round(max(0, busy - own) / took, 3)}


def is_quiet(noise):
    return (noise["steal"] <= STEAL_MOST and noise["others"] <= OTHERS_MOST
            and noise.get("capture_us", 0) <= CAPTURE_US_MOST)


def spread(values):
    """How far the median is uncertain, as a share of it: its standard error, for values like normal ones."""
    middle = statistics.median(values)
    if len(values) < 3 or middle == 0:
        return 0 if len(values) >= 3 else float("inf")
    return 1.25 * statistics.stdev(values) / len(values) ** 0.5 / abs(middle)


# ---- a section ----

class Section:
    def __init__(self, name, title, doc):
        """The last paragraph of `doc` introduces the section, without what concerns whoever runs it."""
        self.name, self.began = name, time.monotonic()
        intro = re.split(r"\. (?:Takes|Runs as root|No root)\b", " ".join(doc.strip().split("\n\n")[-1].split()))[0].rstrip(".") + "."
        self.head = {"section": name, "title": title, "intro": intro, "command": f"make bench-{name}", "machine": machine(),
                     "version": own_version(), "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M}"}
        self.records, self.values = [], {}

    def write(self, **record):
        self.records.append(record)

    def peers(self, *tools):
        """Returns those that are installed."""
        for tool in tools:
            self.write(peer=tool, **({"missing": missing(tool)} if missing(tool) else {"version": version(tool)}))
        return [tool for tool in tools if not missing(tool)]

    def absent(self, tool, why):
        self.write(peer=tool, missing=why)

    def plot(self, name, title, unit, **more):
        """more: form, marks, headline (the mark that ratios are of), better ("higher"), note, digits, linear."""
        self.write(plot=name, title=title, unit=unit, **more)

    def value(self, plot, column, tool, mark, value, number=0):
        self.write(value=value, plot=plot, column=column, tool=tool, mark=mark, round=number)
        self.values.setdefault((plot, column, tool, mark), []).append(value)

    def goal(self, text, plot, column, tool, mark, most=None, against=None, least=None):
        """A limit for the value, or for its ratio to that of the peer `against`."""
        self.write(goal=text, plot=plot, column=column, tool=tool, mark=mark, most=most, least=least, against=against)

    def row(self, text, plot, column, mark, *tools):
        """The first tool is ours; of the others the best is in the table."""
        self.write(row=text, plot=plot, column=column, mark=mark, tools=tools)

    def text(self, title, text):
        self.write(text=text, title=title)

    def rounds(self, once, key, least=3, most=8, seconds=120, known=0.1):
        """Calls once(number), which returns noise besides the machine's, until the spread of `key` values (functions of
        the plot's name ...) is known or the time is over."""
        began, quiet, number = time.monotonic(), 0, 0
        while number < most:
            noise = Noise()
            more = once(number) or {}
            self.write(noise={**noise.found(), **more}, round=number)
            quiet += is_quiet(self.records[-1]["noise"])
            number += 1
            took = (time.monotonic() - began) / number
            wide = [k for k, v in self.values.items() if key(*k) and spread(v) > known]
            if time.monotonic() - began + took > seconds or (quiet >= least and not wide):
                break

    def end(self):
        self.head["seconds"] = round(time.monotonic() - self.began, 1)
        os.makedirs(RESULTS, exist_ok=True)
        path = os.path.join(RESULTS, f"{self.name}.jsonl")
        with open(path + ".new", "w", encoding="utf-8") as file:
            for record in [self.head, *self.records]:
                file.write(json.dumps(record) + "\n")
        os.replace(path + ".new", path)
        progress(f"{self.name}: {self.head['seconds']:.0f} s")
