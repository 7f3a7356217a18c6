"""A value as both sides give it: a storage class and its bytes, so that 1, 1.0, '1' and x'31' are four values."""

import hashlib
import struct

NULL = ("null", b"")


def integer(value: int):
    return ("integer", value.to_bytes(8, "big", signed=True))


def real(value: float):
    return ("real", struct.pack(">d", value))


def text(value: bytes):
    return ("text", value)


def blob(value: bytes):
    return ("blob", value)


def from_canonical(data: bytes):
    """A value as `_replica_odd` keeps it: a letter for the class, then the value (protocol/README.md, A row)."""
    letter, rest = data[:1], data[1:]
    if letter == b"N" and rest == b"":
        return NULL
    if letter == b"I" and len(rest) == 8:
        return ("integer", rest)
    if letter == b"R" and len(rest) == 8:
        return ("real", rest)
    if letter in (b"T", b"B") and len(rest) >= 4 and int.from_bytes(rest[:4], "big") == len(rest) - 4:
        return ("text" if letter == b"T" else "blob", rest[4:])
    raise ValueError(f"not the canonical form of a value: {data[:40].hex()}")


def fingerprint(row) -> bytes:
    """The same for the same values in the same order, and for no others."""
    digest = hashlib.blake2b(digest_size=16)
    for kind, data in row:
        digest.update(b"%s %d\n" % (kind.encode(), len(data)))
        digest.update(data)
    return digest.digest()


def shown(value) -> str:
    kind, data = value
    if kind == "null":
        return "NULL"
    if kind == "integer":
        return str(int.from_bytes(data, "big", signed=True))
    if kind == "real":
        return f"real {struct.unpack('>d', data)[0]!r}"
    start = data[:60].decode("utf-8", "backslashreplace") if kind == "text" else data[:30].hex()
    return f"{kind} of {len(data)} bytes {start!r}"
