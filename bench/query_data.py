"""The same samples for Custos, Prometheus and VictoriaMetrics, made once from the files of runs that
`store/examples/make_workload.rs` writes, and kept.

A metric of a check is the series `c00000{check="c00000",metric="m00"}` everywhere.
"""

import http.client
import os
import shutil
import struct
import subprocess
import urllib.request

from query_servers import VictoriaMetrics


def checks(runs):
    """(name, metrics, runs) of each check."""
    for file in sorted(os.listdir(runs)):
        with open(f"{runs}/{file}", "rb") as source:
            _, metrics, _, count = struct.unpack("<8sIIQ", source.read(24))
        yield file[: -len(".runs")], metrics, count


def columns(runs, check):
    """The times of a check in ms, and the values of each metric."""
    with open(f"{runs}/{check}.runs", "rb") as source:
        body = source.read()
    metrics = struct.unpack_from("<I", body, 8)[0]
    return list(zip(*struct.iter_unpack("<q%dd" % metrics, memoryview(body)[24:])))


def make(target, runs, make_workload, workload, shape):
    """All data that is not there yet, below a directory."""
    steps = [
        ("runs", lambda to: subprocess.run([make_workload, *map(str, shape), to], check=True)),
        ("custos", lambda to: subprocess.run([workload, runs, to], check=True, stdout=subprocess.DEVNULL)),
        ("prometheus", lambda to: for_prometheus(runs, to, f"{target}/making")),
        ("victoriametrics", lambda to: for_victoriametrics(runs, to, f"{target}/making")),
    ]
    os.makedirs(target, exist_ok=True)
    for name, step in steps:
        if os.path.exists(f"{target}/{name}"):
            continue
        print(f"making {target}/{name}", flush=True)
        shutil.rmtree(f"{target}/making", ignore_errors=True)
        os.makedirs(f"{target}/making")
        step(f"{target}/making/data")
        os.rename(f"{target}/making/data", f"{target}/{name}")
        shutil.rmtree(f"{target}/making")


def for_prometheus(runs, to, work):
    """Blocks that promtool makes of OpenMetrics text: each metric's lines follow each other."""
    text = f"{work}/text"
    with open(text, "w", buffering=1 << 20) as out:
        for check, _, _ in checks(runs):
            times, *metrics = columns(runs, check)
            ends = [" %d.%03d\n" % divmod(time, 1000) for time in times]
            out.write(f"# TYPE {check} gauge\n")
            for index, values in enumerate(metrics):
                head = f'{check}{{check="{check}",metric="m{index:02}"}} '
                out.write("".join([f"{head}{value!r}{end}" for value, end in zip(values, ends)]))
        out.write("# EOF\n")
    # Without this it makes a block of each two hours, which takes forty times as long.
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", text, to]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.makedirs(f"{to}/wal", exist_ok=True)
    os.remove(text)


def for_victoriametrics(runs, to, work):
    """What the server makes of its JSON, merged."""
    with VictoriaMetrics(to, f"{work}/log") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for check, _, _ in checks(runs):
            times, *metrics = columns(runs, check)
            for index, values in enumerate(metrics):
                name = f'{{"__name__":"{check}","check":"{check}","metric":"m{index:02}"}}'
                lines = []
                for at in range(0, len(times), 8192):
                    numbers = ",".join(map(repr, values[at : at + 8192]))
                    stamps = ",".join(map(str, times[at : at + 8192]))
                    lines.append(f'{{"metric":{name},"values":[{numbers}],"timestamps":[{stamps}]}}\n')
                connection.request("POST", "/api/v1/import", "".join(lines))
                answer = connection.getresponse()
                answer.read()
                if answer.status >= 300:
                    raise SystemExit(f"VictoriaMetrics refused samples: {answer.status}")
        for path in ("/internal/force_flush", "/internal/force_merge"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}").read()
        server.wait_until_merged()
