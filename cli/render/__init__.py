"""What a command found, as a table, Markdown, CSV, JSON, and as progress."""
