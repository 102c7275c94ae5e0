"""Data from elsewhere: brought into a project with a note of where it came from, brought alone, and listed."""
