"""Python deploy code followed without being run."""
