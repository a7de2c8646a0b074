#!/usr/bin/python3 -B
"""The agent started by hand as root: its privileges while it does all of its work, before and after a
restart in place. Runs itself in the lab."""

import json
import os
import re
import signal
import subprocess
import sys

import lab
from lab import Tap, run, running, wait_for

EDGELAT = os.path.join(lab.TOP, os.environ.get("BUILD", "build"), "edgelat")
CAP_NET_RAW = 1 << 13
KINDS = {"icmp", "tcp", "https"}
CONFIGURATION = """[agent]
state_dir = {state}
window = 5s
gateway = no
[dns]
probe = no
[collector]
url = http://127.0.0.1:{port}
[target outlook]
host = outlook.office365.com
kinds = icmp tcp https
interval = 1s
"""

tap = Tap()


def status_of(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return dict(re.findall(r"(\w+):\t(.*)", file.read()))


def check_status(process, when):
    status = status_of(process)
    for name in ("CapEff", "CapPrm", "CapBnd"):
        tap.equal(CAP_NET_RAW, int(status[name], 16), f"{when}: {name} is CAP_NET_RAW")
    tap.equal("1", status["NoNewPrivs"], f"{when}: no new privileges")
    tap.equal("nobody", run("stat", "-c", "%U", f"{lab.FOLDER}/state/instance_id").stdout.strip(),
              f"{when}: its files belong to the owner of the state folder")
    if "libseccomp" in run("ldd", EDGELAT).stdout:
        tap.equal("2", status["Seccomp"], f"{when}: a filter for system calls")
    return status.get("Seccomp_filters")


def replies(folder):
    """The kinds of probe that were answered, in what the receiver has got."""
    found = set()
    for name in os.listdir(folder):
        batch = json.loads(run(EDGELAT, "decode", os.path.join(folder, name)).stdout or "{}")
        for resource in batch.get("resourceMetrics", []):
            for metric in resource["scopeMetrics"][0]["metrics"]:
                if metric["name"] != "edgelat.probe.results":
                    continue
                for point in metric["sum"]["dataPoints"]:
                    of = {a["key"]: a["value"].get("stringValue") for a in point["attributes"]}
                    if of["edgelat.outcome"] == "reply" and int(point["asInt"]) > 0:
                        found.add(of["edgelat.probe.kind"])
    return found


def check_environment():
    """What makes a library write the secrets of a session, or do as another user says, is not heeded."""
    keys, conf = (os.path.join(lab.FOLDER, name) for name in ("keys", "openssl.cnf"))
    with open(conf, "w", encoding="ascii") as file:
        file.write("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.2\n")
    line = run("env", f"SSLKEYLOGFILE={keys}", f"OPENSSL_CONF={conf}", EDGELAT, "probe", "https",
               "outlook.office365.com", "-4", "-n", "1", "--json").stdout.splitlines()[0]
    tap.equal("1.3", json.loads(line)["http"]["tls_version"], "OPENSSL_CONF is not heeded")
    tap.ok(not os.path.exists(keys), "SSLKEYLOGFILE is not heeded")


def main():
    check_environment()
    state, received, path = (os.path.join(lab.FOLDER, name) for name in ("state", "received", "edgelat.conf"))
    os.mkdir(state, 0o700)
    os.mkdir(received)
    os.chown(state, 65534, 65534)
    os.chmod(lab.FOLDER, 0o755)
    with running(EDGELAT, "collect", "--listen", "127.0.0.1:0", "--dir", received, stdout=subprocess.DEVNULL,
                 stderr=subprocess.PIPE) as receiver:
        port = re.search(r":(\d+)", receiver.stderr.readline())[1]
        if "libseccomp" in run("ldd", EDGELAT).stdout:
            tap.equal("2", status_of(receiver)["Seccomp"], "edgelat-collect: a filter for system calls")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(state=state, port=port))
        with running(EDGELAT, "run", "-c", path) as agent:
            wait_for(lambda: replies(received) == KINDS, 20, 0.5)
            tap.equal(KINDS, replies(received), "every kind of probe is answered, and what it says is shipped")
            filters = check_status(agent, "at first")
            for name in os.listdir(received):
                os.unlink(os.path.join(received, name))
            agent.send_signal(signal.SIGHUP)
            wait_for(lambda: open(f"/proc/{agent.pid}/cmdline", "rb").read().startswith(b"edgelat\0"), 10)
            wait_for(lambda: replies(received) == KINDS, 20, 0.5)
            tap.equal(KINDS, replies(received), "restarted in place: the same")
            tap.equal(filters, check_status(agent, "restarted"), "restarted: no filter upon a filter")
        tap.equal(0, agent.returncode, "it ends with 0")
    if not tap.failed:
        tap.row("started by hand as root", "all its work, and a restart in place",
                "CAP_NET_RAW alone, the state folder's owner, filtered system calls, nothing missing")


if lab.FOLDER is None:
    os.execv(os.path.join(lab.TOP, "scripts", "lab"),
             [os.path.join(lab.TOP, "scripts", "lab"), "--", sys.executable, "-B", os.path.abspath(__file__)])
main()
sys.exit(tap.finish())
