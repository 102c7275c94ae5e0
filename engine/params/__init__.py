"""Parameters: the files they live in, and the ``-S`` words that change them.

`documents` reads YAML, JSON, TOML and Python files as data and edits them in place; `overrides` is the grammar of
``-S``; `locate` finds the file an override means; `keys` names values by dotted keys.

YAML has YAML 1.2's meaning everywhere (`yaml12`), and the block shapes that tools write are read by a strict line
parser first (`blockyaml`), because reading YAML is where reading an experiment spends its time.
"""
