"""Receives OTLP over HTTP, decodes it by the PyPI package opentelemetry-proto, and writes what it has as lines of JSON.

Usage: receive_otlp.py PORT FILE

What is in FILE is kept. Answers come from files beside it, if they are there: FILE.status has the status of every answer, FILE.reject how
many points or records of each request are rejected.
"""

import gzip
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics

PORT, FILE = int(sys.argv[1]), sys.argv[2]


def told(name):
    try:
        with open(f"{FILE}.{name}") as file:
            return int(file.read())
    except FileNotFoundError:
        return None


def plain(value):
    return getattr(value, value.WhichOneof("value"))


def attributes(pairs):
    all = {pair.key: plain(pair.value) for pair in pairs}
    assert len(all) == len(pairs), f"a name comes twice: {pairs}"
    return all


def known(message):
    """Nothing may be in a message that the package does not know."""
    again = type(message)()
    again.CopyFrom(message)
    again.DiscardUnknownFields()
    assert again.SerializeToString() == message.SerializeToString(), "there are unknown fields"
    return message


def of_metrics(request):
    for resource in known(request).resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data"))
                for point in data.data_points:
                    which = point.WhichOneof("value")
                    assert (which is None) == (point.flags == 1), point
                    yield {
                        "resource": attributes(resource.resource.attributes),
                        "scope": scope.scope.name,
                        "name": metric.name,
                        "unit": metric.unit,
                        "kind": metric.WhichOneof("data"),
                        "monotonic": getattr(data, "is_monotonic", None),
                        "temporality": getattr(data, "aggregation_temporality", None),
                        "attributes": attributes(point.attributes),
                        "time_ns": point.time_unix_nano,
                        "which": which,
                        # As a text, since not every reader of JSON has integers of 64 bits.
                        "value": which and str(getattr(point, which)),
                    }


def of_logs(request):
    for resource in known(request).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield {
                    "resource": attributes(resource.resource.attributes),
                    "severity": record.severity_number,
                    "severity_text": record.severity_text,
                    "body": plain(record.body),
                    "attributes": attributes(record.attributes),
                    "time_ns": record.time_unix_nano,
                    "observed_ns": record.observed_time_unix_nano,
                }


KINDS = {
    "/v1/metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse, of_metrics, "rejected_data_points"),
    "/v1/logs": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse, of_logs, "rejected_log_records"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["content-type"] == "application/x-protobuf"
        assert self.headers["content-encoding"] == "gzip"
        request, response, lines, rejected = KINDS[self.path]
        request, response = request.FromString(gzip.decompress(body)), response()
        status, reject = told("status"), told("reject")
        if status:
            return self.answer(status, b"", [("retry-after", "1")])
        lines = list(lines(request))
        if reject:
            reject = min(reject, len(lines))
            setattr(response.partial_success, rejected, reject)
            response.partial_success.error_message = "this one does not please"
            lines = lines[reject:]
        with open(FILE, "a") as file:
            for line in lines:
                file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.answer(200, response.SerializeToString())

    def answer(self, status, body, headers=()):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
