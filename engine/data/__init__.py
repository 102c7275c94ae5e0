"""Data that no stage writes: one verb, one file, one public function of that name."""
