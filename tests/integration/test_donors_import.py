"""`giothong donors import`: lists that branches kept in spreadsheets. All people are invented."""
import csv
import json
import random
import signal
import subprocess
import time

import httpx
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
        """With the longest time for a statement: those of an import are long, and a test's machine may be slow."""
        patience = [word for lane in ("read", "write", "slow") for word in ("--set", f"database.{lane}_ms=20000")]
        return ["donors", "import", path, "--mapping", mapping or self.mapping(), "--json", *patience, *more]

    def take(self, path, *more, mapping=None):
        outcome = self.daemon.cli(*self.arguments(path, *more, mapping=mapping), timeout=900)
        assert outcome.status == 0, outcome
        return json.loads(outcome.out)

    def report(self, path, *more, mapping=None):
        """What was told, and the report's lines by row."""
        report = self.path("report")
        told = self.take(path, "--report", report, *more, mapping=mapping)
        with open(report, newline="", encoding="utf-8-sig") as lines:
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
    assert told == {"registered": 40, "donation_added": 0, "known": 0, "skipped": 0, "held": 0, "fault": 0, "applied": True}
    assert (lists.donors(), lists.donations()) == (before[0] + 40, before[1] + 40)
    row = lists.daemon.sql("SELECT donation.evidence, source, volume_ml, donated_on::text, last_donated_on::text, sex, abo, unit_id "
                           "FROM donation JOIN donor ON donor.id = donor_id ORDER BY donation.recorded_at DESC LIMIT 1")[0]
    assert row[:5] == ("declared", "Sổ hiến máu thử 2023", 350, "2025-01-05", "2025-01-05") and row[6] == "O" and row[7]
    again = lists.take(path, mapping=mapping)
    assert again["registered"] == 0 and lists.donors() == before[0] + 40, "a list is imported once"


def test_a_list_meets_the_wait_of_an_erased_person(lists, api_of):
    """Who was erased and stands in an old list is somebody new, and the wait that stayed is met by the number; by nobody else's."""
    daemon = lists.daemon
    staff, admin = (api_of(daemon, daemon.token(role)) for role in ("staff", "admin"))
    lists.take(lists.csv([person(n) for n in range(5000, 5003)]))
    ids = []
    for n, permanent in ((5000, True), (5001, False)):
        (item,) = staff.post("/api/v1/donors/lookup", json={"kind": "cccd", "value": person(n)[4]}, expect=200).json()["items"]
        path = f"/api/v1/donors/{item['id']}"
        if permanent:
            staff.post(f"{path}/deferrals", json={"code": "malaria", "permanent": True}, expect=201)
        staff.post(f"{path}/erasure", json={}, expect=201)
        admin.post(f"{path}/erasure/approve", json={}, expect=200)
        ids.append(item["id"])
    rows = [person(n, **{"Ngày hiến": "6/1/2020"}) for n in range(4990, 5010)]
    path, mapping = lists.csv(rows), lists.mapping()
    assert lists.take(path, "--dry-run", mapping=mapping)["registered"] == 19
    told = lists.take(path, mapping=mapping)
    assert (told["registered"], told["donation_added"], told["fault"]) == (19, 1, 0), told
    found = staff.post("/api/v1/donors/lookup", json={"kind": "cccd", "value": person(5000)[4]}, expect=200).json()["items"]
    assert len(found) == 1 and found[0]["id"] not in ids
    carried = daemon.sql("SELECT donor_id::text, ends FROM deferral WHERE carried AND ends = 'permanent'")
    assert carried == [(found[0]["id"], "permanent")]
    assert daemon.value("SELECT count(*) FROM donor_digest WHERE use = 'suppression'") == 0
    daemon.assert_records_fit()


def test_the_same_people_from_another_file_are_known(lists):
    lists.take(lists.csv([person(n) for n in range(200, 220)]))
    count = lists.donors(), lists.donations()
    told = lists.take(lists.xlsx([person(n) for n in range(200, 220)]))
    assert told["known"] == 20 and (lists.donors(), lists.donations()) == count, "and so are their donations"
    told = lists.take(lists.xlsx([person(n, **{"Ngày hiến": "2/2/2025"}) for n in range(200, 220)]))
    assert told["donation_added"] == 20 and lists.donations() == count[1] + 20
    told = lists.take(lists.csv([person(n, **{"Ngày hiến": "", "Thể tích": ""}) for n in range(200, 220)]))
    assert told["known"] == 20 and lists.donations() == count[1] + 20


