"""Donors that nobody is: made of syllables and serial numbers, the same for the same seed."""
import datetime
import uuid

FAMILIES = ("Lò", "Giàng", "Vàng", "Tẩn", "Phàn", "Sùng", "Quàng", "Lường", "Hảng", "Chẻo")
FIRST, VOWELS = ("B", "Ch", "D", "G", "H", "K", "L", "M", "N", "Ph", "S", "T", "V", "X"), ("ăn", "êm", "ính", "ôi", "ưng", "ạch", "ướt")
UNITS = ("Xã Mường Than", "Xã Phúc Than", "Xã Tà Mung", "Xã Hua Nà")


def draw_uuid(dice):
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def syllable(n):
    return FIRST[n % len(FIRST)] + VOWELS[n // len(FIRST) % len(VOWELS)]


class Person:
    """`donor_id`: the record that staff made, or the phone's own name for somebody new."""

    def __init__(self, number, dice):
        self.number = number
        born = datetime.date(1968, 1, 1) + datetime.timedelta(days=37 * number % 13900)
        self.sex = dice.choice(("female", "male"))
        self.name = f"{FAMILIES[number % len(FAMILIES)]} {syllable(number)} {syllable(number * 5 + 3)} Thử"
        self.birth_date, self.weight = born.isoformat(), dice.randrange(46, 80)
        century = 2 if born.year >= 2000 else 0
        self.identifier = {"kind": "cccd", "value": f"012{century + (self.sex == 'female')}{born.year % 100:02}{900000 + number:06}"}
        self.unit = dice.choice(UNITS)
        self.key = draw_uuid(dice)
        self.donor_id = None

    def body(self, identified=True):
        return {"name": self.name, "birth_date": self.birth_date, "sex": self.sex, "unit": self.unit,
                **({"identifiers": [self.identifier]} if identified else {})}
