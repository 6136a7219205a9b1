"""A round with PyIceberg: one line of JSON for each job.

Standard input is a JSON object: the properties of the catalog.
"""

import json
import sys

import pyarrow
from pyiceberg.catalog import load_catalog
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

CONFIG = json.load(sys.stdin)
catalog = load_catalog("icefield", **CONFIG)


def done(job, rows=()):
    print(json.dumps({"job": job, "rows": [list(row) for row in rows]}), flush=True)


def cannot(job, reason):
    print(json.dumps({"job": job, "cannot": reason}), flush=True)


def text(value):
    return "∅" if value is None else str(value)


def read(table, snapshot=None, columns=("*",)):
    found = table.scan(snapshot_id=snapshot, selected_fields=columns).to_arrow().to_pylist()
    return sorted([text(value) for value in row.values()] for row in found)


def items(ids, labels, **more):
    return pyarrow.table({"id": ids, "label" if not more else "title": labels, **more})


catalog.create_namespace("core")
schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "label", StringType(), required=False))
table = catalog.create_table("core.items", schema)
done("create")

table.append(items([1, 2, 3], ["one", "two", "three"]))
first = table.current_snapshot().snapshot_id
done("write", read(table))

with table.manage_snapshots() as snapshots:
    snapshots.create_tag(first, "first")
done("tag")

with table.update_schema() as update:
    update.add_column("weight", DoubleType())
    update.rename_column("label", "title")
table = catalog.load_table("core.items")
table.append(items([4], ["four"], weight=[0.25]))
done("evolve", read(table))

with table.manage_snapshots() as snapshots:
    snapshots.create_branch(table.current_snapshot().snapshot_id, "audit")
done("branch")

table.append(items([5], ["five"], weight=[0.5]), branch="audit")
table = catalog.load_table("core.items")
done("write to branch", read(table, table.refs()["audit"].snapshot_id))
done("time travel", read(table, table.refs()["first"].snapshot_id))

table = catalog.rename_table("core.items", "core.things")
done("rename", read(table))

if hasattr(catalog, "create_view"):
    from pyiceberg.view.metadata import SQLViewRepresentation, ViewVersion

    sql = "SELECT id FROM things WHERE id > 2"
    version = ViewVersion(
        version_id=1,
        schema_id=0,
        timestamp_ms=1_700_000_000_000,
        summary={"engine-name": "PyIceberg"},
        representations=[SQLViewRepresentation(type="sql", sql=sql, dialect="spark")],
        default_namespace=["core"],
    )
    ids = Schema(NestedField(1, "id", LongType(), required=False))
    catalog.create_view("core.ids", ids, version)
    loaded = catalog.load_view("core.ids")
    done("view", [[loaded.current_version().representations[0].root.sql]])
else:
    cannot("view", "it has no way to create one")

table.delete("id = 2")
done("delete rows", read(catalog.load_table("core.things")))

try:
    catalog.create_table("core.people", Schema(NestedField(1, "email", StringType(), required=False)))
    sys.exit("core.people was not refused")
except Exception as error:  # whatever the client makes of it
    done("read a refusal", [[f"{type(error).__name__}: {error}"]])

gone = catalog.create_table("core.gone", schema)
gone.append(items([1], ["one"]))
catalog.purge_table("core.gone")
done("drop with purge")
