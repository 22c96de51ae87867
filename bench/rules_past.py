"""Measures rules over the past beside others; see scripts/bench-rules.

`replay`: a file of 100 rules over all of a store, by `custos backtest` and by vmalert over the same series in VictoriaMetrics. Both
are measured whole, from the start of the process to its end. The alerts of both are counted, and those of Custos compared, one by
one, with what a plain loop over the samples comes to.

`tests`: what an evaluation costs `custos rules test` and `promtool test rules`: processor time of a long test without that of a short
one, so that starting and reading are not counted.
"""

import argparse
import bisect
import json
import math
import resource
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

from query_servers import VictoriaMetrics, free_port

INTERVAL_S = 60
FOR_S = 300
LOOKBACK_MS = 300_000
RULES = 100
FORMS = [
    ("avg_over_time({m}[5m]) > {n}", 300_000),
    ("{m} > {n}", LOOKBACK_MS),
    ("rate({c}[5m]) * 10 > {n}", 300_000),
    ("max_over_time({m}[10m]) > {n}", 600_000),
]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rule_file(m, c):
    lines = [f"groups:\n- name: g\n  interval: {INTERVAL_S}s\n  rules:\n"]
    for n in range(RULES):
        expr = FORMS[n % len(FORMS)][0].format(m=m, c=c, n=n)
        lines.append(f"  - {{ alert: A{n}, expr: '{expr}', for: {FOR_S}s, labels: {{ n: '{n}' }} }}\n")
    return "".join(lines)


def run(command, **further):
    """Seconds, and what it wrote."""
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, **further)
    took = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return took, done.stdout


def replay(args):
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        write(f"{work}/rules.yml", rule_file('c{metric="m"}', 'c{metric="n"}'))
        command = [args.custos, "backtest", f"{work}/rules.yml", "--store", args.store, "--json"]
        took = min(run(command)[0] for _ in range(3))
        found = json.loads(run(command)[1])
        print(f"custos     {took:9.3f} s  {len(found['intervals']):6} alerts of {RULES} rules every minute", flush=True)
        compare(found["intervals"], args)
        if not (shutil.which("vmalert") and shutil.which("victoria-metrics")):
            return
        with VictoriaMetrics(f"{work}/data", f"{work}/vm.log") as server:
            first_s, last_s = fill(server, args)
            vmalert = vmalert_command(server, work, first_s, last_s)
            by_vmalert = run(vmalert)[0]
            print(f"vmalert    {by_vmalert:9.3f} s  {fired(server, first_s, last_s):6} alerts", flush=True)
        print(f"           {by_vmalert / took:9.1f} times as fast", flush=True)


def export(args):
    """The series of the store, one a line."""
    return run([args.custos, "store", "export", "--format", "vmjson", args.store])[1]


def compare(intervals, args):
    """Compares alerts with what a plain loop over the samples comes to. The store has no gaps."""
    samples = {"m": [], "n": []}
    for line in export(args).splitlines():
        part = json.loads(line)
        if part["metric"].get("__name__") == "c":
            samples[part["metric"]["metric"]] += zip(part["timestamps"], part["values"])
    wanted = {name: list(zip(*sorted(of))) for name, of in samples.items()}
    found = {(int(one["labels"]["n"]), one["since_ms"], one["until_ms"]) for one in intervals}
    step_ms = INTERVAL_S * 1000
    phase_ms = intervals[0]["since_ms"] % step_ms if intervals else 0
    first_ms, last_ms = wanted["m"][0][0], wanted["m"][0][-1]
    grid = range(first_ms + (phase_ms - first_ms) % step_ms, last_ms + 1, step_ms)
    of_forms = [mean, newest, rate, greatest]
    values = [
        [of(*window(wanted["n" if "{c}" in form else "m"], at, range_ms), at, range_ms) for at in grid]
        for of, (form, range_ms) in zip(of_forms, FORMS)
    ]
    expected = {(n, *alert) for n in range(RULES) for alert in alerts(grid, values[n % len(FORMS)], n)}
    if found != expected:
        raise SystemExit(f"other alerts than a loop finds: {sorted(found ^ expected, key=str)[:5]}")
    print(f"           {len(expected):9}    alerts by a plain loop, the same ones", flush=True)


def window(series, at_ms, range_ms):
    """The samples after `at_ms - range_ms`, up to `at_ms`."""
    times, values = series
    first, end = bisect.bisect_right(times, at_ms - range_ms), bisect.bisect_right(times, at_ms)
    return times[first:end], values[first:end]


def mean(_, values, *__):
    return math.fsum(values) / len(values) if values else None


def newest(_, values, *__):
    return values[-1] if values else None


def greatest(_, values, *__):
    return max(values) if values else None


