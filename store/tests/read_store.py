#!/usr/bin/env python3
"""Reads a store by FORMAT.md alone and prints every run as a line of JSON, by check, time and number.

Usage: read_store.py DIR            needs Python 3.8, numpy, pcodec and the program zstd
       read_store.py DIR --about    prints what the small files say instead, as one line
"""
import json
import os
import re
import struct
import subprocess
import sys

import numpy
from pcodec import wrapped

STATES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
REASONS = ["exited", "timeout", "signal", "not_started", "missed", "not_finished", "skipped", "imported"]
MASK64 = (1 << 64) - 1

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC_TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & MASK64
    return value


def signed(value):
    value &= MASK64
    return value - (1 << 64) if value >> 63 else value


PROVENANCES = ["scheduled", "asked", "submitted", "watched", "consolidated"]
FUNCTIONS = ["average", "minimum", "maximum", "last", "sum"]


class Cursor:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, count):
        part = self.data[self.at:self.at + count]
        assert len(part) == count
        self.at += count
        return bytes(part)

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack("<I", self.take(4))[0]

    def u64(self):
        return struct.unpack("<Q", self.take(8))[0]

    def i64(self):
        return struct.unpack("<q", self.take(8))[0]

    def f64(self):
        return struct.unpack("<d", self.take(8))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def text(self):
        return self.take(self.varint()).decode()

    def name(self):
        label = self.text()
        return label, [[self.text(), self.text()] for _ in range(self.varint())]

    def meta(self):
        meta = {"unit": self.text(), "printed_unit": self.text()}
        flags = self.u8()
        for key, here, inside in (("warn", 1, 16), ("crit", 2, 32)):
            meta[key] = [self.f64(), self.f64(), bool(flags & inside)] if flags & here else None
        for key, here in (("min", 4), ("max", 8)):
            meta[key] = self.f64() if flags & here else None
        return meta

    def extent(self):
        rows, first = self.varint(), self.zigzag()
        last, least = signed(first + self.varint()), self.varint()
        numbers = least, least + self.varint()
        return {"rows": rows, "first": first, "last": last, "numbers": numbers, "samples": self.varint()}

    def changes(self, before, time):
        # Instances are (labels, state, since, pending since, seen, value, text) in order of their labels.
        after, index, taken = [], 0, 0
        for _ in range(self.varint()):
            head = self.varint()
            index += head >> 1
            after += before[taken:index]
            taken = index
            if head & 1:
                taken += 1
                continue
            mask = self.u8()
            if mask & 1:
                labels = [[self.text(), self.text()] for _ in range(self.varint())]
                since, pending, seen, value, text = 0, None, None, None, ""
            else:
                labels, _, since, pending, seen, value, text = before[index]
                taken += 1
            ago = lambda: signed(time - self.zigzag())
            since = ago() if mask & 8 else since
            pending = (ago() if self.u8() else None) if mask & 16 else pending
            seen = (ago() if self.u8() else None) if mask & 32 else seen
            if mask & 64:
                value = [lambda: None, self.f64, self.i64, self.zigzag][self.u8()]()
            text = self.text() if mask & 128 else text
            after.append((labels, STATES[mask >> 1 & 3], since, pending, seen, number(value), text))
        return after + before[taken:]

    def packed(self, count):
        kind = self.u8()
        rows = self.varint() or max(count, 1)
        base, multiplier = (0, 1) if kind == 2 else (self.zigzag(), self.varint())
        meta = self.take(self.varint())
        lengths = [self.varint() for _ in range(0, count, rows)]
        file, used = wrapped.FileDecompressor.new(meta)
        chunk, _ = file.chunk_decompressor(meta[used:], ["u32", "u64", "f64"][kind])
        numbers = []
        for page, length in enumerate(lengths):
            size = min(rows, count - page * rows)
            out = numpy.zeros(size, dtype=["uint32", "uint64", "float64"][kind])
            chunk.read_page_into(self.take(length), size, out)
            numbers += out.tolist()
        return numbers if kind == 2 else [signed(base + multiplier * number) for number in numbers]

    def integers(self, count):
        kind = self.u8()
        if kind == 0:
            return [self.zigzag()] * count
        if kind == 2:
            return self.packed(count)
        assert kind == 1
        numbers, number = [], 0
        for _ in range(self.varint()):
            number = signed(number + self.zigzag())
            numbers += [number] * self.varint()
        assert len(numbers) == count
        return numbers

    def times(self, count):
        grid, base = self.u8(), self.zigzag()
        step, skips = 0, {}
        if grid:
            step = self.varint()
            self.zigzag(), self.varint()
            row = 0
            for _ in range(self.varint()):
                row += self.varint()
                skips[row] = self.zigzag()
        times, slot = [], 0
        for row, rest in enumerate(self.integers(count)):
            slot += skips.get(row, 0)
            times.append(signed(base + slot * step + rest))
            slot += 1
        return times

    def frame(self):
        self.varint()
        return unpacked(self.take(self.varint()))

    def templates(self):
        inner, templates = self.frame(), []
        while inner.at < len(inner.data):
            parts = inner.take(inner.varint()).split(b"\xff")
            templates.append((parts[0], [(part[0], part[1:]) for part in parts[1:]]))
        of_texts = self.integers(self.varint())
        numbers = [[iter(self.integers(of_texts.count(index))) for _ in slots]
                   for index, (_, slots) in enumerate(templates)]
        texts = []
        for index in of_texts:
            text, slots = templates[index]
            for (decimals, after), column in zip(slots, numbers[index]):
                digits = str(next(column)).zfill(decimals + 1)
                point = len(digits) - decimals
                text += (digits[:point] + ("." + digits[point:] if decimals else "")).encode() + after
            texts.append(text.decode())
        return texts

    def texts(self, count):
        kind = self.u8()
        if kind == 0:
            return [self.text()] * count
        if kind == 1:
            inner = self.frame()
            distinct = [inner.text() for _ in range(self.varint())]
        else:
            distinct = self.templates()
        return [distinct[index] for index in self.integers(count)]

    def values(self, count):
        tags, whole = [0] * count, iter(())
        if self.u8():
            tags = self.integers(count)
            whole = iter(self.integers(tags.count(2)))
        kind, floats = self.u8(), tags.count(0)
        if kind == 0:
            power = 10.0 ** self.u8()
            plain = [number / power for number in self.integers(floats)]
        elif kind == 1:
            plain = self.packed(floats)
        elif kind == 2:
            plain = [self.f64()] * floats
        else:
            plain = [number if int(float(number)) != number else float(number) for number in self.integers(floats)]
        plain = iter(plain)
        return [next(plain) if tag == 0 else None if tag == 1 else next(whole) for tag in tags]


