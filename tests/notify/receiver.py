"""Receives what is posted over HTTP: writes down each request, and answers as it is told.

Usage: receiver.py PORT LOG ANSWER… [--tls CERTIFICATE KEY]

Each request is a line of JSON in LOG. Requests get the answers in turn, and the last one from then on: a status, `hang` (never
answers), `close` (hangs up), `huge` (a status of 500 with ten megabytes), `nrdp` (what NRDP says when it has taken results).
"""

import http.server
import json
import ssl
import sys
import threading

arguments = sys.argv[1:]
tls = None
if "--tls" in arguments:
    at = arguments.index("--tls")
    tls = arguments[at + 1 : at + 3]
    del arguments[at : at + 3]
port, log, answers = int(arguments[0]), arguments[1], arguments[2:]
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        record = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body": body}
        with lock:
            with open(log, "a") as file:
                file.write(json.dumps(record) + "\n")
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "hang":
            threading.Event().wait()
        if answer == "close":
            self.close_connection = True
            return
        said = b"thank you"
        if answer == "nrdp":
            answer, said = "200", b"<?xml version='1.0'?>\n<result>\n <status>0</status>\n <message>OK</message>\n</result>\n"
        if answer == "huge":
            answer, said = "500", b"x" * 10_000_000
        self.send_response(int(answer))
        if answer.startswith("3"):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
