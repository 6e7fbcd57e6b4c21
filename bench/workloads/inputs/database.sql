-- database - sqlite3 in memory: tables are filled, indexed, joined, updated and emptied again.
-- Stresses: pages of a few KiB beside many small blocks of the parser and the cursors. One parameter, the number of rows,
--           stands in the table `size`, which the command line makes.
PRAGMA temp_store = memory;
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, region INTEGER);
CREATE TABLE sale(id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, note TEXT);
INSERT INTO customer
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n, size WHERE i < rows / 10)
  SELECT i, printf('customer %08d', i * 7919 % 100003), i % 17 FROM n;
INSERT INTO sale
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n, size WHERE i < rows)
  SELECT i, 1 + i * 31 % (SELECT rows / 10 FROM size), (i * 101 % 9973) / 10.0, substr('a note of some length', 1, i % 20) FROM n;
CREATE INDEX sale_customer ON sale(customer);
CREATE INDEX customer_name ON customer(name);
SELECT region, count(*), round(sum(amount), 1) FROM sale JOIN customer ON customer.id = customer GROUP BY region ORDER BY region;
SELECT note, count(DISTINCT customer), max(amount) FROM sale GROUP BY note ORDER BY note;
UPDATE sale SET note = note || printf(' %d', customer) WHERE id % 3 = 0;
SELECT count(*), sum(length(note)) FROM sale;
SELECT group_concat(name, ',') FROM (SELECT name FROM customer ORDER BY name DESC LIMIT 20);
DELETE FROM sale WHERE id % 2 = 0;
SELECT count(*), round(avg(amount), 3) FROM sale WHERE customer IN (SELECT id FROM customer WHERE region < 5);
DROP TABLE sale;
