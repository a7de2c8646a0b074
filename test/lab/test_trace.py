#!/usr/bin/python3 -B
"""`edgelat trace` against real routers, whose path is known, and against traceroute and mtr: all methods and families, as
root and as nobody, with silent, rate-limited and looping routers, MPLS labels, short quotes and two equal-cost branches."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time

import routers
from lab import TOP, Tap

EDGELAT = os.path.join(TOP, os.environ.get("BUILD", "build"), "edgelat")
METHODS = ["--icmp", "--tcp", "--udp"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
tap = Tap()


class Trace:
    def __init__(self, net, *words, prefix=()):
        began = time.monotonic()
        done = net.run("host", *prefix, EDGELAT, "trace", "--json", *words)
        self.seconds = time.monotonic() - began
        self.code, self.error = done.returncode, done.stderr
        *self.hops, self.summary = [json.loads(line) for line in done.stdout.splitlines()] or [{}]
        self.addresses = [hop["address"] for hop in self.hops]
        self.answered = [hop["answered"] for hop in self.hops]

    def __str__(self):
        return f"{self.code} {self.error}{self.addresses} {self.answered} {self.summary}"


def branch_of(addresses, truth):
    """The branch whose hops these are."""
    return next((name for name, path in truth.items() if path == addresses), None)


@contextlib.contextmanager
def capture(net):
    """Yields a list that holds, at the end, the lines of tcpdump: what the host sent."""
    lines = []
    process = net.start("host", "tcpdump", "-i", "r1", "-n", "-l", "--immediate-mode", "-Q", "out", "-t", "-x",
                        "(icmp or icmp6 or tcp or udp) and not (icmp6[0] >= 133 and icmp6[0] <= 137)",
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stderr.readline()
    yield lines
    time.sleep(0.1)
    process.terminate()
    lines += process.communicate()[0].splitlines()


def packets_in(lines):
    """The IPv4 packets of tcpdump -x that go to Microsoft's network."""
    for text in re.split(r"\n(?=\S)", "\n".join(lines)):
        packet = bytes.fromhex("".join(re.findall(r"0x[0-9a-f]+: +([0-9a-f ]+)", text)).replace(" ", ""))
        if packet[16:18] == bytes([13, 107]):
            yield packet


def flow_of(packet):
    """What routers may hash: addresses, protocol, and ports, or type, code and checksum of ICMP, and the checksum of UDP."""
    protocol, body = packet[9], packet[20:]
    return packet[12:20].hex(), protocol, body[:8 if protocol == 1 else 4].hex()[:12 if protocol == 1 else 8], \
        body[6:8].hex() if protocol == 17 else ""


def check_truth(net):
    """Hop by hop, and every answer from one branch."""
    for family, truth, target in (("-4", routers.TRUTH, routers.TARGET), ("-6", routers.TRUTH6, routers.TARGET6)):
        for method in METHODS:
            what = f"{method[2:]} {family}"
            trace = Trace(net, family, method, "target.example")
            tap.ok(branch_of(trace.addresses, truth), f"{what}: the hops are the path of one branch", trace)
            tap.equal([3] * 6, trace.answered, f"{what}: every query is answered")
            tap.equal([[]] * 6, [hop["other_addresses"] for hop in trace.hops], f"{what}: no other branch")
            tap.equal((0, target, "reached"), (trace.code, trace.summary["address"], trace.summary["end"]),
                      f"{what}: the target is reached")
            tap.ok(trace.seconds < 2, f"{what}: takes less than 2 s", trace.seconds)
            if method != "--tcp":  # the kernel has no TTL of a SYN-ACK
                tap.equal([64, 63, 62, 61, 60, 59], [hop["reply_ttl"] for hop in trace.hops],
                          f"{what}: the TTL of the answers")
                tap.equal([1, 2, 3, 4, 5, 6], [hop["hops_back"] for hop in trace.hops], f"{what}: the length of the way back")
    tap.equal(["local", "provider", "provider", "microsoft", "microsoft", "microsoft"],
              [hop["segment"] for hop in Trace(net, "target.example").hops], "segments")
    entry = Trace(net, "target.example").summary["entry"]
    tap.equal(("found", 4, "LON", 3), (entry["state"], entry["hop"], entry["metro"], entry["behind_hop"]), "the entry")
    tap.equal([8075], list({hop["as"] for hop in Trace(net, "target.example").hops[3:]}), "the AS of its hops")


