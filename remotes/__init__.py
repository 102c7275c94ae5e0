"""Everything beyond this machine: the stores that fill the engine's ports, and what pushes and pulls through them.

A store (`stores_*`) is bytes by key. `retry` makes one patient, `verify` hashes what crosses. `transfer` moves
artifacts, `bucket` moves Git objects and refs, `exchange` joins both in the order that law 1 asks for, and `push`,
`pull` and `clone` are the verbs. Nothing here reads the environment or prints.
"""
