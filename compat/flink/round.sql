-- A round with Flink SQL, in batches. `ice` is the catalog.
-- job create
CREATE DATABASE ice.core;
CREATE TABLE ice.core.items (id BIGINT, label STRING);

-- job write
INSERT INTO ice.core.items VALUES (1, 'one'), (2, 'two'), (3, 'three');
SELECT * FROM ice.core.items ORDER BY id;

-- job tag
-- cannot Flink SQL has no statement for it (a Java job can, by Iceberg's API)
ALTER TABLE ice.core.items CREATE TAG `first`;

-- job evolve
ALTER TABLE ice.core.items ADD weight DOUBLE;
ALTER TABLE ice.core.items RENAME label TO title;
INSERT INTO ice.core.items VALUES (4, 'four', 0.25);
SELECT * FROM ice.core.items ORDER BY id;

-- job branch
-- cannot Flink SQL has no statement for it; its first write to a branch makes it
ALTER TABLE ice.core.items CREATE BRANCH audit;

-- job write to branch
INSERT INTO ice.core.items /*+ OPTIONS('branch'='audit') */ VALUES (5, 'five', 0.5);
SELECT * FROM ice.core.items /*+ OPTIONS('branch'='audit') */ ORDER BY id;

-- job time travel
-- let snapshot
SELECT snapshot_id FROM ice.core.`items$snapshots` ORDER BY committed_at LIMIT 1;
SELECT id, title FROM ice.core.items /*+ OPTIONS('snapshot-id'='${snapshot}') */ ORDER BY id;

-- job rename
ALTER TABLE ice.core.items RENAME TO things;
SELECT * FROM ice.core.things ORDER BY id;

-- job view
-- cannot Iceberg's catalog for Flink has no views
CREATE VIEW ice.core.ids AS SELECT id FROM ice.core.things WHERE id > 2;

-- job delete rows
-- cannot Iceberg's tables take no DELETE from Flink
DELETE FROM ice.core.things WHERE id = 2;

-- job read a refusal
-- refused
CREATE TABLE ice.core.people (email STRING);

-- job drop with purge
-- Flink always asks for a purge.
CREATE TABLE ice.core.gone (id BIGINT, label STRING);
INSERT INTO ice.core.gone VALUES (1, 'one');
DROP TABLE ice.core.gone;
