"""Everything beyond this machine: the stores that fill the engine's ports, and what pushes and pulls through them.

A store is bytes by key: `stores` has them, `s3` the one that carries most. `artifacts` lie on a remote in assay's own
layout or in DVC's, chosen by `layouts`; `bucket` keeps Git objects and refs in a store, `git` finds them in a
repository. `exchange` joins data and experiments in the order that law 1 asks for; `push`, `pull` (with the `branches`
there), `cloning` and `data` (data alone) are the verbs; `rehearsal` plays them through, `comparison` and `removal` look
at a remote and take from it; `collect` takes away what nothing needs, `repair` mends what is damaged. Nothing here
reads the environment or prints.
"""
