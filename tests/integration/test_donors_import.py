"""`giothong donors import`: lists that branches kept in spreadsheets. All people are invented."""
import csv
import json
import random
import signal
import subprocess
import time

import openpyxl
import pytest

from harness import programs
from harness.daemon import own_daemon, wait_until

HEADING = ["TT", "Họ và tên", "Ngày sinh", "Giới tính", "Số CCCD", "Điện thoại", "Nơi ở", "Nhóm máu", "Ngày hiến", "Thể tích"]
MAPPING = {"source": "Sổ hiến máu thử 2023",
           "columns": {"name": "Họ và tên", "birth": "Ngày sinh", "sex": "Giới tính", "id_number": "Số CCCD", "phone": "Điện thoại",
                       "unit": "Nơi ở", "blood_group": "Nhóm máu", "donated_on": "Ngày hiến", "volume_ml": "Thể tích"}}
WORDS = ["Thử", "Mẫu", "Giả", "Dụ", "Nháp", "Tạm", "Vờ", "Hư", "Cấu", "Bịa"]


def person(n, **more):
    """A row of HEADING; people of different n share neither name, number nor phone."""
    name = "Lò " + " ".join(WORDS[int(d)] + "xyzqwkjvbh"[int(d)] * (i + 1) for i, d in enumerate(f"{n:05d}"))
    row = {"TT": n, "Họ và tên": name, "Ngày sinh": f"{n % 28 + 1}/{n % 12 + 1}/{1970 + n % 30}", "Giới tính": "Nữ" if n % 2 else "Nam",
           "Số CCCD": f"0121{70 + n % 30:02d}{n:06d}", "Điện thoại": f"0912{n:06d}", "Nơi ở": "Huyện Than Uyên", "Nhóm máu": "O+",
           "Ngày hiến": "5/1/2025", "Thể tích": 350}
    return [{**row, **more}[name] for name in HEADING]


class Lists:
    def __init__(self, daemon, folder):
        self.daemon, self.folder, self.count = daemon, folder, 0

    def path(self, suffix):
        self.count += 1
        return self.folder / f"list-{self.count}.{suffix}"

    def csv(self, rows, heading=HEADING):
        path = self.path("csv")
        with open(path, "w", newline="", encoding="utf-8-sig") as out:
            csv.writer(out, delimiter=";").writerows([heading, *rows])
        return path

    def xlsx(self, rows):
        book = openpyxl.Workbook()
        for row in [HEADING, *rows]:
            book.active.append(row)
        path = self.path("xlsx")
        book.save(path)
        return path

    def mapping(self, **more):
        path = self.path("json")
        path.write_text(json.dumps({**MAPPING, **more}, ensure_ascii=False))
        return path

    def arguments(self, path, *more, mapping=None):
        return ["donors", "import", path, "--mapping", mapping or self.mapping(), "--json", *more]

    def take(self, path, *more, mapping=None):
        outcome = self.daemon.cli(*self.arguments(path, *more, mapping=mapping), timeout=300)
        assert outcome.status == 0, outcome
        return json.loads(outcome.out)

    def report(self, path, *more, mapping=None):
        """What was told, and the report's lines by row."""
        report = self.path("report")
        told = self.take(path, "--report", report, *more, mapping=mapping)
        with open(report, newline="") as lines:
            return told, {int(line["row"]): line for line in csv.DictReader(lines)}

    def donors(self):
        return self.daemon.value("SELECT count(*) FROM donor")

    def donations(self):
        return self.daemon.value("SELECT count(*) FROM donation")


@pytest.fixture(scope="module")
def daemon():
    with own_daemon() as one:
        yield one


@pytest.fixture
def lists(daemon, tmp_path):
    return Lists(daemon, tmp_path)


def test_a_csv_list(lists):
    before = lists.donors(), lists.donations()
    path, mapping = lists.csv([person(n) for n in range(100, 140)]), lists.mapping()
    told = lists.take(path, mapping=mapping)
    assert told == {"registered": 40, "donation_added": 0, "known": 0, "held": 0, "fault": 0, "applied": True}
    assert (lists.donors(), lists.donations()) == (before[0] + 40, before[1] + 40)
    row = lists.daemon.sql("SELECT donation.evidence, source, volume_ml, donated_on::text, last_donated_on::text, sex, abo, unit_id "
                           "FROM donation JOIN donor ON donor.id = donor_id ORDER BY donation.recorded_at DESC LIMIT 1")[0]
    assert row[:5] == ("declared", "Sổ hiến máu thử 2023", 350, "2025-01-05", "2025-01-05") and row[6] == "O" and row[7]
    again = lists.take(path, mapping=mapping)
    assert again["registered"] == 0 and lists.donors() == before[0] + 40, "a list is imported once"


