"""Says of each document on stdin whether it fits the JSON Schema in the file argv[1]: a line `ok`, or one with the reason.

Each line of stdin is a text of YAML, or of JSON, as a JSON string. YAML is read as version 1.2 has it, as editors do.
"""

import json
import sys

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match
from ruamel.yaml import YAML


def with_text_keys(value):
    """The keys of mappings as texts: `2026-12-24` and `7` are names here."""
    if isinstance(value, dict):
        return {str(key): with_text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_text_keys(item) for item in value]
    return value


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)
    yaml = YAML(typ="safe", pure=True)
    # Version 1.2 has no dates.
    yaml.constructor.add_constructor("tag:yaml.org,2002:timestamp", type(yaml.constructor).construct_yaml_str)
    for line in sys.stdin:
        text = json.loads(line)
        document = json.loads(text) if text.startswith("{") else with_text_keys(yaml.load(text))
        error = None if validator.is_valid(document) else best_match(validator.iter_errors(document))
        print("ok" if error is None else f"{error.json_path}: {error.message}".replace("\n", " ")[:300])


main()
