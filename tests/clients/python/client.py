"""prometheus-api-client against `custos serve`: every request that it knows, over a history that history.rs describes."""

import datetime
import os
import unittest

from prometheus_api_client import PrometheusApiClientException, PrometheusConnect

URL = os.environ["CUSTOS_URL"]
END = int(os.environ["CUSTOS_END"])


def at(seconds):
    """A time, as the client takes it."""
    return datetime.datetime.fromtimestamp(seconds)


class Client(unittest.TestCase):
    def setUp(self):
        token = os.environ.get("CUSTOS_TOKEN")
        self.prometheus = PrometheusConnect(url=URL, auth=("grafana", token) if token else None)

    def test_connection(self):
        self.assertTrue(self.prometheus.check_prometheus_connection())

    def test_lists(self):
        metrics = self.prometheus.all_metrics()
        self.assertLessEqual({"load", "memory", "net", "switch.1", "über", "check_state"}, set(metrics))
        self.assertEqual(metrics, sorted(metrics))
        self.assertLessEqual({"check", "metric", "if", "if.name"}, set(self.prometheus.get_label_names()))
        self.assertEqual(self.prometheus.get_label_values("metric", params={"match[]": "load"}), ["load1", "load5"])
        series = self.prometheus.get_series(at(END - 60), at(END), params={"match[]": "load"})
        self.assertEqual([one["metric"] for one in series], ["load1", "load5"])

    def test_current_value(self):
        [value] = self.prometheus.get_current_metric_value("load", label_config={"metric": "load5"})
        self.assertEqual(value["metric"], {"__name__": "load", "check": "load", "metric": "load5"})
        self.assertEqual(value["value"][1], "1")

    def test_range_of_raw_samples(self):
        [series] = self.prometheus.get_metric_range_data(
            "load", {"metric": "load1"}, start_time=at(END - 600), end_time=at(END),
            chunk_size=datetime.timedelta(minutes=10))
        self.assertEqual(len(series["values"]), 60)
        self.assertEqual(series["values"][-1], [END, "3.6"])
        parts = self.prometheus.get_metric_range_data(
            "load", {"metric": "load1"}, start_time=at(END - 600), end_time=at(END),
            chunk_size=datetime.timedelta(minutes=1))
        self.assertEqual(sum(len(part["values"]) for part in parts), 60)

    def test_queries(self):
        [value] = self.prometheus.custom_query("sum by (check) (rate(net[1m]))", params={"time": END})
        self.assertEqual((value["metric"], value["value"]), ({"check": "net"}, [END, "300"]))
        [series] = self.prometheus.custom_query_range("load{metric='load1'}", at(END - 30), at(END), "10s")
        self.assertEqual([point[1] for point in series["values"]], ["3.57", "3.58", "3.59", "3.6"])

    def test_metadata(self):
        [memory] = self.prometheus.get_metric_metadata("net")
        self.assertEqual(memory, {"metric_name": "net", "type": "counter", "help": "", "unit": ""})
        self.assertEqual(self.prometheus.get_metric_metadata("nowhere"), [])

    def test_mistake(self):
        with self.assertRaisesRegex(PrometheusApiClientException, "HTTP Status Code 400.*parse error"):
            self.prometheus.custom_query("sum(load")


if __name__ == "__main__":
    unittest.main()
