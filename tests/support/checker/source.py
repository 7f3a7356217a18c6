"""The SQLite side, read with the standard library's driver from a copy of the file."""

import os
import shutil
import sqlite3
import tempfile

import value


class Source:
    """One database file, closed and its copy removed at the end of the `with`."""

    def __init__(self, path: str):
        self._directory = tempfile.mkdtemp(prefix="checker-")
        copied = os.path.join(self._directory, "copy.db")
        for suffix in ("", "-wal", "-journal"):
            if suffix == "" or os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copied + suffix)
        self._connection = sqlite3.connect(copied, isolation_level=None)
        self._connection.text_factory = bytes

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()
        shutil.rmtree(self._directory)

    def tables(self) -> dict:
        """Columns with rows of their own, by table: no generated ones, no views, virtual tables or their shadows."""
        kinds = self._connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")
        names = [name.decode() for name, kind in kinds if kind == b"table" and not name.startswith(b"sqlite_")]
        return {name: self._columns(name) for name in names}

    def _columns(self, table: str) -> list:
        found = self._connection.execute("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", (table,))
        return [name.decode() for (name,) in found]

    def rows(self, table: str, columns: list):
        """Every row, as (class, bytes) in the order of `columns`."""
        names = [quoted(column) for column in columns]
        wanted = ", ".join(f"typeof({name}), {name}" for name in names)
        for row in self._connection.execute(f"SELECT {wanted} FROM {quoted(table)} NOT INDEXED"):
            yield [_value(row[i], row[i + 1]) for i in range(0, len(row), 2)]


def _value(kind: bytes, found):
    if kind == b"null":
        return value.NULL
    if kind == b"integer":
        return value.integer(found)
    if kind == b"real":
        return value.real(found)
    return value.text(found) if kind == b"text" else value.blob(found)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
