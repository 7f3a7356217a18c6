"""The Postgres side, read as binary COPY: the bytes that Postgres stored, converted by nobody."""

import json
from contextlib import contextmanager

import psycopg2
import value

RESERVED = "_replica_"


class Replica:
    """A connection to the database that holds replicas."""

    def __init__(self, connection: dict):
        self._connection = psycopg2.connect(client_encoding="UTF8", **connection)

    @contextmanager
    def snapshot(self, schema: str):
        """One tenant's schema at one moment."""
        self._connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        try:
            with self._connection.cursor() as cursor:
                yield Schema(cursor, schema)
        finally:
            self._connection.rollback()


class Schema:
    def __init__(self, cursor, name: str):
        self._cursor = cursor
        self._name = name
        self._types: dict = {}

    def tables(self) -> dict:
        """The source's columns, by table; what is the replica's own bears a reserved name."""
        self._cursor.execute(
            """SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum""",
            (self._name,),
        )
        found: dict = {}
        for table, column, kind in self._cursor.fetchall():
            if table.startswith(RESERVED):
                continue
            columns = found.setdefault(table, [])
            if column is not None and not column.startswith(RESERVED):
                columns.append(column)
                self._types[table, column] = kind
        return found

    def rows(self, table: str, columns: list):
        """Every row, as (class, bytes) in the order of `columns`."""
        decoders = [(column, _DECODERS[self._types[table, column]]) for column in columns]
        names = ", ".join(quoted(column) for column in [RESERVED + "odd", *columns])
        output = _BinaryCopy()
        self._cursor.copy_expert(
            f"COPY (SELECT {names} FROM {quoted(self._name)}.{quoted(table)}) TO STDOUT (FORMAT binary)", output
        )
        for odd, *fields in output.rows:
            beside = json.loads(odd[1:]) if odd is not None else {}
            row = []
            for (column, decode), field in zip(decoders, fields):
                if column in beside:
                    if field is not None:
                        raise ValueError(f"{table}.{column} is both in its column and beside the row")
                    row.append(value.from_canonical(bytes.fromhex(beside.pop(column))))
                else:
                    row.append(value.NULL if field is None else decode(field))
            if beside:
                raise ValueError(f"{table} keeps values of columns it does not have: {sorted(beside)}")
            yield row

    def held_wrongly(self, table: str, columns: list) -> list:
        """Names of columns of which a value stands beside the row that the column itself could have held."""
        kinds = {column: self._types[table, column] for column in columns}
        self._cursor.execute(
            f"SELECT e.key, e.value FROM {quoted(self._name)}.{quoted(table)} AS r, jsonb_each_text(r._replica_odd) AS e"
        )
        return [
            f"{table}.{column} keeps beside the row what its column can hold: {value.shown(kept)}"
            for column, kept in ((key, value.from_canonical(bytes.fromhex(data))) for key, data in self._cursor)
            if _fits(kinds.get(column), kept)
        ]


def _fits(kind, kept) -> bool:
    storage, data = kept
    if kind == "boolean":
        return storage == "integer" and int.from_bytes(data, "big") in (0, 1)
    if kind == "text":
        return storage == "text" and b"\0" not in data and _is_utf8(data)
    return (kind, storage) in {("bigint", "integer"), ("double precision", "real"), ("bytea", "blob")}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


_DECODERS = {
    "bigint": lambda field: ("integer", field),
    "boolean": lambda field: value.integer(field[0]),
    "double precision": lambda field: ("real", field),
    "text": value.text,
    "json": value.text,
    "bytea": value.blob,
}

_HEAD = 19  # signature, flags, no extension


class _BinaryCopy:
    """Takes what COPY writes and cuts it into rows of fields; None is NULL."""

    def __init__(self):
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    @property
    def rows(self):
        data, at = memoryview(bytes(self._data)), _HEAD
        while True:
            count = int.from_bytes(data[at : at + 2], "big", signed=True)
            at += 2
            if count < 0:
                return
            row = []
            for _ in range(count):
                length = int.from_bytes(data[at : at + 4], "big", signed=True)
                at += 4
                row.append(None if length < 0 else bytes(data[at : at + length]))
                at += max(0, length)
            yield row


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
