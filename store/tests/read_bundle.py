#!/usr/bin/env python3
"""Reads a bundle by FORMAT.md alone: whole runs as JSON, one a line, in the order in which they were sent.

Usage: read_bundle.py < BUNDLE         needs the program zstd
"""
import json, struct, subprocess, sys

bundle = sys.stdin.buffer.read()
at = 9

def take(n):
    global at
    at += n
    return data[at - n : at]

def varint():
    value = shift = 0
    while True:
        byte = take(1)[0]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value

def signed(n): return (n >> 1) ^ -(n & 1)
def wrap(n): return (n + (1 << 63)) % (1 << 64) - (1 << 63)
def text(): return take(varint()).decode()
def double(): return struct.unpack("<d", take(8))[0]

def meta():
    unit, printed, flags = text(), text(), take(1)[0]
    take(16 * ((flags & 1) + (flags >> 1 & 1)) + 8 * ((flags >> 2 & 1) + (flags >> 3 & 1)))
    return unit

def column(rows):
    last = 0
    return [last := wrap(last + signed(varint())) for _ in range(rows)]

def texts(rows):
    last = ""
    return [last := take(n - 1).decode() if (n := varint()) else last for _ in range(rows)]

def values(rows):
    digits, k = take(1)[0], 0
    def value():
        nonlocal k
        n = varint()
        if n < 3: return [lambda: None, double, lambda: signed(varint())][n]()
        k = wrap(k + signed(n - 3))
        return k if digits == 16 else k / 10**digits
    return [value() for _ in range(rows)]

def group():
    check, has_instances = text(), take(1)[0]
    names = [((text(), {text(): text() for _ in range(varint())}), meta()) for _ in range(varint())]
    rows = varint()
    columns = [column(rows) for _ in range(18)]
    words = [texts(rows) for _ in range(5)]
    metrics = [values(rows) for _ in names]
    units = {(varint(), varint()): meta() for _ in range(varint())}
    for _ in range(rows * has_instances):
        take(varint())  # What changed of the instances: see "Small encodings".
    for i in range(rows):
        yield {
            "number": columns[0][i], "check": check, "time_ms": columns[1][i], "duration_us": columns[2][i],
            "state": columns[9][i] & 3, "reason": columns[9][i] >> 4 & 15, "text": words[0][i], "origin": words[3][i],
            "metrics": [[name, labels, units.get((i, m), unit), metrics[m][i]] for m, ((name, labels), unit) in enumerate(names)],
        }

assert bundle[:9] == b"CUSTBUN\0\1", "this is no bundle"
data = bundle
length = varint()
data, at = subprocess.run(["zstd", "-dcq"], input=bundle[at:], stdout=subprocess.PIPE, check=True).stdout, 0
assert len(data) == length
groups = [iter(list(group())) for _ in range(varint())]
for _ in range(varint()):
    print(json.dumps(next(groups[varint()])))