def unpacked(frame):
    return Cursor(subprocess.run(["zstd", "-dcq"], input=frame, stdout=subprocess.PIPE, check=True).stdout)


def number(value):
    return int(value) if isinstance(value, float) and value.is_integer() else value


def metric(name, meta, value):
    limit = lambda bounds: bounds and [None if end in (float("inf"), float("-inf")) else end for end in bounds[:2]] + bounds[2:]
    return [name[0], name[1], number(value), meta["unit"], meta["printed_unit"], limit(meta["warn"]),
            limit(meta["crit"]), meta["min"], meta["max"]]


def run(check, seq, time, fields, texts, metrics, instances, kind, span):
    duration, late, cpu, memory, verdict, exit_code, signal, missed, standing, attempt, since, flaps = fields
    return {"check": check, "seq": seq, "time_ms": time, "duration_us": duration, "lateness_us": late, "cpu_us": cpu,
            "max_rss_bytes": memory, "state": STATES[verdict & 3], "plugin_state": STATES[verdict >> 2 & 3],
            "reason": REASONS[verdict >> 4], "exit_code": exit_code, "signal": signal, "missed_slots": missed,
            "hard": bool(standing & 1), "flapping": bool(standing & 2), "hard_state": STATES[standing >> 2],
            "attempt": attempt, "since_ms": since, "flap_history": flaps, "texts": texts, "metrics": metrics,
            "instances": instances, "partial": bool(kind & 1), "provenance": PROVENANCES[kind >> 1 & 7],
            "function": FUNCTIONS[kind >> 4 & 7], "span_ms": span, "imported": bool(kind >> 7)}


