"""A machine for the tests of the packages (test/packages/machine), and their TAP."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
SYSTEMD = ["/lib/systemd/systemd", "--log-target=journal", "--unit=multi-user.target"]
PLAIN = ["/bin/sleep", "infinity"]  # as in a container: no service manager


class Machine:
    """with Machine(root, SYSTEMD) as m: m.run("systemctl", "status")"""

    def __init__(self, root, command):
        self.command = ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount",
                        str(TREE / "test/packages/machine"), str(root), *command]

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        self.init = self.process.stdout.readline().decode().strip()
        if not self.init:
            self.log.seek(0)
            raise AssertionError(f"no machine: {self.log.read().decode(errors='replace')}")
        wait_for("the machine begins", lambda: os.path.exists(f"/proc/{self.init}/root/machine-ready"))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def try_run(self, *command, text=None, timeout=60):
        environment = ["env", "-C", "/", "-i", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        return subprocess.run(["nsenter", "-t", self.init, "-a", "-r", "-w/", *environment, *command],
                              input=text.encode() if text else b"", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)

    def run(self, *command, text=None, timeout=60):
        done = self.try_run(*command, text=text, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").strip()

    def write(self, path, text):
        self.run("mkdir", "-p", os.path.dirname(path))
        self.run("tee", path, text=text)

    def bring(self, package):
        """Copies a file of this host to /tmp there; returns its path there."""
        path = f"/tmp/{os.path.basename(package)}"
        with open(package, "rb") as source:
            subprocess.run(["nsenter", "-t", self.init, "-a", "-r", "-w/", "tee", path], stdin=source,
                           stdout=subprocess.DEVNULL, check=True)
        return path

    def property(self, name, unit="edgelat"):
        return self.run("systemctl", "show", "--value", "-p", name, unit)

    def boot(self):
        wait_for("systemd is up", lambda: self.try_run("systemctl", "is-system-running").stdout.strip()
                 in (b"running", b"degraded"), 40)


def wait_for(what, condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.1)


def equal(expected, actual, what):
    if expected != actual:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def row(fault, tried, happened):
    """A line of the table that test/run prints at the end."""
    print(f"# | {fault} | {tried} | {happened}", flush=True)


def build(script, version):
    """The agent's package of the two that a script of packaging/ has built; nothing of it goes on when we are interrupted."""
    command = ["nice", "-n", "19", TREE / "packaging" / script / "build", *([version] if version else [])]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        said = process.communicate()[0].decode().strip()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    if process.returncode != 0 or len(said.splitlines()) != 2:  # lintian and rpmlint are silent
        raise AssertionError(said)
    return pathlib.Path(said.splitlines()[0])


def collector_of(package):
    """The package of edgelat-collect that was built with it."""
    return package.with_name(re.sub("^edgelat", "edgelat-collect", package.name))


def build_deb(version=""):
    return build("deb", version)


def built_deb():
    """That of the last build_deb() if the tree has not changed since."""
    version = re.search("^VERSION := (.*)$", (TREE / "Makefile").read_text(), re.M)[1]
    packages = [path for path in (BUILD / "deb").glob(f"edgelat_{version}_*.deb") if not path.match("*_arm64.deb")]
    find = ["find", TREE, "(", "-path", TREE / "build", "-o", "-path", TREE / ".git", ")", "-prune", "-o", "-type", "f", "-printf", "%T@\n"]
    changed = max(map(float, subprocess.run(find, stdout=subprocess.PIPE, check=True).stdout.split()))
    return packages[0] if packages and packages[0].stat().st_mtime > changed else build_deb()


def make_root(*what):
    return subprocess.run(["nice", "-n", "19", TREE / "test/packages/make-root", *what], stdout=subprocess.PIPE,
                          check=True).stdout.decode().strip()


def run_tests(tests):
    """Each in turn, on what the ones before have left: a failure ends them."""
    os.chdir(TREE)
    if os.geteuid() != 0:
        print("1..1\nok 1 # SKIP machines need root: sudo make test")
        sys.exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        what = test.__doc__.rstrip(".")
        try:
            test()
        except (AssertionError, subprocess.SubprocessError, OSError) as error:
            print(f"not ok {number} - {what}")
            print("\n".join(f"# {line}" for line in str(error).splitlines()), flush=True)
            sys.exit(1)
        print(f"ok {number} - {what}", flush=True)
