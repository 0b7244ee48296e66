"""What calendar apps, news readers and portals make of our feeds, by parsers that are not ours."""
import pathlib
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import feedparser
import icalendar

GRAMMAR = pathlib.Path(__file__).with_name("atom.rng")
ATOM = "{http://www.w3.org/2005/Atom}"


def check_lines(data):
    """RFC 5545, 3.1: CRLF, at most 75 octets, whole characters."""
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b"") and b"\r" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        assert len(line) <= 75, line
        line.decode()


def calendar(answer):
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    check_lines(answer.content)
    one = icalendar.Calendar.from_ical(answer.content)
    assert not one.errors and str(one["METHOD"]) == "PUBLISH" and str(one["VERSION"]) == "2.0"
    return one


def events(answer):
    """{UID: event} of a calendar that an independent parser takes without a complaint."""
    found = {}
    for event in calendar(answer).walk("VEVENT"):
        assert not event.errors, event.errors
        assert str(event["UID"]) not in found, "one event a round"
        for name in ("DTSTAMP", "LAST-MODIFIED", "DTSTART", "SUMMARY", "STATUS", "SEQUENCE", "DESCRIPTION"):
            assert name in event, name
        found[str(event["UID"])] = event
    return found


def check_atom(data):
    """By the grammar of what we use of RFC 4287, and well-formed for libxml2."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(data)
        file.flush()
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--relaxng", str(GRAMMAR), file.name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def entries(answer):
    """{round id: entry} of a news feed, in its order."""
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    check_atom(answer.content)
    feed = feedparser.parse(answer.content)
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    found = {entry.id.removeprefix("urn:uuid:"): entry for entry in feed.entries}
    assert len(found) == len(feed.entries), "one entry a round"
    updated = [entry.updated for entry in feed.entries]
    assert updated == sorted(updated, reverse=True), "newest change first"
    assert feed.feed.updated == (updated[0] if updated else feed.feed.updated)
    return found


def atom_titles(answer):
    """{round id: title}, letter by letter, which feedparser would tidy."""
    root = ElementTree.fromstring(answer.content)
    return {entry.find(f"{ATOM}id").text.removeprefix("urn:uuid:"): entry.find(f"{ATOM}title").text or ""
            for entry in root.findall(f"{ATOM}entry")}


class Portal:
    """A portal with a copy of the rounds, kept by the changes after its cursor."""

    def __init__(self, api, limit=50):
        self.api, self.limit = api, limit
        self.cursor, self.copy, self.seen = None, {}, []

    def poll(self):
        """Everything that is there now; how many items came. 503: a later poll will bring it."""
        count = 0
        while True:
            params = {"limit": self.limit, **({"cursor": self.cursor} if self.cursor else {})}
            answer = self.api.get("/feeds/changes.json", params=params, expect=(200, 503))
            if answer.status_code == 503:
                return count
            page = answer.json()
            assert isinstance(page["next_cursor"], str) and page["next_cursor"]
            ids = [item["round"]["id"] for item in page["items"]]
            assert len(ids) == len(set(ids)) <= self.limit
            for item in page["items"]:
                self.copy[item["round"]["id"]] = item["round"]
                self.seen.append((item["round"]["code"], item["action"], item["round"]["version"]))
            count += len(ids)
            self.cursor = page["next_cursor"]
            if not page["more"]:
                return count
