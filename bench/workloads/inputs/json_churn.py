"""json_churn - an interpreter at work: a document is built, written as JSON, read back, regrouped and checked.

Stresses: PYTHONMALLOC=malloc sends every object of the interpreter to the malloc: tiny blocks, dicts that grow,
          strings, and deep structures freed at once. The runner sets it.
"""
import hashlib
import json
import sys

ROUNDS = max(1, round(4 * float(sys.argv[1])))


def record(number):
    """One entry of a shop's journal, different for every number."""
    return {
        "id": number,
        "name": f"article {number * 7919 % 1000}",
        "price": number * 31 % 997 / 10,
        "tags": [f"t{(number + i) % 37}" for i in range(number % 6)],
        "stock": {f"store {i}": number * i % 23 for i in range(4)},
    }


digest = hashlib.sha256()
for round_ in range(ROUNDS):
    text = json.dumps([record(n + round_) for n in range(6000)], indent=1)
    groups = {}
    for entry in json.loads(text):
        groups.setdefault(entry["name"], []).append(entry)
    for entries in groups.values():
        entries.sort(key=lambda e: (e["price"], e["id"]))
    digest.update(json.dumps(groups, sort_keys=True).encode())
print(digest.hexdigest())
