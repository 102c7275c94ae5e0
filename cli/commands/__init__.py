"""One module per verb: its help, its arguments, and the call into the engine. `cli.main` loads only the chosen one.

Each has ``EXAMPLES`` (what its help starts with), ``add_arguments(parser)`` and ``run(args, context)``, which
returns the exit code. The one-line help stands in the table of `cli.main`: listing the verbs imports none of them.
"""
