#!/usr/bin/python3 -B
"""Tests of the lab itself: ping, curl and a resolver see the values of the scenario, and
nothing remains afterwards. Run it directly; it starts the labs."""

import ipaddress
import math
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import lab
from lab import FOLDER, Tap, add_to_scenario, ask, change, change_later, fetch, ping, run
import scenario as scenarios

LAB = os.path.join(lab.TOP, "scripts", "lab")
POPS = {  # path: its name, its status, a header of facts
    "london": ("outlook.office365.com", 401, ("x-firsthopcafeefz", "LHR")),
    "amsterdam": ("teams.microsoft.com", 200, ("x-msedge-ref", "AMSEDGE1023")),
    "frankfurt": ("microsoft.sharepoint.com", 403, ("x-firsthopcafeefz", "FRA")),
    "newark": ("www.bing.com", 200, ("x-msedge-ref", "EWR311000110031")),
    "dublin": ("microsoft.com", 200, ("x-azure-ref", "hC1DUB")),
}

# ---- in the lab


def bounds(count, probability):
    """How far from its mean a binomial count may be: four standard deviations."""
    return 4 * math.sqrt(count * probability * (1 - probability))


def test_delays(tap, scenario):
    paths = {str(a): (name, 4 if a.version == 4 else 6)
             for name in POPS for a in scenario.pops[name].addresses}
    for address, pings in lab.ping_all(paths, count=100).items():
        name, version = paths[address]
        tap.near(scenario.delays[name], pings.p50, 0.5,
                 f"ping to {name}, IPv{version}, p50 in ms")


def test_curl(tap, scenario):
    for path, (name, status, (header, text)) in POPS.items():
        for family in ("-4", "-6"):
            got = [fetch(f"https://{name}/", family) for _ in range(5)]
            got = [reply for reply in got if "error" not in reply]
            what = f"https to {path}, {family}"
            if not tap.ok(got, f"{what}: certificate and name are accepted"):
                continue
            want = scenario.delays[path]
            tap.near(want, min(reply["connect"] for reply in got), 0.5, f"{what}, connect")
            # on top of the round trip: both sides' cryptography on a shared machine
            tap.near(want + 4, lab.quantile([r["tls"] for r in got], 0.2), 4.5, f"{what}, TLS")
            tap.equal(status, got[0]["status"], f"{what}, status")
            tap.ok(any(text in value for value in got[0]["headers"].get(header, [])),
                   f"{what}, {header} has {text}", got[0]["headers"])


def test_loss(tap):
    pings = lab.ping_all(["203.0.113.50", "2001:db8:113::50"], 500, 0.003)
    for address, got in pings.items():
        tap.near(50, len(got.lost), bounds(500, 0.1), f"10 % loss, {address}: lost of 500")
    change("paris", "loss=0.3")
    tap.near(90, len(ping("203.0.113.101", 300, 0.003).lost), bounds(300, 0.3),
             "30 % loss by a change: lost of 300 pings")
    change("paris", "loss=0")


def test_duplication_and_reordering(tap):
    change("paris", "duplicate=20%")
    pings = ping("203.0.113.101", 400, 0.005)
    one_way = 1 - math.sqrt(0.8)
    expected = 400 * ((1 + one_way) ** 2 - 1)
    tap.near(expected, pings.duplicates, 2 * bounds(400, 0.2), "20 % duplication: copies")
    tap.equal([], pings.lost, "duplication loses nothing")

    change("paris", "duplicate=0 reorder=20% held=30ms")
    for address in ("203.0.113.101", "2001:db8:113::101"):
        pings = ping(address, 300, 0.01)
        late = [n for n, rtt in pings.rtts.items() if rtt > 27]
        tap.near(60, len(late), bounds(300, 0.2), f"20 % held back by 30 ms, {address}")
        overtaken = sum(a > b for a, b in zip(pings.order, pings.order[1:]))
        tap.ok(overtaken > 20 and not pings.lost, f"{overtaken} are overtaken, none is lost",
               pings.lost)
    change("paris", "reorder=0")


