"""From workflows as written to jobs as they run."""