def test_numbers_of_two_donors_in_one_row(lists):
    """An old number and a new one, registered apart: one person twice, or a slip; a person must look."""
    mapping = lists.mapping(columns={**MAPPING["columns"], "cmnd": "CMND"})
    heading, cmnd = [*HEADING, "CMND"], "0451500{}"
    _, lines = lists.report(lists.csv([[*person(230), ""], [*person(230, **{"Số CCCD": "", "Họ và tên": "Vàng A Khác", "Điện thoại": ""}), cmnd.format("01")]],
                                      heading), mapping=mapping)
    one, two = (lines[n]["detail"] for n in (2, 3))
    path = lists.csv([[*person(230), cmnd.format("01")], [*person(231), cmnd.format("02")]], heading)
    before = lists.donations()
    for more in (["--dry-run"], []):
        told, lines = lists.report(path, *more, mapping=mapping)
        assert told["held"] == told["registered"] == 1 and one in lines[2]["detail"] and two in lines[2]["detail"]
    told, lines = lists.report(path, "--decisions", decide(lists, lines, {2: one}), mapping=mapping)
    assert told["held"] == 1 and lines[2]["detail"].startswith("one of its numbers is not of") and lists.donations() == before + 1


def test_the_name_of_a_merged_record(lists):
    """An old list has the number under the name that the merged record bears."""
    rows = [person(240), person(241)]
    _, lines = lists.report(lists.csv(rows))
    one, two = (lists.daemon.value("SELECT id FROM donor WHERE number = %s", lines[n]["detail"]) for n in (2, 3))
    with httpx.Client(base_url=lists.daemon.url, headers={"Authorization": f"Bearer {lists.daemon.token('staff')}"}, timeout=60) as staff:
        assert staff.post(f"/api/v1/donors/{one}/merge", json={"with": str(two)}).status_code == 200
    told, again = lists.report(lists.csv([person(241, **{"Ngày hiến": "7/7/2024"}), person(240), person(241, **{"Họ và tên": "Vàng A Khác"})]))
    assert [again[n]["outcome"] for n in (2, 3, 4)] == ["donation_added", "known", "held"] and again[2]["detail"] == lines[2]["detail"], again


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
    assert told["held"] == 2 and told["registered"] == 1 and [lines[n]["outcome"] for n in (2, 3, 4)] == ["held", "held", "registered"]
    assert lists.donors() == before + 1
    assert lists.take(path, mapping=mapping)["held"] == 2, "still held"
    told = lists.take(path, "--register-likely", mapping=mapping)
    assert told["registered"] == 2 and lists.donors() == before + 3
    assert lists.take(path, "--register-likely", mapping=mapping)["registered"] == 0 and lists.donors() == before + 3


def test_whole_names_alone_look_alike(lists):
    """In any order of the words, however common each of them is, and whatever key they were kept under."""
    no_number = {"Số CCCD": "", "Điện thoại": ""}
    names = ["Lò Văn Chờm Bờm", "Lò Văn Bờm Khờm", "Lò Văn Chờm"]
    lists.take(lists.csv([person(520, **{"Họ và tên": name, "Số CCCD": f"012190000{n:03}", "Điện thoại": f"090000{n:04}"})
                          for n, name in enumerate(names)]), "--register-likely")
    asked = ["BỜM CHỜM VĂN LÒ", "Lo Van Bom Khom", "Lò Văn Bờm Chờm Khờm", "Lò Khờm Chờm", "Vàng Văn Bờm", "Lò Văn Lờm"]
    for _ in range(2):
        _, lines = lists.report(lists.csv([person(520, **no_number, **{"Họ và tên": name}) for name in asked]), "--dry-run")
        told = [lines[n]["outcome"] for n in range(2, 2 + len(asked))]
        assert told == ["held", "held", *["registered"] * 4], lines
        lists.daemon.cli_ok("keyring", "rotate", "hash", timeout=120)


def test_twice_in_one_list_without_a_number(lists):
    before = lists.donors()
    told, lines = lists.report(lists.csv([person(n, **{"Số CCCD": "", "Điện thoại": ""}) for n in (600, 601, 600)]))
    assert told["registered"] == 2 and told["held"] == 1 and lines[4]["detail"] == "like row 2, 100 of 100"
    assert lists.donors() == before + 2


