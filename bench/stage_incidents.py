"""Stages incidents and asks `custos why` about each; see scripts/stage-incidents."""

import argparse
import glob
import json
import os
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time

PLUGINS = "/usr/lib/nagios/plugins"
# Of the lines that `why` shows, the first so many count.
FIRST = 5
WANTED = 8
PEER, OWN = "10.99.0.2", "10.99.0.1"
APP_PORT, SERVICE_PORT, TIME_PORT = 8080, 8081, 3737

# A plugin each: what it measures is on its last line.
MEMORY = """awk '/^MemAvailable/ { printf "OK | available=%dB\\n", $2 * 1024 }' /proc/meminfo"""
CPU = """awk '/^cpu / { u = $2 + $3; s = $4; w = $6 } /^procs_running/ { r = $2 } /^ctxt/ { c = $2 }
END { printf "OK | user=%dc system=%dc iowait=%dc running=%d switches=%dc\\n", u, s, w, r, c }' /proc/stat"""
PRESSURE = """awk '/^some/ { sub("total=", "", $5); name = FILENAME; sub(".*/", "", name); said = said " " name "=" $5 "c" }
END { print "OK |" said }' /proc/pressure/*"""
LOG = """size=$(stat -c %s "$PLACE/var/app.log") && echo "OK | size=${size}B" """
WORKER = """awk '/^VmRSS/ { printf "OK | rss=%dB\\n", $2 * 1024 }' /proc/$(cat "$PLACE/worker.pid")/status"""
NAMES = """began=$(date +%s%N)
if getent ahostsv4 app.example.net >/dev/null; then state=0 said=OK; else state=2 said="CRITICAL - no answer"; fi
echo "$said | time=$(( ($(date +%s%N) - began) / 1000 ))us"; exit $state"""
WRITE = """began=$(date +%s%N)
dd if=/dev/zero of="$PLACE/probe" bs=4k count=1 conv=fsync 2>/dev/null
echo "OK | time=$(( ($(date +%s%N) - began) / 1000 ))us" """

# How each check is made, and how far apart its runs are.
CHECKS = {
    "memory": ("sh", MEMORY),
    "cpu": ("sh", CPU),
    "pressure": ("sh", PRESSURE),
    "log": ("sh", LOG),
    "worker": ("sh", WORKER),
    "dns": ("sh", NAMES),
    "write": ("sh", WRITE),
    "load": ("command", f"{PLUGINS}/check_load -w 500 -c 1000"),
    "processes": ("command", f"{PLUGINS}/check_procs"),
    "disk": ("command", f"{PLUGINS}/check_disk -w 20% -c 5% -p $PLACE/var"),
    "peer": ("command", f"{PLUGINS}/check_tcp -H {PEER} -p 7 -t 2"),
    "service": ("command", f"{PLUGINS}/check_tcp -H 127.0.0.1 -p {SERVICE_PORT} -t 2"),
    "app": ("command", f"{PLUGINS}/check_http -H 127.0.0.1 -p {APP_PORT} -t 5"),
    "clock": ("command", f"/usr/bin/env LD_PRELOAD=$FAKETIME FAKETIME_TIMESTAMP_FILE=$PLACE/faketime FAKETIME_NO_CACHE=1 "
                         f"{PLUGINS}/check_time -H 127.0.0.1 -p {TIME_PORT} -w 60 -c 600"),
}


def log(text):
    print(text, flush=True)


