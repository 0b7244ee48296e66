"""Plans, rounds, teams and venues of a test's own, so that tests can share one daemon."""
import datetime


class Seeds:
    def __init__(self, staff, serial):
        self.staff, self.serial = staff, serial

    def number(self):
        """Never the same twice in one database: several workers have one each."""
        return next(self.serial)

    def plan(self, first="2025-01-01", last="2025-12-31", **more):
        n = self.number()
        body = {"number": f"{n}/KH-THU", "code_prefix": f"T{n}X", "title": f"Kế hoạch thử nghiệm số {n}",
                "from": first, "to": last, **more}
        return self.staff.post("/api/v1/plans", json=body, expect=201).json()

    def team(self, **more):
        n = self.number()
        return self.staff.post("/api/v1/teams", json={"code": f"D{n}", "name": f"Đội thử nghiệm {n}", **more},
                               expect=201).json()

    def venue(self, unit="Huyện Than Uyên", **more):
        n = self.number()
        body = {"name": f"Nhà văn hóa thử nghiệm {n}", "unit": unit, **more}
        return self.staff.post("/api/v1/venues", json=body, expect=201).json()

    def draft(self, plan=None, date="2025-04-15", units=("Huyện Than Uyên",), **more):
        plan = plan or self.plan()
        body = {"title": "Đợt thử nghiệm", "date": date, "units": list(units), **more}
        return self.staff.post(f"/api/v1/plans/{plan['id']}/rounds", json=body, expect=201).json()

    def announced(self, **more):
        draft = self.draft(**more)
        return self.staff.step(draft["id"], "announce").json()

    def official(self, **more):
        announced = self.announced(**more)
        return self.staff.step(announced["id"], "confirm", {"document": "Công văn thử nghiệm số 1"}).json()

    def open(self, **more):
        official = self.official(**{"capacity": 100, **more})
        return self.staff.step(official["id"], "open").json()

    def running(self, **more):
        """Runs today, by the daemon's clock."""
        official = self.official(**{"date": TODAY, **more})
        return self.staff.step(official["id"], "start").json()

    def in_status(self, status, **more):
        if status == "draft":
            return self.draft(**more)
        if status == "announced":
            return self.announced(**more)
        if status == "open":
            return self.open(**more)
        if status == "running":
            return self.running(**more)
        if status == "closed":
            return self.staff.step(self.running(**more)["id"], "close").json()
        if status == "postponed":
            return self.staff.step(self.announced(**more)["id"], "postpone", {"reason": "mưa lớn"}).json()
        if status == "moved":
            later = {"reason": "mưa lớn", "date": "2025-05-20"}
            return self.staff.step(self.announced(**more)["id"], "move", later).json()
        assert status == "cancelled"
        return self.staff.step(self.announced(**more)["id"], "cancel", {"reason": "mưa lớn"}).json()


TODAY = "2025-03-10"                       # of the daemon under test, see harness/daemon.py


def day(offset):
    """A civil date so many days from today."""
    return (datetime.date.fromisoformat(TODAY) + datetime.timedelta(days=offset)).isoformat()
