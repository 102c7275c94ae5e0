"""Talking to a person: words in, tables and sentences out. The only storey that reads environment and terminal."""
