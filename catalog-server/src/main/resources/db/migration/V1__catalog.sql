-- The catalog. Names sort and compare by code point (COLLATE "C"), whatever the database's own locale.

-- Who the catalog itself knows. Secrets are 256 random bits, so one round of SHA-256 is enough.
CREATE TABLE principals (
    name        text COLLATE "C" PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('user', 'job', 'engine')),
    groups      text[] NOT NULL,
    secret_hash bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A business area and its storage. `sealed_key` is the root key's secret, encrypted under the master key and bound to
-- the domain's name. `version` grows whenever the storage changes: what was read of (id, version) may be cached.
CREATE TABLE domains (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    bucket      text COLLATE "C" NOT NULL,
    prefix      text COLLATE "C" NOT NULL,
    endpoint    text COLLATE "C",
    sts         text COLLATE "C",
    region      text NOT NULL,
    path_style  boolean NOT NULL,
    role_arn    text NOT NULL,
    access_key  text NOT NULL,
    sealed_key  bytea NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (bucket, prefix, endpoint)
);

-- `path` holds all levels, joined by U+001F, which no name can contain; `level` is the last of them.
-- A parent stays while it has children.
CREATE TABLE namespaces (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id   bigint NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    parent_id   bigint REFERENCES namespaces (id) ON DELETE RESTRICT,
    path        text COLLATE "C" NOT NULL,
    level       text COLLATE "C" NOT NULL,
    properties  jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, path)
);
CREATE INDEX namespaces_parent ON namespaces (parent_id);
CREATE INDEX namespaces_children ON namespaces (domain_id, coalesce(parent_id, 0), level);

-- Tables and views: one space of names. The row is the pointer to the current metadata file; `version` counts
-- its swaps. `location` is the folder, as text without a slash at its end.
CREATE TABLE relations (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id         bigint NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    namespace_id      bigint NOT NULL REFERENCES namespaces (id) ON DELETE RESTRICT,
    kind              text NOT NULL CHECK (kind IN ('table', 'view')),
    name              text COLLATE "C" NOT NULL,
    uuid              uuid NOT NULL,
    location          text COLLATE "C" NOT NULL,
    metadata_location text COLLATE "C" NOT NULL,
    version           bigint NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT relations_name UNIQUE (namespace_id, name),
    -- Tags hang on the UUID, and clients choose it: nobody gets at the tags of another's table.
    CONSTRAINT relations_uuid UNIQUE (uuid)
) WITH (fillfactor = 80);
CREATE INDEX relations_location ON relations (domain_id, location);

-- Content of the current metadata file and the one before it, gzipped: a replica with a cold cache needs no object
-- store, and a reader who saw the pointer just before a swap still finds its content.
CREATE TABLE metadata (
    relation_id bigint NOT NULL REFERENCES relations (id) ON DELETE CASCADE,
    version     bigint NOT NULL,
    body        bytea NOT NULL,
    PRIMARY KEY (relation_id, version)
);
ALTER TABLE metadata ALTER COLUMN body SET STORAGE EXTERNAL;

-- What columns hold, by the table's own UUID and Iceberg's field id: outlives renaming, dropping, registering.
CREATE TABLE tags (
    table_uuid uuid NOT NULL,
    field_id   integer NOT NULL,
    tag        text COLLATE "C" NOT NULL,
    source     text COLLATE "C" NOT NULL CHECK (source IN ('declared', 'steward')),
    PRIMARY KEY (table_uuid, field_id, tag, source)
);

-- Who was granted what. `scope` is a path with U+001F between its parts, so that "everything beneath" is one range:
--   ''                           the whole mesh
--   domain                       a domain
--   domain | level | level       a namespace and those below it
--   domain | level | '' | table  a table
CREATE TABLE grants (
    grantee text COLLATE "C" NOT NULL,
    scope   text COLLATE "C" NOT NULL,
    role    text COLLATE "C" NOT NULL CHECK (role IN ('reader', 'writer', 'steward', 'owner')),
    domain  text COLLATE "C" REFERENCES domains (name) ON DELETE CASCADE,
    PRIMARY KEY (grantee, scope, role),
    CHECK (coalesce(domain, '') = split_part(scope, U&'\001F', 1))
);
CREATE INDEX grants_domain ON grants (domain);
-- Also with the grantee: whichever index the planner takes for "what do these have here", others' grants cost nothing.
CREATE INDEX grants_scope ON grants (scope, grantee);

-- Keys that sign access tokens; the newest (highest id) signs, all of them verify. The private half is sealed.
CREATE TABLE signing_keys (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_id     text COLLATE "C" NOT NULL UNIQUE,
    sealed_key bytea NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL
);