def test_black_hole(tap):
    change_later("paris", (0.5, "blackhole=on"), (1.5, "blackhole=off"))
    pings = ping("203.0.113.101", 250, 0.01)
    gap = max(later - sooner for sooner, later in zip(pings.times, pings.times[1:]))
    tap.near(1, gap, 0.06, "black hole of 1 s: seconds without a reply")
    tap.equal(list(range(pings.lost[0], pings.lost[-1] + 1)), pings.lost, "all are lost in it")


def test_rate(tap):
    change("paris", "rate=4Mbit queue=64kB")
    url = "https://ten.example.net/download"
    before = lab.relay_report()["queue_full"]
    took = fetch(url, "-4")["total"]
    shortest = 256 * 1024 * 8 / 4e6 * 1000
    tap.ok(shortest < took < 2 * shortest, f"256 KiB at 4 Mbit/s take {took:.0f} ms",
           f"at least {shortest:.0f}")
    change("paris", "rate=200kbit queue=4kB")
    pings = ping("203.0.113.101", 100, 0.005, "-s", "972")
    spacing = [later - sooner for sooner, later in zip(pings.times, pings.times[1:])]
    tap.near(40, 1000 * lab.quantile(spacing, 0.5), 3, "1000 bytes at 200 kbit/s each take, in ms")
    tap.ok(len(pings.lost) > 20, f"what the line cannot carry is dropped: {len(pings.lost)}")
    longest = max(pings.rtts.values())
    tap.ok(120 < longest < 230, f"a full queue delays by its length: {longest:.0f} ms")
    tap.ok(lab.relay_report()["queue_full"] > before, "and the relay has counted that")
    change("paris", "rate=0")