def log_before(data, start):
    if data[:8] != b"CUSTLOG\0" or len(data) < 40:
        return None
    version, flags, first, before, header_crc = struct.unpack_from("<IIQQI", data, 8)
    assert version == 1 and flags in (0, 1)
    return before if (first, header_crc) == (start, crc(data[:32])) else None


def frame_at(data, at):
    if at + 20 > len(data):
        return None
    length, payload_crc, seq, header_crc = struct.unpack_from("<IIQI", data, at)
    if length == 0 or at + 20 + length > len(data) or header_crc != crc(data[at:at + 16]):
        return None
    payload = data[at + 20:at + 20 + length]
    return (seq, payload) if payload_crc == crc(payload) else None


def read_log(data, start, end):
    at, used, next_seq = 40, len(data.rstrip(b"\0")), start
    generation, checks, schemas, instances = None, {}, {}, {}
    while at < used:
        seq, payload = frame_at(data, at) or (0, b"")
        if not payload or seq < next_seq:
            at += 1
            continue
        at += 20 + len(payload)
        cursor, time = Cursor(payload), 0
        if cursor.varint() != generation:
            generation, checks, schemas, instances = Cursor(payload).varint(), {}, {}, {}
        if seq != next_seq:
            instances = {}
        while cursor.at < len(payload):
            item, key = cursor.u8(), cursor.varint()
            if item == 1:
                checks[key] = cursor.text()
            elif item in (2, 4):
                check = cursor.varint()
                schema = [(cursor.name(), cursor.meta()) for _ in range(cursor.varint())]
                if check in checks:
                    schemas[key] = checks[check], schema, item == 4
            elif key not in schemas:
                # Without its definition, not even the length of the run is known.
                instances = {}
                break
            else:
                check, schema, has_instances = schemas[key]
                time = signed(time + cursor.zigzag())
                row = log_row(cursor, check, seq, time, schema, instances if has_instances else {check: []})
                if seq < end and row:
                    yield row
                seq += 1
        next_seq = seq


def log_row(cursor, check, seq, time, schema, instances):
    mask, duration = cursor.varint(), cursor.varint()
    take = lambda bit, read, absent: read() if mask >> bit & 1 else absent
    late, cpu, memory = (take(bit, cursor.varint, None) for bit in (0, 1, 2))
    verdict = take(3, cursor.u8, 0)
    exit_code, signal = take(4, cursor.u8, None), take(5, cursor.u8, None)
    missed = take(6, cursor.varint, 0)
    standing = attempt = since = flaps = 0
    if mask >> 7 & 1:
        standing, attempt, since, flaps = cursor.u8(), cursor.varint(), cursor.zigzag(), cursor.varint()
    texts = [take(bit, cursor.text, "") for bit in range(8, 13)]
    changed = {}
    if mask >> 14 & 1:
        for _ in range(cursor.varint()):
            index = cursor.varint()
            changed[index] = cursor.meta()
    if mask >> 15 & 1:
        head = cursor.varint()
        compressed = head & 2 and cursor.varint()
        changes = cursor.take(head >> 2)
        changes = unpacked(changes) if compressed else Cursor(changes)
        before = [] if head & 1 else instances.get(check)
        if before is not None:
            instances[check] = changes.changes(before, time)
    kind = take(16, cursor.u8, 0)
    span = cursor.varint() if kind >> 1 & 7 == 4 else None
    metrics = []
    for index, (name, meta) in enumerate(schema):
        tag = 1 if mask >> 13 & 1 else cursor.u8()
        value = None if tag == 0 else cursor.f64() if tag == 1 else cursor.i64()
        metrics.append(metric(name, changed.get(index, meta), value))
    fields = duration, late, cpu, memory, verdict, exit_code, signal, missed, standing, attempt, since, flaps
    return check in instances and run(check, seq, time, fields, texts, metrics, instances[check], kind, span)


