-- migrate: no-transaction
-- migrate: expand
-- migrate: lock-timeout 2min
-- migrate: statement-timeout 30min
CREATE INDEX CONCURRENTLY deployments_by_time ON deployments (environment, deployed_at DESC);