def serve(port, answer):
    """Answers each connection on a port with what a function makes of what was sent."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(2)
            try:
                said = answer(self.request)
                self.request.sendall(said)
            except OSError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    server = Server(("0.0.0.0", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


class Names:
    """A name server that knows one address for every name, and may take its time."""

    def __init__(self):
        self.late_s = 0.0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, asker = self.socket.recvfrom(512)
            timer = threading.Timer(self.late_s, self.answer, (question, asker))
            timer.daemon = True
            timer.start()

    def answer(self, question, asker):
        end = 12
        while question[end]:
            end += question[end] + 1
        kind = struct.unpack_from(">H", question, end + 1)[0]
        is_address = kind == 1
        head = question[:2] + b"\x81\x80\x00\x01" + struct.pack(">H", int(is_address)) + b"\x00\x00\x00\x00"
        address = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + socket.inet_aton("192.0.2.1")
        self.socket.sendto(head + question[12:end + 5] + (address if is_address else b""), asker)


class Stage:
    """The machine: what runs on it, and the agent that watches it."""

    def __init__(self, custos, place):
        self.custos, self.place, self.started = custos, place, []
        self.release = 1
        run("ip", "link", "set", "lo", "up")
        os.mkdir(f"{place}/var")
        run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", f"{place}/var")
        write(f"{place}/resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:1\n")
        run("mount", "--bind", f"{place}/resolv.conf", os.path.realpath("/etc/resolv.conf"))
        write(f"{place}/var/app.log", "began\n")
        write(f"{place}/faketime", "+0")
        self.peer()
        self.names = Names()
        self.app = serve(APP_PORT, self.page)
        serve(TIME_PORT, lambda _: struct.pack(">I", (int(time.time()) + 2208988800) & 0xFFFFFFFF))
        self.service = self.start_service()
        self.worker = self.start("python3", "-c", WORKING, f"{place}/leak")
        write(f"{place}/worker.pid", str(self.worker.pid))

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def start_service(self):
        return self.start("python3", "-c", ECHOING, "127.0.0.1", str(SERVICE_PORT))

    def peer(self):
        """Another host, behind a link."""
        there = self.start("unshare", "--net", "python3", "-c", ECHOING, "0.0.0.0", "7")
        until("the other host", lambda: os.readlink(f"/proc/{there.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        run("ip", "link", "add", "own", "type", "veth", "peer", "name", "there", "netns", str(there.pid))
        run("ip", "address", "add", f"{OWN}/24", "dev", "own")
        run("ip", "link", "set", "own", "up")
        inside = ["nsenter", "--net", "--target", str(there.pid)]
        run(*inside, "ip", "address", "add", f"{PEER}/24", "dev", "there")
        run(*inside, "ip", "link", "set", "there", "up")

    def page(self, request):
        request.recv(1024)
        if self.release == 2:
            time.sleep(0.4)
            body = "no such column: customers.region"
            return f"HTTP/1.0 500 Internal Server Error\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        body = "<p>welcome</p>" * 50
        return f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def configuration(self):
        faketime = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0]
        lines = [f"store: {self.place}/store", "checks:"]
        for name, (kind, what) in CHECKS.items():
            what = what.replace("$PLACE", self.place).replace("$FAKETIME", faketime)
            if kind == "sh":
                write(f"{self.place}/{name}.sh", what.replace('"$PLACE', f'"{self.place}') + "\n")
                what = f"/bin/sh {self.place}/{name}.sh"
            lines.append(f"  {name}: {{ command: {json.dumps(what)}, check_interval: 1s, retry_interval: 1s, timeout: 8s }}")
        write(f"{self.place}/custos.yaml", "\n".join(lines) + "\n")
        return f"{self.place}/custos.yaml"

    def why(self, since_s, until_s):
        """What `why` lists of a time, in its order."""
        command = [self.custos, "why", "--json", "--store", f"{self.place}/store", "--since", f"@{since_s:.0f}", "--at", f"@{until_s:.0f}"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise SystemExit(f"custos why failed: {answer.stderr}")
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        return lines, [line for line in lines if line.get("listed", True)]


# Listens, and answers each connection with a byte.
ECHOING = """
import socket, sys
listening = socket.create_server((sys.argv[1], int(sys.argv[2])))
while True:
    connection, _ = listening.accept()
    connection.sendall(b"x")
    connection.close()
"""

# A process that works, and leaks 4 MB a tenth of a second once a file is there; without it, it begins anew.
WORKING = """
import os, sys, time
kept = []
while True:
    if os.path.exists(sys.argv[1]):
        kept.append(b"x" * (4 << 20))
    else:
        kept.clear()
    time.sleep(0.1)
"""

HOG = "while True: pass"

# Writes as fast as the disk takes it.
NEIGHBOUR = """
import os, sys
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
block = bytes(1 << 20)
while True:
    for at in range(16):
        os.pwrite(file, block, at << 20)
    os.fsync(file)
