-- Another UUID whenever the grants are others: what they said under one UUID they say while it is there. It is read in the
-- same query as what was granted on, so what is remembered of the grants is never older than they are. No number that is
-- counted: after a failover to a server that lacks the last change it would come again, for other grants. Nor does a
-- change of no row make a new one: whoever drops or renames what nobody was granted anything on waits for nobody.
CREATE TABLE grants_epoch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    epoch  uuid NOT NULL
) WITH (fillfactor = 10);
INSERT INTO grants_epoch (epoch) VALUES (gen_random_uuid());

CREATE FUNCTION grants_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed) THEN
        UPDATE grants_epoch SET epoch = gen_random_uuid() WHERE single;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_added AFTER INSERT ON grants
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION grants_changed();
CREATE TRIGGER grants_updated AFTER UPDATE ON grants
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION grants_changed();
CREATE TRIGGER grants_removed AFTER DELETE ON grants
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION grants_changed();

CREATE FUNCTION grants_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE grants_epoch SET epoch = gen_random_uuid() WHERE single;
    RETURN NULL;
END $$;
CREATE TRIGGER grants_emptied AFTER TRUNCATE ON grants
    FOR EACH STATEMENT EXECUTE FUNCTION grants_emptied();

-- Not by the domain itself: a plan that was made for one path while there were few namespaces took this index and read
-- all of the domain's. Ids are positive.
DROP INDEX namespaces_children;
CREATE INDEX namespaces_children ON namespaces (coalesce(parent_id, -domain_id), level);
