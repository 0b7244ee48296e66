"""What the Debian package brings, where, and with which rights; tests/package/run installs, upgrades and purges it for real."""
import json
import os
import re
import shutil
import stat
import subprocess

import psycopg
import pytest

from harness import programs, unit
from harness.database import Postgres

DEPLOY = programs.ROOT / "deploy"
BUILD = programs.BIN.parent
SCRIPTS = ["giothong-setup", "giothong-restart", "package", "quickstart", "install-packages", "debian/postinst", "debian/prerm",
           "debian/postrm"]


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def folder():
    one = programs.workshop("giothong-package-")
    yield one
    programs.remove(one)


@pytest.fixture(scope="module")
def package(folder):
    """The package, made by cpack of the programs under test."""
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("the programs are not in a build folder")
    outcome = run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=folder)
    assert outcome.returncode == 0, outcome
    found, = folder.glob("giothong_*.deb")
    return found


@pytest.fixture(scope="module")
def tree(package, folder):
    assert run("dpkg-deb", "-x", package, folder / "tree").returncode == 0
    return folder / "tree"


@pytest.fixture(scope="module")
def fields(package):
    text = run("dpkg-deb", "-f", package).stdout
    return dict(line.split(": ", 1) for line in text.splitlines() if re.match(r"[A-Z][\w-]*: ", line))


def test_fields(fields):
    version = re.search(r'GIOTHONG_VERSION "(.*)"', (programs.ROOT / "include/base/version.h").read_text()).group(1)
    assert fields["Package"] == "giothong" and fields["Version"].startswith(version + "-"), "one version in both places"
    depends = fields["Depends"]
    for name in ("libc6", "libevent-core", "libpq5", "libsodium23", "libsystemd0", "postgresql-client-15 | postgresql-client", "curl"):
        assert name in depends, depends


def test_places(tree):
    for path in ("usr/bin/giothong", "usr/bin/giothongd", "usr/sbin/giothong-setup", "usr/sbin/giothong-restart"):
        assert stat.S_IMODE((tree / path).stat().st_mode) == 0o755, path
    for path in ("etc/giothong/giothong.ini", "usr/lib/sysusers.d/giothong.conf", "usr/share/giothong/plans/lai-chau-2025.json",
                 "usr/share/giothong/rounds/lai-chau-history.csv", "usr/share/giothong/deploy/postgresql/giothong.conf",
                 "usr/share/giothong/deploy/kannel.conf", "usr/share/doc/giothong/deploy.md", "usr/share/doc/giothong/copyright",
                 "usr/share/doc/giothong/changelog.Debian.gz", "usr/share/man/man8/giothongd.8.gz"):
        assert stat.S_IMODE((tree / path).stat().st_mode) == 0o644, path
    shipped = {path.name for path in (tree / "lib/systemd/system").iterdir()}
    assert shipped == {path.name for path in unit.UNITS.iterdir() if path.suffix in (".service", ".target", ".timer")}
    writable = [path for path in tree.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert not writable, "nothing is everybody's"


def test_what_the_files_name_is_there(tree):
    """Each path of ours in a unit, a script or the settings is in the package, or made by one of them."""
    made = {"/etc/giothong/keyring", "/etc/giothong/tls", "/var/backups/giothong", "/var/lib/giothong", "/run/giothong"}
    texts = [path for folder in ("lib/systemd/system", "usr/sbin", "etc/giothong") for path in (tree / folder).iterdir()]
    for path in texts + [DEPLOY / "debian" / name for name in ("postinst", "prerm", "postrm")]:
        for name in re.findall(r"(?<![\w$}])/(?:usr|etc|lib|var|run)/[\w./@%-]*giothong[\w./@%-]*", path.read_text()):
            name = name.rstrip("./")
            assert (tree / name.lstrip("/")).exists() or any(name.startswith(one) for one in made), f"{path.name}: {name}"


def test_conffiles(package, folder):
    assert run("dpkg-deb", "-e", package, folder / "control").returncode == 0
    assert (folder / "control" / "conffiles").read_text().split() == ["/etc/giothong/giothong.ini"]
    for name in ("postinst", "prerm", "postrm"):
        path = folder / "control" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o755 and "set -e" in path.read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_understood(name):
    path = DEPLOY / name
    shell = path.read_text().splitlines()[0].split("/")[-1].replace("env bash", "bash")
    outcome = run(shell, "-n", path)
    assert outcome.returncode == 0 and os.access(path, os.X_OK), outcome


@pytest.mark.parametrize("name", ["giothong-setup", "giothong-restart", "package"])
def test_usage(name):
    assert run(DEPLOY / name, "--help").returncode == 0 and name in run(DEPLOY / name, "--help").stdout
    assert run(DEPLOY / name, "--nonsense").returncode == 2


def test_the_settings_are_understood(tree, folder):
    """By the programs: of the shipped file doctor complains no more than that no database is here."""
    text = (tree / "etc/giothong/giothong.ini").read_text()
    for place in ("/run/postgresql", "/var/lib/giothong"):
        text = text.replace(place, str(folder))
    path = folder / "giothong.ini"
    path.write_text(text)
    outcome = programs.run("giothong", "--config", path, "doctor", "--json", folder=folder)
    checks = {check["name"]: check["health"] for check in json.loads(outcome.out)["checks"]}
    assert checks["settings.file"] == checks["settings.listener"] == "ok", outcome
    assert [name for name, health in checks.items() if health == "failure"] == ["database"]


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL with the settings and the logins that giothong-setup gives it."""
    one = Postgres().make()
    one.stop()
    shutil.copy(DEPLOY / "postgresql/giothong.conf", one.data / "shipped.conf")
    with open(one.data / "postgresql.conf", "a") as conf:
        conf.write("include 'shipped.conf'\n")
    for name in ("pg_hba.conf", "pg_ident.conf"):
        path = one.data / name
        path.write_text((DEPLOY / "postgresql" / name).read_text() + path.read_text())
    one.start()
    one.sql("CREATE ROLE giothong_backup LOGIN REPLICATION")
    yield one
    one.remove()


def test_postgresql_understands_its_files(server):
    for view in ("pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings"):
        assert server.sql(f"SELECT * FROM {view} WHERE error IS NOT NULL") == []
    named = dict(server.sql("SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%shipped.conf'"))
    assert len(named) > 25 and named["log_parameter_max_length"] == "0" and named["synchronous_commit"] == "on"


def test_doctor_is_content_with_them(server):
    """But for checksums, which no file can switch on."""
    path = server.configuration()
    assert programs.run("giothong", "--config", path, "migrate", folder=server.folder).status == 0
    assert programs.run("giothong", "--config", path, "keyring", "create", folder=server.folder).status == 0
    outcome = programs.run("giothong", "--config", path, "doctor", "--json", folder=server.folder)
    for check in json.loads(outcome.out)["checks"]:
        if check["name"].startswith("database") and check["name"] != "database.checksums":
            assert check["health"] == ("skipped" if check["name"] == "database.keys" else "ok"), check


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whom the file names")
def test_who_may_log_in(server):
    def log_in(role, database="giothong", **more):
        with psycopg.connect(host=str(server.folder), port=server.port, user=role, dbname=database, **more) as connection:
            return connection.execute("SELECT current_user").fetchone()[0]

    for role in ("giothong_app", "giothong_owner", "giothong_backup"):
        assert log_in(role) == role
    os.seteuid(12345)
    try:
        for role in ("giothong_app", "giothong_owner", "giothong_backup"):
            with pytest.raises(psycopg.OperationalError, match="(?i)peer authentication failed"):
                log_in(role)
    finally:
        os.seteuid(0)
