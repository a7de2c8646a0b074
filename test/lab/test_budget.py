#!/usr/bin/python3 -B
"""The budget's account against a capture: everything that the agent sends and receives (probes of all kinds, a burst like a call, traces,
searches of the MTU, lookups of names, of routers and of their AS, the sweep) is in it, and it holds at most twice what was on the wire.

Runs itself in the lab."""

import json
import os
import struct
import sys
import time

import lab
import probing
from lab import Tap, run, wait_for
from probing import EDGELAT, Capture
from test_media import FRANKFURT, coturn

LIMIT, PACKETS = 400 << 20, 4 << 20
CONFIGURATION = """window = 5s
status_socket = {folder}/status
stop_file = {folder}/stop
budget = 400M/4M
media_bursts = 24
front_doors = 2
[dns]
servers = 198.51.100.53
[path]
as_dns = yes
interval = 10s
mtu_interval = 10s
[target teams]
host = teams.microsoft.com
kinds = icmp tcp https
interval = 1s
slow_interval = 1s
[target exchange]
host = outlook.office365.com
kinds = icmp tcp https
interval = 2s
slow_interval = 2s
[target media]
host = 203.0.113.30
kinds = stun
interval = 1s
slow_interval = 1s
"""

tap = Tap()


def on_the_wire(capture):
    """{what: [packets, bytes]} of IP packets, without what does not come from the agent: neighbour discovery, group membership."""
    found = {}
    for _, packet in list(capture.packets):
        protocol, _, _, body = capture._parse(packet)
        size = struct.unpack_from(">H", packet, 4)[0] + 40 if packet[0] >> 4 == 6 else struct.unpack_from(">H", packet, 2)[0]
        if protocol in (0, 2) or (protocol == 58 and 130 <= body[0] <= 143):
            continue
        port = struct.unpack_from(">HH", body) if protocol in (6, 17) else ()
        what = "dns" if 53 in port else "stun" if 3478 in port else {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp"}.get(protocol, protocol)
        count = found.setdefault(what, [0, 0])
        count[0] += 1
        count[1] += size
    return found


def main():
    path, state = probing.configuration("budget", CONFIGURATION.format(folder=lab.FOLDER), "")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace("gateway = no\n", "").replace("probe = no\n", "")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.makedirs(state)
    for name, content in (("instance_id", probing.identity_with_burst(24, 18, 24)), ("budget", f"edgelat-budget 1 {int(time.time() // 86400)} 0 0 0 0")):
        with open(os.path.join(state, name), "w", encoding="utf-8") as file:
            file.write(content + "\n")
    status = lambda: json.loads(run(EDGELAT, "status", "-c", path, "--json").stdout or "{}")
    checked = run(EDGELAT, "check-config", path).stdout
    tap.ok("budget 419.4 MB a day (UTC), at most 4194304 packets" in checked, "check-config says what it is", checked)
    with coturn(FRANKFURT), Capture() as capture, open(os.path.join(lab.FOLDER, "budget.log"), "w", encoding="utf-8") as log, \
            lab.running(EDGELAT, "run", "-c", path, stderr=log) as agent:
        tap.ok(wait_for(lambda: "budget" in status(), 15, 0.2), "the agent runs", lab.read("budget.log"))
        time.sleep(60)
        wait_for(lambda: status().get("media"), 20, 0.5)
        agent.terminate()
        agent.wait(10)
        account = None
        with open(os.path.join(state, "budget"), encoding="utf-8") as file:
            account = [int(word) for word in file.read().split()[2:]]
        time.sleep(0.5)
    wire = on_the_wire(capture)
    packets, size = (sum(count[i] for count in wire.values()) for i in (0, 1))
    spent = sum(account[2:])
    tap.note(f"wire: {packets} packets, {size} bytes: {wire}")
    tap.note(f"account: {spent} bytes: probes, paths, names {account[2:]}; each packet counts as at least {LIMIT / PACKETS:.0f} bytes")
    for what in ("dns", "stun", "icmp", "tcp"):
        tap.ok(wire.get(what, [0])[0] > 0, f"{what} was on the wire", wire)
    tap.ok(max(size, packets * LIMIT / PACKETS) <= spent, "the account has all of it", (size, packets, spent))
    tap.ok(spent <= 2 * size, "and at most twice as much", (size, packets, spent))
    names = wire["dns"]
    tap.ok(account[4] >= names[1] - account[2], "names are in it", (names, account))
    tap.row("budget", "all consumers, a minute", f"{size} bytes and {packets} packets on the wire, {spent} bytes in the account")
    return tap.finish()


probing.run_in_lab("default", __file__)
sys.exit(main())
