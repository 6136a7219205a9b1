"""Runs SQL in DuckDB with its Iceberg extension.

Standard input has lines `conf NAME VALUE` (the catalog's properties), then lines `sql STATEMENT` or `let NAME STATEMENT`,
which keeps the first value of the answer for `${NAME}` in later statements. For each statement standard output has a line
`@@ {"rows":[[…]]}` or `@@ {"error":"…"}`.
"""

import glob
import json
import os
import sys

import duckdb


def text(value):
    return "∅" if value is None else str(value)


def extension(name):
    """The extensions come from packages: nothing is downloaded when they are loaded."""
    package = __import__("duckdb_extension_" + name)
    (file,) = glob.glob(os.path.join(os.path.dirname(package.__file__), "extensions", "*", name + ".duckdb_extension"))
    return file


def quoted(value):
    return "'" + value.replace("'", "''") + "'"


conf, kept = {}, {}
lines = [line.rstrip("\n").split(" ", 1) for line in sys.stdin]
for word, rest in lines:
    if word == "conf":
        name, value = rest.split(" ", 1)
        conf[name] = value

database = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
for each in ("avro", "httpfs", "iceberg"):
    database.execute("LOAD " + quoted(extension(each)))
client_id, client_secret = conf["credential"].split(":", 1)
database.execute(
    f"CREATE SECRET job (TYPE iceberg, CLIENT_ID {quoted(client_id)}, CLIENT_SECRET {quoted(client_secret)},"
    f" OAUTH2_SERVER_URI {quoted(conf['oauth2-server-uri'])})"
)
database.execute(f"ATTACH {quoted(conf['warehouse'])} AS ice (TYPE iceberg, SECRET job, ENDPOINT {quoted(conf['uri'])})")

for word, rest in lines:
    if word == "conf":
        continue
    name, statement = rest.split(" ", 1) if word == "let" else ("", rest)
    for key, value in kept.items():
        statement = statement.replace("${" + key + "}", value)
    try:
        rows = [[text(value) for value in row] for row in database.execute(statement).fetchall()]
        if word == "let":
            kept[name] = rows[0][0]
        answer = {"rows": rows}
    except duckdb.Error as error:
        answer = {"error": str(error)}
    print("@@ " + json.dumps(answer), flush=True)