"""


def run(*command):
    subprocess.run(command, check=True)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def until(what, is_there, tries=600):
    for _ in range(tries):
        try:
            if is_there():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"waited in vain for {what}")


class Incident:
    """What happens, and of which checks the metrics and events behind it are."""

    def __init__(self, name, behind, begin=lambda: None, end=lambda: None):
        self.name, self.behind, self.begin, self.end = name, behind, begin, end


def incidents(stage):
    """The ten, in the order in which they are staged."""
    place, running = stage.place, []

    def fill():
        filling = ["sh", "-c", f"while head -c 2000000 /dev/zero >>{place}/var/app.log 2>/dev/null; do sleep 1; done"]
        running.append(subprocess.Popen(filling))

    def clean():
        end_all()
        write(f"{place}/var/app.log", "began\n")

    def hog():
        for _ in range(3 * os.cpu_count()):
            running.append(subprocess.Popen(["python3", "-c", HOG]))

    def neighbour():
        for number in range(4):
            running.append(subprocess.Popen(["python3", "-c", NEIGHBOUR, f"{place}/neighbour-{number}"]))

    def end_all():
        for process in running:
            process.kill()
            process.wait()
        running.clear()

    def end_neighbour():
        end_all()
        for path in glob.glob(f"{place}/neighbour-*"):
            os.remove(path)

    def kill_service():
        stage.service.kill()
        stage.service.wait()

    def start_service():
        stage.service = stage.start_service()

    def deploy():
        stage.release = 2
        note = [stage.custos, "note", "--store", f"{place}/store", "--author", "deploy", "app 2 replaced 1"]
        subprocess.run(note, check=True, stdout=subprocess.DEVNULL)

    def roll_back():
        stage.release = 1

    def slow(late_s):
        stage.names.late_s = late_s

    return [
        Incident("nothing", set()),
        Incident("disk", {"disk", "log"}, fill, clean),
        Incident("leak", {"worker", "memory"}, lambda: write(f"{place}/leak", ""), lambda: os.remove(f"{place}/leak")),
        Incident("hog", {"cpu", "load", "pressure", "processes"}, hog, end_all),
        Incident("route", {"peer"}, lambda: run("ip", "route", "del", "10.99.0.0/24"),
                 lambda: run("ip", "route", "add", "10.99.0.0/24", "dev", "own")),
        Incident("dns", {"dns"}, lambda: slow(0.4), lambda: slow(0.0)),
        Incident("service", {"service"}, kill_service, start_service),
        Incident("clock", {"clock"}, lambda: write(f"{place}/faketime", "+300"), lambda: write(f"{place}/faketime", "+0")),
        Incident("deploy", {"app", "note"}, deploy, roll_back),
        Incident("neighbour", {"write", "cpu", "pressure"}, neighbour, end_neighbour),
    ]


def of_line(line):
    """What a line of `why` is about: a check, or what was written of none."""
    return line.get("check") or line["kind"]


def shown(line):
    metric = f":{line['metric']}" if line["kind"] == "series" else ""
    return f"{of_line(line)}{metric}" + ("" if line["kind"] == "series" else f" ({line['kind']})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--custos", required=True)
    parser.add_argument("--quiet-s", type=float, default=200)
    parser.add_argument("--incident-s", type=float, default=25)
    parser.add_argument("--between-s", type=float, default=40)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default="")
    args = parser.parse_args()
    only = set(args.only.split(",")) - {""}
    with tempfile.TemporaryDirectory(prefix="stage-incidents-", dir="/var/tmp") as place:
        stage = Stage(os.path.realpath(args.custos), place)
        wanted = [one for one in incidents(stage) if not only or one.name in only]
        if not wanted:
            raise SystemExit("no such incident; the names are " + ", ".join(one.name for one in incidents(stage)))
        config = stage.configuration()
        with open(f"{place}/log", "wb") as agent_log:
            agent = subprocess.Popen([args.custos, "run", "--config", config], stdout=agent_log, stderr=agent_log)
        try:
            found = play(stage, wanted, args)
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait()
            if args.keep:
                shutil.copytree(place, args.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("var", "probe", "control*"))
            for process in stage.started:
                process.kill()
                process.wait()
            run("umount", f"{place}/var")
    real = [one for one in wanted if one.behind]
    missed = [one.name for one in real if not found[one.name]]
    log(f"found {len(real) - len(missed)} of {len(real)} incidents among the first {FIRST} lines" + (f", not {', '.join(missed)}" if missed else ""))
    quiet = found.get("nothing", True)
    log("where nothing was, nothing was listed" if quiet else "where nothing was, something was listed")
    # Nothing at all is the tenth, and counts as found where nothing is listed.
    enough = sum(found.values()) * 10 >= WANTED * len(wanted)
    raise SystemExit(0 if enough and quiet else 1)


def play(stage, wanted, args):
    log(f"{len(CHECKS)} checks, each every second, on this machine; quiet for {args.quiet_s:g} s")
    time.sleep(args.quiet_s)
    found = {}
    for number, incident in enumerate(wanted):
        if number > 0:
            time.sleep(args.between_s)
        since_s = time.time()
        incident.begin()
        try:
            time.sleep(args.incident_s)
            until_s = time.time()
            # What ran is written.
            time.sleep(2)
        finally:
            incident.end()
        lines, listed = stage.why(since_s, until_s)
        if args.keep:
            os.makedirs(args.keep, exist_ok=True)
            write(f"{args.keep}/{incident.name}.json", "".join(json.dumps(line) + "\n" for line in lines))
        first = listed[:FIRST]
        found[incident.name] = any(of_line(line) in incident.behind for line in first) if incident.behind else not listed
        verdict = "found" if found[incident.name] else "NOT FOUND"
        log(f"{incident.name:<10} {verdict:<10} {', '.join(shown(line) for line in first) or 'nothing listed'}"
            + (f", and {len(listed) - FIRST} more" if len(listed) > FIRST else ""))
    return found


if __name__ == "__main__":
    sys.exit(main())