def test_a_number_of_two_people_in_one_list(lists):
    """Copied down one cell too far: whoever comes first has it, the other is held, and the list goes on."""
    before = lists.donors()
    rows = [person(610), person(611, **{"Số CCCD": person(610)[4], "Điện thoại": ""}), person(612)]
    path, mapping = lists.csv(rows), lists.mapping()
    tried = lists.report(path, "--dry-run", mapping=mapping)
    told, lines = lists.report(path, mapping=mapping)
    assert told == {**tried[0], "applied": True} and told["registered"] == 2 and told["held"] == 1 and lists.donors() == before + 2
    assert lines[3]["detail"] == tried[1][3]["detail"] == "number of row 2, other name or birth"


def test_a_dry_run_sees_the_whole_list(lists):
    """A row for each donation, in the order of days: those of one person are thousands of rows apart."""
    days = ["1/2/2024", "1/5/2024", "1/9/2024"]
    no_number = {"Số CCCD": "", "Điện thoại": ""}
    rows = [person(30000 + n, **{"Ngày hiến": day}, **(no_number if n == 7 else {})) for day in [*days, days[1]] for n in range(1100)]
    path, mapping = lists.csv(rows), lists.mapping()
    tried, held = lists.report(path, "--dry-run", mapping=mapping)
    assert (tried["registered"], tried["donation_added"], tried["known"], tried["held"]) == (1100, 2 * 1099, 1099, 3)
    assert held[2 + 1100 + 7]["detail"] == held[2 + 2200 + 7]["detail"] == "like row 9, 100 of 100"
    assert lists.take(path, mapping=mapping) == {**tried, "applied": True}


def numbers_of(lists, report):
    """Donor numbers by row."""
    return {row: line["detail"] for row, line in report.items() if line["outcome"] == "registered"}


def decide(lists, report, decisions, **more):
    """The report as somebody sends it back: the column "decision" filled in."""
    path = lists.path("csv")
    with open(path, "w", newline="", encoding="utf-8-sig") as out:
        table = csv.DictWriter(out, next(iter(report.values())).keys(), delimiter=";")
        table.writeheader()
        table.writerows({**line, "decision": decisions.get(row, ""), **more} for row, line in report.items())
    return path


def test_a_person_decides_row_by_row(lists):
    no_number = {"Số CCCD": "", "Điện thoại": ""}
    _, known = lists.report(lists.csv([person(n) for n in range(650, 656)]))
    number = numbers_of(lists, known)
    rows = [person(n, **no_number, **{"Ngày hiến": "3/3/2024"}) for n in range(650, 656)] + [person(656)]
    rows[4] = person(654, **{"Họ và tên": "Vàng A Khác", "Điện thoại": ""})
    path, mapping = lists.csv(rows), lists.mapping()
    told, report = lists.report(path, mapping=mapping)
    assert told["held"] == 6 and told["registered"] == 1
    before = lists.donors(), lists.donations()
    # 2 is that donor, 3 another person, 4 is left out, 5 stays; a number cannot be given twice, nor to who has another
    decisions = {2: number[2].lower(), 3: "Đăng ký", 4: "skip", 6: "register", 7: "2222-2222", 8: "skip"}
    answers = decide(lists, report, decisions)
    tried, _ = lists.report(path, "--decisions", answers, "--dry-run", mapping=mapping)
    assert tried["skipped"] == 2 and tried["donation_added"] == 1 and (lists.donors(), lists.donations()) == before
    told, lines = lists.report(path, "--decisions", answers, mapping=mapping)
    assert told == {"registered": 1, "donation_added": 1, "known": 0, "skipped": 1, "held": 3, "fault": 0, "applied": True}
    assert {row: line["outcome"] for row, line in lines.items()} == {2: "donation_added", 3: "registered", 4: "skipped", 5: "held", 6: "held", 7: "held"}
    assert lines[6]["detail"].startswith(f"number of {number[6]}") and lines[7]["detail"] == "there is no donor 2222-2222"
    assert (lists.donors(), lists.donations()) == (before[0] + 1, before[1] + 2)
    told, lines = lists.report(path, "--decisions", decide(lists, report, {5: "skip", 6: "bỏ qua", 7: number[7]}), mapping=mapping)
    assert told["skipped"] == 2 and told["donation_added"] == 1 and told["held"] == 0 and lists.donors() == before[0] + 1
    assert lists.take(path, "--decisions", answers, mapping=mapping)["registered"] == 0, "what was decided is done"