def read_segment(data, start, end):
    assert data[:8] == b"CUSTSEG\0" and struct.unpack_from("<IIQQI", data, 8) == (1, 0, start, end, crc(data[:32]))
    at, length, directory_crc, trailer_crc = struct.unpack_from("<QQII", data, len(data) - 32)
    assert data[-8:] == b"CUSTEND\0" and trailer_crc == crc(data[-32:-12])
    directory = data[at:at + length]
    assert directory_crc == crc(directory)
    cursor, lines = Cursor(directory), []
    count, names = cursor.varint(), Cursor(cursor.take(cursor.varint()))
    for _ in range(count):
        lines.append((names.text(), cursor.varint(), cursor.u32(), cursor.extent(), cursor.u64(), cursor.u8()))
    entry_at = at - sum(line[1] for line in lines)
    for check, length, entry_crc, extent, names_hash, whole in lines:
        entry = data[entry_at:entry_at + length]
        assert entry_crc == crc(entry)
        entry_at += length
        runs = list(read_entry(data, check, Cursor(entry), extent, names_hash, whole))
        assert extent["rows"] == len(runs)
        yield from runs


def read_entry(data, check, entry, extent, names_hash, whole):
    chunks = Cursor(entry.take(entry.varint()))
    names = Cursor(entry.take(entry.varint()))
    assert names_hash == fnv1a(names.data)
    runs, chunk_at = [], 0
    for _ in range(chunks.varint()):
        chunk_at += chunks.varint()
        length, of_chunk = chunks.varint(), chunks.extent()
        here = list(read_chunk(data[chunk_at:chunk_at + length], check))
        chunk_at += length
        assert (of_chunk["first"], of_chunk["last"]) == (here[0]["time_ms"], here[-1]["time_ms"])
        runs += here
    seen = {}
    for each in runs:
        for metric in each["metrics"]:
            seen.setdefault((metric[0], str(metric[1])), []).append((each["time_ms"], metric[3]))
    series = [(names.name(), names.text()) for _ in range(names.varint())]
    assert len(series) == len(seen)
    for (label, labels), unit in series:
        found = seen[label, str(labels)]
        span = extent["rows"], extent["first"], extent["last"]
        if not whole:
            span = entry.varint(), extent["first"] + entry.varint(), extent["last"] - entry.varint()
        assert span == (len(found), found[0][0], found[-1][0]) and unit in [unit for _, unit in found]
    return runs


def read_chunk(data, check):
    magic, length, header_crc = struct.unpack_from("<4sII", data)
    assert magic == b"CHNK" and header_crc == crc(data[12:12 + length])
    head = Cursor(data, 12)
    assert head.text() == check
    rows = head.varint()
    [head.varint() for _ in range(5)]
    extents = [(head.varint(), head.u32()) for _ in range(5)]
    metas = [head.meta() for _ in range(head.varint())]
    series = []
    for _ in range(head.varint()):
        name, count, _ = head.name(), head.varint(), head.varint()
        extents.append((head.varint(), head.u32()))
        series.append((name, count))
        if head.varint():
            head.take(24 + 2 * 9)
    has_instances = head.at < 12 + length
    if has_instances:
        extents.append((head.varint(), head.u32()))
    at, columns = 12 + length, []
    for length, column_crc in extents:
        columns.append(Cursor(data[at:at + length]))
        assert column_crc == crc(data[at:at + length])
        at += length
    times, seqs = columns[0].times(rows), columns[1].integers(rows)
    attributes = [columns[2].integers(rows) for _ in range(15)]
    consolidated = [verdict >> 9 & 7 == 4 for verdict in attributes[7]]
    spans = columns[2].integers(rows) if any(consolidated) else []
    texts = [columns[3].texts(rows) for _ in range(5)]
    shapes = [[columns[4].varint() for _ in range(columns[4].varint())] for _ in range(columns[4].varint())]
    shape_of = columns[4].integers(rows)
    cells = []
    for column, (name, count) in zip(columns[5:], series):
        cells.append(iter(list(zip(column.integers(count), column.values(count)))))
    instances, turns = [], [0] * rows
    if has_instances:
        turns = columns[-1].integers(rows)
        changes = columns[-1].frame()
    for row in range(rows):
        if turns[row]:
            instances = Cursor(changes.take(changes.varint())).changes(instances, times[row])
        a = [column[row] for column in attributes]
        known = [a[index + 1] & MASK64 if a[index] else None for index in (1, 3, 5)]
        code = [None if value == -1 else value for value in a[8:10]]
        fields = (a[0] & MASK64, *known, a[7] & 0xFF, *code, *a[10:14], a[14] & MASK64)
        metrics = []
        for index in shapes[shape_of[row]]:
            meta, value = next(cells[index])
            metrics.append(metric(series[index][0], metas[meta], value))
        yield run(check, seqs[row] & MASK64, times[row], fields, [column[row] for column in texts], metrics,
                  instances, a[7] >> 8, spans[row] & MASK64 if consolidated[row] else None)


