"""Queries of Custos, Prometheus and VictoriaMetrics over the same samples, in turn, over HTTP. See scripts/bench-query."""

import argparse
import math
import re
import statistics
import time

import query_data
from query_servers import Custos, Prometheus, VictoriaMetrics, values_of

# make_workload begins here.
BEGIN_S = 1_760_000_000
SIDES = [Custos, Prometheus, VictoriaMetrics]


class Query:
    """A request, and what is wanted of it: how much faster than the better of the others, and MiB at most."""

    def __init__(self, name, path, parameters, faster, memory_mib=32, agrees=SIDES[1:]):
        self.name, self.path, self.parameters = name, path, parameters
        self.faster, self.memory_mib, self.agrees = faster, memory_mib, agrees


def queries(days, one, counter, ten):
    """The table. `one` and `counter` select a series, `ten` some ten of one check."""
    end = BEGIN_S + days * 86_400
    everything = '{metric=~".+"}'

    def at_once(name, query, faster, **options):
        return Query(name, "/api/v1/query", {"query": query, "time": end}, faster, **options)

    def in_steps(name, steps, query, faster, span=days * 86_400, **options):
        step = span // steps
        parameters = {"query": query % {"step": f"{step}s"}, "start": end - span + step, "end": end, "step": step}
        return Query(f"{days} d in {steps} steps, {name}", "/api/v1/query_range", parameters, faster, **options)

    span = f"[{days}d]"
    all_of = lambda function: f"{function}({everything}{span})"
    one_of = lambda function: f"{function}({one}{span})"
    metas = {"start": BEGIN_S, "end": end}
    # VictoriaMetrics has functions of its own meaning: it neither extrapolates a rate nor a line to the step's time.
    only = [Prometheus]
    return [
        at_once("instant, one series", one, 1 / 0.7),
        at_once("instant, all series", everything, 2.5, memory_mib=64),
        at_once(f"{days} d sum of one", one_of("sum_over_time"), 40),
        at_once(f"{days} d max of one", one_of("max_over_time"), 40),
        at_once(f"{days} d avg of one", one_of("avg_over_time"), 40),
        at_once(f"{days} d sum of all", all_of("sum_over_time"), 100, memory_mib=64),
        at_once(f"{days} d max of all", all_of("max_over_time"), 100, memory_mib=64),
        at_once(f"{days} d avg of all", all_of("avg_over_time"), 100, memory_mib=64),
        at_once(f"{days} d quantile of one", f"quantile_over_time(0.9, {one}{span})", 8, agrees=only),
        at_once(f"{days} d quantile of all", f"quantile_over_time(0.9, {everything}{span})", 5, memory_mib=64, agrees=only),
        at_once(f"{days} d raw samples of one", f"{one}{span}", 3.5),
        in_steps("max[step] of one", 200, f"max_over_time({one}[%(step)s])", 4),
        in_steps("max[step] of one", 1000, f"max_over_time({one}[%(step)s])", 1.7),
        in_steps("rate[5m]", 1000, f"rate({counter}[5m])", 1.4, agrees=only),
        in_steps("predict_linear[6h]", 1000, f"predict_linear({one}[6h], 3600)", 2, agrees=only),
        in_steps("stddev[1h]", 1000, f"stddev_over_time({one}[1h])", 1.8),
        in_steps("avg by (metric) of all", 200, f"avg by (metric) ({everything})", 3.5, memory_mib=64, agrees=only),
        in_steps("avg by (metric) of all", 1000, f"avg by (metric) ({everything})", 2, memory_mib=64, agrees=only),
        in_steps("quantile[1d]", 120, f"quantile_over_time(0.9, {one}[1d])", 13, agrees=only),
        in_steps("ten series", 10_800, ten, 3, span=108_000, memory_mib=64, agrees=only),
        Query("series, all", "/api/v1/series", {"match[]": everything, **metas}, 2, agrees=[]),
        Query("label values", "/api/v1/label/metric/values", metas, 1, agrees=SIDES[1:]),
    ]


def series_of(runs):
    """Selectors: a series of decimals, a counter, and a check with about ten series."""
    found = {}
    for check, metrics, _ in query_data.checks(runs):
        found.setdefault("ten", (check, metrics))
        if abs(metrics - 10) < abs(found["ten"][1] - 10):
            found["ten"] = (check, metrics)
        if "one" in found and "counter" in found:
            continue
        for index, values in enumerate(query_data.columns(runs, check)[1:]):
            part = values[:2000]
            selector = f'{check}{{metric="m{index:02}"}}'
            if all(a <= b for a, b in zip(part, part[1:])) and part[0] < part[-1]:
                found.setdefault("counter", selector)
            elif len(set(part)) > 500 and max(part) < 1000:
                found.setdefault("one", selector)
    return found.get("one"), found.get("counter", found.get("one")), found["ten"][0]


