-- A round with Spark SQL. `ice` is the catalog.
-- job create
CREATE NAMESPACE ice.core;
CREATE TABLE ice.core.items (id BIGINT, label STRING) USING iceberg;

-- job write
INSERT INTO ice.core.items VALUES (1, 'one'), (2, 'two'), (3, 'three');
SELECT * FROM ice.core.items ORDER BY id;

-- job tag
ALTER TABLE ice.core.items CREATE TAG first;

-- job evolve
ALTER TABLE ice.core.items ADD COLUMN weight DOUBLE;
ALTER TABLE ice.core.items RENAME COLUMN label TO title;
INSERT INTO ice.core.items VALUES (4, 'four', 0.25D);
SELECT * FROM ice.core.items ORDER BY id;

-- job branch
ALTER TABLE ice.core.items CREATE BRANCH audit;

-- job write to branch
INSERT INTO ice.core.items.branch_audit VALUES (5, 'five', 0.5D);
SELECT * FROM ice.core.items VERSION AS OF 'audit' ORDER BY id;

-- job time travel
-- let snapshot
SELECT snapshot_id FROM ice.core.items.refs WHERE name = 'first';
SELECT * FROM ice.core.items VERSION AS OF ${snapshot} ORDER BY id;

-- job rename
ALTER TABLE ice.core.items RENAME TO core.things;
SELECT * FROM ice.core.things ORDER BY id;

-- job view
CREATE VIEW ice.core.ids AS SELECT id FROM ice.core.things WHERE id > 2;
SELECT * FROM ice.core.ids ORDER BY id;

-- job delete rows
DELETE FROM ice.core.things WHERE id = 2;
SELECT * FROM ice.core.things ORDER BY id;

-- job read a refusal
-- refused
CREATE TABLE ice.core.people (email STRING) USING iceberg;

-- job drop with purge
CREATE TABLE ice.core.gone (id BIGINT, label STRING) USING iceberg;
INSERT INTO ice.core.gone VALUES (1, 'one');
DROP TABLE ice.core.gone PURGE;
