"""The administrator's command: exit status 0, 1, 2; --help and --json everywhere."""
import json
import re

import pytest

from harness import programs
from harness.daemon import TOKEN, own_daemon

COMMANDS = [["migrate"], ["plan", "import"], ["plan", "propose"], ["plan", "list"], ["plan", "show"], ["history", "import"], ["donors", "import"],
            ["token", "create"], ["token", "list"], ["token", "revoke"], ["audit", "list"], ["audit", "verify"], ["audit", "keys"],
            ["audit", "restart"], ["config", "sample"], ["doctor"], ["eligibility", "rules"], ["eligibility", "check"]]


@pytest.fixture(scope="module")
def folder():
    one = programs.workshop()
    yield one
    programs.remove(one)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_each(folder, command):
    outcome = programs.run("giothong", *command, "--help", folder=folder)
    assert outcome.status == 0 and outcome.err == "" and " ".join(command) in outcome.out and "--json" in outcome.out


def test_help_names_every_command(folder):
    text = programs.run("giothong", "--help", folder=folder).out
    listed = set(re.findall(r"^  ([a-z]+(?: [a-z]+)?)\b", text, re.M))
    assert {" ".join(c) for c in COMMANDS} <= listed, listed


def test_help_in_vietnamese(folder):
    outcome = programs.run("giothong", "--help", folder=folder, environment={"LC_ALL": "vi_VN.UTF-8", "LANG": "vi_VN.UTF-8"})
    assert outcome.status == 0 and "cách dùng" in outcome.out


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["plan"], ["plan", "nonsense"], ["plan", "import"], ["token", "create"],
                                       ["token", "create", "--role"], ["token", "create", "--role", "king", "--name", "x"],
                                       ["token", "create", "--role", "team", "--name", "x"], ["token", "list", "surplus"],
                                       ["token", "list", "--nonsense"], ["plan", "import", "a.json", "b.json"]])
def test_wrong_usage_is_2(daemon, arguments):
    outcome = daemon.cli(*arguments)
    assert outcome.status == 2 and outcome.out == "" and outcome.err.startswith("giothong: "), outcome


def test_without_a_place_is_2(folder):
    assert programs.run("giothong", "token", "list", folder=folder).status == 2


@pytest.mark.parametrize("arguments", [["plan", "import", "/nonexistent.json"], ["plan", "show", "9999/KH-KHONG"],
                                       ["token", "revoke", "nobody of that name"], ["history", "import", "/nonexistent.csv"],
                                       ["token", "create", "--role", "team", "--name", "x", "--team", "KHONG"],
                                       ["token", "create", "--role", "staff", "--name", "x", "--unit", "Atlantis"]])
def test_refused_is_1(daemon, arguments):
    outcome = daemon.cli(*arguments)
    assert outcome.status == 1 and outcome.out == "" and outcome.err.strip(), outcome


@pytest.mark.parametrize("arguments", [["plan", "list"], ["plan", "show", "3653/KH-UBND"], ["token", "list"], ["audit", "list"],
                                       ["plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json"],
                                       ["history", "import", programs.CONFIG / "rounds" / "lai-chau-history.csv"], ["migrate"]],
                         ids=lambda a: " ".join(map(str, a[:2])))
def test_json_is_json(loaded, arguments):
    outcome = loaded.cli_ok(*arguments, "--json")
    assert isinstance(json.loads(outcome.out), dict)
    assert loaded.cli_ok(*arguments).out.strip(), "and without it, words"


def test_refusals_as_json_too(daemon):
    outcome = daemon.cli("plan", "show", "9999/KH-KHONG", "--json")
    assert outcome.status == 1
    if outcome.out.strip():
        assert json.loads(outcome.out)


def test_a_token_alone_on_stdout(daemon, seeds):
    outcome = daemon.cli_ok("token", "create", "--role", "comms", "--name", f"alone {seeds.number()}")
    assert TOKEN.fullmatch(outcome.out.strip())


def test_one_live_token_a_name(daemon, seeds):
    name = f"once {seeds.number()}"
    daemon.new_token("comms", name)
    assert daemon.cli("token", "create", "--role", "comms", "--name", name).status == 1
    daemon.cli_ok("token", "revoke", name)
    daemon.new_token("comms", name)