def measure(query, servers, rounds):
    """{side: figures}. The sides take turns."""
    figures = {}
    for server in servers:
        warm, body = server.ask(query.path, query.parameters)
        figures[server.name] = {"times": [], "cpu": server.cpu_s(), "body": body, "count": 0}
    # Fast answers are repeated until processor time can be told in ticks.
    for round_ in range(rounds):
        for server in servers:
            of = figures[server.name]
            begin, spent = time.perf_counter(), 0
            while spent == 0 or time.perf_counter() - begin < 1.0 / rounds:
                spent, _ = server.ask(query.path, query.parameters)
                of["times"].append(spent)
    for server in servers:
        of = figures[server.name]
        of["cpu_ms"] = (server.cpu_s() - of["cpu"]) / len(of["times"]) * 1e3
        of["ms"] = min(of["times"]) * 1e3
        of["median_ms"] = statistics.median(of["times"]) * 1e3
        server.forget_peak()
        server.ask(query.path, query.parameters)
        of["peak_mib"] = server.memory_mib()
        # What is mapped of the files of a store can be dropped by the system at any time.
        of["own_mib"] = of["peak_mib"] - server.memory_mib("RssFile")
    return figures


def close(one, other):
    one, other = float(one), float(other)
    return one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def difference(own, peer):
    """Where two answers differ; None if they agree."""
    own, peer = values_of(own), values_of(peer)
    if not isinstance(own, dict):
        return None if own == peer else f"{str(own)[:100]} and {str(peer)[:100]}"
    if own.keys() != peer.keys():
        return f"series {sorted(own.keys() ^ peer.keys())[:3]}"
    for labels, points in own.items():
        others = peer[labels]
        if len(points) != len(others):
            return f"{len(points)} and {len(others)} points of {labels}"
        for (at, value), (other_at, other) in zip(points, others):
            if at != other_at or not close(value, other):
                return f"{value} at {at} and {other} at {other_at} of {labels}"
    return None


def cold(query, server):
    """Milliseconds that the first request after the start takes, the files being in the system's cache."""
    with server:
        return server.ask(query.path, query.parameters)[0] * 1e3


def row(query, figures):
    own = figures["custos"]
    cells = [f"{query.name:<40}"]
    for side in SIDES:
        of = figures.get(side.name)
        cells.append(
            f"{of['ms']:>9.3f} {of['cpu_ms']:>9.2f} {of['peak_mib']:>5.0f} {of['own_mib']:>5.0f}" if of else " " * 31
        )
    others = [of for name, of in figures.items() if name != "custos"]
    if others:
        ratio = min(of["ms"] for of in others) / own["ms"]
        kept = "met" if ratio >= query.faster else "MISSED"
        cells.append(f"{ratio:>7.2f} {query.faster:>6.2f} {kept:<6}")
    cells.append("" if own["own_mib"] <= query.memory_mib else f"memory above {query.memory_mib} MiB")
    return " | ".join(cells)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--custos", required=True)
    parser.add_argument("--make-workload", required=True)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--sides", default="custos,prometheus,victoriametrics")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    Custos.program = args.custos
    checks, days = (4, 3) if args.small else (40, 30)
    data = f"{args.data}/{'small' if args.small else 'month'}"
    query_data.make(data, f"{data}/runs", args.make_workload, args.workload, (13, checks, days, 10))
    series = series_of(f"{data}/runs")
    samples = sum(metrics * count for _, metrics, count in query_data.checks(f"{data}/runs"))
    print(f"{samples} samples of {checks} checks; one is {series[0]}, the counter {series[1]}, the ten {series[2]}")
    wanted = [query for query in queries(days, *series) if re.search(args.only, query.name)]
    sides = [side for side in SIDES if side.name in args.sides.split(",")]
    start = lambda side: side(f"{data}/{side.name}", f"{data}/{side.name}.log")
    print("times in ms (the best), processor time in ms (the mean), peak memory in MiB (VmHWM), and without files mapped then")
    heads = "".join(f" | {side.name:>15} {'CPU':>3} {'MiB':>5} {'own':>5}" for side in SIDES)
    print(f"{'':<40}{heads} | {'faster':>7} wanted")
    servers, disagreements = [start(side).__enter__() for side in sides], []
    try:
        for query in wanted:
            figures = measure(query, servers, args.rounds)
            print(row(query, figures), flush=True)
            for side in query.agrees:
                if side.name in figures and "custos" in figures:
                    found = difference(figures["custos"]["body"], figures[side.name]["body"])
                    if found:
                        disagreements.append(f"{query.name}: custos and {side.name} differ: {found}")
    finally:
        for server in servers:
            server.__exit__()
    for query in [query for query in wanted if query.memory_mib == 32 and query.path != "/api/v1/series"][:4]:
        firsts = [f"{side.name} {min(cold(query, start(side)) for _ in range(3)):.2f}" for side in sides]
        print(f"first query after the start, {query.name}: {', '.join(firsts)} ms")
    print("\n".join(disagreements) or "all answers agree where they should")


if __name__ == "__main__":
    main()
