"""A router that answers packets whose TTL has ended itself, as Linux does not: INTERFACE ADDRESS MODE, in its namespace.

mpls: quotes 128 bytes and adds two MPLS labels (RFC 4884, RFC 4950). short: quotes the IP header and 8 bytes (RFC 792).
"""
import socket
import struct
import sys

interface, address, mode = sys.argv[1], socket.inet_aton(sys.argv[2]), sys.argv[3]
LABELS = struct.pack(">II", 24001 << 12 | 5 << 9 | 1, 17 << 12 | 1 << 8 | 1)


def summed(message):
    """With its checksum (RFC 1071) in bytes 2 and 3, which are 0."""
    total = sum(struct.unpack(f">{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + struct.pack(">H", ~total & 0xFFFF) + message[4:]


def error(packet):
    if mode == "short":
        return summed(bytes([11, 0, 0, 0, 0, 0, 0, 0]) + packet[:28])
    labels = struct.pack(">HBB", 4 + len(LABELS), 1, 1) + LABELS
    extension = summed(bytes([0x20, 0, 0, 0]) + labels)
    return summed(bytes([11, 0, 0, 0, 0, 32, 0, 0]) + packet[:128].ljust(128, b"\0") + extension)


heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
heard.bind((interface, 0x800))
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
print("ready", flush=True)
while True:
    packet, source = heard.recvfrom(2048)
    if source[2] != socket.PACKET_HOST or packet[8] != 1:
        continue
    body = error(packet)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0) + address + packet[12:16]
    raw.sendto(head + body, (socket.inet_ntoa(packet[12:16]), 0))
