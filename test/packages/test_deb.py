#!/usr/bin/python3 -B
"""The Debian package in a clean root without a service manager, as in a container: built twice, installed,
used without root, removed, purged."""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hardening import missing  # noqa: E402
from machine import (  # noqa: E402
    PLAIN, TREE, Machine, build_deb, collector_of, equal, make_root, row, run_tests)

# What dpkg itself keeps, and what changes with any package that makes a user or links a library.
NOT_OURS = r"^/(proc|sys|dev|tmp|run|var/lib/dpkg|var/log|var/cache/ldconfig)(/|$)|^/etc/(passwd|shadow|group|gshadow)-$"


class Bed:
    package = machine = before = None


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files():
    listed = Bed.machine.run("find", "/", "-xdev", "-regextype", "posix-extended", "-not", "-regex", "/", "-printf",
                             "%p %u %m %l\n").splitlines()
    accounts = Bed.machine.run("cat", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow").splitlines()
    return set(line for line in listed if not re.search(NOT_OURS, line.split(" ")[0])) | set(accounts)


def both(package):
    return package, collector_of(package)


def depends(package):
    return subprocess.run(["dpkg-deb", "-f", package, "Depends"], stdout=subprocess.PIPE, check=True).stdout.decode()


def as_nobody(*command):
    return Bed.machine.try_run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command)


def build_twice():
    """Built twice: the same bytes, and lintian is silent."""
    first = [sha256(package) for package in both(build_deb())]
    Bed.package = build_deb()
    equal(first, [sha256(package) for package in both(Bed.package)], "sha256 of the second build")


def hardened():
    """With Debian's flags and ours the programs are hardened; libevent is for edgelat-collect alone."""
    with tempfile.TemporaryDirectory() as folder:
        for package in both(Bed.package):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        for program in "bin/edgelat", "libexec/edgelat/edgelat-collect", "libexec/edgelat/edgelat-traffic":
            equal([], missing(f"{folder}/usr/{program}"), f"{program} lacks")
    equal([False, True], ["libevent" in depends(package) for package in both(Bed.package)], "libevent")


def install():
    """Installed: the program runs, the unit is enabled, the user is there."""
    m = Bed.machine
    Bed.before = files()
    said = m.run("dpkg", "-i", m.bring(Bed.package)).splitlines()[-2:]
    equal(["edgelat is installed, but not running; start it with: systemctl start edgelat", True],
          [said[0], "/usr/share/doc/edgelat/README.Debian" in said[1]], "the last two lines")
    m.run("test", "-s", "/usr/share/doc/edgelat/README.Debian")
    version = m.run("dpkg-query", "-W", "-f", "${Version}", "edgelat")
    equal(f"edgelat {version}", m.run("edgelat", "--version"), "--version")
    equal("enabled", m.run("systemctl", "is-enabled", "edgelat"), "the unit")
    equal("edgelat 700", m.run("stat", "-c", "%U %a", "/var/lib/edgelat"), "the state folder")
    equal("/var/lib/edgelat:/usr/sbin/nologin", m.run("getent", "passwd", "edgelat").split(":", 5)[5], "the user")
    equal("/etc/edgelat/edgelat.conf", m.run("dpkg-query", "-W", "-f", "${Conffiles}", "edgelat").split(" ")[0], "conffile")
    m.run("test", "-d", "/etc/edgelat/edgelat.conf.d")
    m.run("edgelat", "check-config")
    shipped = sorted(path.name for path in (TREE / "packaging/data").glob("*.csv"))
    equal(shipped, sorted(m.run("ls", "/usr/share/edgelat").split()), "data files")


