-- A round with Trino SQL. `ice` is the catalog.
-- job create
CREATE SCHEMA ice.core;
CREATE TABLE ice.core.items (id bigint, label varchar);

-- job write
INSERT INTO ice.core.items VALUES (1, 'one'), (2, 'two'), (3, 'three');
SELECT * FROM ice.core.items ORDER BY id;

-- job tag
-- cannot Trino has no statement for it (it reads tags)
ALTER TABLE ice.core.items CREATE TAG first;

-- job evolve
ALTER TABLE ice.core.items ADD COLUMN weight double;
ALTER TABLE ice.core.items RENAME COLUMN label TO title;
INSERT INTO ice.core.items VALUES (4, 'four', 0.25);
SELECT id, title, weight FROM ice.core.items ORDER BY id;

-- job branch
-- cannot Trino's Iceberg connector makes none (it reads them)
CREATE BRANCH audit IN TABLE ice.core.items;

-- job write to branch
-- cannot Trino's Iceberg connector writes to `main` only
INSERT INTO ice.core.items @ audit VALUES (5, 'five', 0.5);

-- job time travel
-- let snapshot
-- The first snapshot is of the empty table.
SELECT snapshot_id FROM ice.core."items$snapshots" ORDER BY committed_at OFFSET 1 LIMIT 1;
SELECT * FROM ice.core.items FOR VERSION AS OF ${snapshot} ORDER BY id;

-- job rename
ALTER TABLE ice.core.items RENAME TO ice.core.things;
SELECT * FROM ice.core.things ORDER BY id;

-- job view
CREATE VIEW ice.core.ids AS SELECT id FROM ice.core.things WHERE id > 2;
SELECT * FROM ice.core.ids ORDER BY id;

-- job delete rows
DELETE FROM ice.core.things WHERE id = 2;
SELECT * FROM ice.core.things ORDER BY id;

-- job read a refusal
-- refused
CREATE TABLE ice.core.people (email varchar);

-- job drop with purge
-- Trino always asks for a purge.
CREATE TABLE ice.core.gone (id bigint, label varchar);
INSERT INTO ice.core.gone VALUES (1, 'one');
DROP TABLE ice.core.gone;
