-- A domain has several storages, one of which takes its new tables. `sealed_key` is bound to the domain's name, that of
-- all but the first one also to its own.
CREATE TABLE storages (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id    bigint NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name         text COLLATE "C" NOT NULL,
    standard     boolean NOT NULL DEFAULT false,
    protected    boolean NOT NULL DEFAULT false,
    bucket       text COLLATE "C" NOT NULL,
    prefix       text COLLATE "C" NOT NULL,
    endpoint     text COLLATE "C",
    sts          text COLLATE "C",
    region       text NOT NULL,
    path_style   boolean NOT NULL,
    role_arn     text NOT NULL,
    kms_key      text,
    access_key   text NOT NULL,
    sealed_key   bytea NOT NULL,
    versioning   boolean,
    upload_days  integer,
    version_days integer,
    soft_bytes   bigint,
    hard_bytes   bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, name),
    UNIQUE NULLS NOT DISTINCT (bucket, prefix, endpoint)
);
CREATE UNIQUE INDEX storages_standard ON storages (domain_id) WHERE standard;

INSERT INTO storages
    (domain_id, name, standard, bucket, prefix, endpoint, sts, region, path_style, role_arn, access_key, sealed_key,
    created_at)
SELECT id, 'main', true, bucket, prefix, endpoint, sts, region, path_style, role_arn, access_key, sealed_key,
    created_at
FROM domains;

ALTER TABLE domains
    DROP COLUMN bucket,
    DROP COLUMN prefix,
    DROP COLUMN endpoint,
    DROP COLUMN sts,
    DROP COLUMN region,
    DROP COLUMN path_style,
    DROP COLUMN role_arn,
    DROP COLUMN access_key,
    DROP COLUMN sealed_key,
    ADD COLUMN protected boolean NOT NULL DEFAULT false,
    ADD COLUMN soft_bytes bigint,
    ADD COLUMN hard_bytes bigint;

-- What was read of a domain at a version may be cached, its storages included. Triggers, so that no statement forgets it.
CREATE FUNCTION storage_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE domains SET version = version + 1 WHERE id = coalesce(NEW.domain_id, OLD.domain_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER storages_changed AFTER INSERT OR UPDATE OR DELETE ON storages
    FOR EACH ROW EXECUTE FUNCTION storage_changed();

CREATE FUNCTION domain_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER domains_changed BEFORE UPDATE OF protected, soft_bytes, hard_bytes ON domains
    FOR EACH ROW EXECUTE FUNCTION domain_changed();

-- What the last probe of a storage has found. `claimed_at` says when a replica took it upon itself, `probed_at` is null
-- while the first one is under way.
CREATE TABLE storage_probes (
    storage_id bigint PRIMARY KEY REFERENCES storages (id) ON DELETE CASCADE,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    probed_at  timestamptz
);
CREATE TABLE storage_findings (
    storage_id bigint NOT NULL REFERENCES storage_probes (storage_id) ON DELETE CASCADE,
    number     integer NOT NULL,
    name       text NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('passed', 'failed', 'skipped')),
    detail     text NOT NULL,
    remedy     text NOT NULL,
    PRIMARY KEY (storage_id, number)
);

-- What the files of a table weigh, as its metadata says: those of its current snapshot, and those of all snapshots that
-- it keeps. Null: nobody has looked yet.
ALTER TABLE relations
    ADD COLUMN live_bytes bigint,
    ADD COLUMN live_files bigint,
    ADD COLUMN kept_bytes bigint,
    ADD COLUMN kept_files bigint;

-- The same by day and storage, for the tables that were there.
CREATE TABLE usage_days (
    storage_id bigint NOT NULL REFERENCES storages (id) ON DELETE CASCADE,
    day        date NOT NULL,
    tables     bigint NOT NULL,
    live_bytes bigint NOT NULL,
    live_files bigint NOT NULL,
    kept_bytes bigint NOT NULL,
    kept_files bigint NOT NULL,
    PRIMARY KEY (storage_id, day)
);
