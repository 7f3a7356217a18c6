"""Compares two databases table by table."""

from collections import Counter

from value import fingerprint, shown

SHOWN_ROWS = 3
SHOWN_DIFFERENCES = 20


def compare(source, replica) -> dict:
    """{"equal", "tables", "rows", "differences"}: the differences as sentences, the first of many."""
    ours, theirs = source.tables(), replica.tables()
    differences = [f"table {name} is not in the replica" for name in sorted(ours.keys() - theirs.keys())]
    differences += [f"table {name} is in the replica only" for name in sorted(theirs.keys() - ours.keys())]
    rows = 0
    for table in sorted(ours.keys() & theirs.keys()):
        columns = sorted(ours[table])
        if columns != sorted(theirs[table]):
            differences.append(f"table {table} has columns {columns} and {sorted(theirs[table])} in the replica")
            continue
        before = Counter(map(fingerprint, source.rows(table, columns)))
        after = Counter(map(fingerprint, replica.rows(table, columns)))
        rows += sum(before.values())
        if before != after:
            differences += _rows(table, columns, source, before - after, "is not in the replica")
            differences += _rows(table, columns, replica, after - before, "is in the replica only")
        differences += replica.held_wrongly(table, columns)
    return {
        "equal": not differences,
        "tables": len(ours),
        "rows": rows,
        "differences": differences[:SHOWN_DIFFERENCES],
    }


def _rows(table, columns, side, wanted: Counter, what: str) -> list:
    """Sentences about rows of one side, by their fingerprints."""
    total = sum(wanted.values())
    if total == 0:
        return []
    sentences = [f"{table}: {total} rows of which each {what}"]
    for row in side.rows(table, columns):
        if len(sentences) > SHOWN_ROWS:
            break
        if wanted[fingerprint(row)] > 0:
            values = ", ".join(f"{name} = {shown(value)}" for name, value in zip(columns, row))
            sentences.append(f"{table}: {values} {what}")
    return sentences
