"""Experiments that wait, run, or are over: jobs, and the board of folders that says which state each one is in.

What a job means, and carrying it out, is the part of `engine.workers`; readers like `show` need only this room.
"""
