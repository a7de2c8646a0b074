"""The actual delays on the wire: a capture on the client's interface with nanosecond
timestamps by dumpcap, decoded by tshark."""

import collections
import os
import signal
import time

import world

FIELDS = ("frame.time_epoch", "ip.src", "ip.dst", "udp.srcport", "udp.dstport", "icmp.type", "icmp.ident", "icmp.seq", "tcp.stream",
          "tcp.flags", "tls.record.opaque_type", "tls.record.length", "tls.handshake.type", "udp.payload")
SYN, SYN_ACK = 0x02, 0x12
CLIENT_HELLO = "1"
REQUEST_RECORD = 40  # is longer; an HTTP/2 SETTINGS, WINDOW_UPDATE or PING is not
REPLY_RECORD = 700  # only the reply to the request is longer: accuracy fills it up

# peer: the address, and of UDP the port, at the far end
Packet = collections.namedtuple("Packet", "ns ours peer port icmp echo stream flags records lengths hello udp")


class Capture:
    """Of what goes to and comes from some addresses (as in "host 192.0.2.1"); `name` is that of its file."""

    def __init__(self, interface, addresses, name="capture"):
        self.file, self.name = os.path.join(world.FOLDER, f"{name}.pcapng"), name
        self.process = world.start(name, [
            "dumpcap", "-q", "-i", interface, "-B", "64", "-w", self.file, "-f",
            f"{addresses} and (icmp or tcp port 443 or udp port 3478 or udp port 2112 or udp port 53)"])
        world.wait_until(self.is_open, name, self.process)
        time.sleep(0.3)

    def is_open(self):
        return os.path.exists(self.file) and os.path.getsize(self.file) > 0

    def stop(self):
        time.sleep(0.3)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)
        with open(os.path.join(world.FOLDER, f"{self.name}.log"), encoding="utf-8") as log:
            words = log.read()
        if "dropped on interface" in words and ": 0 (" not in words and "/0 (" not in words:
            raise world.BenchError("dumpcap lost packets: " + words.strip().splitlines()[-1])

    def packets(self):
        """All of them, after stop()."""
        fields = [word for field in FIELDS for word in ("-e", field)]
        lines = world.run("tshark", "-n", "-r", self.file, "-T", "fields", *fields)
        os.unlink(self.file)
        return [packet(line.split("\t")) for line in lines.splitlines()]


def packet(columns):
    epoch, source, destination, from_port, to_port, icmp, ident, seq, stream, flags, opaque, lengths, hello, udp = columns
    seconds, fraction = epoch.split(".")
    ours = source == world.BRANCH
    return Packet(int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9]), ours, destination if ours else source,
                  to_port if ours else from_port, icmp, (ident, seq), stream, int(flags or "0", 16), opaque.count("23"),
                  [int(n) for n in lengths.split(",") if n], hello.split(","), udp)


def echoes(packets):
    """Round trips of ICMP in the order of their requests, in ns; None without a reply."""
    sent, trips = {}, []
    for p in packets:
        if p.icmp == "8" and p.ours:
            sent[p.echo] = len(trips), p.ns
            trips.append(None)
        elif p.icmp == "0" and p.echo in sent:
            at, ns = sent.pop(p.echo)
            trips[at] = p.ns - ns
    return trips


def datagrams(packets):
    """Round trips by UDP in the order of the requests, in ns. STUN has its transaction id in these bytes of request and
    reply, irtt half of its session and the sequence number."""
    trips = {}
    for p in packets:
        key = p.udp[16:32]
        if key and p.ours:
            trips.setdefault(key, [p.ns, None])
        elif key in trips and trips[key][1] is None:
            trips[key][1] = p.ns
    return [between(*trip) for trip in trips.values()]


def queries(packets):
    """Round trips of DNS queries in the order of sending, in ns. An id may come again, but not before the answer."""
    sent, trips = {}, []
    for p in packets:
        key = p.udp[:4]
        if key and p.ours:
            sent[key] = len(trips), p.ns
            trips.append(None)
        elif key in sent:
            at, ns = sent.pop(key)
            trips[at] = p.ns - ns
    return trips


def connections(packets):
    """Of each connection in the order of the SYNs, in ns; None where it did not come so far; and whether TLS began:

    connect     from the SYN to its SYN-ACK
    tls         from the Client Hello to our Finished: our own crypto is in it
    first_byte  from the request to the reply

    With TLS 1.3 our first record of application data is the Finished; the request is the
    last long one before the reply: what HTTP/2 says of itself comes earlier or is shorter.
    """
    by_stream = {}
    for p in packets:
        if p.flags == SYN and p.stream not in by_stream:
            by_stream[p.stream] = []
        if p.stream in by_stream:
            by_stream[p.stream].append(p)
    return [phases(c) for c in by_stream.values()]


def phases(packets):
    syn_ack = hello = finished = request = reply = None
    for p in packets:
        longest = max(p.lengths, default=0)
        if p.flags == SYN_ACK:
            syn_ack = syn_ack or p.ns
        elif p.ours and CLIENT_HELLO in p.hello:
            hello = p.ns
        elif p.ours and p.records > 0 and finished is None:
            finished = p.ns
        elif p.ours and longest > REQUEST_RECORD and reply is None:
            request = p.ns
        elif not p.ours and longest > REPLY_RECORD and request and reply is None:
            reply = p.ns
    return {"connect": between(packets[0].ns, syn_ack), "tls": between(hello, finished),
            "first_byte": between(request, reply), "with_tls": hello is not None}


def between(begin, end):
    return None if begin is None or end is None else end - begin
