#!/usr/bin/python3 -B
"""The first start on a full disk: the agent measures and ships, and stores its identity
once there is space. Runs itself in the lab, which has mounts of its own."""

import errno
import json
import os
import re
import signal
import subprocess
import sys

import lab
from lab import Tap, run, running, wait_for
from probing import EDGELAT, run_in_lab

tap = Tap()
disk, received, path = (os.path.join(lab.FOLDER or "", name) for name in ("disk", "received", "edgelat.conf"))
state, big, log = (os.path.join(disk, "state"), os.path.join(disk, "big"), path + ".log")


def fill():
    with open(big, "wb", buffering=0) as file:
        try:
            while file.write(bytes(1024)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC


def identities():
    """service.instance.id of each batch of metrics at the collector, the oldest first."""
    files = sorted(os.path.join(received, name) for name in os.listdir(received) if "metrics" in name)
    found = []
    for line in run(EDGELAT, "decode", *files).stdout.splitlines() if files else []:
        resource = json.loads(line)["resourceMetrics"][0]["resource"]
        found += [a["value"]["stringValue"] for a in resource["attributes"] if a["key"] == "service.instance.id"]
    return found


def kept():
    try:
        with open(os.path.join(state, "instance_id"), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def said(words):
    with open(log, encoding="utf-8") as file:
        return len(re.findall(words, file.read()))


def restarted_with(agent):
    """The command line of the agent after a restart in place."""
    with open(f"/proc/{agent.pid}/cmdline", "rb") as file:
        words = file.read().decode().split("\0")[:-1]
    return words if words[:1] == ["edgelat"] else None  # none at all while it is replaced


def main():
    os.mkdir(disk)
    os.mkdir(received)
    run("mount", "-t", "tmpfs", "-o", "size=256k", "none", disk).check_returncode()
    os.mkdir(state, 0o700)
    fill()
    with running(EDGELAT, "collect", "--listen", "127.0.0.1:0", "--dir", received, stdout=subprocess.DEVNULL,
                 stderr=subprocess.PIPE) as receiver, open(log, "w", encoding="utf-8") as stderr:
        port = re.search(r":(\d+)", receiver.stderr.readline())[1]
        with open(path, "w", encoding="ascii") as file:
            file.write(f"[agent]\nwindow = 5s\nstate_dir = {state}\nstop_file = {disk}/stop\n"
                       f"[collector]\nurl = http://127.0.0.1:{port}\nspread = 0s\n"
                       "[target teams]\nhost = teams.microsoft.com\nkinds = tcp\ninterval = 1s\n")
        with running(EDGELAT, "run", "-c", path, "-v", stderr=stderr) as agent:
            first = wait_for(identities, 20, 0.2)
            tap.ok(len(first) > 0 and kept() is None, "full disk: batches are at the collector, nothing is kept")
            tap.equal(1, said("instance_id: No space left on device; free disk space"), "full disk: the log, once")
            os.unlink(big)
            tap.equal(first[0], wait_for(kept, 12, 0.1), "there is room: the identity is kept, the one that was sent")
            agent.send_signal(signal.SIGHUP)
            words = wait_for(lambda: restarted_with(agent), 10)
            tap.equal(["edgelat", "run", "-c", path, "-v"], words, "restarted in place: as it was started")
            before = len(identities())
            wait_for(lambda: len(identities()) > before, 20, 0.2)
        tap.equal(0, agent.returncode, "it ends with 0")
        tap.equal({first[0]}, set(identities()), "one identity all the time")
    if not tap.failed:
        tap.row("first start on a full disk", "room after a while, and a restart",
                "measured and shipped from the start; one identity")
    return tap.finish()


if __name__ == "__main__":
    run_in_lab("default", __file__)
    sys.exit(main())
