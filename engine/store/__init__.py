"""Content-addressed artifacts: the cache, directory manifests, and what moves between cache and workspace."""
