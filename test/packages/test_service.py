#!/usr/bin/python3 -B
"""The service, from the Debian package, under systemd as process 1: what it may, upgrade and downgrade with a
changed configuration and a spool, reload, a secret, a hung loop, the end."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import SYSTEMD, Machine, built_deb, equal, make_root, row, run_tests, wait_for  # noqa: E402

OLD = "0.0.9"
CAP_NET_RAW = 1 << 13
SITE = """[agent]
window = 5s
site = here
[target local]
host = 127.0.0.1
kinds = icmp tcp
interval = 1s
"""
COLLECTOR = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.headers["Authorization"], flush=True)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", 4318), Handler).serve_forever()
"""


class Bed:
    folder = old = new = machine = collector = None


def pid():
    return Bed.machine.property("MainPID")


def spool():
    return set(Bed.machine.run("find", "/var/lib/edgelat/spool", "-maxdepth", "1", "-name", "*.pb.gz").split())


def instance_id():
    return Bed.machine.run("cat", "/var/lib/edgelat/instance_id")


def drop_in(name, text):
    Bed.machine.write(f"/etc/systemd/system/edgelat.service.d/{name}.conf", f"[Service]\n{text}\n")
    Bed.machine.run("systemctl", "daemon-reload")


def as_earlier_version(package, folder):
    """The package under an earlier version, as if the configuration that is shipped had changed since then, so that dpkg has to choose."""
    tree = pathlib.Path(folder) / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("^Version: .*$", f"Version: {OLD}", control.read_text(), flags=re.M))
    with open(tree / "etc/edgelat/edgelat.conf", "a", encoding="utf-8") as configuration:
        configuration.write("# of an earlier version\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, folder], check=True, stdout=subprocess.DEVNULL)
    return next(pathlib.Path(folder).glob("*.deb"))


def on_machine():
    """systemd is process 1 of a clean root."""
    Bed.folder = tempfile.TemporaryDirectory()
    Bed.new = built_deb()
    Bed.old = as_earlier_version(Bed.new, Bed.folder.name)
    Bed.machine = Machine(make_root(Bed.new), SYSTEMD).__enter__()
    Bed.machine.boot()


def install():
    """Installing it starts it: ready, enabled, with a status."""
    m = Bed.machine
    said = m.run("dpkg", "-i", m.bring(Bed.old)).splitlines()[-2:]
    equal("edgelat measures now, and keeps the results here; see them with: sudo edgelat status", said[0], said[1])
    equal("notify active running", " ".join(map(m.property, ("Type", "ActiveState", "SubState"))), "the service")
    equal("enabled", m.run("systemctl", "is-enabled", "edgelat"), "the unit")
    equal(True, m.property("StatusText").endswith(" targets, 0 batches waiting, none accepted yet"),
          m.property("StatusText"))


def least_privilege():
    """It runs as its own user with CAP_NET_RAW alone, and may write to its state only."""
    m = Bed.machine
    status = dict(line.split(":\t", 1) for line in m.run("cat", f"/proc/{pid()}/status").splitlines() if ":\t" in line)
    equal(m.run("id", "-u", "edgelat"), status["Uid"].split()[1], "user")
    for capabilities in ("CapEff", "CapPrm", "CapBnd"):
        equal(CAP_NET_RAW, int(status[capabilities], 16), capabilities)
    equal("1 2", f"{status['NoNewPrivs']} {status['Seccomp']}", "no new privileges, system call filter")
    for folder in ("/etc/edgelat", "/usr/bin", "/var/lib"):
        done = m.try_run("nsenter", "-t", pid(), "-m", "touch", f"{folder}/x")
        equal(True, b"Read-only" in done.stdout, f"{folder}: {done.stdout}")
    m.run("nsenter", "-t", pid(), "-m", "touch", "/var/lib/edgelat/x")
    m.run("rm", "/var/lib/edgelat/x")
    row("the service is taken over", "written to /etc, /usr, /var/lib; its capabilities read",
        "read-only system, CAP_NET_RAW alone, no new privileges, filtered system calls")


def answer(*before):
    """The exit code of `edgelat status` (not 0: there is no network) and what it says."""
    done = Bed.machine.try_run(*before, "edgelat", "status", "--json")
    return done.returncode, done.stdout.decode()


def status():
    """`edgelat status` answers root and the group of the service, nobody else."""
    m = Bed.machine
    equal("660 edgelat edgelat", m.run("stat", "-c", "%a %U %G", "/run/edgelat/status"), "the socket")
    of_group = ("setpriv", "--reuid", "nobody", "--regid", "edgelat", "--clear-groups")
    for before in ((), of_group):
        equal(instance_id(), json.loads(answer(*before)[1])["instance_id"], "who answers")
    code, said = answer("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
    equal((2, True), (code, said.endswith("permission denied; run as root or as a member of the group edgelat\n")), said)


def analyze():
    """systemd-analyze: verify is silent, the exposure at most 1.6."""
    m = Bed.machine
    equal("", m.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/edgelat.service"), "verify")
    equal("", m.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/edgelat-traffic.service"), "verify")
    equal("disabled", m.try_run("systemctl", "is-enabled", "edgelat-traffic").stdout.decode().strip(), "the counters of a gateway are off")
    m.run("systemd-analyze", "security", "--offline=true", "--threshold=16", "/lib/systemd/system/edgelat.service")


def measure():
    """It measures, ICMP too, and puts batches into its spool."""
    m = Bed.machine
    m.run("sh", "-c", "echo '# changed here' >>/etc/edgelat/edgelat.conf")
    m.write("/etc/edgelat/edgelat.conf.d/site.conf", SITE)
    m.run("systemctl", "restart", "edgelat")
    def closed():
        return sorted(name for name in spool() if name.endswith("-metrics.pb.gz"))
    wait_for("a whole window", lambda: len(closed()) >= 3, 20)  # after that of the old configuration and a part of one
    batch = json.loads(m.run("edgelat", "decode", closed()[-1]))
    metrics = batch["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    points = next(metric for metric in metrics if metric["name"] == "edgelat.probe.results")["sum"]["dataPoints"]
    replies = set()
    for point in points:
        of = {attribute["key"]: attribute["value"].get("stringValue") for attribute in point["attributes"]}
        if of["edgelat.target"] == "local" and int(point["asInt"]) > 0:
            replies.add((of["edgelat.probe.kind"], of["edgelat.outcome"]))
    equal({("icmp", "reply"), ("tcp", "refused")}, replies, "what came back")


def change_version(package, version):
    m = Bed.machine
    identity, waiting, before = instance_id(), spool(), pid()
    m.run("dpkg", "--force-confold", "-i", m.bring(package))  # as unattended-upgrades does
    equal(version, m.run("dpkg-query", "-W", "-f", "${Version}", "edgelat"), "the version")
    equal("active running", f"{m.property('ActiveState')} {m.property('SubState')}", "the service")
    equal(True, pid() != before, "it runs the new program")
    equal("# changed here", m.run("tail", "-n", "1", "/etc/edgelat/edgelat.conf"), "configuration")
    equal(SITE.strip(), m.run("cat", "/etc/edgelat/edgelat.conf.d/site.conf"), "drop-in")
    equal(identity, instance_id(), "instance id")
    equal(set(), waiting - spool(), "batches that are lost")
    m.run("edgelat", "decode", *sorted(waiting))


def upgrade():
    """Upgraded: configuration, spool and identity are kept."""
    m = Bed.machine
    change_version(Bed.new, m.run("dpkg-deb", "-f", m.bring(Bed.new), "Version"))
    m.run("test", "-e", "/etc/edgelat/edgelat.conf.dpkg-dist")  # what the package ships lies beside it


def downgrade():
    """Downgraded and upgraded again: the same."""
    change_version(Bed.old, OLD)
    upgrade()
    row("upgrade, downgrade", "a changed configuration that the package changes too, a spool, both ways",
        "configuration, drop-in, identity kept; no batch lost")


def reload():
    """Reload: a good configuration is taken over in place, one with mistakes or without a file that it names fails and
    changes nothing."""
    m = Bed.machine
    before, count = pid(), int(m.property("StatusText").split()[0])
    m.write("/etc/edgelat/edgelat.conf.d/more.conf", "[target more]\nhost = 127.0.0.2\n")
    m.run("systemctl", "reload", "edgelat")
    wait_for("one target more", lambda: m.property("StatusText").startswith(f"{count + 1} targets"))
    equal(f"active running {before}", f"{m.property('ActiveState')} {m.property('SubState')} {pid()}", "the service")
    equal("edgelat", m.run("cat", f"/proc/{before}/comm"), "its name after it")

    for what, text in (("an unknown key", "[target more]\nhots = 127.0.0.2\n"),
                       ("a missing file", "[collector]\nurl = http://127.0.0.1:4318\nheader_file = /etc/edgelat/tokn\n")):
        m.write("/etc/edgelat/edgelat.conf.d/more.conf", text)
        equal(1, m.try_run("systemctl", "reload", "edgelat").returncode, what)
        equal(f"active running {before}", f"{m.property('ActiveState')} {m.property('SubState')} {pid()}", what)
    m.run("rm", "/etc/edgelat/edgelat.conf.d/more.conf")
    row("a mistake in the configuration", "systemctl reload with an unknown key, with a header_file that is not there",
        "refused, the same process goes on")


def secret():
    """A credential of systemd is the collector's header; the status tells of the batch."""
    m = Bed.machine
    Bed.collector = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "nsenter", "-t", m.init, "-n", sys.executable,
                                      "-c", COLLECTOR], stdout=subprocess.PIPE)
    m.write("/etc/edgelat/header", "Authorization: Bearer of-this-site\n")
    m.run("chmod", "600", "/etc/edgelat/header")
    m.write("/etc/edgelat/edgelat.conf.d/collector.conf", "[collector]\nurl = http://127.0.0.1:4318\n"
            "header_file = /run/credentials/edgelat.service/header\n")
    drop_in("secret", "LoadCredential=header:/etc/edgelat/header\nWatchdogSec=2s\nRestartSec=1s")
    m.run("systemctl", "restart", "edgelat")
    equal(b"Bearer of-this-site\n", Bed.collector.stdout.readline(), "the header")
    wait_for("the status", lambda: "last accepted" in m.property("StatusText"))
    m.run("systemctl", "reload", "edgelat")  # whose check-config does not see the credential
    wait_for("the reload", lambda: "restarting with it" in m.run("journalctl", f"_PID={m.property('MainPID')}", "--no-pager"))
    equal(b"Bearer of-this-site\n", Bed.collector.stdout.readline(), "the header after a reload")


def mistake_at_start():
    """Started with a mistake: it fails at once and says where; mended, it runs without being asked."""
    m = Bed.machine
    m.write("/etc/edgelat/edgelat.conf.d/more.conf", "[target more]\nhots = 127.0.0.2\n")
    equal(1, m.try_run("systemctl", "restart", "edgelat").returncode, "a mistake")
    said = m.run("journalctl", "-u", "edgelat", "-n", "20", "--no-pager")
    equal(True, "edgelat.conf.d/more.conf:2: unknown key 'hots'" in said, said)
    m.run("rm", "/etc/edgelat/edgelat.conf.d/more.conf")
    wait_for("it runs", lambda: m.property("SubState") == "running")
    m.run("systemctl", "restart", "edgelat")  # counts restarts from 0
    row("started with a mistake", "an unknown key, then mended", "refused with file and line, then it runs by itself")


def watchdog():
    """A hung process is noticed, ended and replaced; so is one that was killed, or that somebody else told to end."""
    m = Bed.machine
    identity = instance_id()
    for number, signal_name in enumerate(("STOP", "KILL", "TERM"), 1):
        before = pid()
        m.run("sh", "-c", f"kill -{signal_name} {before}")
        wait_for(f"restart {number}", lambda: m.property("NRestarts") == str(number) and pid() not in ("0", before) and
                 m.property("SubState") == "running", 20)
        if signal_name == "STOP":
            time.sleep(3)  # longer than the watchdog's time: it lives
        equal(str(number), m.property("NRestarts"), "restarts")
        equal(identity, json.loads(answer()[1])["instance_id"], "who answers after it")
    said = [line for line in m.run("journalctl", "-u", "edgelat", "--no-pager").splitlines() if "Watchdog timeout" in line]
    equal(1, len(said), "restarts by the watchdog in the journal")
    row("a hung loop", "SIGSTOP", "ended by systemd's watchdog and replaced, the same identity")
    row("an unexpected end", "SIGKILL, and SIGTERM, whose exit code is 0", "replaced, the same identity")
    equal(identity, instance_id(), "instance id")


def stop():
    """Stopped: within 5 s, with 0, and the spool stays."""
    m = Bed.machine
    Bed.collector.kill()
    Bed.collector.wait()
    wait_for("a batch", lambda: len(spool()) >= 1)
    waiting, began = spool(), time.monotonic()
    m.run("systemctl", "stop", "edgelat")
    took = time.monotonic() - began
    equal(True, took <= 5, f"stopped after {took:.1f} s")
    equal("inactive success 0", " ".join(map(m.property, ("ActiveState", "Result", "ExecMainStatus"))), "the service")
    equal(set(), waiting - spool(), "batches that are lost")


def purge():
    """Purged while it runs: nothing is left."""
    m = Bed.machine
    m.run("systemctl", "start", "edgelat")
    process = pid()
    m.run("dpkg", "-P", "edgelat")
    equal("", m.run("find", "/etc", "/var/lib", "/run", "/usr", "-xdev", "-name", "*edgelat*", "-not", "-path",
                    "/etc/systemd/system/edgelat.service.d*", "-not", "-path", "/run/*/units/*"), "left behind")
    equal(2, m.try_run("getent", "passwd", "edgelat").returncode, "the user")
    equal(1, m.try_run("test", "-e", f"/proc/{process}").returncode, "the process is gone")
    row("purged while it runs", "dpkg -P", "no file, no user, no process left")


def main():
    try:
        run_tests([on_machine, install, least_privilege, status, analyze, measure, upgrade, downgrade, reload, secret,
                   mistake_at_start, watchdog, stop, purge])
    finally:
        if Bed.collector:
            Bed.collector.kill()
        if Bed.machine:
            Bed.machine.__exit__()


main()
