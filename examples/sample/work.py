"""Reads the orders month by month, keeps each customer's history, and prints what the year came to: work.py FOLDER."""
import collections
import json
import os
import sys


def read(folder, month):
    with open(os.path.join(folder, f"orders-{month:02}.json")) as file:
        return json.load(file)


def main(folder):
    history = collections.defaultdict(list)
    turnover = collections.Counter()
    for month in range(1, 13):
        orders = read(folder, month)
        for order in orders:
            total = sum(line["count"] * line["pence"] for line in order["lines"])
            history[order["customer"]].append((month, order["number"], total))
            for line in order["lines"]:
                turnover[line["item"]] += line["count"] * line["pence"]
        by_town = collections.defaultdict(list)
        for order in sorted(orders, key=lambda order: (order["address"]["town"], order["number"])):
            by_town[order["address"]["town"]].append(json.dumps(order, sort_keys=True))
        busiest = max(by_town, key=lambda town: (len(by_town[town]), town))
        print(f"month {month:2}: {len(orders)} orders, most of them to {busiest}")
    best = max(history, key=lambda customer: (sum(total for _, _, total in history[customer]), customer))
    print(f"{len(history)} customers; {best} bought most, in {len(history[best])} orders")
    for item, pence in turnover.most_common(3):
        print(f"{item:10} {pence / 100:15,.2f}")


main(sys.argv[1])