def check_way_back(net):
    """The answers of r5 and of the target come back by five hops more, as their TTL says."""
    trace = Trace(net, "-4", "target.example")
    tap.equal(("cold", 0), (trace.summary["potato"]["grade"], trace.summary["potato"]["asymmetry"]), "equal ways, a server at the entry")
    with net.rule("r4", "forward", "ip daddr 192.168.7.1 ip saddr 104.44.2.2 ip ttl set 58\nip daddr 192.168.7.1 ip saddr "
                  f"{routers.TARGET} ip ttl set 57"):
        trace = Trace(net, "-4", "target.example")
        text = net.run("host", EDGELAT, "trace", "-4", "target.example").stdout
    tap.equal([1, 2, 3, 4, 10, 11], [hop["hops_back"] for hop in trace.hops], "the length of the way back")
    tap.equal(5, trace.summary["potato"]["asymmetry"], "is longer inside of Microsoft's network")
    tap.ok("Cold potato, as far as it shows" in text and "  10  3 of 3" in text, "the text", text)
    with net.rule("r4", "output", "icmp type time-exceeded drop"), net.rule("r5", "output", "icmp type time-exceeded drop"), \
            net.rule("target", "output", f"ip saddr {routers.TARGET} drop"):
        trace = Trace(net, "-4", "target.example")
    tap.equal(("cannot_tell", None), (trace.summary["potato"]["grade"], trace.summary["potato"]["asymmetry"]), "cannot tell")


def check_beside_traceroute(net):
    """ICMP has no ports: traceroute's packets go along the same branch."""
    trace = Trace(net, "--icmp", "target.example")
    other = net.run("host", "traceroute", "-I", "-n", "-q", "3", routers.TARGET).stdout
    theirs = [re.findall(r"^ *\d+ +([\d.]+)", line) for line in other.splitlines()[1:]]
    tap.equal([address for line in theirs for address in line], trace.addresses, "the same hops as traceroute -I")
    slowest = max(float(ms) for ms in re.findall(r"([\d.]+) ms", other))
    ours = max(hop["delays"]["min"] for hop in trace.hops)
    tap.ok(ours < slowest + 1, "delays not above those of traceroute", f"{ours}, {slowest}")


def check_packets(net):
    """20 hops, counted by a capture; one flow."""
    for method in METHODS:
        with capture(net) as lines:
            trace = Trace(net, method, "far.example")
        sent = [line for line in lines if f"> {routers.FAR}" in line]
        flows = {flow_of(packet) for packet in packets_in(lines)}
        tap.equal(20, len(trace.hops), f"{method[2:]}: 20 hops")
        tap.ok(0 < len(sent) <= 90, f"{method[2:]}: at most 90 packets: {len(sent)}")
        tap.equal(1, len(flows), f"{method[2:]}: one flow: {flows}")
        tap.ok(trace.seconds < 2, f"{method[2:]}: 20 hops in less than 2 s: {trace.seconds:.2f}")
    tap.row("a long path", "20 hops by ICMP, TCP and UDP", "at most 90 packets, one flow, less than 2 s")


def check_silent(net):
    for method in METHODS:
        with net.rule("r3", "output", "icmp type time-exceeded drop"):
            trace = Trace(net, method, "target.example")
        tap.equal([3, 3, 0, 3, 3, 3], trace.answered, f"{method[2:]}: a silent hop")
        tap.equal(None, trace.addresses[2], f"{method[2:]}: it has no address")
        tap.ok(trace.seconds < 1, f"{method[2:]}: it delays the trace by little: {trace.seconds:.2f} s")
        entry = trace.summary["entry"]
        tap.equal(("hidden", 4, 2, None), (entry["state"], entry["hop"], entry["behind_hop"], entry["metro"]),
                  f"{method[2:]}: the entry is hidden between hop 2 and hop 4")
        tap.ok("Cannot tell" in trace.summary["verdict"], f"{method[2:]}: the verdict says so", trace.summary["verdict"])
    with net.rule("r4", "output", "icmp type time-exceeded drop"):
        trace = Trace(net, "target.example")
    tap.equal(("hidden", 5), (trace.summary["entry"]["state"], trace.summary["entry"]["hop"]), "a silent entry is hidden")


def check_rate_limit(net):
    with net.rule("r4", "output", "icmp type time-exceeded limit rate over 1/second burst 1 packets drop"):
        trace = Trace(net, "--icmp", "target.example")
        text = net.run("host", EDGELAT, "trace", "--icmp", "target.example").stdout
    tap.ok(1 <= trace.answered[3] < 3, "a rate-limited hop answers some", trace)
    tap.equal([3, 3, 3], trace.answered[:3], "the hops before it answer all")
    tap.equal([3, 3], trace.answered[4:], "and those behind it")
    tap.ok("of 3" in text and "not packet loss" in text and "%" not in text, "it is not shown as loss", text)


