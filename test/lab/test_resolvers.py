#!/usr/bin/python3 -B
"""DNS servers of several makes: bind9, unbound and dnsmasq that answer, lie, lag, truncate, fail and are silent, and names that
only another source of nsswitch.conf knows.

Runs itself in the lab. The truth is the scenario's: Exchange is 9 ms away in London, the resolver that lies leads to
Frankfurt, 24 ms away.
"""

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys

import lab
import probing
from lab import Tap, run, running, wait_for
from probing import EDGELAT

TRUE, LIAR, FAILING, SILENT, LAN = "198.51.100.53", "127.0.0.2", "127.0.0.3", "127.0.0.5", "127.0.0.6"
FRANKFURT = "203.0.113.30"
FOUND_S = 200  # three rounds, a minute apart
tap = Tap()


def write(name, text):
    path = os.path.join(lab.FOLDER, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


# ---- the servers


def named():
    """It leads Exchange to Frankfurt, and has an answer that fits into no datagram of 512 bytes."""
    # one zone: without recursion bind9 follows no alias into another one
    zones = {"com": f"outlook.office365 CNAME FRA-efz.ms-acdc.office\nFRA-efz.ms-acdc.office A {FRANKFURT}\n"
                    "teams.microsoft A 203.0.113.20\n" + "".join(f"big.microsoft A 192.0.2.{i}\n" for i in range(1, 91))}
    for name, records in zones.items():
        write(f"{name}.zone", f"$TTL 5\n$ORIGIN {name}.\n@ SOA ns hostmaster 1 60 60 60 5\n@ NS ns\nns A {LIAR}\n{records}")
    config = write("named.conf", f'options {{ directory "{lab.FOLDER}"; pid-file none; listen-on {{ {LIAR}; }}; listen-on-v6 {{ none; }}; '
                   'recursion no; dnssec-validation no; session-keyfile none; };\n'
                   "controls { };\n" + "".join(f'zone "{z}" {{ type primary; file "{z}.zone"; }};\n' for z in zones))
    return ["named", "-g", "-c", config, "-u", "root"]


def unbound():
    """It refuses the names of the services, and makes SERVFAIL of what bind9 refuses."""
    config = write("unbound.conf", f"""server:
    interface: {FAILING}
    access-control: 127.0.0.0/8 allow
    do-daemonize: no
    use-syslog: no
    username: ""
    chroot: ""
    directory: "{lab.FOLDER}"
    pidfile: ""
    do-not-query-localhost: no
    module-config: iterator
    local-zone: "microsoft.com." refuse
    local-zone: "office365.com." refuse
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: {LIAR}
""")
    return ["unbound", "-d", "-c", config]


def dnsmasq():
    return ["dnsmasq", "-k", "-C", "/dev/null", "-u", "root", "-x", f"{lab.FOLDER}/lan.pid", "-a", LAN, "-z", "-R", "-h",
            "--address=/lan.test/192.0.2.7", f"--server={TRUE}", "--cache-size=0"]


def answers(server):
    name = b"".join(bytes([len(label)]) + label.encode() for label in "teams.microsoft.com".split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        try:
            client.sendto(b"\1\1\1\0\0\1\0\0\0\0\0\0" + name + b"\0\0\1\0\1", (server, 53))
            return client.recv(512)[:2] == b"\1\1"
        except OSError:
            return False


# ---- probe dns


def dns(server, *more):
    return probing.Probing("dns", server, "-c", 3, "-i", 0.2, *more).wait()


def test_delay(ms, what):
    """The truth is the capture's: on a busy host the relay and dnsmasq come late, and that is part of the delay."""
    with probing.Capture() as capture:
        done = dns(TRUE, "--name", "outlook.office365.com", "-c", 5)
    wrong = [abs(us) for us in probing.errors_us(done, [e.rtt for e in capture.queries(TRUE)])]
    tap.ok(len(wrong) == 5 and statistics.median(wrong) < 100, f"{what}: the delays are those of the capture", wrong)
    tap.ok(done.delays and min(done.delays) > ms - 0.1, f"{what}: no delay is shorter than the path's", done.delays)


def test_probe():
    test_delay(2, "dnsmasq behind 2 ms")
    done = dns(LAN, "--name", "lan.test")
    tap.equal((0, 3), (done.code, len(done.delays)), "dnsmasq in the LAN")
    done = dns(LIAR, "--name", "big.microsoft.com")
    tap.ok(all(r.get("dns", {}).get("truncated") and r["dns"]["tcp"] and r["dns"]["answers"] == 90 for r in done.results),
           "bind9: a truncated answer is fetched by TCP, with all its records", done.results)
    done = dns(LIAR, "--name", "elsewhere.example")
    tap.equal({("refused", 5)}, {(r["outcome"], r["dns"]["rcode"]) for r in done.results}, "bind9: REFUSED is told")
    done = dns(FAILING, "--name", "elsewhere.example")
    tap.equal({("refused", 2)}, {(r["outcome"], r["dns"]["rcode"]) for r in done.results}, "unbound: SERVFAIL is told")
    done = dns(SILENT)
    tap.equal({"loss"}, {r["outcome"] for r in done.results}, "a silent server is loss")
    lab.change("dns", "delay=150ms")
    test_delay(150, "a server that lags")
    lab.change("dns", "delay=2ms")


# ---- another source of nsswitch.conf


MODULE = """#include <nss.h>
#include <netdb.h>
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
enum nss_status _nss_lab_gethostbyname2_r(const char *name, int af, struct hostent *h, char *buf, size_t len, int *err, int *herr)
{
    if (strcmp(name, "printer.lab") != 0 || af != AF_INET) {
        *err = ENOENT; *herr = HOST_NOT_FOUND;
        return NSS_STATUS_NOTFOUND;
    }
    char **list = (char **)buf;
    char *address = buf + 3 * sizeof *list;
    inet_pton(AF_INET, "203.0.113.20", address);
    list[0] = address; list[1] = list[2] = NULL;
    *h = (struct hostent){(char *)name, list + 1, AF_INET, 4, list};
    return NSS_STATUS_SUCCESS;
}
"""


def test_nsswitch():
    source, switch = write("nss.c", MODULE), write("nsswitch.conf", "hosts: files dns lab\n")
    run("cc", "-shared", "-fPIC", "-o", f"{lab.FOLDER}/libnss_lab.so.2", source).check_returncode()
    inside = ["unshare", "--mount", "sh", "-c", f'mount --bind {switch} /etc/nsswitch.conf && LD_LIBRARY_PATH={lab.FOLDER} exec "$@"', "sh"]
    done = probing.Probing("icmp", "printer.lab", "-c", 2, "-i", 0.2, before=inside).wait()
    tap.equal({"203.0.113.20"}, {r["address"] for r in done.results}, "a name that only another source has is probed")
    done = probing.Probing("icmp", "printer.lab", "-c", 2, "-i", 0.2).wait()
    tap.ok(done.code == 2 and not done.results, "without the source it does not resolve", done.said)


# ---- the agent


def configuration(name, servers):
    return write(name, f"""[agent]
window = 5s
state_dir = {lab.FOLDER}/{name}.state
status_socket = {lab.FOLDER}/{name}.sock
workloads = no
front_doors = 0
media_bursts = 0
[path]
trace = no
mtu = no
[dns]
{servers}
[target exchange]
host = outlook.office365.com
service = exchange
kinds = tcp
""")


def status(config):
    done = run(EDGELAT, "status", "-c", config, "--json")
    return json.loads(done.stdout) if done.stdout else {"findings": [], "targets": []}


def test_agent():
    config = configuration("agent", f"servers = {TRUE} {LIAR} {FAILING} {SILENT}")
    found = {}

    def all_found():
        for line in status(config)["findings"]:
            for word in ("leads exchange", "answers only errors", "does not answer"):
                if word in line:
                    found[word] = line
        return len(found) == 3

    with running(EDGELAT, "run", "-c", config, stdout=subprocess.DEVNULL, stderr=open(f"{lab.FOLDER}/agent.log", "wb")):
        wait_for(all_found, FOUND_S, 2)
        targets = {t["target"]: t for t in status(config)["targets"]}
    tap.ok(f"DNS server {SILENT} does not answer" in found.get("does not answer", ""), "a silent server is a problem", found)
    tap.ok(f"DNS server {FAILING} answers only errors" in found.get("answers only errors", ""), "one that fails is another", found)
    words = found.get("leads exchange", "")
    tap.ok(f"resolver {LIAR} leads exchange to Frankfurt, +1" in words and f"against London by {TRUE}" in words,
           "the resolver that lies leads farther", found)
    gain = float(words.split("+")[1].split(" ms")[0]) if "+" in words else None
    tap.near(15, gain, 1, "by so many ms")
    tap.equal({f"dns-{a}" for a in (TRUE, LIAR, FAILING, SILENT)}, {t for t in targets if t.startswith("dns-")}, "all are targets")
    tap.equal([1], [t["rank"] for t in targets.values() if t["rank"]], "none has a rank")


def servers_probed(config):
    return {t["target"] for t in status(config)["targets"] if t["target"].startswith("dns-")}


def test_follow():
    """The stub of systemd-resolved has servers behind it; then resolv.conf changes."""
    config = configuration("follow", "")
    resolv = write("resolv.conf", "nameserver 127.0.0.53\n")
    os.makedirs("/run/systemd/resolve", exist_ok=True)
    with open("/run/systemd/resolve/resolv.conf", "w", encoding="ascii") as file:
        file.write(f"nameserver {TRUE}\nnameserver {LIAR}\n")
    inside = ["unshare", "--mount", "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh"]
    with running(*inside, EDGELAT, "run", "-c", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        want = {"dns-127.0.0.53", f"dns-{TRUE}", f"dns-{LIAR}"}
        tap.ok(wait_for(lambda: servers_probed(config) == want, 30, 0.5), "the stub and the servers behind it are probed",
               servers_probed(config))
        write("resolv.conf", f"nameserver {LAN}\n")
        tap.ok(wait_for(lambda: servers_probed(config) == {f"dns-{LAN}"}, 30, 0.5), "a changed resolv.conf is followed",
               servers_probed(config))


def main():
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind((SILENT, 53))
        run("ip", "addr", "add", f"{LIAR}/8", "dev", "lo").check_returncode()  # bind9 listens on addresses of interfaces alone
        for name, command in (("named", named()), ("unbound", unbound()), ("lan", dnsmasq())):
            log = stack.enter_context(open(f"{lab.FOLDER}/{name}.out", "wb"))
            stack.enter_context(running(*command, stdout=log, stderr=log))
        tap.ok(wait_for(lambda: all(answers(s) for s in (LIAR, FAILING, LAN)), 10, 0.1), "bind9, unbound and dnsmasq run",
               "".join(lab.read(f"{name}.out") for name in ("named", "unbound", "lan")))
        test_probe()
        test_nsswitch()
        test_follow()
        test_agent()
    return tap.finish()


probing.run_in_lab("default", __file__)
sys.exit(main())
