"""What an experiment is, and everything that decides.

The engine is deaf and blind (law 6): it reads no environment, home, current directory or terminal and
prints nothing. What it needs comes in as values; what it has to say goes out as events.
"""
