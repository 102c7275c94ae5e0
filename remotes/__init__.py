"""Everything beyond this machine: the stores that fill the engine's ports, and what pushes and pulls through them.

A store (`stores_*`) is bytes by key. `retry` makes one patient, `verify` hashes what crosses. `holdings` are the
artifacts on a remote: `packed` in assay's own layout, `loose` in DVC's, chosen by `layouts`. `bucket` keeps Git objects
and refs in a store, `git` finds them in a repository. `exchange` joins data and experiments in the order that law 1
asks for; `push`, `pull` (with the `branches` there), `cloning` and `data` (data alone) are the verbs; `rehearsal` plays
them through, `comparison` and `removal` look at a remote and take from it. Nothing reads the environment or prints.
"""