def hop(address, ttl):
    """One echo request with that TTL: who answered, the ICMP type, and after how long."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        s.settimeout(0.3)
        body = struct.pack(">BBHHH", 8, 0, 0, ttl, 1)
        total = sum(struct.unpack(">4H", body))
        total = (total & 0xFFFF) + (total >> 16)
        sent = time.monotonic()
        s.sendto(body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:], (address, 0))
        try:
            packet, (who, _) = s.recvfrom(2048)
        except socket.timeout:
            return None, None, None
        return who, packet[20], 1000 * (time.monotonic() - sent)


def test_hops(tap):
    way = [("10.42.0.1", 0.3), ("198.51.100.1", 1), (None, None), ("104.44.47.27", 1.8),
           ("104.44.44.30", 23), ("203.0.113.30", 24)]
    for ttl, (router, rtt) in enumerate(way, 1):
        tries = [hop("203.0.113.30", ttl) for _ in range(1 if router is None else 5)]
        who, kind, _ = tries[0]
        tap.equal((router, router and (11 if ttl < 6 else 0)), (who, kind),
                  f"TTL {ttl} to frankfurt: {router or 'silence'}")
        if router is not None:
            tap.near(rtt, min(t[2] for t in tries), 0.5, f"TTL {ttl}, rtt in ms")
    tap.equal("ae12-0.fra-96cbe-1a.ntwk.msn.net", socket.gethostbyaddr(way[4][0])[0],
              "a router's name")
    six = [ping("2001:db8:113::30", 1, 1, "-t", str(ttl)) for ttl in (1, 2, 4, 5)]
    tap.equal(["2001:db8:42::1", "2001:db8:51::1", "2001:db8:8075::1", "2001:db8:8075::5"],
              [address for pings in six for address in pings.answerers], "hops of IPv6")
    tap.equal([], ping("2001:db8:113::30", 1, 1, "-t", "6").lost, "and the target behind")
    tap.near(9, ping("104.44.21.110", 5).p50, 0.5, "a router can be pinged, p50 in ms")
    tap.near(1, ping("2001:db8:51::1", 5).p50, 0.5, "by IPv6 too")


def test_dns(tap):
    chain = ["outlook.office365.com", "outlook.ha.office365.com",
             "outlook.ms-acdc.office.com", "lhr-efz.ms-acdc.office.com"]
    for kind, address in ((1, "203.0.113.10"), (28, "2001:db8:113::10")):
        code, answers = ask(chain[0], kind)
        tap.equal((0, chain, [*chain[1:], address]),
                  (code, [a[0].lower() for a in answers], [a[3].lower() for a in answers]),
                  f"the chain of Exchange, record type {kind}")
        tap.ok(all(answer[2] == 5 for answer in answers), "its TTLs are the scenario's")
    tap.equal(10, len(ask("ten.example.net", 1)[1]), "a name with ten addresses")
    tap.equal((0, []), ask("ipv6.example.net", 1), "a name without IPv4: no data")
    tap.equal(1, len(ask("ipv6.example.net", 28)[1]), "which has IPv6")
    tap.equal((0, []), ask("ipv4.example.net", 28), "a name without IPv6: no data")
    tap.equal(3, ask("nowhere.example.net", 1)[0], "an unknown name: does not exist")
    reverse = ipaddress.ip_address("2001:db8:8075::4").reverse_pointer
    tap.equal("be-102-0.ibr01.lon24.ntwk.msn.net", ask(reverse, 12)[1][0][3],
              "the name of a router's IPv6 address")
    lab.point("moving.example.net", "203.0.113.30", "2001:db8:113::30")
    tap.equal(["203.0.113.30"], [a[3] for a in ask("moving.example.net", 1)[1]],
              "a name's address can be changed")
    tap.equal("203.0.113.10", socket.gethostbyname("outlook.office365.com"),
              "the C library asks the lab's server")


def test_faults(tap):
    """Settings of the relay that are neither delay nor chance."""
    change("london", "delay=40ms")
    tap.near(40, ping("203.0.113.10").p50, 0.5, "a delay changed while it runs, p50 in ms")
    said = add_to_scenario("at 1s london dealy=1ms")
    tap.ok("not understood: dealy=1ms" in said, "a wrong line is named", said)
    tap.near(40, ping("203.0.113.10").p50, 0.5, "and changes nothing")
    text = lab.read("scenario").replace("at 1s london dealy=1ms\n", "")
    with open(os.path.join(FOLDER, "scenario"), "w", encoding="utf-8") as file:
        file.write(text)
    change("2001:db8:113::10", "delay.up=5ms delay.down=25ms")
    tap.near(30, ping("203.0.113.10").p50, 0.5, "a path named by an address, each way its own delay")

    change("london", "delay=9ms icmp=off")
    tap.equal(0, len(ping("203.0.113.10", 5).rtts), "ICMP filtered: no ping")
    tap.equal(401, fetch("https://outlook.office365.com/")["status"], "but HTTPS")
    for reject, ipv4, ipv6 in (("host", "Destination Host Unreachable", "Address unreachable"),
                               ("admin", "Packet filtered", "Administratively prohibited")):
        change("london", f"icmp=on reject={reject}")
        for address, words in (("203.0.113.10", ipv4), ("2001:db8:113::10", ipv6)):
            pings = ping(address, 1)
            tap.ok(any(words in error for error in pings.errors),
                   f"reject={reject} to {address}: {words}", pings.text)
    change("london", "reject=no")
    tap.equal([], ping("203.0.113.10", 3).lost, "and back again")


def test_later_ones_win(tap):
    """A later path of the same prefix, or of the same name, takes the place of the first."""
    add_to_scenario("path other 203.0.113.20 delay=17ms", "path newark 203.0.113.40 delay=33ms")
    tap.near(17, ping("203.0.113.20").p50, 0.5, "a later path of the same prefix, p50 in ms")
    tap.near(33, ping("203.0.113.40").p50, 0.5, "a later path of the same name, p50 in ms")
    tap.equal({}, ping("2001:db8:113::40", 2).rtts, "of which all is new, its prefixes too")
    change("newark", "delay=44ms")
    tap.near(44, ping("203.0.113.40").p50, 0.5, "and which is changed by its name")
    both = scenarios.Scenario(lab.read("scenario"))
    tap.equal(33, both.delays["newark"], "as the servers read it")


def connect(address, port):
    """Milliseconds of a TCP handshake, or the name of the error."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(0.4)
        began = time.monotonic()
        try:
            s.connect((address, port))
        except OSError as error:
            return type(error).__name__
        return 1000 * (time.monotonic() - began)


