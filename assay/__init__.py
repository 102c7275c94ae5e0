"""assay: machine-learning experiments as Git commits, with no Git installed.

The package is three storeys, each a folder at the root of the source tree: ``engine`` decides,
``remotes`` reaches beyond this machine, ``cli`` talks to a person. docs/architecture.md draws them.
"""

__version__ = "0.1.0"
