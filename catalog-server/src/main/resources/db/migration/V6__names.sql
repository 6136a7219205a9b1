-- Counts what changes the list of a namespace's tables and views: a list that was read at a version is the list while the
-- version is the same. Triggers, so that no statement forgets it; a swap of a pointer changes no name and does not fire them.
ALTER TABLE namespaces ADD COLUMN names_version bigint NOT NULL DEFAULT 0;

CREATE FUNCTION count_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE namespaces SET names_version = names_version + 1 WHERE id IN (SELECT namespace_id FROM changed);
    RETURN NULL;
END
$$;

CREATE FUNCTION count_rename() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE namespaces SET names_version = names_version + 1 WHERE id IN (OLD.namespace_id, NEW.namespace_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER relations_added AFTER INSERT ON relations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER relations_removed AFTER DELETE ON relations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_names();
CREATE TRIGGER relations_renamed AFTER UPDATE OF namespace_id, name ON relations
    FOR EACH ROW EXECUTE FUNCTION count_rename();
