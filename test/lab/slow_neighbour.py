"""Answers ARP late, in a namespace whose kernel does not answer it.

    slow_neighbour.py INTERFACE ADDRESS SECONDS

Prints a line when ready.
"""

import socket
import struct
import sys
import time

ARP = 0x0806


def main(interface, address, delay):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP))
    s.bind((interface, ARP))
    own_mac, own = s.getsockname()[4], socket.inet_aton(address)
    print("ready", flush=True)
    while True:
        frame = s.recv(128)
        kind, mac, ip, _, wanted = struct.unpack_from(">H6s4s6s4s", frame, 20)
        if kind != 1 or wanted != own:
            continue
        time.sleep(float(delay))
        s.send(mac + own_mac + struct.pack(">HHHBBH", ARP, 1, 0x0800, 6, 4, 2) + own_mac + own + mac + ip)


if __name__ == "__main__":
    main(*sys.argv[1:])
