#!/usr/bin/python3 -u
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "first"))
import argparse
import csv
import json

import beside
import package.inner
from package import inner as again

print(json.__file__ == beside.JSON, getattr(json, "OWN", "the standard one"), package.inner.VALUE, again is package.inner)
print(argparse.__name__, csv.__name__, beside.__name__, beside.__file__ == os.path.join(sys.path[1], "beside.py"))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("json", "beside", "package", "csv", "_csv", "re")))
