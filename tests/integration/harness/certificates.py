"""Certificates from outside: donations to issue them for, the QR code read by another program, and verified by another implementation."""
import hashlib
import os
import pathlib
import subprocess
import tempfile
import unicodedata
import uuid

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from harness.seeds import TODAY

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BODY = {"name": "Ban Chỉ đạo vận động hiến máu tình nguyện thử nghiệm", "place": "Lai Châu", "signer": "Trưởng ban", "valid_from": "2020-01-01"}


def enter_body(admin, code):
    """An issuing body, once for each database."""
    answer = admin.post("/api/v1/issuing-bodies", json={"code": code, **BODY})
    assert answer.status_code in (201, 409), answer.text
    return code


def gave(sql, donor, on=TODAY, ml=350, outcome="completed", evidence="confirmed", round_id=None, bag=None, held=(), component="whole_blood"):
    """A donation as a phone's item leaves it; its id. `sql` is the owner's."""
    item, donation, digest = uuid.uuid4(), uuid.uuid4(), os.urandom(32)
    confirmed = evidence == "confirmed"
    if confirmed:
        sql("INSERT INTO item (id, content_hash, kind, install, seq, captured_at, round_id, donor_id, registers, verdict, held, sealed)"
            " VALUES (%s, %s, 'donation', gen_random_uuid(), 1, %s::date + time '09:00', %s, %s, false, 'applied', %s, '\\x00')",
            item, digest, on, round_id, donor, list(held))
    sql("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, bag_code, outcome, item_id,"
        " content_hash, captured_at) VALUES (%s, %s, %s, %s, %s, %s, 'test', %s, %s, %s, %s, %s, %s::date + time '09:00')",
        donation, donor, component, ml, on, evidence, round_id, bag, outcome if confirmed else None, item if confirmed else None,
        digest if confirmed else None, on if confirmed else None)
    return str(donation)


# ---- what is on the paper ----

def text_of(pdf, page=1):
    return subprocess.run(["pdftotext", "-f", str(page), "-l", str(page), "-layout", "-", "-"], input=pdf, check=True, capture_output=True).stdout.decode()


def codes_of(pdf, dpi=150):
    """The text of the QR code of each page, read by zbarimg."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "all.pdf").write_bytes(pdf)
        subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", "all.pdf", "page"], cwd=folder, check=True, capture_output=True)
        pages = sorted(path.name for path in pathlib.Path(folder).glob("page-*.pgm"))
        found = []
        for name in pages:
            read = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", name], cwd=folder, capture_output=True, check=True)
            found.append(read.stdout.decode().removesuffix("\n"))
        return found


# ---- the other implementation ----

def base45_decode(text):
    out = b""
    for at in range(0, len(text), 3):
        group = text[at:at + 3]
        value = sum(BASE45.index(c) * 45 ** n for n, c in enumerate(group))
        out += value.to_bytes(len(group) - 1, "big")
    return out


def base45_encode(data):
    text = ""
    for at in range(0, len(data), 2):
        pair = data[at:at + 2]
        value = int.from_bytes(pair, "big")
        text += BASE45[value % 45] + BASE45[value // 45 % 45] + (BASE45[value // 2025] if len(pair) == 2 else "")
    return text


def open_message(data, keys, use):
    """The payload of a COSE_Sign1 that one of the published keys has signed; None: none has, or it is no such thing."""
    try:
        message = cbor2.loads(data)
        protected, unprotected, payload, signature = message.value
        if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
            return None
        head = cbor2.loads(protected)
        if message.tag != 18 or unprotected != {} or head.keys() != {1, 4} or head[1] != -8:
            return None
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
    except Exception:                                                 # whatever a decoder makes of broken bytes
        return None
    for key in keys:
        if key["use"] != use or bytes.fromhex(key["kid"]) != head[4] or key["state"] == "compromised":
            continue
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public_key"])).verify(signature, signed)
            return cbor2.loads(payload), key
        except InvalidSignature:
            continue
    return None


def verify(text, keys):
    """{number, issuer, ml, day, salt, holder} of a genuine text, else None."""
    if not text.startswith("GH1:"):
        return None
    try:
        data = base45_decode(text[4:])
    except (ValueError, OverflowError):
        return None
    opened = open_message(data, keys, "certificates")
    if not opened:
        return None
    payload, key = opened
    if (payload[2], payload[1][:len(payload[2])]) != (key["issuer"], key["issuer"]):
        return None
    return dict(zip(("number", "issuer", "ml", "day", "salt", "holder"), (payload[n] for n in range(1, 7))))


def fold(name):
    plain = "".join(c for c in unicodedata.normalize("NFD", name.lower().replace("đ", "d")) if not unicodedata.combining(c))
    return " ".join(plain.split())


def holder_digest(salt, name, born):
    return hashlib.blake2b(salt + f"{fold(name)}\x1f{born}".encode(), digest_size=32).digest()


def is_revoked(signed, keys, salt):
    """Whether a signed list has this certificate; None: the list is not signed by any of the keys."""
    opened = open_message(base45_decode(signed.removeprefix("GHR1:")), keys, "revocations")
    if not opened:
        return None
    entries = opened[0][3]
    wanted = hashlib.blake2b(salt + b"giothong revoked", digest_size=32).digest()[:8]
    return wanted in [entries[n:n + 8] for n in range(0, len(entries), 8)]
