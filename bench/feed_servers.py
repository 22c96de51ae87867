"""What the figures of sinks need: receivers, shippers beside which Custos is measured, and an agent with sinks."""

import os
import random
import re
import select
import socket
import subprocess
import threading
import time

import query_servers
from query_servers import TICKS_PER_S, Server, free_port

MIB = 1 << 20


def cpu_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mib(pid):
    """(what no other process shares, and no file has; all that is resident)."""
    fields = dict(re.findall(r"(\w+): +(\d+) kB", open(f"/proc/{pid}/smaps_rollup").read()))
    return int(fields["Anonymous"]) / 1024, int(fields["Rss"]) / 1024


class VictoriaMetrics(query_servers.VictoriaMetrics):
    """One that takes any time, keeps no sample twice, and does not hide the newest from queries."""

    def __init__(self, data, log, port=None):
        super().__init__(data, log)
        self.port = port

    def command(self):
        return super().command() + ["-dedup.minScrapeInterval=1ms", "-search.latencyOffset=0s"]

    def rows(self):
        """Samples that have come by remote write."""
        return counter(self, rb'vm_rows_inserted_total\{type="promremotewrite"\} (\d+)')

    def url(self, port=None):
        return f"http://127.0.0.1:{port or self.port}/api/v1/write"


def counter(server, pattern):
    _, body = server.ask("/metrics", {})
    found = re.search(pattern, body)
    return int(found[1]) if found else 0


class Nats(Server):
    name = "nats-server"
    ready_path = "/healthz"

    client_port = None

    def command(self):
        self.client_port = self.client_port or free_port()
        return [
            "nats-server", "--addr", "127.0.0.1", "--port", str(self.client_port), "--http_port", str(self.port),
            "--jetstream", "--store_dir", self.data,
        ]


class Vmagent(Server):
    """It forwards what is written to it, and scrapes what a file says."""

    name = "vmagent"
    ready_path = "/health"

    def __init__(self, data, log, target, scrape=None):
        super().__init__(data, log)
        self.target, self.scrape = target, scrape

    def command(self):
        command = [
            "vmagent", f"-remoteWrite.url={self.target}", f"-remoteWrite.tmpDataPath={self.data}",
            f"-httpListenAddr=127.0.0.1:{self.port}", "-loggerLevel=ERROR", "-remoteWrite.showURL",
        ]
        return command + ([f"-promscrape.config={self.scrape}"] if self.scrape else [])

    def taken(self):
        """Samples that were written to it."""
        return counter(self, rb'vmagent_rows_inserted_total\{type="promremotewrite"\} (\d+)')

    def url(self):
        return f"http://127.0.0.1:{self.port}/api/v1/write"


class PrometheusAgent(Server):
    """Prometheus in agent mode."""

    name = "prometheus-agent"
    ready_path = "/-/ready"

    def __init__(self, data, log, target):
        super().__init__(data, log)
        self.target = target

    def command(self):
        settings = f"{self.log}.yml"
        with open(settings, "w") as out:
            out.write(f"global: {{scrape_interval: 1h}}\nremote_write: [{{url: '{self.target}'}}]\n")
        return [
            "prometheus", "--enable-feature=agent", f"--config.file={settings}", f"--storage.agent.path={self.data}",
            "--web.enable-remote-write-receiver", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn",
        ]

    def url(self):
        return f"http://127.0.0.1:{self.port}/api/v1/write"


class Agent:
    """Custos with a store and sinks; it ends with the `with` statement."""

    program = "custos"

    def __init__(self, place, store, sinks, checks="", plugins=None):
        self.place, self.config = place, f"{place}/custos.yaml"
        os.makedirs(place, exist_ok=True)
        lines = ["host: bench", f"store: {store}", f"sinks:\n{sinks}"]
        if checks:
            lines += [f"plugins: [{plugins}]", f"checks:\n{checks}"]
        with open(self.config, "w") as out:
            out.write("\n".join(lines) + "\n")

    def __enter__(self):
        with open(f"{self.place}/log", "w") as log:
            self.process = subprocess.Popen([self.program, "run", "--config", self.config], stdout=log, stderr=log)
        self.feed = None
        deadline = time.monotonic() + 60
        while self.feed is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"custos did not start, see {self.place}/log")
            time.sleep(0.005)
            self.feed = self.feed_pid()
        return self

    def feed_pid(self):
        """The process that delivers."""
        try:
            children = open(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read().split()
            for child in children:
                if open(f"/proc/{child}/comm").read().strip() == "custos-feed":
                    return int(child)
        except OSError:
            pass
        return None

    def ask(self, *words):
        command = [self.program, *words, "--config", self.config]
        return subprocess.run(command, capture_output=True, text=True)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Wire:
    """Passes connections on to a port, and counts the bytes of both directions; what IP and TCP add is not counted."""

    def __init__(self, port):
        self.target, self.sent, self.answered = port, 0, 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                taken, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(taken,), daemon=True).start()

    def serve(self, client):
        try:
            with client, socket.create_connection(("127.0.0.1", self.target)) as server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self.pass_on(client, server):
                    pass
        except OSError:
            pass

    def pass_on(self, client, server):
        for source in select.select([client, server], [], [])[0]:
            data = source.recv(1 << 18)
            if not data:
                return False
            if source is client:
                self.sent += len(data)
                server.sendall(data)
            else:
                self.answered += len(data)
                client.sendall(data)
        return True


class Exporter:
    """A page of OpenMetrics with as many series as asked for, the first of each ten the time in ms."""

    def __init__(self, checks, metrics):
        self.checks, self.metrics = checks, metrics

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            try:
                while self.request(client):
                    body = self.page()
                    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
                    client.sendall(head.encode() + body)
            except OSError:
                pass

    @staticmethod
    def request(client):
        got = b""
        while b"\r\n\r\n" not in got:
            more = client.recv(1 << 16)
            if not more:
                return False
            got += more
        return True

    def page(self):
        now = time.time_ns()
        lines = []
        for check in range(self.checks):
            name = f"live{check:03}"
            for metric in range(self.metrics):
                which = f'{name}{{check="{name}",metric="{"now" if metric == 0 else f"m{metric:02}"}",host="bench"}}'
                value = now // 1_000_000 if metric == 0 else random.randrange(100_000) / 100
                lines.append(f"{which} {value}\n")
        return "".join(lines).encode()


def nats_messages(port, subject, stop):
    """Each message as (time, headers, bytes of all of it), until the event is set."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b'CONNECT {"verbose":false,"headers":true}\r\nSUB ' + subject.encode() + b" 1\r\n")
        connection.settimeout(0.2)
        buffer = b""
        while not stop.is_set():
            try:
                more = connection.recv(1 << 18)
            except TimeoutError:
                continue
            now = time.time()
            buffer += more
            while b"\r\n" in buffer:
                line, rest = buffer.split(b"\r\n", 1)
                if line == b"PING":
                    connection.sendall(b"PONG\r\n")
                elif line.startswith(b"HMSG"):
                    head, total = map(int, line.split()[-2:])
                    if len(rest) < total + 2:
                        break
                    yield now, rest[:head].decode(), total
                    rest = rest[total + 2 :]
                buffer = rest