def test_decisions_that_are_none(lists):
    rows = [person(670), person(671)]
    path, mapping = lists.csv(rows), lists.mapping()
    _, report = lists.report(path, "--dry-run", mapping=mapping)
    before = lists.donors()
    other = lists.path("csv")
    other.write_text("row,outcome\n2,held\n")
    for answers, word in ((decide(lists, report, {2: "perhaps"}), "row 2"), (decide(lists, report, {2: "K7M4-XQD6"}), "mistyped"),
                          (decide(lists, report, {3: "skip"}, list="L00000000"), "another list"), (decide(lists, report, {2: "skip"}, row="x"), "row"),
                          (decide(lists, report, {2: "skip", 3: "skip"}, row="2"), "two decisions"), (other, "decision")):
        outcome = lists.daemon.cli(*lists.arguments(path, "--decisions", answers, mapping=mapping), environment={"LC_ALL": "C"})
        assert outcome.status == 1 and word in outcome.err, outcome
    assert lists.donors() == before and lists.take(path, mapping=mapping)["registered"] == 2


def test_faults_are_told_and_the_rest_is_taken(lists):
    bad = [{"Họ và tên": ""}, {"Ngày sinh": "31/2/1990"}, {"Số CCCD": "12345"}, {"Điện thoại": "9"}, {"Nơi ở": "Huyện Không Có"},
           {"Nhóm máu": "Z"}, {"Ngày hiến": "1/1/2099"}, {"Thể tích": "nhiều"}, {"Giới tính": "?"},
           {"Số CCCD": "045000701; 012190000701"}, {"Số CCCD": "045000702\n012190000702"}, {"Họ và tên": "Lò | Thị"}, {"Ngày hiến": "2/2/2024 25:00"}]
    rows = [person(700 + n, **cells) for n, cells in enumerate(bad)] + [person(720), person(721)]
    before = lists.donors()
    told, lines = lists.report(lists.csv(rows))
    assert told["fault"] == len(bad) and told["registered"] == 2 and lists.donors() == before + 2
    assert list(lines) == list(range(2, 4 + len(bad))), "in the order of the list"
    assert [n for n in lines if lines[n]["outcome"] == "fault"] == list(range(2, 2 + len(bad)))
    assert lines[4]["column"] == "id_number" and lines[4]["code"] == "invalid_length"
    assert [(lines[n]["column"], lines[n]["code"]) for n in range(11, 15)] == \
        [("id_number", "several_numbers")] * 2 + [("name", "invalid_character"), ("donated_on", "not_understood")]
    text = json.dumps(list(lines.values()), ensure_ascii=False)
    for value in ("12345", "31/2", "Không Có", "nhiều", "Lò", "0450007"):
        assert value not in text, "a report holds nothing of a row"


def test_a_number_that_does_not_fit_is_taken_and_told(lists):
    """As a registration tells it: for a person to look at, in the line of the row, which is there all the same."""
    born = {"Ngày sinh": "5/6/1990", "Giới tính": "Nữ"}
    rows = [person(760 + n, **born, **{"Số CCCD": number}) for n, number in enumerate(("012190000760", "012090000761", "012189000762", "999390000763", "045000764"))]
    for more in (["--dry-run"], []):
        told, lines = lists.report(lists.csv(rows), *more)
        assert told["registered"] == 5
        assert [(lines[n]["column"], lines[n]["code"]) for n in range(2, 7)] == [
            ("", ""), ("id_number", "sex_mismatch"), ("id_number", "birth_year_mismatch"),
            ("id_number", "unknown_province birth_year_mismatch"), ("", "")]


def test_a_time_behind_a_day(lists):
    """What programs and people put there says nothing of the day."""
    rows = [person(740 + n, **{"Ngày sinh": "5/6/1990 00:00:00", "Ngày hiến": cell}) for n, cell in enumerate(("1/6/2024 07:30", "2024-06-01T07:30:00", "1/6/2024 7h30"))]
    told = lists.take(lists.csv(rows))
    assert told["registered"] == 3 and told["fault"] == 0
    assert lists.daemon.value("SELECT count(*) FROM donation WHERE donated_on = '2024-06-01' AND recorded_at > now() - interval '10 minutes'") == 3


