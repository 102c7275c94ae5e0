"""The object layer: Git repositories read and written in plain Python, without Git.

``objects`` are values; ``filebytes``, ``loose``, ``packindex``, ``packentries``, ``delta``, ``packs``, ``folders`` read
what is on disk; ``packwriter``, ``batch``, ``incoming``, ``outgoing`` write it; ``database`` is the front of these, and
``reach`` walks what objects point to, ``joining`` compares what two sides made of a tree. ``refs`` names them,
``trees``, ``index``, ``status``, ``worktree`` join them to files, ``repository`` holds the whole.

Every one is judged by real Git in tests/compat. Nothing below imports dulwich.
"""
