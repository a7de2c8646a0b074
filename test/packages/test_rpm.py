#!/usr/bin/python3 -B
"""The RPM, installed by rpm --root into a clean root whose packages are Debian's: what is in it, its scripts, upgrade
with a changed configuration and a spool, erase. Its requirements are looked at, not met (packaging/rpm/build)."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import (  # noqa: E402
    PLAIN, TREE, Machine, build, built_deb, collector_of, equal, make_root, run_tests)

OLD = "0.0.9"
GLIBC_EL9 = (2, 34)
ROOT = "/boot/root"  # of the machine, as seen from where it was begun
DEBIAN_SAYS = ("rpm: RPM should not be used", "rpm: However assuming")


class Bed:
    old = new = machine = None


def ask(*query, package=None):
    return subprocess.run(["rpm", "-qp", *query, package or Bed.new], env=dict(os.environ, HOME=str(Bed.new.parents[2])),
                          stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()


def rpm(*command):
    """rpm of this host on the machine's root, from the machine's namespaces but for what is mounted."""
    m = Bed.machine
    done = subprocess.run(["nsenter", "-t", m.init, "-p", "-n", "-i", "-u", f"--mount=/proc/{m.process.pid}/ns/mnt",
                           "rpm", "--root", ROOT, "--dbpath", "/var/lib/rpm", *command],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = "\n".join(line for line in done.stdout.decode().splitlines() if not line.startswith(DEBIAN_SAYS))
    if done.returncode != 0:
        raise AssertionError(f"rpm {' '.join(map(str, command))}: {said}")
    return said


def build_packages():
    """Built, and rpmlint is silent: no error, no warning."""
    Bed.old, Bed.new = build("rpm", OLD), build("rpm", "")
    log = (Bed.new.parents[2] / "rpmlint.log").read_text()
    equal(True, " 0 errors, 0 warnings" in log, log)


def requirements():
    """It requires nothing that RHEL 9 has not: glibc 2.34, no symbol of Debian's own."""
    requires = ask("--requires")
    versions = [tuple(map(int, v.split("."))) for v in re.findall(r"\(GLIBC_([0-9.]+)\)", "\n".join(requires))]
    equal(True, max(versions) <= GLIBC_EL9, f"newest symbol of glibc {max(versions)}")
    equal([], [r for r in requires if "CURL_OPENSSL" in r], "symbols of Debian's libcurl")
    equal(True, "libcurl.so.4()(64bit)" in requires, f"libcurl in {requires}")
    collector = collector_of(Bed.new)
    equal([False, True], ["libevent" in "".join(ask("--requires", package=p)) for p in (Bed.new, collector)], "libevent")
    equal(["/usr/libexec/edgelat", "/usr/libexec/edgelat/edgelat-collect"],
          [f for f in ask("-l", package=collector) if "libexec" in f], "files of edgelat-collect")
    equal(["edgelat-collect", "nftables"], ask("--suggests"), "it suggests")
    equal(["/etc/edgelat/edgelat.conf"], ask("--configfiles"), "configuration files")
    equal(["/usr/bin/edgelat\tcap_net_raw=ep"], [f for f in ask("--filecaps") if "=" in f], "capabilities")


def install():
    """Installed: the program runs, the user is there."""
    package = built_deb()
    m = Bed.machine = Machine(make_root(package, collector_of(package)), PLAIN).__enter__()
    rpm("--initdb")
    said = rpm("-i", "--nodeps", Bed.old).splitlines()
    equal([True, True], ["systemctl enable --now edgelat" in said[-2], "/etc/edgelat/edgelat.conf.d/site.conf" in said[-1]],
          f"the last two lines of {said}")
    equal(2, m.try_run("edgelat", "collect", "--listen", "127.0.0.1:4318").returncode, "edgelat-collect is not there")
    rpm("-i", "--nodeps", collector_of(Bed.old))
    equal("listening on 127.0.0.1:4318", m.run("timeout", "--preserve-status", "1", "edgelat", "collect", "--listen",
                                               "127.0.0.1:4318"), "edgelat collect")
    equal(f"edgelat {OLD}", m.run("edgelat", "--version"), "--version")
    equal("/var/lib/edgelat:/sbin/nologin", m.run("getent", "passwd", "edgelat").split(":", 5)[5], "the user")
    m.run("systemd-tmpfiles", "--create", "edgelat.conf")  # on RHEL a trigger of systemd's package does
    equal("edgelat 700", m.run("stat", "-c", "%U %a", "/var/lib/edgelat"), "the state folder")
    m.run("edgelat", "check-config")
    shipped = sorted(path.name for path in (TREE / "packaging/data").glob("*.csv"))
    equal(shipped, sorted(m.run("ls", "/usr/share/edgelat").split()), "data files")
    changed = [line for line in rpm("-V", "--nodeps", "edgelat").splitlines() if line]
    equal([], changed, "rpm -V")


def upgrade():
    """Upgraded: a changed configuration, drop-ins and the spool are kept."""
    m = Bed.machine
    m.run("sh", "-c", "echo '# changed here' >>/etc/edgelat/edgelat.conf")
    m.write("/etc/edgelat/edgelat.conf.d/site.conf", "[agent]\nsite = here\n")
    m.write("/var/lib/edgelat/spool/1.pb.gz", "a batch\n")
    equal(False, "site.conf" in rpm("-U", "--nodeps", Bed.new, collector_of(Bed.new)), "said at the first installation only")
    equal(True, m.run("edgelat", "--version") != f"edgelat {OLD}", "the program is new")
    equal("# changed here", m.run("tail", "-n", "1", "/etc/edgelat/edgelat.conf"), "configuration")
    equal("a batch", m.run("cat", "/var/lib/edgelat/spool/1.pb.gz"), "the spool")
    m.run("test", "-e", "/etc/edgelat/edgelat.conf.d/site.conf")


def erase():
    """Erased: what the site made stays, the rest is gone."""
    m = Bed.machine
    rpm("-e", "--nodeps", "edgelat", "edgelat-collect")
    left = m.run("find", "/etc", "/usr", "/var/lib", "-xdev", "-not", "-type", "d", "-path", "*edgelat*").splitlines()
    equal(["/etc/edgelat/edgelat.conf.d/site.conf", "/etc/edgelat/edgelat.conf.rpmsave", "/var/lib/edgelat/spool/1.pb.gz"],
          sorted(left), "left")


def main():
    try:
        run_tests([build_packages, requirements, install, upgrade, erase])
    finally:
        if Bed.machine:
            Bed.machine.__exit__()


main()