def check_answers(net):
    """Routers whose errors differ from Linux's."""
    for method in METHODS:
        with net.answering("r4", "r3", "104.44.1.2", "mpls"):
            trace = Trace(net, method, "target.example")
        labels = [(label["label"], label["traffic_class"], label["bottom"], label["ttl"])
                  for label in trace.hops[3]["mpls"]]
        tap.equal([(24001, 5, False, 1), (17, 0, True, 1)], labels, f"{method[2:]}: MPLS labels")
        tap.equal([[]] * 5, [hop["mpls"] for hop in trace.hops if hop["hop"] != 4], f"{method[2:]}: of that hop only")
        with net.answering("r4", "r3", "104.44.1.2", "short"):
            trace = Trace(net, method, "target.example")
        tap.ok(branch_of(trace.addresses, routers.TRUTH), f"{method[2:]}: a router that quotes 8 bytes", trace)
        tap.ok(trace.answered[3] >= 2, f"{method[2:]}: its answers are matched", trace.answered)


def check_loop(net):
    for method in METHODS:
        with capture(net) as lines:
            trace = Trace(net, method, routers.LOOPED)
        tap.equal((1, "loop"), (trace.code, trace.summary["end"]), f"{method[2:]}: a routing loop")
        tap.equal(["104.44.1.2", "104.44.1.1", "104.44.1.2"], trace.addresses[3:], f"{method[2:]}: its routers")
        tap.ok(0 < len(list(packets_in(lines))) <= 90 and trace.seconds < 2, f"{method[2:]}: at most 90 packets, less than 2 s",
               f"{len(lines)} lines, {trace.seconds}")


def check_unreachable(net):
    """What stops the packets: a router, this host, or its next hop."""
    for method in METHODS:
        with net.rule("r5", "forward", f"ip daddr {routers.TARGET} reject with icmp type admin-prohibited"):
            trace = Trace(net, method, "target.example")
        tap.equal((1, "unreachable", 6), (trace.code, trace.summary["end"], trace.summary["end_hop"]),
                  f"{method[2:]}: a router refuses")
        tap.equal("administratively prohibited", trace.hops[-1]["cause"], "and says why")
        with net.rule("host", "output", f"ip daddr {routers.TARGET} reject"):
            trace = Trace(net, method, "target.example")
        tap.ok(trace.code == 2 and "this host's firewall" in trace.error, f"{method[2:]}: this host refuses", trace)
        with net.rule("target", "input", f"ip daddr {routers.TARGET} drop"):
            trace = Trace(net, method, "target.example")
        tap.equal((1, 5, [3] * 5, "silent"), (trace.code, len(trace.hops), trace.answered, trace.summary["end"]),
                  f"{method[2:]}: a silent target")
        tap.ok(trace.seconds < 2, f"{method[2:]}: in less than 2 s: {trace.seconds:.2f}")
        tap.equal(("found", 4), (trace.summary["entry"]["state"], trace.summary["entry"]["hop"]), "the entry is found")
    done = Trace(net, "192.168.7.77")
    tap.ok(done.code == 2 and "does not answer ARP" in done.error, "nobody has the address", done)


def check_dead_dns(net):
    """Names of routers that DNS does not tell."""
    with net.rule("host", "input", "udp dport 53 drop"):
        trace = Trace(net, routers.TARGET)
        numeric = Trace(net, "-n", routers.TARGET)
    tap.ok(trace.code == 0 and trace.seconds < 2, f"a silent DNS server: {trace.seconds:.2f} s", trace)
    tap.ok(branch_of(trace.addresses, routers.TRUTH), "the path is shown", trace)
    tap.ok(numeric.seconds < 1, f"-n does not ask: {numeric.seconds:.2f} s")
    tap.equal(("hidden", 4), (trace.summary["entry"]["state"], trace.summary["entry"]["hop"]), "the entry's metro is hidden")


def check_paths(net):
    net.run("host", "sysctl", "-qw", "net.ipv4.ip_local_port_range=50000 50039")  # few, so that one comes again
    for method in ("--tcp", "--udp"):
        with capture(net) as lines:
            trace = Trace(net, method, "--paths", "-4", "target.example")
        flows = {flow_of(packet)[:3] for packet in packets_in(lines)}
        tap.equal((16, 16), (len(flows), trace.summary["flows"]), f"{method[2:]}: 16 flows")
        for hop, truth in zip(trace.hops, zip(routers.TRUTH["a"], routers.TRUTH["b"])):
            tap.equal(set(truth), {branch["address"] for branch in hop["branches"]},
                      f"{method[2:]}: the branches of hop {hop['hop']}")
            tap.equal(16, sum(branch["flows"] for branch in hop["branches"]), "in so many flows")
        tap.ok(trace.seconds < 5, f"{method[2:]}: takes {trace.seconds:.2f} s")
    net.run("host", "sysctl", "-qw", "net.ipv4.ip_local_port_range=32768 60999")


