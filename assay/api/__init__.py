"""The one object that programs, notebooks and the command line share: `lab.Lab`, and the values that it gives.

It stands on the engine alone. It reads no environment and prints nothing: whoever opens a project passes that in.
"""
