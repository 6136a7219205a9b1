-- What clients report of their scans and commits. No foreign key: writing a report never locks a table's row, and what
-- is left of tables that are gone grows old and goes too.
CREATE TABLE metrics_reports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation_id bigint NOT NULL,
    kind        text NOT NULL,
    snapshot_id bigint,
    principal   text NOT NULL,
    received_at timestamptz NOT NULL,
    body        jsonb NOT NULL
);
CREATE INDEX metrics_reports_relation ON metrics_reports (relation_id, id);
CREATE INDEX metrics_reports_received ON metrics_reports (received_at);

-- Another number whenever the tags of a table's columns are others, or it has another UUID: what was read of (uuid,
-- tags_version) may be remembered. No number comes twice.
CREATE SEQUENCE tags_versions;
ALTER TABLE relations ADD COLUMN tags_version bigint NOT NULL DEFAULT nextval('tags_versions');

CREATE FUNCTION tags_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE relations SET tags_version = nextval('tags_versions')
    WHERE uuid IN (SELECT table_uuid FROM changed);
    RETURN NULL;
END $$;
CREATE TRIGGER tags_added AFTER INSERT ON tags
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tags_changed();
CREATE TRIGGER tags_removed AFTER DELETE ON tags
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tags_changed();

CREATE FUNCTION uuid_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tags_version := nextval('tags_versions');
    RETURN NEW;
END $$;
CREATE TRIGGER relation_is_another BEFORE UPDATE OF uuid ON relations
    FOR EACH ROW WHEN (OLD.uuid IS DISTINCT FROM NEW.uuid) EXECUTE FUNCTION uuid_changed();
