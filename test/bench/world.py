"""The network of the benchmarks: two network namespaces joined by veth, "the branch", in
which everything runs, and "internet", in which nginx answers. Both live in namespaces of
one process; whatever ends the benchmark ends all of it and leaves nothing behind.
"""

import contextlib
import ctypes
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FOLDER = "/run/edgelat-bench"
BRANCH, POP = "198.51.100.1", "198.51.100.2"
OTHERS = ["198.51.100.3", "198.51.100.4"]  # PoPs for load beside what is measured
BLACKBOX_PORT = 9115
READY_S = 10
PR_SET_PDEATHSIG = 1
ISOLATED = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


class BenchError(Exception):
    pass


def edgelat():
    path = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
    if not os.access(path, os.X_OK):
        raise BenchError(f"{path}: no such program; build it with: make")
    return path


def run(*command, **more):
    done = subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def die_with(parent):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def isolated(script, programs, main):
    """Runs `main` in the namespaces and exits; `script` is the file that called. Peers are not among the `programs`."""
    try:
        if os.environ.get("EDGELAT_BENCH_INSIDE") == "1" and os.getpid() == 1:
            main()
            sys.stdout.flush()
            os._exit(0)
        missing = [p for p in ("unshare", "ip", *programs) if shutil.which(p) is None]
        if missing:
            raise BenchError(f"not installed: {' '.join(missing)}; run: sudo make bench-deps")
        edgelat()
    except (BenchError, OSError) as error:
        print(f"{os.path.relpath(script, TOP)}: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(2)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the death of this process ends the others
    parent = os.getpid()
    sys.exit(subprocess.run([*ISOLATED, *user, sys.executable, "-B", script], check=False,
                            env={**os.environ, "EDGELAT_BENCH_INSIDE": "1"},
                            preexec_fn=lambda: die_with(parent)).returncode)


def build_network():
    """Returns what has to stand before a command that is to run in the internet."""
    run("mount", "-t", "tmpfs", "-o", "mode=755", "bench", "/run")
    os.makedirs(FOLDER)
    run("ip", "netns", "add", "internet")
    for line in ("link add wan0 type veth peer name pop0 netns internet", "link set lo up",
                 "link set wan0 up", f"addr add {BRANCH}/24 dev wan0",
                 "-n internet link set lo up", "-n internet link set pop0 up",
                 *(f"-n internet addr add {address}/24 dev pop0" for address in (POP, *OTHERS))):
        run("ip", *line.split())
    run("ping", "-c1", "-W2", POP)  # the neighbours know each other
    return ["ip", "netns", "exec", "internet"]


def receive_elsewhere(internet):
    """What arrives in the internet is processed by the last CPU. Else a veth pair does that in the sender's system call, and the
    sender pays for the network stack of its target. Returns False where that cannot be had."""
    cpus = os.sched_getaffinity(0)
    try:
        run(*internet, "sh", "-c", f"echo {1 << max(cpus):x} >/sys/class/net/pop0/queues/rx-0/rps_cpus")
    except BenchError:
        return False
    return len(cpus) > 1


STUN_SERVER = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: the answer comes from the address that was asked
s.bind(("", 3478))
while True:
    data, control, _, peer = s.recvmsg(512, 64)
    if len(data) < 20:
        continue
    port = peer[1] ^ 0x2112
    address = struct.unpack("!I", socket.inet_aton(peer[0]))[0] ^ 0x2112a442
    info = control[0][2][:4] + control[0][2][8:12] + bytes(4)
    answer = struct.pack("!HH", 0x0101, 12) + data[4:20] + struct.pack("!HHBBHI", 0x20, 8, 0, 1, port, address)
    s.sendmsg([answer], [(socket.IPPROTO_IP, 8, struct.pack("i", 0) + control[0][2][8:12] + bytes(4))], 0, peer)
"""


def targets(n):
    """Addresses that the internet has all of."""
    return [f"10.99.{1 + i // 250}.{1 + i % 250}" for i in range(n)]


def start_range(internet):
    """A server of each kind at all targets(); returns the CA's file. The certificate is for pop.test."""
    run("ip", "-n", "internet", "route", "add", "local", "10.99.0.0/16", "dev", "lo")
    run("ip", "route", "add", "10.99.0.0/16", "via", POP)
    start("dnsmasq", [*internet, "dnsmasq", "-k", "-C", "/dev/null", "-u", "root", "-x", f"{FOLDER}/dnsmasq.pid", "-R", "-h",
                      "--address=/a.test/192.0.2.7"])
    start("stun", [*internet, sys.executable, "-c", STUN_SERVER])
    return start_nginx(internet, names="DNS:pop.test," + ",".join(f"IP:{a}" for a in (POP, *OTHERS)))


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def start(name, command):
    """A process whose output goes to a log; it ends with the namespaces. edgelat's environment is that of its unit file."""
    env = {**os.environ, "GNUTLS_NO_IMPLICIT_INIT": "1"} if command[0] == edgelat() else None
    with open(os.path.join(FOLDER, f"{name}.log"), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)


def wait_until(ready, name, process):
    end = time.monotonic() + READY_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            with open(os.path.join(FOLDER, f"{name}.log"), encoding="utf-8") as log:
                raise BenchError(f"{name} did not start: {log.read().strip()[-300:]}")
        time.sleep(0.02)


def make_certificates(names):
    key = ["-x509", "-days", "7", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes"]
    run("openssl", "req", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=bench/CN=ca",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=FOLDER)
    run("openssl", "req", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "pop.key", "-out",
        "pop.pem", "-subj", "/O=bench/CN=pop", "-addext", f"subjectAltName={names}",
        "-addext", "basicConstraints=critical,CA:FALSE", cwd=FOLDER)
    return os.path.join(FOLDER, "ca.pem")


def start_nginx(where, header="", names=",".join(f"IP:{address}" for address in (POP, *OTHERS)), listen="0.0.0.0"):
    """HTTP on 80 and HTTPS on 443; returns the CA's file. Each reply has the header."""
    ca = make_certificates(names)
    write("nginx.conf", "daemon off; master_process off; user root;"
          f"pid {FOLDER}/nginx.pid; error_log stderr warn;"
          "events { worker_connections 2048; }"
          "http { access_log off; server_tokens off;"
          + "".join(f"{kind}_temp_path {FOLDER}/tmp; " for kind in (
              "client_body", "proxy", "fastcgi", "uwsgi", "scgi")) +
          f"ssl_certificate {FOLDER}/pop.pem; ssl_certificate_key {FOLDER}/pop.key;"
          f"ssl_protocols TLSv1.3; server {{ listen {listen}:443 ssl http2; listen {listen}:80; {header}"
          'location / { return 200 "ok\\n"; } } }')
    os.makedirs(os.path.join(FOLDER, "tmp"), exist_ok=True)
    nginx = start("nginx", [*where, "nginx", "-e", "stderr", "-c", f"{FOLDER}/nginx.conf"])

    def listens():
        with open(f"/proc/{nginx.pid}/net/tcp", encoding="ascii") as table:
            return ":01BB " in table.read()
    wait_until(listens, "nginx", nginx)
    return ca


class Blackbox:
    """prometheus-blackbox-exporter, asked as Prometheus asks it."""

    def __init__(self, ca, server_name=""):
        self.connection = connect_to_blackbox()
        ip4 = {"preferred_ip_protocol": "ip4"}
        config = write("blackbox.yml", json.dumps({"modules": {
            "icmp": {"prober": "icmp", "timeout": "5s", "icmp": ip4},
            "tcp": {"prober": "tcp", "timeout": "5s", "tcp": ip4},
            "http": {"prober": "http", "timeout": "5s", "http": {
                **ip4, "tls_config": {"ca_file": ca, **({"server_name": server_name} if server_name else {})}}}}}))  # JSON is YAML
        self.process = start("blackbox", [
            "prometheus-blackbox-exporter", f"--config.file={config}", "--log.level=error",
            f"--web.listen-address=127.0.0.1:{BLACKBOX_PORT}"])
        wait_until(self.answers, "blackbox", self.process)

    def answers(self):
        try:
            self.connection.request("GET", "/-/healthy")
            return self.connection.getresponse().read() is not None
        except OSError:
            self.connection.close()
            return False

    def probe(self, module, target, connection=None):
        """The seconds of each phase; nothing when the probe failed."""
        connection = connection or self.connection
        connection.request("GET", f"/probe?module={module}&target={target}")
        text = connection.getresponse().read().decode()
        if "\nprobe_success 1" not in text:
            return {}
        return {line.split('"')[1]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if '{phase="' in line}


def connect_to_blackbox():
    return http.client.HTTPConnection("127.0.0.1", BLACKBOX_PORT, timeout=20)


@contextlib.contextmanager
def busy(n):
    """`n` busy loops."""
    hogs = [subprocess.Popen(["sha256sum", "/dev/zero"]) for _ in range(n)]
    time.sleep(0.2)
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
