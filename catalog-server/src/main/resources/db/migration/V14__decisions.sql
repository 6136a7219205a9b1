-- Who was allowed what, and who was not. Rows are added at the end and cut off at the beginning; `hash` covers the row
-- and the hash of the row before it.
CREATE TABLE decisions (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    count bigint NOT NULL,
    who text NOT NULL,
    engine text NOT NULL,
    action text NOT NULL,
    right_asked text NOT NULL,
    domain text NOT NULL,
    thing text NOT NULL,
    detail text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    rules text[] NOT NULL,
    grounds text NOT NULL,
    hidden boolean NOT NULL,
    absent boolean NOT NULL,
    policies text NOT NULL,
    request text NOT NULL,
    query text NOT NULL,
    replica text NOT NULL,
    hash bytea NOT NULL
);
CREATE INDEX decisions_at ON decisions (at, id);
CREATE INDEX decisions_who ON decisions (who, id);
CREATE INDEX decisions_domain ON decisions (domain, id) WHERE domain <> '';
CREATE INDEX decisions_request ON decisions (request, id) WHERE request <> '';
CREATE INDEX decisions_query ON decisions (query, id) WHERE query <> '';

-- One row: the ends of the log. What follows `cut` is its first row; `head` is its last.
CREATE TABLE decision_chain (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    cut_id bigint NOT NULL,
    cut_hash bytea NOT NULL,
    head_id bigint NOT NULL,
    head_hash bytea NOT NULL,
    CHECK (cut_id <= head_id)
) WITH (fillfactor = 50);
INSERT INTO decision_chain (cut_id, cut_hash, head_id, head_hash)
VALUES (0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION decisions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- cut_decisions says in its transaction how far it cuts.
    IF TG_OP = 'DELETE' AND OLD.id <= coalesce(nullif(current_setting('icefield.cut', true), ''), '0')::bigint THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the log of decisions is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION decision_chain_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.one AND NEW.head_id >= OLD.head_id AND NEW.cut_id >= OLD.cut_id
            AND (NEW.head_id > OLD.head_id OR NEW.head_hash = OLD.head_hash)
            AND (NEW.cut_id > OLD.cut_id OR NEW.cut_hash = OLD.cut_hash) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the log of decisions is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER decisions_stay BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_stay();
CREATE TRIGGER decisions_stay_all BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION decisions_stay();
CREATE TRIGGER decision_chain_grows BEFORE UPDATE OR DELETE ON decision_chain
    FOR EACH ROW EXECUTE FUNCTION decision_chain_grows();
CREATE TRIGGER decision_chain_grows_all BEFORE TRUNCATE ON decision_chain
    FOR EACH STATEMENT EXECUTE FUNCTION decision_chain_grows();

-- Cuts off the beginning, at most so many rows: older than `before`, none after `last`. The log stays in one piece: a row
-- that is young enough to stay keeps all that follow it. The last row's hash becomes what the next row follows.
CREATE FUNCTION cut_decisions(before timestamptz, last bigint, rows_max integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    start bigint;
    upto bigint;
    upto_hash bytea;
    gone integer;
BEGIN
    SELECT cut_id INTO start FROM decision_chain FOR UPDATE;
    SELECT least(last, start + rows_max, coalesce((
        SELECT min(id) - 1 FROM (
            SELECT id FROM decisions WHERE id > start AND id <= start + rows_max AND at >= before) AS young),
        start + rows_max)) INTO upto;
    SELECT id, hash INTO upto, upto_hash FROM decisions WHERE id > start AND id <= upto ORDER BY id DESC LIMIT 1;
    IF upto IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM set_config('icefield.cut', upto::text, true);
    DELETE FROM decisions WHERE id > start AND id <= upto;
    GET DIAGNOSTICS gone = ROW_COUNT;
    PERFORM set_config('icefield.cut', '', true);
    UPDATE decision_chain SET cut_id = upto, cut_hash = upto_hash;
    RETURN gone;
END
$$;