def rate(times, values, at_ms, range_ms):
    """Ten times the growth of a counter per second, extrapolated to the ends of the range where samples are near them."""
    if len(values) < 2:
        return None
    growth = values[-1] - values[0] + sum(before for before, after in zip(values, values[1:]) if after < before)
    sampled = (times[-1] - times[0]) / 1000
    distance = sampled / (len(values) - 1)
    ends = [(times[0] - (at_ms - range_ms)) / 1000, (at_ms - times[-1]) / 1000]
    ends = [end if end < 1.1 * distance else distance / 2 for end in ends]
    if growth > 0 and values[0] >= 0:
        ends[0] = min(ends[0], sampled * (values[0] / growth))
    return growth * ((sampled + sum(ends)) / sampled / (range_ms / 1000)) * 10


def alerts(grid, values, threshold):
    """When alerts fire, from and to (ms since the epoch); the end of the last one may be open."""
    since = firing = None
    for at, value in zip(grid, values):
        if value is not None and value > threshold:
            since = at if since is None else since
            if firing is None and at - since >= FOR_S * 1000:
                firing = at
            continue
        if firing is not None:
            yield firing, at
        since = firing = None
    if firing is not None:
        yield firing, None


def fill(server, args):
    """Puts the series of the store into the server, and says when the first and the last sample are."""
    lines = export(args)
    post(server, "/api/v1/import", lines.encode())
    urllib.request.urlopen(f"http://127.0.0.1:{server.port}/internal/force_flush").read()
    stamps = [json.loads(line)["timestamps"] for line in lines.splitlines()]
    return min(each[0] for each in stamps) // 1000, max(each[-1] for each in stamps) // 1000


def post(server, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body, method="POST")
    return urllib.request.urlopen(request).read()


def vmalert_command(server, work, first_s, last_s):
    return [
        "vmalert",
        f"-rule={work}/rules.yml",
        f"-datasource.url=http://127.0.0.1:{server.port}",
        f"-remoteWrite.url=http://127.0.0.1:{server.port}",
        f"-replay.timeFrom={stamp(first_s)}",
        f"-replay.timeTo={stamp(last_s)}",
        # Else it waits a second after each rule.
        "-replay.rulesDelay=0s",
        "-replay.disableProgressBar",
        f"-httpListenAddr=127.0.0.1:{free_port()}",
        "-loggerLevel=ERROR",
    ]


def stamp(at_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def fired(server, first_s, last_s):
    """How often an alert begins to fire in what vmalert wrote."""
    urllib.request.urlopen(f"http://127.0.0.1:{server.port}/internal/force_flush").read()
    query = {"match[]": '{__name__="ALERTS",alertstate="firing"}', "start": first_s, "end": last_s + INTERVAL_S}
    body = post(server, "/api/v1/export", urllib.parse.urlencode(query).encode())
    begun = 0
    for line in body.splitlines():
        stamps = sorted(json.loads(line)["timestamps"])
        pairs = zip([None, *stamps], stamps)
        begun += sum(1 for before, at in pairs if before is None or at - before > 1.5 * INTERVAL_S * 1000)
    return begun


def test_file(work, rounds):
    """A test of 100 rules over series that go up and down, evaluated so many times."""
    write(f"{work}/rules.yml", rule_file("m", "c"))
    series = [f"  - {{ series: '{name}{{i=\"{i}\"}}', values: '{20 * i}+1x{rounds}' }}\n" for name in "mc" for i in range(2)]
    text = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
    path = f"{work}/test-{rounds}.yml"
    write(path, f"{text}{''.join(series)}  promql_expr_test:\n  - {{ expr: 'vector(1)', eval_time: {rounds}m, exp_samples: [{{ value: 1 }}] }}\n")
    return path


def cpu_s(command):
    """Processor time of a command; the least of two goes."""
    least = float("inf")
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def tests(args):
    found = {}
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        for name, command in [("custos", [args.custos, "rules", "test"]), ("promtool", ["promtool", "test", "rules"])]:
            if not shutil.which(command[0]):
                continue
            short, long = (cpu_s([*command, test_file(work, rounds)]) for rounds in (10, 510))
            found[name] = 1e6 * (long - short) / (500 * RULES)
            print(f"{name:10} {found[name]:9.2f} us of CPU an evaluation of a test of rules", flush=True)
    if len(found) == 2:
        print(f"           {found['promtool'] / found['custos']:9.1f} times less", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["replay", "tests"])
    parser.add_argument("--custos", required=True)
    parser.add_argument("--work", default="/tmp")
    parser.add_argument("--store")
    args = parser.parse_args()
    {"replay": replay, "tests": tests}[args.what](args)


main()
