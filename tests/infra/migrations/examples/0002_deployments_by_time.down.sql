-- migrate: no-transaction
-- migrate: lock-timeout 2min
DROP INDEX CONCURRENTLY IF EXISTS deployments_by_time;
