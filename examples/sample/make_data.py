"""Writes a year of a shop's orders, one JSON file a month, always the same: make_data.py FOLDER."""
import json
import os
import random
import sys

ITEMS = ["arch", "ashlar", "coping", "corbel", "cornice", "keystone", "lintel", "mullion", "quoin", "sill", "voussoir"]


def order(dice, number):
    return {
        "number": number,
        "customer": f"customer-{int(dice.paretovariate(0.25)) % 20000}",
        "address": {"street": f"{dice.randrange(1, 400)} Quarry Road", "town": f"town-{dice.randrange(300)}"},
        "lines": [
            {"item": dice.choice(ITEMS), "count": dice.randrange(1, 20), "pence": dice.randrange(50, 90000)}
            for _ in range(1 + int(dice.expovariate(0.6)))
        ],
        "note": "x" * int(dice.expovariate(0.03)),
    }


def main(folder):
    dice = random.Random(1)
    os.makedirs(folder, exist_ok=True)
    for month in range(1, 13):
        orders = [order(dice, month * 100000 + i) for i in range(1600 + 400 * (month % 4))]
        path = os.path.join(folder, f"orders-{month:02}.json")
        with open(path + ".part", "w") as file:
            json.dump(orders, file)
        os.replace(path + ".part", path)


main(sys.argv[1])
