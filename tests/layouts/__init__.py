"""Repositories as strangers lay them out, written for this test, and what a gate without any setting says of each."""
