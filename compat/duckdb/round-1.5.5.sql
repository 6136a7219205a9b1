-- A round with DuckDB's Iceberg extension. `ice` is the catalog.
-- job create
CREATE SCHEMA ice.core;
CREATE TABLE ice.core.items (id BIGINT, label VARCHAR);

-- job write
INSERT INTO ice.core.items VALUES (1, 'one'), (2, 'two'), (3, 'three');
SELECT * FROM ice.core.items ORDER BY id;

-- job tag
-- cannot DuckDB has no statement for it
ALTER TABLE ice.core.items CREATE TAG first;

-- job evolve
ALTER TABLE ice.core.items ADD COLUMN weight DOUBLE;
ALTER TABLE ice.core.items RENAME COLUMN label TO title;
INSERT INTO ice.core.items VALUES (4, 'four', 0.25);
SELECT * FROM ice.core.items ORDER BY id;

-- job branch
-- cannot DuckDB has no statement for it
ALTER TABLE ice.core.items CREATE BRANCH audit;

-- job write to branch
-- cannot DuckDB writes to `main` only
INSERT INTO ice.core.items.branch_audit VALUES (5, 'five', 0.5);

-- job time travel
-- let snapshot
SELECT snapshot_id FROM iceberg_snapshots(ice.core.items) ORDER BY sequence_number LIMIT 1;
SELECT id, label FROM ice.core.items AT (VERSION => ${snapshot}) ORDER BY id;

-- job rename
ALTER TABLE ice.core.items RENAME TO things;
SELECT * FROM ice.core.things ORDER BY id;

-- job view
-- cannot DuckDB's extension has no views
CREATE VIEW ice.core.ids AS SELECT id FROM ice.core.things WHERE id > 2;

-- job delete rows
DELETE FROM ice.core.things WHERE id = 2;
SELECT * FROM ice.core.things ORDER BY id;

-- job read a refusal
-- refused
CREATE TABLE ice.core.people (email VARCHAR);

-- job drop with purge
CREATE TABLE ice.core.gone (id BIGINT, label VARCHAR);
INSERT INTO ice.core.gone VALUES (1, 'one');
DROP TABLE ice.core.gone;