def test_tokens_are_listed_without_their_text(daemon, seeds):
    name = f"listed {seeds.number()}"
    text = daemon.new_token("staff", name, "--expires", "2099-01-01")
    outcome = daemon.cli_ok("token", "list")
    assert name in outcome.out and text not in outcome.out and not TOKEN.search(outcome.out)


@pytest.mark.parametrize("day, status", [("9998-12-31", 0), ("9999-12-31", 2), ("2000-01-01", 2), ("2027-02-29", 2)])
def test_the_last_day_of_a_token(daemon, seeds, day, status):
    outcome = daemon.cli("token", "create", "--role", "auditor", "--name", f"until {seeds.number()}", "--expires", day)
    assert outcome.status == status and (status == 0 or "--expires" in outcome.err), outcome


def test_without_a_running_daemon(fresh_daemon):
    """A command starts the cluster for itself and stops it again."""
    daemon = fresh_daemon()
    assert daemon.stop() == 0
    daemon.cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
    assert not daemon.postmaster_pid()
    daemon.start()
    assert daemon.value("SELECT count(*) FROM round") == 18


@pytest.mark.parametrize("command", [("plan", "list"), ("migrate",)])
def test_on_a_folder_without_data(folder, command):
    """A typo in --data makes no new database."""
    new = folder / f"new-{command[0]}"
    for there in (False, True):
        if there:
            new.mkdir()
        outcome = programs.run("giothong", "--data", new, *command, folder=folder)
        assert outcome.status == 1 and f"no Giọt Hồng data in {new}" in outcome.err, outcome
        assert len(outcome.err.splitlines()) == 1 and new.exists() == there
    assert not list(new.iterdir())


def test_sample_settings_are_the_file_in_the_tree(folder):
    outcome = programs.run("giothong", "config", "sample", folder=folder)
    tree = (programs.CONFIG / "giothong.ini").read_text()
    sample = re.sub(r"(?ms)^#[^\n]*\n(?:#[^\n]*\n)*;?test\.?now.*?\n", "", outcome.out)
    names = set(re.findall(r"^[;#]?\s*(\w+) =", tree, re.M))
    assert names <= set(re.findall(r"^[;#]?\s*(\w+) =", sample, re.M))


@pytest.fixture(scope="module")
def with_plan():
    """The plan of 2025 alone: rounds that other tests made could leave a proposal no room."""
    with own_daemon() as one:
        one.cli_ok("plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json")
        yield one


@pytest.mark.parametrize("name", ["lai-chau-2025.json", "demo-2027.json"])
def test_propose_is_deterministic(with_plan, name):
    """Also beside the rounds that are there; test_propose.py compares with the files in the tree."""
    source = programs.CONFIG / "plans" / "requests" / name
    first, second = (with_plan.cli_ok("plan", "propose", source).out for _ in range(2))
    assert first == second and len(json.loads(first)["rounds"]) == 18


def test_a_broken_pipe_is_no_crash(daemon):
    import subprocess
    command = f"'{programs.BIN}/giothong' --data '{daemon.data}' audit list --limit 5000 | head -n 1"
    environment = programs.REPORTS.watch(daemon.folder / "sanitizer")
    assert subprocess.run(["sh", "-c", command], env=environment, capture_output=True, timeout=60).returncode == 0


def test_import_of_rows_names_the_plan_that_is_not_there(daemon, folder):
    path = folder / "rows.csv"
    path.write_text("ordinal,title,date,units\n1,Đợt 1,2027-03-01,Xã Than Uyên\n", encoding="utf-8")
    outcome = daemon.cli("plan", "import", "--plan", "12/NONE", path)
    assert outcome.status == 1 and 'there is no plan "12/NONE"' in outcome.err, outcome


@pytest.mark.parametrize("command", [["token", "create", "--role", "staff", "--name", "ended"], ["venue", "add", "--name", "ended"]],
                         ids=lambda c: c[0])
def test_a_unit_that_has_ended(daemon, command):
    """The command's clock is today's, long after the districts ended."""
    outcome = daemon.cli(*command, "--unit", "Huyện Than Uyên")
    assert outcome.status == 1 and "Huyện Than Uyên ended on 2025-06-30" in outcome.err, outcome
    assert "@2025-07-01 Xã Mường Kim" in outcome.err and len(outcome.err.splitlines()) == 1


