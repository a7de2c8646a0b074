"""The part of the lab inside its namespaces; scripts/lab starts it as process 1:

    inside.py CONTROL SCENARIO RELAY COMMAND [ARG...]

Builds the network, starts the servers and the relay, runs COMMAND and exits with its code.
No cleanup is needed: everything lives in the namespaces of this process. CONTROL is
the descriptor of a pipe: each byte is a signal number for COMMAND; end of file means that
scripts/lab has ended.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import scenario as scenarios
import servers

FOLDER = "/run/edgelat-lab"
READY_S = 10


class LabError(Exception):
    pass


def run(*command, text=None):
    try:
        done = subprocess.run(command, input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed; run: sudo scripts/setup run") from None
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {done.stdout.strip()}")


def ip(where, lines, family=()):
    run("ip", *where, *family, "-batch", "-", text="\n".join(lines) + "\n")


def set_sysctls(where):
    """Sets what a new namespace may inherit from this machine."""
    run(*where, "sh", "-c", "cd /proc/sys/net && echo 0 >ipv4/ip_forward && "
        "echo 0 | tee ipv4/conf/*/rp_filter ipv6/conf/*/disable_ipv6")


def build_side(where, addresses):
    """Configures one namespace: wan0, addresses, default routes."""
    ip(where, ["link set lo up", "tuntap add wan0 mode tun",
               "link set wan0 addrgenmode none", "link set wan0 up"]
       + [f"addr add {a} dev {device}" + (" nodad" if a.version == 6 else "")
          for a, device in addresses])
    for version in sorted({a.version for a, _ in addresses}):
        ip(where, ["route add default dev wan0"], [f"-{version}"])


def build_network(scenario):
    """Two namespaces: this one, the branch, and "internet"."""
    run("ip", "netns", "add", "internet")
    set_sysctls([])
    set_sysctls(["ip", "netns", "exec", "internet"])
    build_side([], [(a, "wan0") for a in scenario.branch])
    served = set(scenario.dns).union(*(pop.addresses for pop in scenario.pops.values()))
    build_side(["-n", "internet"], [(a, "lo") for a in sorted(served, key=str)])


def put(path, text):
    """Replaces the content of `path` in this mount namespace."""
    real = os.path.realpath(path)
    if real.startswith("/run/"):  # a private tmpfs: see mount_files()
        os.makedirs(os.path.dirname(real), exist_ok=True)
        servers.write(real, text)
    elif os.path.exists(real):
        copy = os.path.join(FOLDER, "etc-" + os.path.basename(path))
        servers.write(copy, text)
        run("mount", "--bind", copy, real)


def mount_files(scenario):
    """Replaces the files that select the DNS servers and the trusted CAs."""
    families = {interface.version for interface in scenario.branch}
    servers_of_family = [a for a in scenario.dns if a.version in families]
    put("/etc/resolv.conf", "".join(f"nameserver {a}\n" for a in servers_of_family))
    put("/etc/hosts", f"127.0.0.1 localhost {socket.gethostname()}\n::1 localhost\n")
    put("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    with open(f"{FOLDER}/ca.pem", encoding="ascii") as file:
        ca = file.read()
    put("/etc/ssl/certs/ca-certificates.crt", ca)  # Debian
    put("/etc/pki/tls/certs/ca-bundle.crt", ca)  # RHEL and Fedora


def start(name, command):
    log = open(f"{FOLDER}/{name}.log", "ab")
    # a session of its own, so that Ctrl-C reaches only COMMAND
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               start_new_session=True)
    servers.write(f"{FOLDER}/{name}.pid", f"{process.pid}\n")
    return process


def last_line(name):
    with open(f"{FOLDER}/{name}.log", encoding="utf-8", errors="replace") as log:
        return (log.read().strip().splitlines() or ["no output"])[-1]


def wait_until(ready, name, process):
    end = time.monotonic() + READY_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise LabError(f"{name} did not start: {last_line(name)}")
        time.sleep(0.01)


def relay_is_ready():
    with open(f"{FOLDER}/relay.log", encoding="utf-8") as log:
        return "relay: ready" in log.read()


def start_all(relay):
    """Returns the processes by name."""
    started = {}
    for name, (command, opened) in servers.commands(FOLDER).items():
        started[name] = (start(name, ["ip", "netns", "exec", "internet", *command]), opened)
    began = time.monotonic_ns()
    servers.write(f"{FOLDER}/began", f"{began}\n")
    process = start("relay", [relay, f"{FOLDER}/scenario", "/run/netns/internet", str(began)])
    wait_until(relay_is_ready, "relay", process)
    for name, (server, opened) in started.items():
        wait_until(lambda: servers.is_open(server.pid, *opened), name, server)
    return {"relay": process, **{name: server for name, (server, _) in started.items()}}


def pass_signals(control, command):
    """Forwards signals to COMMAND, in a thread of its own."""
    while True:
        number = os.read(control, 1)
        if not number:
            os._exit(1)  # ends all processes of the lab
        command.send_signal(number[0])


def environment():
    """The environment of COMMAND, without proxy, CA and resolver settings of this machine."""
    away = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file",
            "ssl_cert_dir", "curl_ca_bundle", "res_options", "localdomain"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in away}
    scratch = f"{FOLDER}/scratch"  # removed with the lab
    os.makedirs(scratch)
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")  # names the lab's CA
    return {"EDGELAT_DATA": data, **kept, "EDGELAT_LAB": FOLDER, "TMPDIR": scratch}


def run_command(control, command, processes):
    """Returns the exit code as a shell reports it. Also reaps orphans, because this is process 1."""
    try:
        process = subprocess.Popen(command, env=environment())
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from None
    threading.Thread(target=pass_signals, args=(control, process), daemon=True).start()
    while True:
        pid, status = os.wait()
        for name, server in processes.items():
            if pid == server.pid:
                print(f"scripts/lab: {name} has ended: {last_line(name)}", file=sys.stderr)
        if pid == process.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def end_relay(relay):
    """Ends the relay; prints its timing error if that can be seen in measured delays."""
    try:
        os.kill(relay.pid, signal.SIGTERM)
        relay.wait(timeout=2)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    report = last_line("relay")
    late = re.search(r"(\d+) us \(p99\)", report)
    if late and int(late[1]) > 3000:
        print(f"scripts/lab: {report}", file=sys.stderr)


def check_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        raise LabError(f"/dev/net/tun: {error.strerror}; run the lab as root, or let this "
                       "user open it (chmod 0666 /dev/net/tun)") from None


def lab(control, scenario_file, relay, command):
    check_tun()
    text = scenarios.flatten(scenario_file)
    scenario = scenarios.Scenario(text)
    here = os.getcwd()
    run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", "/run")
    os.makedirs(FOLDER)
    os.chdir(here)
    servers.write(f"{FOLDER}/scenario", text)
    build_network(scenario)
    servers.make_certificates(FOLDER, scenario)
    servers.write_nginx(FOLDER, scenario)
    servers.write_dnsmasq(FOLDER, scenario)
    mount_files(scenario)
    processes = start_all(relay)
    code = run_command(control, command, processes)
    end_relay(processes["relay"])
    return code


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 ignores it by default
    control, scenario_file, relay, *command = sys.argv[1:]
    os.set_inheritable(int(control), False)
    try:
        code = lab(int(control), scenario_file, relay, command)
    except (LabError, scenarios.ScenarioError, RuntimeError) as error:
        print(f"scripts/lab: {error}", file=sys.stderr)
        code = 2
    sys.stdout.flush()
    os._exit(code)


main()