def check_paths_and_icmp(net):
    trace = Trace(net, "--paths", "-4", "target.example")
    tap.equal(("tcp", 16), (trace.summary["kind"], trace.summary["flows"]), "--paths goes by TCP, unless it is told")
    refused = net.run("host", EDGELAT, "trace", "--icmp", "--paths", "-4", "target.example")
    tap.equal((2, "edgelat: --paths varies ports, which ICMP has not; leave out --icmp\n"), (refused.returncode, refused.stderr),
              "--paths by ICMP is refused")
    text = net.run("host", EDGELAT, "trace", "--paths", "-4", "target.example").stdout
    rows = [line for line in text.splitlines() if re.match(r" +\d", line)]
    tap.ok("yyy.router.example" in text and max(map(len, rows)) < 130, "a long name is cut at its left", text)


def check_nobody(net):
    for allowed, default in (("1 0", "tcp"), ("0 2147483647", "icmp")):
        net.run("host", "sysctl", "-qw", f"net.ipv4.ping_group_range={allowed}")
        for family, truth in (("-4", routers.TRUTH), ("-6", routers.TRUTH6)):
            for method in ("--tcp", "--udp", "--icmp")[:2 + (default == "icmp")]:
                trace = Trace(net, family, method, "target.example", prefix=NOBODY)
                tap.ok(branch_of(trace.addresses, truth) and trace.answered == [3] * 6,
                       f"nobody, {default}: {method[2:]} {family}", trace)
        trace = Trace(net, "target.example", prefix=NOBODY)
        tap.equal([64, 63, 62, 61, 60], [hop["reply_ttl"] for hop in trace.hops[:5]], "nobody: the length of the way back")
        tap.equal(default, trace.summary["kind"], f"nobody: the default is {default}")
        with net.answering("r4", "r3", "104.44.1.2", "mpls"):
            trace = Trace(net, "target.example", prefix=NOBODY)
        tap.equal(2, len(trace.hops[3]["mpls"]), f"nobody, {default}: MPLS labels")
    net.run("host", "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    done = net.run("host", *NOBODY, EDGELAT, "trace", "--icmp", routers.TARGET)
    tap.equal(2, done.returncode, "nobody without ping sockets: --icmp is refused")
    tap.ok("use --tcp" in done.stderr, "and the message names the next step", done.stderr)


def check_errors(net):
    for words, said in ((["nowhere.example"], "no such name"), (["-6", routers.TARGET], "an IPv4 address; omit -6"),
                        (["-6", "far.example"], "no address of that family"),
                        (["--icmp", "target.example:443"], "icmp has no ports"),
                        (["--tcp", "--udp", "target.example"], "exclude each other"),
                        (["target.example", "other"], "one HOST, not also 'other'"), ([], "HOST is required"),
                        (["https://target.example/x"], "use 'target.example'"), (["target.example:x"], "'target.example:x'"),
                        (["224.0.0.1"], "not the address of one host"), (["--jsno", "x"], "did you mean --json?")):
        done = net.run("host", EDGELAT, "trace", *words)
        tap.equal((2, ""), (done.returncode, done.stdout), f"{' '.join(words)}: exit code 2")
        tap.ok(said in done.stderr and done.stderr.count("\n") == 1, f"one sentence: {said}", done.stderr)
    net.batch("host", ["route del default"])
    for method in METHODS:
        done = net.run("host", EDGELAT, "trace", method, routers.TARGET)
        tap.equal(2, done.returncode, f"{method[2:]}: no route")
        tap.ok("no route" in done.stderr, "says so", done.stderr)
    net.batch("host", ["route add default via 192.168.7.2"])


def main():
    routers.enter()
    with routers.lab() as net:
        Trace(net, "-6", "target.example")  # neighbours are known from here on
        mtr = net.start("host", "mtr", "-r", "-n", "-c", "1", routers.TARGET, stdout=subprocess.PIPE)  # takes 6 s
        beside_mtr = Trace(net, "--icmp", "target.example")
        for check in (check_truth, check_way_back, check_beside_traceroute, check_packets, check_silent, check_rate_limit, check_answers,
                      check_loop, check_unreachable, check_paths, check_paths_and_icmp, check_errors, check_dead_dns):
            check(net)
        if os.geteuid() == 0 and net.run("host", *NOBODY, "true").returncode == 0:
            check_nobody(net)
        theirs = re.findall(r"\|-- ([\d.]+)", mtr.communicate(timeout=20)[0])
        tap.equal(theirs, beside_mtr.addresses, "the same hops as mtr")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
