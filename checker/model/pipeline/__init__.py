"""The pipeline's facts: workflows as written, jobs as they run, what their scripts do."""
