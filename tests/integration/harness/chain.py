"""The sealed audit checked without any code of ours: written from include/crypto/audit_chain.h alone."""
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLUMNS = ("id", "at", "xid", "actor_kind", "actor_id", "actor_role", "action", "subject_kind", "subject_id", "request_id",
           "key_id", "digest_before", "digest_after")
MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"

ROWS = f"""
    SELECT s.position, encode(s.hash, 'hex'), {MICROS.format('s.sealed_at')}, e.id::text, {MICROS.format('e.at')}, e.xid::text,
           e.actor_kind, e.actor_id, e.actor_role, e.action, e.subject_kind, e.subject_id, e.request_id, e.key_id,
           encode(e.digest_before, 'hex'), encode(e.digest_after, 'hex')
      FROM audit_seal AS s JOIN audit_entry AS e ON e.id = s.entry_id ORDER BY s.position"""

LINE = re.compile(r"audit_checkpoint level=info position=(\d+) hash=([0-9a-f]{64}) at_us=(\d+) key_id=(\d+)"
                  r" signature=([0-9a-f]{128})")


def field(value):
    if value is None:
        return b"-,"
    text = str(value).encode()
    return b"%d:%s," % (len(text), text)


def entry_hash(before, position, sealed_us, columns):
    """`before` and the result: 64 hexadecimal digits."""
    fields = (before, position, sealed_us, *columns)
    text = b"giothong audit entry v1\n" + b"".join(field(value) for value in fields)
    return hashlib.blake2b(text, digest_size=32).hexdigest()


def faults(connection):
    """Positions whose hash is not that of their row; holes too."""
    found, before, last = [], "0" * 64, 0
    for position, digest, sealed_us, *columns in connection.execute(ROWS):
        if position != last + 1 or entry_hash(before, position, sealed_us, columns) != digest:
            found.append(position)
        before, last = digest, position
    return found


def length(connection):
    return connection.execute("SELECT coalesce(max(position), 0) FROM audit_seal").fetchone()[0]


def is_signed(public_hex, position, digest, at_us, key_id, signature_hex):
    text = f"giothong audit checkpoint v1\nposition {position}\nhash {digest}\nat_us {at_us}\nkey_id {key_id}\n"
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex)).verify(bytes.fromhex(signature_hex), text.encode())
    except InvalidSignature:
        return False
    return True


def checkpoints(connection):
    return connection.execute(f"SELECT position, encode(hash, 'hex'), {MICROS.format('at')}, key_id, encode(signature, 'hex')"
                              " FROM audit_checkpoint ORDER BY position").fetchall()


def logged(text):
    """The checkpoints that a log tells of."""
    return [(int(m[1]), m[2], int(m[3]), int(m[4]), m[5]) for m in LINE.finditer(text)]


def public_key(keyring, key_id=1):
    """Of a keyring's folder, as an auditor would be given it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    path = next(keyring.glob(f"sign-{key_id}.*.key"))
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