def test_the_same_people_from_another_file_are_known(lists):
    lists.take(lists.csv([person(n) for n in range(200, 220)]))
    count = lists.donors(), lists.donations()
    told = lists.take(lists.xlsx([person(n) for n in range(200, 220)]))
    assert told["donation_added"] + told["known"] == 20 and (lists.donors(), lists.donations()) == count
    told = lists.take(lists.xlsx([person(n, **{"Ngày hiến": "2/2/2025"}) for n in range(200, 220)]))
    assert told["donation_added"] == 20 and lists.donations() == count[1] + 20
    told = lists.take(lists.csv([person(n, **{"Ngày hiến": "", "Thể tích": ""}) for n in range(200, 220)]))
    assert told["known"] == 20 and lists.donations() == count[1] + 20


def test_one_person_in_several_rows(lists):
    """A list with a row for each donation."""
    days = ["1/2/2024", "1/5/2024", "1/9/2024"]
    before = lists.donors(), lists.donations()
    told = lists.take(lists.csv([person(300 + n, **{"Ngày hiến": day}) for n in range(5) for day in days]))
    assert told["registered"] == 5 and told["donation_added"] == 10
    assert (lists.donors(), lists.donations()) == (before[0] + 5, before[1] + 15)


def test_a_number_with_another_name_is_held(lists):
    lists.take(lists.csv([person(400)]))
    before = lists.donors()
    other = person(400, **{"Họ và tên": "Vàng A Khác", "Điện thoại": ""})
    told, lines = lists.report(lists.csv([other]))
    assert told["held"] == 1 and lists.donors() == before
    number = lists.daemon.value("SELECT number FROM donor ORDER BY id DESC LIMIT 1")
    assert lines[2]["outcome"] == "held" and number in lines[2]["detail"]


def test_who_looks_like_somebody_is_held_until_a_person_decides(lists):
    no_number = {"Số CCCD": "", "Điện thoại": ""}
    lists.take(lists.csv([person(n) for n in (500, 501)]))
    before = lists.donors()
    path, mapping = lists.csv([person(500, **no_number), person(501, **no_number), person(502, **no_number)]), lists.mapping()
    told, lines = lists.report(path, mapping=mapping)
    assert told["held"] == 2 and told["registered"] == 1 and set(lines) == {2, 3}
    assert lists.donors() == before + 1
    assert lists.take(path, mapping=mapping)["held"] == 2, "still held"
    told = lists.take(path, "--register-likely", mapping=mapping)
    assert told["registered"] == 2 and lists.donors() == before + 3
    assert lists.take(path, "--register-likely", mapping=mapping)["registered"] == 0 and lists.donors() == before + 3


def test_twice_in_one_list_without_a_number(lists):
    before = lists.donors()
    told, lines = lists.report(lists.csv([person(n, **{"Số CCCD": "", "Điện thoại": ""}) for n in (600, 601, 600)]))
    assert told["registered"] == 2 and told["held"] == 1 and lines[4]["detail"] == "like row 2"
    assert lists.donors() == before + 2


def test_faults_are_told_and_the_rest_is_taken(lists):
    bad = [{"Họ và tên": ""}, {"Ngày sinh": "31/2/1990"}, {"Số CCCD": "12345"}, {"Điện thoại": "9"}, {"Nơi ở": "Huyện Không Có"},
           {"Nhóm máu": "Z"}, {"Ngày hiến": "1/1/2099"}, {"Thể tích": "nhiều"}, {"Giới tính": "?"}]
    rows = [person(700 + n, **cells) for n, cells in enumerate(bad)] + [person(720), person(721)]
    before = lists.donors()
    told, lines = lists.report(lists.csv(rows))
    assert told["fault"] == len(bad) and told["registered"] == 2 and lists.donors() == before + 2
    assert sorted(lines) == list(range(2, 2 + len(bad)))
    text = json.dumps(list(lines.values()), ensure_ascii=False)
    for value in ("12345", "31/2", "Không Có", "nhiều", "Lò"):
        assert value not in text, "a report holds nothing of a row"