def test_a_dry_run_changes_nothing(lists):
    # donors that follow a rotated key have fewer digests then
    wait_until(lambda: lists.daemon.value("SELECT count(*) FROM donor_digest AS d JOIN key ON key.kind = 'hash' AND key.id = d.key_id"
                                          " WHERE key.state <> 'active'") == 0, 120, what="all under today's key")
    tables = ("donor", "donor_digest", "donor_identifier", "donation", "import_run", "audit_entry")
    count = lambda: [lists.daemon.value(f"SELECT count(*) FROM {table}") for table in tables]
    before = count()
    told, lines = lists.report(lists.csv([person(800), person(801), person(800, **{"Ngày hiến": "1/2/2024"}), person(802, **{"Họ và tên": ""})]),
                               "--dry-run")
    assert told == {"registered": 2, "donation_added": 1, "known": 0, "skipped": 0, "held": 0, "fault": 1, "applied": False}
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


def test_a_list_that_was_cut(lists):
    """Inside a cell, inside quotes, between two pieces of what is read: told, and never taken for the end of the list."""
    before = lists.donors()
    path = lists.csv([person(n) for n in range(40000, 40004)])
    whole = path.read_bytes()
    path.write_bytes(whole[:whole.rindex("Huyện".encode())])
    told, lines = lists.report(path)
    assert told["registered"] == 3 and told["fault"] == 1 and lines[5]["code"] == "cut"
    for rows in (4, 1500):
        path = lists.csv([person(n) for n in range(41000, 41000 + rows)])
        path.write_bytes(path.read_bytes()[:-8] + b'"x')
        outcome = lists.daemon.cli(*lists.arguments(path), timeout=300, environment={"LC_ALL": "C"})
        assert outcome.status == 1 and f"Row {rows + 1}" in outcome.err, outcome
    assert lists.daemon.value("SELECT count(*) FROM import_run WHERE finished_at IS NULL") >= 2
    assert lists.donors() == before + 3 + 1000, "whole stretches alone"


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
        wait_until(lambda: lists.donors() >= before[0] + target or process.poll() is not None, 300, what="rows written")
        time.sleep(seed.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # its last statement ends without it, and whoever comes before that is told that another import is at work
        wait_until(lambda: lists.daemon.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giothong'") == 0,
                   what="the end of what it had asked for")
    lists.take(path, mapping=mapping)
    assert (lists.donors(), lists.donations()) == (before[0] + 6000, before[1] + 6000)
    assert lists.daemon.value("SELECT count(*) FROM donor LEFT JOIN donor_digest ON donor_id = donor.id WHERE donor_id IS NULL AND erased_at IS NULL") == 0


def test_interrupted(lists):
    """Ctrl-C: said, ended in order, and gone on with by the next run."""
    path, mapping, report = lists.csv([person(n) for n in range(50000, 54000)]), lists.mapping(), lists.path("report")
    before = lists.donors()
    command = [str(lists.daemon.binaries / "giothong"), *lists.daemon.place, *map(str, lists.arguments(path, "--report", report, mapping=mapping))]
    environment = {**programs.REPORTS.watch(lists.daemon.folder / "sanitizer"), "LC_ALL": "C"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    wait_until(lambda: lists.donors() > before or process.poll() is not None, 300, what="rows written")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, "interrupted" in err) in ((1, True), (0, False)) and "Sanitizer" not in err, (out, err)
    lists.take(path, mapping=mapping)
    assert lists.donors() == before + 4000


def test_two_at_once(lists):
    path, mapping = lists.csv([person(n) for n in range(20000, 23000)]), lists.mapping()
    before = lists.donors()
    command = [str(lists.daemon.binaries / "giothong"), *lists.daemon.place, *map(str, lists.arguments(path, mapping=mapping))]
    environment = programs.REPORTS.watch(lists.daemon.folder / "sanitizer")
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) for _ in range(2)]
    assert sorted(process.wait(300) for process in both) in ([0, 0], [0, 1])
    lists.take(path, mapping=mapping)
    assert lists.donors() == before + 3000


def test_the_record_verifies(lists):
    lists.take(lists.csv([person(900)]))
    outcome = lists.daemon.cli("audit", "verify", "--records", timeout=300)
    assert outcome.status == 0, outcome
