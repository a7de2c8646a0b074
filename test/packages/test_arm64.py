#!/usr/bin/python3 -B
"""The Debian packages for arm64, as in many a branch appliance: built by a cross compiler in a clean root, run there
under emulation."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hardening import missing  # noqa: E402
from machine import BUILD, PLAIN, TREE, Machine, equal, run_tests  # noqa: E402

LISTENER = """
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:7", Listen => 64, ReuseAddr => 1) or die;
fork and exit;
close STDOUT; close STDERR;
while (my $c = $s->accept) { close $c }
"""


class Bed:
    machine = None


def edgelat(*arguments):
    return Bed.machine.run("env", "EDGELAT_DATA=/tmp/root/usr/share/edgelat", "qemu-aarch64-static", "/tmp/root/usr/bin/edgelat", *arguments)


def on_machine():
    """A machine from a clean root with the cross compiler."""
    root = subprocess.run(["nice", "-n", "19", TREE / "test/packages/make-cross-root", "arm64"], stdout=subprocess.PIPE,
                          check=True).stdout.decode().strip()
    Bed.machine = Machine(root, PLAIN).__enter__()


def build():
    """Built there; lintian is silent, the programs hardened."""
    m = Bed.machine
    m.run("mkdir", "/tmp/tree")
    packed = subprocess.Popen(["tar", "--exclude=./build", "--exclude=./.git", "-cf", "-", "."], stdout=subprocess.PIPE)
    subprocess.run(["nsenter", "-t", m.init, "-a", "-r", "-w/", "tar", "-C", "/tmp/tree", "-xf", "-"],
                   stdin=packed.stdout, check=True)
    equal(0, packed.wait(), "tar")
    made = m.run("nice", "-n", "19", "env", "-C", "/tmp/tree", "ARCH=arm64", "LINTIAN=true", "packaging/deb/build", timeout=500)
    equal(["edgelat", "edgelat-collect"], [os.path.basename(path).split("_")[0] for path in made.splitlines()], "built")
    for path in made.splitlines():
        package = BUILD / "deb" / os.path.basename(path)
        package.parent.mkdir(parents=True, exist_ok=True)
        with open(package, "wb") as file:
            subprocess.run(["nsenter", "-t", m.init, "-a", "-r", "cat", f"/tmp/tree/{path}"], stdout=file, check=True)
        with tempfile.TemporaryDirectory() as folder:  # lintian leaves its temporary files behind
            said = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", package],
                                  env={**os.environ, "TMPDIR": folder},
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.decode()
        equal("", said, "lintian")
        equal("arm64", m.run("dpkg-deb", "-f", f"/tmp/tree/{path}", "Architecture"), "architecture")
        m.run("dpkg-deb", "-x", f"/tmp/tree/{path}", "/tmp/root")
    for program in "bin/edgelat", "libexec/edgelat/edgelat-collect":
        equal([], missing(f"/proc/{m.init}/root/tmp/root/usr/{program}"), f"{program} lacks")


def run():
    """Emulated: --version, whereis."""
    equal(True, edgelat("--version").startswith("edgelat "), "--version")
    equal(True, "AMS" in edgelat("whereis", "AMSEDGE1023", "--json"), "whereis")


def probe():
    """Emulated: TCP and ICMP probes on loopback are answered."""
    Bed.machine.run("perl", "-e", LISTENER)
    for kind, host in (("tcp", "127.0.0.1:7"), ("icmp", "127.0.0.1")):
        lines = [json.loads(line) for line in edgelat("probe", kind, host, "-n", "5", "-i", "0.1", "--json").splitlines()
                 if line.startswith("{")]
        summary = next(line for line in lines if line.get("summary"))
        equal(5, summary["received"], f"answers by {kind}: {lines}")
        equal(True, 0 < summary["delays"]["rtt"]["p50"] < 1000, "delay")


def main():
    try:
        run_tests([on_machine, build, run, probe])
    finally:
        if Bed.machine:
            Bed.machine.__exit__()


main()