def test_audit_of_a_thing_by_its_name(loaded, seeds):
    loaded.new_token("comms", name := f"audited {seeds.number()}")
    for kind, key, action in [("round", "LC25-05", "round.create"), ("plan", "3653/KH-UBND", "plan.create"),
                              ("plan", "3653-KH-UBND", "plan.create"), ("token", name, "token.create")]:
        rows = json.loads(loaded.cli_ok("audit", "list", "--subject", kind, key, "--json").out)["items"]
        assert rows[-1]["action"] == action and len({r["subject_id"] for r in rows}) == 1
        again = loaded.cli_ok("audit", "list", "--subject", kind, rows[0]["subject_id"], "--json").out
        assert [r["id"] for r in json.loads(again)["items"]] == [r["id"] for r in rows]     # one may have been sealed since


@pytest.mark.parametrize("kind", ["round", "plan", "report", "token", "team", "venue", "campaign", "user"])
def test_audit_of_a_thing_that_is_not_there(daemon, kind):
    for key in ("KHONG-CO", "00000000-0000-7000-8000-000000000000"):
        outcome = daemon.cli("audit", "list", "--subject", kind, key)
        assert outcome.status == 1 and f'there is no {kind} "{key}"' in outcome.err, outcome


def test_audit_of_an_unknown_kind(daemon):
    outcome = daemon.cli("audit", "list", "--subject", "donor")
    assert outcome.status == 2 and '"donor" is no subject' in outcome.err, outcome


def test_help_of_a_group(folder):
    text = programs.run("giothong", "plan", "--help", folder=folder).out
    assert {"plan import", "plan list"} <= set(re.findall(r"^  ([a-z]+ [a-z]+)", text, re.M)) and "token create" not in text


@pytest.mark.parametrize("words", [["plan"], ["plan", "nonsense"]])
def test_a_wrong_word_leads_to_the_group(folder, words):
    assert "giothong plan --help" in programs.run("giothong", *words, folder=folder).err


def test_where_in_a_table_in_vietnamese(daemon, folder):
    path = folder / "wrong.csv"
    path.write_text("nonsense\n")
    outcome = daemon.cli("history", "import", path, environment={"LC_ALL": "vi_VN.UTF-8"})
    assert outcome.status == 1 and "giothong: dòng 1, cột nonsense: " in outcome.err and "line" not in outcome.err, outcome
    assert "line 1, column nonsense: " in daemon.cli("history", "import", path).err


def test_history_says_nothing_before_it_is_done(daemon, folder):
    """Nothing goes into a table that is locked away: no line may say that something did."""
    rows = (programs.CONFIG / "rounds" / "lai-chau-history.csv").read_text(encoding="utf-8")
    path = folder / "history.csv"
    path.write_text(rows, encoding="utf-8")
    daemon.sql("ALTER TABLE round ADD CONSTRAINT test_none CHECK (plan_id IS NOT NULL) NOT VALID")
    try:
        outcome = daemon.cli("history", "import", path, "--prefix", "ZZ")
    finally:
        daemon.sql("ALTER TABLE round DROP CONSTRAINT test_none")
    assert outcome.status == 1 and outcome.out == "" and outcome.err, outcome
    assert "+ " in daemon.cli_ok("history", "import", path, "--prefix", "ZZ", "--dry-run").out


VIETNAMESE = {"LC_ALL": "vi_VN.UTF-8", "LANG": "vi_VN.UTF-8"}


def test_vietnamese_lines_have_no_english_words(loaded):
    english = re.compile(r"\b(draft|announced|official|proposed|live|expires|rounds?|state)\b")
    for arguments in (["plan", "show", "3653/KH-UBND"], ["token", "list"],
                      ["plan", "import", programs.CONFIG / "plans" / "lai-chau-2025.json", "--dry-run"]):
        text = loaded.cli_ok(*arguments, environment=VIETNAMESE).out
        assert text and not english.search(text), english.search(text)
    assert "đã công bố" in loaded.cli_ok("plan", "show", "3653/KH-UBND", environment=VIETNAMESE).out


def test_one_round_is_one_round(daemon, folder):
    path = folder / "one.csv"
    path.write_text((programs.CONFIG / "rounds" / "lai-chau-history.csv").read_text(encoding="utf-8"), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:2]), encoding="utf-8")
    assert "1 of 1 round would be added" in daemon.cli_ok("history", "import", path, "--prefix", "YY", "--dry-run").out
