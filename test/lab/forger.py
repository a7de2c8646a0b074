"""Runs in the lab's internet, for an address that no host has: answers echo requests to it
with forged replies at once, and with the correct reply 5 ms later.

    forger.py ADDRESS

Prints a line when ready, and on SIGTERM the number of forged replies sent.
"""

import signal
import socket
import struct
import sys
import time

ELSEWHERE = "203.0.113.20"
LATER_S = 0.005


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def reply(source, destination, number, seq, payload):
    """An IPv4 packet with an echo reply."""
    head = struct.pack(">BBHHH", 0, 0, 0, number, seq)
    head = struct.pack(">BBHHH", 0, 0, checksum(head + payload), number, seq)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 1, 0,
                     socket.inet_aton(source), socket.inet_aton(destination))
    return ip + head + payload


def forgeries(address, branch, number, seq, payload):
    flipped = bytes([payload[-1] ^ 1])
    nonce = payload[:4] + bytes(byte ^ 0x5A for byte in payload[4:12]) + payload[12:]
    return [
        reply(address, branch, number, seq, bytes(len(payload))),  # another payload
        reply(address, branch, number, seq, nonce),  # another nonce
        reply(address, branch, number, seq, payload[:4]),  # cut short
        reply(ELSEWHERE, branch, number, seq, payload),  # from another address
        reply(address, branch, number ^ 1, seq, payload),  # another id
        reply(address, branch, number, seq ^ 1, payload[:-1] + flipped),  # another sequence
    ]


def main(address):
    requests = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    requests.bind(("wan0", 3))
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    forged = 0

    def end(*_):
        print(forged, flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while True:
        packet, (_, _, direction, *_) = requests.recvfrom(2048)
        if direction == socket.PACKET_OUTGOING or packet[0] != 0x45 or packet[9] != 1:
            continue
        if socket.inet_ntoa(packet[16:20]) != address or packet[20] != 8:
            continue
        branch = socket.inet_ntoa(packet[12:16])
        number, seq = struct.unpack_from(">HH", packet, 24)
        for wrong in forgeries(address, branch, number, seq, packet[28:]):
            out.sendto(wrong, (branch, 0))
            forged += 1
        time.sleep(LATER_S)
        out.sendto(reply(address, branch, number, seq, packet[28:]), (branch, 0))


if __name__ == "__main__":
    main(sys.argv[1])