def small(directory, name, magic):
    with open(os.path.join(directory, name), "rb") as file:
        data = file.read()
    assert data[:8] == magic and struct.unpack_from("<II", data, 8) == (1, len(data) - 20)
    assert struct.unpack("<I", data[-4:])[0] == crc(data[:-4])
    return Cursor(data[16:-4])


def cursor_file(directory, name):
    data = small(directory, name, b"CUSTCUR\0")
    assert data.text() + ".cursor" == name
    cursor = {"store": data.take(16).hex(), "position": data.varint(), "last": None}
    if data.u8():
        cursor["last"] = [data.varint(), data.u64()]
    cursor["amendments"] = data.varint()
    cursor["state"] = data.take(data.varint()).hex()
    return cursor


def note_file(directory, name):
    data = small(directory, name, b"CUSTNOT\0")
    assert data.text() + ".note" == name
    return data.text()


def amendments_file(directory):
    data = small(directory, "amendments", b"CUSTAMD\0")
    forgotten, entries = data.varint(), []
    for _ in range(data.varint()):
        kind = ["lost", "restored"][data.u8()]
        check = data.text() if data.u8() else None
        entries.append([kind, check, data.varint(), data.varint()] + [n - 1 if n else None for n in (data.varint(), data.varint())])
    return {"forgotten": forgotten, "list": entries}


def about(directory):
    names = sorted(os.listdir(directory))
    return {"identity": small(directory, "identity", b"CUSTIDN\0").take(16).hex(),
            "synced": small(directory, "synced", b"CUSTSYN\0").u64(),
            "cursors": {name[:-7]: cursor_file(directory, name) for name in names if name.endswith(".cursor")},
            "notes": {name[:-5]: note_file(directory, name) for name in names if name.endswith(".note")},
            "amendments": amendments_file(directory) if "amendments" in names else None}


def fingerprint(run):
    text = run["texts"][0].encode()
    data = struct.pack("<Qqq", run["seq"], run["time_ms"], run["duration_us"]) + bytes(
        STATES.index(run[key]) for key in ("state", "plugin_state"))
    hashed = 0xCBF29CE484222325
    for byte in data + run["check"].encode() + b"\xff" + text:
        hashed = (hashed ^ byte) * 0x100000001B3 & MASK64
    return hashed


def main(directory):
    files = []
    for name in os.listdir(directory):
        match = re.fullmatch(r"([0-9a-f]{16})(?:-([0-9a-f]{16})\.seg|\.log)", name)
        if match:
            start, end = int(match[1], 16), int(match[2], 16) if match[2] else None
            files.append((start, -end if end else 0, end is None, end, name))
    live, covered = [], 0
    for start, _, is_log, end, name in sorted(files):
        if start >= covered:
            live.append((start, end, name))
            covered = covered if is_log else end
    runs, following = [], 1 << 64
    for start, end, name in reversed(live):
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        if end is None:
            runs += read_log(data, start, following)
            before = log_before(data, start)
            following = min(following, start if before is None else before)
        else:
            runs += read_segment(data, start, end)
            following = start
    for each in sorted(runs, key=lambda run: (run["check"], run["time_ms"], run["seq"])):
        each["fingerprint"] = fingerprint(each)
        print(json.dumps(each, ensure_ascii=False))


if __name__ == "__main__":
    if sys.argv[2:] == ["--about"]:
        print(json.dumps(about(sys.argv[1])))
    else:
        main(sys.argv[1])
