#!/usr/bin/python3 -B
"""Counters of network interfaces: `edgelat run` in a namespace, known traffic, compared with `ip -s -j link`. Half duplex and drops are
findings; an interface that is made again has no negative and no doubled traffic."""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import time

from lab import Tap, alone, run, wait_for
from probing import EDGELAT

tap = Tap()
TO, SIZE, SECOND, SECONDS, UNKNOWN = "10.8.0.9", 1172, 1000, 3, 400  # 1,000 datagrams of 1,200 + 14 bytes a second
SENT = SECONDS * SECOND * (SIZE + 28 + 14)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def make(name):
    ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
    ip("link", "set", name + "p", "up")
    ip("link", "set", name, "up")


def half_duplex(name):
    """A tap interface with 10 Mbit/s, half duplex (ETHTOOL_SSET); the caller keeps the file."""
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, 0x400454CA, struct.pack("16sH14x", name.encode(), 0x1002))
    buffer = ctypes.create_string_buffer(struct.pack("=IIIHBBBBBBIIHBBI8x", 2, 0, 0, 10, *[0] * 12), 44)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8946, struct.pack("16sQ16x", name.encode(), ctypes.addressof(buffer)))
    ip("link", "set", name, "up")
    return file


def counters(name):
    found = json.loads(run("ip", "-s", "-j", "link", "show", name).stdout)[0]["stats64"]
    return {(way, what): found[side][word] for way, side in (("receive", "rx"), ("transmit", "tx"))
            for what, word in (("io", "bytes"), ("packets", "packets"), ("errors", "errors"), ("drops", "dropped"))}


def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((TO, 9))
        begin = time.monotonic()
        for i in range(SECONDS * 50):
            for _ in range(SECOND // 50):
                s.send(b"x" * SIZE)
            time.sleep(max(0, begin + (i + 1) / 50 - time.monotonic()))


def send_unknown():
    """Frames of a protocol that this host does not know (IEEE local experimental)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("w0p", 0))
        for _ in range(UNKNOWN):
            s.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x88\xb5" + bytes(64))


def points(state):
    """{(metric, interface, direction): [values, oldest first]}"""
    found = {}
    for name in sorted(os.listdir(f"{state}/spool")):
        if not name.endswith("-metrics.pb.gz"):
            continue
        for line in run(EDGELAT, "decode", f"{state}/spool/{name}").stdout.splitlines():
            for metric in json.loads(line)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                if not metric["name"].startswith("edgelat.interface."):
                    continue
                for point in (metric.get("sum") or metric["gauge"])["dataPoints"]:
                    of = {a["key"]: a["value"]["stringValue"] for a in point["attributes"]}
                    key = metric["name"][18:], of["network.interface.name"], of.get("network.io.direction", "")
                    found.setdefault(key, []).append(float(point.get("asDouble", point.get("asInt", 0))))
    return found


def main(folder):
    ip("link", "set", "lo", "up")
    make("w0")
    ip("addr", "add", "10.8.0.1/24", "dev", "w0")
    ip("route", "add", "default", "via", "10.8.0.2")
    for address in ("10.8.0.2", TO):
        ip("neigh", "add", address, "lladdr", "02:00:00:00:00:02", "dev", "w0")
    make("d0")
    kept = half_duplex("tap0")
    with open(f"{folder}/conf", "w", encoding="utf-8") as file:
        file.write(f"""[agent]
state_dir = {folder}/state
status_socket = {folder}/status
stop_file = {folder}/stop
window = 5s
workloads = no
front_doors = 0
[traffic]
interfaces = tap0 d0 nosuch0
[target self]
host = 127.0.0.1
kinds = icmp
""")
    before = counters("w0")
    agent = subprocess.Popen([EDGELAT, "run", "-c", f"{folder}/conf"], stdout=subprocess.DEVNULL, stderr=open(f"{folder}/log", "w", encoding="utf-8"))
    try:
        status = lambda *more: run(EDGELAT, "status", "-c", f"{folder}/conf", *more)
        wait_for(lambda: status("--json").stdout, 5)
        time.sleep(max(0, 5.2 - time.time() % 5))  # begin with a window: all that is sent lies in one
        send()
        send_unknown()
        ip("link", "del", "d0")
        make("d0")
        time.sleep(max(0, 5.3 - time.time() % 5))
        text, shown = status().stdout, json.loads(status("--json").stdout)
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(10)
    after, found = counters("w0"), points(f"{folder}/state")
    os.close(kept)
    for (way, what), value in after.items():
        grown, ours = value - before[way, what], found.get((what, "w0", way), [-1])[-1]
        tap.ok(abs(ours - grown) <= 0.01 * grown, f"w0, {what}, {way}: {ours:.0f}, ip says {grown}", found)
    tap.ok(SENT <= found["io", "w0", "transmit"][-1] < 1.01 * SENT, "what was sent", (SENT, found["io", "w0", "transmit"]))
    tap.ok(found["drops", "w0", "receive"][-1] == UNKNOWN, "and what was dropped", found["drops", "w0", "receive"])
    rate, highest = max(found["rate", "w0", "transmit"]), max(found["rate.max", "w0", "transmit"])
    tap.near(1, rate / (SENT / 5), 0.1, "mean rate of the window")
    tap.near(1, highest / (SENT / SECONDS), 0.15, "rate of the highest second")
    tap.equal(10e9, found["speed", "w0", ""][-1], "speed of veth, as its driver says")
    tap.near(8 * rate / 10e9, max(found["utilization", "w0", "transmit"]), 1e-9, "utilization")
    tap.ok(min(found["io", "d0", "transmit"]) >= 0 and sorted(found["io", "d0", "transmit"]) == found["io", "d0", "transmit"],
           "an interface that is made again: its sum does not fall", found["io", "d0", "transmit"])
    by_name = {i["name"]: i for i in shown["interfaces"]}
    tap.equal({"w0", "d0", "tap0"}, set(by_name), "the interface of the default route and the configured ones")
    tap.equal(("half", 10e6), (by_name["tap0"]["duplex"], by_name["tap0"]["speed_bit_s"]), "duplex and speed by ethtool netlink")
    findings = "\n".join(shown["findings"])
    for words in ("interface tap0: half duplex at 10 Mbit/s", f"interface w0: {UNKNOWN} receive drops (", "interface nosuch0: there is no such interface"):
        tap.ok(words in findings, f"finding: {words}", findings)
    tap.ok("interface w0: up, 10000 Mbit/s full duplex, received " in text, "and a line for people", text)


if __name__ == "__main__":
    alone("interfaces", main, tap)
