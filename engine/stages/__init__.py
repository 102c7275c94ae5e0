"""Verbs that edit pipeline files: one verb, one file, one public function of that name."""