def test_tcp(tap):
    tap.equal("ConnectionRefusedError", connect("203.0.113.20", 81), "a port without server")
    tap.ok(connect("203.0.113.200", 443) in ("timeout", "TimeoutError"), "a dead server")
    change("nobody", "middlebox=2ms")
    for address in ("203.0.113.200", "2001:db8:113::200"):
        took = [connect(address, 443) for _ in range(5)]
        if tap.ok(all(isinstance(one, float) for one in took),
                  f"a middlebox connects for {address}", took):
            tap.near(2, min(took), 0.5, "at its own delay, in ms")


def test_relay(tap):
    """The relay's own timing error during the tests above."""
    r = lab.relay_report()
    tap.note(f"relay's own error over {r['sent']} packets: median {r['median']} us, "
             f"p99 {r['p99']} us, max {r['max']} us")
    tap.ok(r["sent"] > 5000 and r["median"] < 200, f"relay late by {r['median']} us (median)")
    tap.ok(r["p99"] < 3000, f"relay late by {r['p99']} us (p99)")


def inside():
    tap = Tap()
    scenario = scenarios.Scenario(lab.read("scenario"))
    test_delays(tap, scenario)
    test_curl(tap, scenario)
    test_hops(tap)
    test_dns(tap)
    test_loss(tap)
    test_duplication_and_reordering(tap)
    test_black_hole(tap)
    test_rate(tap)
    test_faults(tap)
    test_tcp(tap)
    test_later_ones_win(tap)
    test_relay(tap)
    return tap.finish()


# ---- around the lab


def lost_with(seed):
    """The pings that dublin lost in a lab of their own."""
    text = scenarios.flatten(scenarios.find("default"))
    with tempfile.NamedTemporaryFile("w", prefix="edgelat-lab-") as file:
        file.write(re.sub(r"(?m)^seed .*$", f"seed {seed}", text))
        file.flush()
        done = run(LAB, file.name, "--", *lab.ping_command("203.0.113.50", 300, 0.003))
    return lab.Pings(300, done.stdout).lost


def test_seed(tap):
    first = lost_with(1)
    tap.near(30, len(first), bounds(300, 0.1), "pings of 300 that are lost with seed 1")
    tap.equal(first, lost_with(1), "the same seed loses the same packets")
    tap.ok(first != lost_with(2), "another seed loses others")


def test_families(tap):
    for name, there, away in (("ipv6only", "-6", "-4"), ("ipv4only", "-4", "-6")):
        script = (f"ping {there} -c1 -W1 teams.microsoft.com >/dev/null && "
                  f"curl -so /dev/null https://outlook.office365.com/ && "
                  f"! ping {away} -c1 -W1 teams.microsoft.com >/dev/null 2>&1")
        done = run(LAB, name, "--", "sh", "-c", script)
        tap.equal(0, done.returncode, f"{name}: there is {there} and no {away}")


# Prints the namespaces it is in, then waits; on SIGINT it takes its time and exits with 42.
VICTIM = """
import os, signal, sys, time
def end(*_):
    global interrupts
    interrupts += 1
interrupts = 0
signal.signal(signal.SIGINT, end)
print(os.readlink('/proc/self/ns/net'), os.readlink('/proc/self/ns/pid'),
      'net:[%d]' % os.stat('/run/netns/internet').st_ino, flush=True)
while not interrupts:
    time.sleep(0.05)
time.sleep(0.4)
print('interrupts', interrupts, flush=True)
sys.exit(42)
"""


def remains(namespaces):
    """The remains of a lab: processes in its namespaces, mounts, files."""
    left = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        for kind in ("net", "pid"):
            try:
                link = os.readlink(f"/proc/{pid}/ns/{kind}")
            except OSError:
                continue
            if link in namespaces:
                left.append(f"process {pid} in {link}")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        left += [line for line in file if any(name in line for name in namespaces)]
    left += [path for path in ("/run/edgelat-lab", "/run/netns/internet")
             if os.path.exists(path)]
    return left


