"""Says whether a replica in Postgres holds exactly what a SQLite file holds.

It shares nothing with the engine: another language, other drivers, its own reading of both sides. What it relies on is
sync-runtime/protocol/README.md alone (where a value lies that its column cannot hold) and that tables and columns bear
the source's names. Rows are compared as multisets, values by storage class and by every byte.

    main.py FILE SCHEMA      once, connecting as the PG* environment says; exit code 0 equal, 1 not equal, 2 failed
    main.py --serve          for many: a JSON object a line on stdin, its answer a line on stdout
                             {"file", "schema", "connection": {"host", "port", "dbname", "user", "password"}}

The file is copied with its -wal or -journal before it is read, so that not even an -shm appears beside it; the caller
sees to it that nobody writes meanwhile.
"""

import json
import sys

import psycopg2
from compare import compare
from replica import Replica
from source import Source


def answer(request: dict, replicas: dict) -> dict:
    """One comparison; `replicas` keeps the connections, by what they are made from."""
    key = json.dumps(request["connection"], sort_keys=True)
    kept = key in replicas
    if not kept:
        replicas.clear()
        replicas[key] = Replica(request["connection"])
    try:
        with Source(request["file"]) as source, replicas[key].snapshot(request["schema"]) as replica:
            return compare(source, replica)
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        # A server that was killed has ended the connection that was kept; a new one tells whether it is back.
        replicas.clear()
        if kept:
            return answer(request, replicas)
        raise


def serve() -> None:
    replicas: dict = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = answer(request, replicas)
        except Exception as error:  # whatever it is, the caller has to be told
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


def once(file: str, schema: str) -> int:
    result = answer({"file": file, "schema": schema, "connection": {}}, {})
    for difference in result["differences"]:
        print(difference)
    print(f"{result['tables']} tables, {result['rows']} rows: {'equal' if result['equal'] else 'NOT EQUAL'}")
    return 0 if result["equal"] else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    elif len(sys.argv) == 3:
        sys.exit(once(sys.argv[1], sys.argv[2]))
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
