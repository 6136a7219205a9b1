"""Creates, appends, scans and evolves a table with PyIceberg; says what it saw as JSON.

Standard input is a JSON object: the properties of the catalog.
"""

import json
import sys

import pyarrow
from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import GreaterThan
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField, StringType


def refusal(attempt):
    """What the user reads when the catalog says no."""
    try:
        attempt()
    except Exception as error:  # whatever the client makes of it
        return f"{type(error).__name__}: {error}"
    return "not refused"


catalog = load_catalog("icefield", **json.load(sys.stdin))
catalog.create_namespace("core")
items = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "label", StringType(), required=False))
table = catalog.create_table("core.items", items)
table.append(pyarrow.table({"id": [1, 2, 3], "label": ["one", "two", "three"]}))
with table.update_schema() as update:
    update.add_column("weight", DoubleType())
table.append(pyarrow.table({"id": [4, 5], "label": ["four", "five"], "weight": [0.25, 0.5]}))


def add_phone():
    with table.update_schema() as update:
        update.add_column("phone_number", StringType())


table = catalog.load_table("core.items")
people = Schema(NestedField(1, "email", StringType(), required=False))
print(
    json.dumps(
        {
            "rows": table.scan().to_arrow().num_rows,
            "filtered": table.scan(row_filter=GreaterThan("weight", 0.1)).to_arrow().num_rows,
            "columns": [field.name for field in table.schema().fields],
            "refused": refusal(lambda: catalog.create_table("core.people", people)),
            "evolution refused": refusal(add_phone),
        }
    )
)