def start_victim(**options):
    process = subprocess.Popen([LAB, "--", lab.PYTHON, "-c", VICTIM], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options)
    return process, process.stdout.readline().split()


def test_end(tap):
    for number, code in ((signal.SIGINT, 42), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        process, namespaces = start_victim()
        tap.ok(len(remains(namespaces)) >= 5, "a lab is there", remains(namespaces))
        process.send_signal(number)
        process.communicate(timeout=10)
        tap.equal(code, process.returncode, f"{number.name} ends it with the command's code")
        left = lab.wait_for(lambda: not remains(namespaces), 3) or remains(namespaces)
        tap.ok(left is True, f"nothing is left after {number.name}", left)


def test_terminal(tap):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(LAB, [LAB, "--", lab.PYTHON, "-c", VICTIM])
    said = b""
    while b"]\r\n" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    try:
        while chunk := os.read(terminal, 1000):
            said += chunk
    except OSError:  # Linux says EIO at the end of a terminal
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tap.equal(42, code, "Ctrl-C gives the command the time to end")
    tap.ok(b"interrupts 1\r\n" in said, "and reaches it once", said)
    tap.equal([], remains(said.decode().split()[:3]), "nothing is left after Ctrl-C")


def test_sentences(tap):
    for what, args, words in (
            ("an unknown scenario", ["nosuch", "--", "true"], "use one of akamai, "),
            ("no command", ["default"], "usage"),
            ("an unknown command", ["--", "no-such-command"], "no-such-command")):
        done = run(LAB, *args)
        tap.ok(done.returncode == 2 and words in done.stderr and
               len(done.stderr.splitlines()) == 1, f"{what}: one plain sentence", done.stderr)
    tap.equal(7, run(LAB, "--", "sh", "-c", "exit 7").returncode, "the command's exit code")


def test_without_root(tap):
    """As user nobody, once with a /dev/net/tun that everybody may open, as on usual hosts, and once without."""
    if os.geteuid() != 0:
        tap.note("not root: all of the above was without root already")
        return
    for mode, code, words in (("666", 0, "time="), ("600", 2, "/dev/net/tun: Permission denied")):
        relay = os.environ.get("EDGELAT_RELAY", os.path.join(
            lab.TOP, os.environ.get("BUILD", "build"), "lab", "relay"))
        # a copy readable by nobody (65534): the checkout may be in a private folder
        script = ("mount -t tmpfs none /dev/net && mknod /dev/net/tun c 10 200 && "
                  f"chmod {mode} /dev/net/tun && mount -t tmpfs none /mnt && cd /mnt && "
                  "mkdir -p test build/lab && "
                  f"cp -r {lab.TOP}/scripts . && cp -r {lab.TOP}/test/lab test && "
                  f"cp {relay} build/lab/relay && chmod -R a+rX . && "
                  "exec env -u EDGELAT_RELAY -u BUILD setpriv --reuid 65534 --regid 65534 "
                  "--clear-groups scripts/lab -- ping -c 3 -i 0.2 outlook.office365.com")
        done = run("unshare", "--mount", "sh", "-c", script)
        tap.ok(done.returncode == code and words in done.stdout + done.stderr,
               f"without root, /dev/net/tun with mode {mode}: {words}", done)


def around():
    tap = Tap()
    began = time.monotonic()
    run(LAB, "--", "true")
    start = time.monotonic() - began
    tap.ok(start < 2, f"a lab is built and gone within {start:.2f} s")
    with subprocess.Popen([LAB, "--", lab.PYTHON, "-B", os.path.abspath(__file__), "inside"],
                          text=True, stdout=subprocess.PIPE) as process:
        tap.include(process.stdout)
    tap.equal(0, process.returncode, "the tests in the lab")
    for test in (test_seed, test_families, test_end, test_terminal, test_sentences,
                 test_without_root):
        test(tap)
    tap.note(f"took {time.monotonic() - began:.0f} s")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else around())
