"""The import of a list of donors, beside COPY of the rows that it wrote, with the same indexes and constraints."""
import csv
import json
import time

import psycopg

from harness import programs

TABLES = ["donor", "donor_identifier", "donor_digest", "donation", "audit_entry"]
HEADING = ["name", "birth", "sex", "number", "phone", "unit", "group", "day", "ml"]
MAPPING = {"source": "bench", "columns": {"name": "name", "birth": "birth", "sex": "sex", "id_number": "number", "phone": "phone",
                                          "unit": "unit", "blood_group": "group", "donated_on": "day", "volume_ml": "ml"}}
FIRST = ["Lò", "Vàng", "Giàng", "Tao", "Lý", "Phàn", "Nùng", "Hù", "Chang", "Mào", "Pờ", "Khoàng", "Sùng", "Thào", "Cứ", "Hoàng"]
MIDDLE = ["Thị", "Văn", "A", "Thị Thử", "Văn Mẫu", "Thử", "Mẫu", "Giả", "Nháp", "Ví Dụ"]
SYLLABLES = ["ba", "bo", "da", "đi", "ga", "hô", "khê", "la", "lý", "mai", "na", "nhi", "pa", "quy", "sa", "sơn", "ta", "thu", "va", "vy"]


def invented(n):
    """Person n: no two share a number or a phone; whole names meet as rarely as in a province."""
    tail = "".join(SYLLABLES[n // 20 ** k % 20] for k in range(3))
    return [f"{FIRST[n % 16]} {MIDDLE[n // 16 % 10]} {tail.capitalize()}", f"{n % 28 + 1}/{n // 28 % 12 + 1}/{1965 + n // 7 % 40}",
            "Nữ" if n % 2 else "Nam", f"012{n % 4}{n // 7 % 100:02d}{n:06d}"[-12:], f"09{n:08d}", "Huyện Than Uyên", "O+", "5/1/2025", 350]


def write_list(folder, rows):
    path, mapping = folder / "list.csv", folder / "mapping.json"
    with open(path, "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEADING, *map(invented, range(rows))])
    mapping.write_text(json.dumps(MAPPING))
    return path, mapping



def copy_again(conninfo, folder):
    """Seconds that COPY takes for the rows that are there: out, away, and in again as one transaction a table."""
    seconds = 0.0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as rows, open(folder / table, "wb") as out:
                for piece in rows:
                    out.write(piece)
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        for table in TABLES:
            began = time.monotonic()
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as rows, open(folder / table, "rb") as lines:
                while piece := lines.read(1 << 16):
                    rows.write(piece)
            seconds += time.monotonic() - began
            # else the foreign keys of the next one are looked up by plans for an empty table, which take a hundred times as long
            connection.execute(f"ANALYZE {table}")
            (folder / table).unlink()
    return seconds


def measure(config, conninfo, folder, rows):
    """(rows a second by the import, by COPY); what the import told must be that all were registered."""
    path, mapping = write_list(folder, rows)
    began = time.monotonic()
    outcome = programs.run("giothong", "--config", config, "donors", "import", path, "--mapping", mapping, "--json", "--register-likely",
                           folder=folder, timeout=7200)
    ours = time.monotonic() - began
    assert outcome.status == 0, outcome
    assert json.loads(outcome.out)["registered"] == rows, outcome
    return rows / ours, rows / copy_again(conninfo, folder)
