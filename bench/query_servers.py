"""The three servers: started on the loopback, asked over a connection that is kept, measured from outside."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse

TICKS_PER_S = os.sysconf("SC_CLK_TCK")

# Servers close connections that are idle for a while, Custos after ten seconds.
IDLE_S = 4


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def answer(connection):
    """Head and body. As little work as can be: what this costs is in the time of every server."""
    received = received_from(connection)
    while b"\r\n\r\n" not in received:
        received += received_from(connection)
    head, rest = received.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    parts, have = [rest], len(rest)
    if length:
        while have < int(length[1]):
            parts.append(received_from(connection))
            have += len(parts[-1])
        return head, b"".join(parts)
    while not (parts[-1].endswith(b"0\r\n\r\n") or b"".join(parts[-5:]).endswith(b"\r\n0\r\n\r\n")):
        parts.append(received_from(connection))
    return head, unchunked(b"".join(parts))


def received_from(connection):
    received = connection.recv(1 << 20)
    if not received:
        raise SystemExit("a server closed its connection in the middle of an answer")
    return received


def unchunked(body):
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        length = int(body[at:end], 16)
        if length == 0:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + length])
        at = end + 2 + length + 2


class Server:
    """A server, which ends with the `with` statement."""

    name = ""
    ready_path = ""
    # What goes with every request.
    parameters = {}
    # A free one unless it is set.
    port = None

    def __init__(self, data, log):
        self.data, self.log = data, log

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.port = self.port or free_port()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} did not start, see {self.log}")
            time.sleep(0.02)
        self.connection, self.used = None, 0
        return self

    def connect(self):
        """A connection that the server has not closed because nothing came."""
        if self.connection is None or time.monotonic() - self.used > IDLE_S:
            if self.connection:
                self.connection.close()
            self.connection = socket.create_connection(("127.0.0.1", self.port))
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except OSError:
            return False

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def ask(self, path, parameters):
        """Seconds until the answer was there, and its bytes."""
        target = path + "?" + urllib.parse.urlencode({**parameters, **self.parameters}, doseq=True)
        request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()
        self.connect()
        begin = time.perf_counter()
        self.connection.sendall(request)
        head, body = answer(self.connection)
        took = time.perf_counter() - begin
        self.used = time.monotonic()
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{self.name} answered {head[:30]!r} to {target}: {body[:500]!r}")
        return took, body

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as refs:
            refs.write("5")

    def memory_mib(self, line="VmHWM"):
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(line + r":\s+(\d+)", status)[1]) / 1024


class Custos(Server):
    name = "custos"
    ready_path = "/-/ready"
    program = "custos"

    def command(self):
        return [self.program, "serve", "--store", self.data, "--listen", f"127.0.0.1:{self.port}"]


class Prometheus(Server):
    name = "prometheus"
    ready_path = "/-/ready"

    def command(self):
        configuration = f"{self.log}.yml"
        with open(configuration, "w") as out:
            out.write("global: {scrape_interval: 1h}\n")
        return [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=100y",
            "--query.max-samples=500000000",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]


class VictoriaMetrics(Server):
    name = "victoriametrics"
    ready_path = "/health"
    # Else it answers from its cache, and moves start and end.
    parameters = {"nocache": "1"}

    def command(self):
        return [
            "victoria-metrics",
            f"-storageDataPath={self.data}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-search.maxSamplesPerQuery=2000000000",
            "-search.maxQueryDuration=300s",
            "-loggerLevel=ERROR",
        ]

    def wait_until_merged(self):
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            _, body = self.ask("/metrics", {})
            active = re.findall(rb"vm_active_(?:force_)?merges(?:\{[^}]*\})? (\d+)", body)
            if not any(int(number) for number in active):
                return
            time.sleep(0.2)


def values_of(body):
    """{labels without the name: [(time, value)]} of an answer; other answers as they are."""
    data = json.loads(body)["data"]
    if not isinstance(data, dict):
        return data
    if data["resultType"] in ("scalar", "string"):
        return {(): [data["result"]]}
    series = {}
    for one in data["result"]:
        labels = tuple(sorted((name, value) for name, value in one["metric"].items() if name != "__name__"))
        series[labels] = one.get("values") or [one["value"]]
    return series
