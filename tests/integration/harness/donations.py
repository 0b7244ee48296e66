"""Donations that count, written as the daemon writes them, for tests of what follows from them."""
import uuid


def given(place, donor, on, round=None, volume=350, component="whole_blood", evidence="confirmed", held=()):
    """The id of the donation; `place`: a daemon with a cluster of its own, or a Postgres. With a round it comes from an item, as a phone hands it in."""
    write = getattr(place, "ask", None) or place.sql
    id, item = str(uuid.uuid4()), None
    if round:
        item, hash = str(uuid.uuid4()), uuid.uuid4().bytes * 2
        write("INSERT INTO item (id, content_hash, kind, install, seq, captured_at, round_id, donor_id, registers, verdict, held, sealed)"
                   " VALUES (%s, %s, 'donation', %s, 1, %s, %s, %s, false, 'applied', %s, 'x')",
                   item, hash, str(uuid.uuid4()), f"{on}T08:00:00+07:00", round, donor, list(held))
        write("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source, round_id, outcome, item_id,"
                   " content_hash, captured_at) VALUES (%s, %s, %s, %s, %s, %s, 'field', %s, 'completed', %s, %s, %s)",
                   id, donor, component, volume, on, evidence, round, item, hash, f"{on}T08:00:00+07:00")
    else:
        write("INSERT INTO donation (id, donor_id, component, volume_ml, donated_on, evidence, source) VALUES (%s, %s, %s, %s, %s, %s, 'sổ cũ')",
                   id, donor, component, volume, on, evidence)
    return id
