#!/usr/bin/env python3
"""Does what plugins do, and says what came of it."""
import argparse
import sys


def numbers(text):
    import json
    import re
    return json.dumps({"found": [float(each) for each in re.findall(r"\d+", text)]}, sort_keys=True)


def processes():
    import subprocess
    print(subprocess.run(["/bin/echo", "said"], capture_output=True, text=True))
    print(subprocess.check_output("echo $0; exit 0", shell=True))
    print(subprocess.run(["/bin/sh", "-c", "exit 3"]).returncode, subprocess.run(["/bin/sh", "-c", "kill -9 $$"]).returncode)
    try:
        subprocess.run(["sleep", "20"], timeout=0.02)
    except subprocess.TimeoutExpired as error:
        print(error.cmd)
    try:
        subprocess.run(["/no/such/program"])
    except OSError as error:
        print(error)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as cat:
        print(cat.communicate(b"through a pipe"))
    # What it starts has the same descriptors and signals.
    print(subprocess.check_output("ls -l /proc/self/fd | wc -l; grep Sig[^Q] /proc/self/status", shell=True, text=True))


def sockets():
    import select
    import socket
    import threading
    server = socket.create_server(("127.0.0.1", 0))
    answering = threading.Thread(target=lambda: server.accept()[0].sendall(b"220 ready\r\n"))
    answering.start()
    with socket.create_connection(server.getsockname(), timeout=5) as connection:
        select.select([connection], [], [], 5)
        print(connection.recv(100), type(connection), connection.family, select.__name__)
    answering.join()
    near, far = socket.socketpair()
    near.sendall(b"x")
    print(far.recv(1), socket.gethostbyname("localhost"))
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    try:
        socket.create_connection(probe.getsockname(), timeout=5)
    except OSError as error:
        print(type(error), error.errno)


def libraries():
    import collections
    import copy
    import datetime
    import decimal
    import hashlib
    import importlib
    import inspect
    import json
    import json.decoder
    import logging
    import multiprocessing
    import os
    import pickle
    import tempfile
    import traceback
    import urllib.parse
    import uuid
    import warnings
    import xml.etree.ElementTree as tree
    print(sys.modules["json"] is json, json.decoder is sys.modules["json.decoder"], json.__spec__, json.__loader__)
    print(os.path is sys.modules["os.path"], importlib.reload(json) is json, json.loads("[1]"))
    print(isinstance(collections.OrderedDict(), dict), decimal.Decimal("0.1") + 1, copy.deepcopy([1]))
    print(hashlib.sha256(b"x").hexdigest(), uuid.uuid5(uuid.NAMESPACE_DNS, "x"), urllib.parse.urlparse("http://h:1/p?q"))
    print(tree.fromstring("<a><b c='1'/></a>")[0].attrib, datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc))
    print(pickle.loads(pickle.dumps(Thing(3))), Thing.__module__, inspect.getsource(numbers)[:20], inspect.getfile(Thing))
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    logging.getLogger("x").warning("logged %s", 1)
    logging.info("%s", inspect.currentframe().f_code.co_filename)
    warnings.warn("a warning")
    warnings.warn("an old thing", DeprecationWarning, stacklevel=2)
    with tempfile.NamedTemporaryFile() as file:
        print(os.path.dirname(file.name))
    try:
        undefined
    except NameError:
        print(traceback.format_exc())
    print(multiprocessing.get_context("fork").Pool(2).map(abs, [-1, -2]))
    print(sorted(name for name in sys.modules if name.startswith("json")))
    print(sys.modules["__main__"].numbers is numbers)


class Thing:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Thing({self.value})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-w", "--warning", type=float, default=5)
    parser.add_argument("what", nargs="?", choices=["processes", "sockets", "libraries"])
    arguments = parser.parse_args()
    if arguments.what:
        globals()[arguments.what]()
    print(f"OK - {numbers('12 and 3')} | a={arguments.warning}")
    return 1 if arguments.warning < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