def without_root():
    """Not root: ICMP probes by the file's capability, no faster than 0.2 s."""
    m = Bed.machine
    equal("1\t0", m.run("cat", "/proc/sys/net/ipv4/ping_group_range"), "no ping sockets for anybody")
    equal("/usr/bin/edgelat cap_net_raw=ep", m.run("getcap", "/usr/bin/edgelat"), "capability")
    done = as_nobody("edgelat", "probe", "icmp", "127.0.0.1", "-n", "2", "-i", "0.2")
    equal(0, done.returncode, f"probe icmp: {done.stdout.decode()}")
    equal(2, as_nobody("edgelat", "probe", "icmp", "127.0.0.1", "-n", "2", "-i", "0.1").returncode, "0.1 s")
    row("a user floods a target", "probe icmp as nobody, each 0.1 s", "refused: 0.2 s is the least without root")
    m.run("setcap", "-r", "/usr/bin/edgelat")
    equal(2, as_nobody("edgelat", "probe", "icmp", "127.0.0.1", "-n", "1").returncode, "without the capability")


def reinstall():
    """Installed again: the capability is back; not against dpkg-statoverride, not where that cannot be."""
    m = Bed.machine
    package = m.bring(Bed.package)
    m.run("dpkg-statoverride", "--update", "--add", "root", "root", "0750", "/usr/bin/edgelat")
    again = m.run("dpkg", "-i", package)
    equal(False, "README.Debian" in again, f"said at the first installation only: {again}")
    equal("", m.run("getcap", "/usr/bin/edgelat"), "capability of a program whose mode the site has set")
    m.run("dpkg-statoverride", "--remove", "/usr/bin/edgelat")
    m.run("chmod", "-x", "/sbin/setcap")
    equal(True, "run 'edgelat probe icmp' as root" in m.run("dpkg", "-i", package), "it goes on, and says so")
    m.run("chmod", "+x", "/sbin/setcap")
    m.run("dpkg", "-i", package)
    equal("/usr/bin/edgelat cap_net_raw=ep", m.run("getcap", "/usr/bin/edgelat"), "capability")


def collect():
    """`edgelat collect` works while its package is there, and says what to install when it is not."""
    m = Bed.machine
    absent = m.try_run("edgelat", "collect", "--listen", "127.0.0.1:4318")
    equal(2, absent.returncode, "exit code without the package")
    equal(True, "edgelat-collect is not installed" in absent.stdout.decode(), absent.stdout)
    equal(True, "--listen" in m.run("edgelat", "collect", "--help"), "help without the package")
    m.run("dpkg", "-i", m.bring(collector_of(Bed.package)))
    ended = as_nobody("timeout", "--preserve-status", "1", "edgelat", "collect", "--listen", "127.0.0.1:4318")
    equal((0, b"listening on 127.0.0.1:4318\n"), (ended.returncode, ended.stdout), "as nobody")
    m.run("dpkg", "-P", "edgelat-collect")
    equal(2, m.try_run("edgelat", "collect", "--listen", "127.0.0.1:4318").returncode, "removed")


def remove():
    """Removed: configuration and state stay."""
    m = Bed.machine
    m.write("/etc/edgelat/edgelat.conf.d/site.conf", "[agent]\nsite = here\n")
    m.write("/var/lib/edgelat/spool/1.pb.gz", "a batch\n")
    m.run("dpkg", "-r", "edgelat")
    equal(1, m.try_run("test", "-e", "/usr/bin/edgelat").returncode, "the program is gone")
    for path in ("/etc/edgelat/edgelat.conf", "/etc/edgelat/edgelat.conf.d/site.conf", "/var/lib/edgelat/spool/1.pb.gz"):
        m.run("test", "-e", path)


def purge():
    """Purged: nothing is left, no file, no user."""
    Bed.machine.run("dpkg", "-P", "edgelat")
    after = files()
    equal([], sorted(after - Bed.before), "left behind")
    equal([], sorted(Bed.before - after), "taken away")


def main():
    def on_machine():
        """A machine from a clean root."""
        Bed.machine = Machine(make_root(*both(Bed.package)), PLAIN).__enter__()

    try:
        run_tests([build_twice, hardened, on_machine, install, without_root, reinstall, collect, remove, purge])
    finally:
        if Bed.machine:
            Bed.machine.__exit__()


main()
