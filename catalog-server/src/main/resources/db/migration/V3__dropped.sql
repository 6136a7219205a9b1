-- Who holds a protected thing, or anything below a protected namespace, neither drops nor renames it.
ALTER TABLE namespaces ADD COLUMN protected boolean NOT NULL DEFAULT false;
ALTER TABLE relations ADD COLUMN protected boolean NOT NULL DEFAULT false;

-- Tables and views that were dropped and can come back: not in `relations`, so nobody meets them by mistake. Their
-- namespace may be gone, so its path is kept, and its id to know whether one of that path is still the same.
-- `due_at`: when they are forgotten or purged; for one that is being purged, when somebody else may go on with it.
CREATE TABLE dropped (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id         bigint NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    namespace_id      bigint NOT NULL,
    namespace         text COLLATE "C" NOT NULL,
    relation_id       bigint NOT NULL UNIQUE,
    kind              text NOT NULL CHECK (kind IN ('table', 'view')),
    name              text COLLATE "C" NOT NULL,
    uuid              uuid NOT NULL,
    location          text COLLATE "C" NOT NULL,
    metadata_location text COLLATE "C" NOT NULL,
    version           bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    body              bytea,
    dropped_by        text COLLATE "C" NOT NULL,
    dropped_at        timestamptz NOT NULL DEFAULT now(),
    fate              text NOT NULL CHECK (fate IN ('forget', 'purge')),
    due_at            timestamptz NOT NULL,
    purging           boolean NOT NULL DEFAULT false,
    attempts          integer NOT NULL DEFAULT 0,
    problem           text
);
ALTER TABLE dropped ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX dropped_location ON dropped (domain_id, location);
CREATE INDEX dropped_list ON dropped (domain_id, id);
CREATE INDEX dropped_due ON dropped (due_at);

-- Grants on the dropped thing itself: they come back with it, and mean nothing to whoever takes its name meanwhile.
CREATE TABLE dropped_grants (
    dropped_id bigint NOT NULL REFERENCES dropped (id) ON DELETE CASCADE,
    grantee    text COLLATE "C" NOT NULL,
    role       text COLLATE "C" NOT NULL,
    PRIMARY KEY (dropped_id, grantee, role)
);
CREATE INDEX dropped_grants_grantee ON dropped_grants (grantee);
