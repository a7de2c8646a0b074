"""What the bytes of a gzipped batch are spent on: reads deflate (RFC 1951) token by token and gives each byte of the message its
part of the bits; the message is read as protobuf (proto/otlp.proto), by metric and field."""

import collections
import gzip

LENGTHS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
LENGTH_BITS = [0] * 8 + [n for n in range(1, 6) for _ in range(4)] + [0]
DISTANCE_BITS = [0, 0] + [n for n in range(14) for _ in range(2)]
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
HISTOGRAM = {1: "attributes", 2: "times", 3: "times", 4: "count", 5: "sum", 6: "scale", 7: "zeros", 8: "buckets", 12: "minimum",
             13: "maximum"}
NUMBER = {7: "attributes", 2: "times", 3: "times", 4: "number", 6: "count"}


class Bits:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        value = sum((self.data[(self.at + i) >> 3] >> (self.at + i & 7) & 1) << i for i in range(n))
        self.at += n
        return value

    def symbol(self, codes):
        code = 1  # a leading 1 keeps the length
        while code not in codes:
            code = code << 1 | self.take(1)
        return codes[code]


def codes_of(lengths):
    codes, code = {}, 0
    for n in range(1, 16):
        for symbol in (s for s, length in enumerate(lengths) if length == n):
            codes[1 << n | code] = symbol
            code += 1
        code <<= 1
    return codes


def read_codes(bits):
    literals, distances, n = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    lengths = [0] * 19
    for i in range(n):
        lengths[ORDER[i]] = bits.take(3)
    codes, lengths = codes_of(lengths), []
    while len(lengths) < literals + distances:
        s = bits.symbol(codes)
        lengths += [s] if s < 16 else [lengths[-1]] * (3 + bits.take(2)) if s == 16 else [0] * (3 + bits.take(3) if s == 17 else 11 + bits.take(7))
    return codes_of(lengths[:literals]), codes_of(lengths[literals:])


def costs(body):
    """Bytes of the compressed body for each plain byte, and those of the tables of codes."""
    bits, out, tables, last = Bits(body), [], 0, 0
    while not last:
        began = bits.at
        last, kind = bits.take(1), bits.take(2)
        assert kind in (1, 2), "a stored block"
        literals, distances = read_codes(bits) if kind == 2 else (codes_of([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), codes_of([5] * 30))
        tables += (bits.at - began) / 8
        while True:
            began = bits.at
            s = bits.symbol(literals)
            if s == 256:
                break
            n = 1
            if s > 256:
                n = LENGTHS[s - 257] + bits.take(LENGTH_BITS[s - 257])
                bits.take(DISTANCE_BITS[bits.symbol(distances)])
            out += [(bits.at - began) / 8 / n] * n
    return out, tables


def varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return n, at


def fields(data, at, end):
    """(number, where it starts, where its body does, where it ends)"""
    while at < end:
        tag, body = varint(data, at)
        if tag & 7 == 2:
            n, body = varint(data, body)
            after = body + n
        else:
            after = body + 8 if tag & 7 == 1 else varint(data, body)[1]
        yield tag >> 3, at, body, after
        at = after


def of_metric(data, start, body, end):
    """(what, where it starts): what follows has this label until the next."""
    found = list(fields(data, body, end))
    name = next(data[b:e].decode() for number, _, b, e in found if number == 1)
    yield (name, "name, description, unit"), start
    for number, _, b, e in found:
        if number not in (5, 7, 10):
            continue
        for field, at, point, after in fields(data, b, e):
            if field == 1:
                yield (name, "lengths"), at
                yield from (((name, (HISTOGRAM if number == 10 else NUMBER).get(f, "other")), a) for f, a, _, _ in fields(data, point, after))


def cost(file):
    """Bytes by (metric, field)."""
    with open(file, "rb") as packed:
        packed = packed.read()
    data = gzip.decompress(packed)
    out, tables = costs(packed[10:-8])
    starts = [(("resource", "resource"), 0)]
    for _, _, request, end in fields(data, 0, len(data)):
        for number, start, body, after in fields(data, request, end):
            if number == 2:
                for field, at, metric, metric_end in fields(data, body, after):
                    if field == 2:
                        starts += of_metric(data, at, metric, metric_end)
    by = collections.Counter({("gzip", "gzip"): tables + 18})
    for (label, start), (_, end) in zip(starts, starts[1:] + [(None, len(data))]):
        by[label] += sum(out[start:end])
    return by
