#!PYTHON
import argparse
import logging

import nagiosplugin

_log = logging.getLogger("nagiosplugin")


class Number(nagiosplugin.Resource):
    def __init__(self, value):
        self.value = value

    def probe(self):
        _log.info("the number is %s", self.value)
        if self.value < 0:
            raise ValueError("no such number")
        yield nagiosplugin.Metric("number", self.value, "s", min=0)


@nagiosplugin.guarded
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-w", "--warning", default="5")
    parser.add_argument("-c", "--critical", default="10")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("value", type=float)
    arguments = parser.parse_args()
    check = nagiosplugin.Check(
        Number(arguments.value), nagiosplugin.ScalarContext("number", arguments.warning, arguments.critical))
    check.main(verbose=arguments.verbose)


if __name__ == "__main__":
    main()