def test_a_dry_run_changes_nothing(lists):
    tables = ("donor", "donor_digest", "donor_identifier", "donation", "import_run", "audit_entry")
    count = lambda: [lists.daemon.value(f"SELECT count(*) FROM {table}") for table in tables]
    before = count()
    told, lines = lists.report(lists.csv([person(800), person(801), person(800, **{"Ngày hiến": "1/2/2024"}), person(802, **{"Họ và tên": ""})]),
                               "--dry-run")
    assert told == {"registered": 2, "donation_added": 1, "known": 0, "held": 0, "fault": 1, "applied": False}
    assert count()[:5] == before[:5]


@pytest.mark.parametrize("mapping, word", [
    ({"columns": {"name": "Họ và tên"}}, "birth"), ({"columns": {**MAPPING["columns"], "sex": "Phái"}}, "sex"),
    ({"heading_row": 40}, "40"), ({"unknown": 1}, "unknown"), ({"unit": "Huyện Không Có Đâu"}, "unit"),
])
def test_a_bad_mapping_is_told(lists, mapping, word):
    outcome = lists.daemon.cli(*lists.arguments(lists.csv([person(1)]), mapping=lists.mapping(**mapping)))
    assert outcome.status == 1 and word in outcome.err, outcome


@pytest.mark.parametrize("content, word", [(b"", "empty"), (b"\xff\xfea\0", "UTF-16"), (b"\xd0\xcf\x11\xe0", ".xls"), (b"PK\3\4x", "xlsx")])
def test_what_is_no_list_is_told(lists, content, word):
    path = lists.path("csv")
    path.write_bytes(content)
    outcome = lists.daemon.cli(*lists.arguments(path), environment={"LC_ALL": "C"})
    assert outcome.status == 1 and word in outcome.err, outcome


def test_kill_in_the_middle_and_run_again(lists):
    """At some moments; the last run ends it, and each row is there once."""
    rows = [person(n, **({"Số CCCD": "", "Điện thoại": ""} if n % 3 == 0 else {})) for n in range(10000, 16000)]
    path, mapping = lists.csv(rows), lists.mapping()
    before = lists.donors(), lists.donations()
    command = [str(lists.daemon.binaries / "giothong"), *lists.daemon.place, *map(str, lists.arguments(path, mapping=mapping))]
    environment = programs.REPORTS.watch(lists.daemon.folder / "sanitizer")
    seed = random.Random(17)
    for target in (1, 1500, 3500):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait_until(lambda: lists.donors() >= before[0] + target or process.poll() is not None, 120, what="rows written")
        time.sleep(seed.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    lists.take(path, mapping=mapping)
    assert (lists.donors(), lists.donations()) == (before[0] + 6000, before[1] + 6000)
    assert lists.daemon.value("SELECT count(*) FROM donor LEFT JOIN donor_digest ON donor_id = donor.id WHERE donor_id IS NULL") == 0


def test_two_at_once(lists):
    path, mapping = lists.csv([person(n) for n in range(20000, 23000)]), lists.mapping()
    before = lists.donors()
    command = [str(lists.daemon.binaries / "giothong"), *lists.daemon.place, *map(str, lists.arguments(path, mapping=mapping))]
    environment = programs.REPORTS.watch(lists.daemon.folder / "sanitizer")
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) for _ in range(2)]
    assert sorted(process.wait(300) for process in both) in ([0, 0], [0, 1])
    lists.take(path, mapping=mapping)
    assert lists.donors() == before + 3000


def test_the_record_verifies_and_nothing_is_legible(lists):
    lists.take(lists.csv([person(900)]))
    outcome = lists.daemon.cli("audit", "verify", "--records", timeout=300)
    assert outcome.status == 0, outcome
    legible = lists.daemon.value("SELECT string_agg(t::text, ' ') FROM (SELECT donor::text FROM donor UNION ALL SELECT donation::text "
                                 "FROM donation UNION ALL SELECT donor_identifier::text FROM donor_identifier) AS t")
    for value in ("Lò", "012170", "0912000"):
        assert value not in legible
