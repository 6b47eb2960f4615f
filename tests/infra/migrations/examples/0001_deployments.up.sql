-- migrate: expand
-- The release history of this environment: which commit was made to run, under which tag, and when.
CREATE TABLE deployments (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_sha text        NOT NULL CHECK (release_sha ~ '^[0-9a-f]{40}$'),
    release_tag text,
    environment text        NOT NULL CHECK (environment IN ('staging', 'production')),
    deployed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE deployments IS 'One row per completed deployment; rows are added and never changed.';
