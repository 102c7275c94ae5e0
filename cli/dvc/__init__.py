"""The ``assay-dvc`` command: DVC's own verbs, words and output, for scripts and editors that were written for DVC.

One module per verb, named as the verb with its words joined by ``_`` (`exp_show`, `check_ignore`). Each has
``add_arguments(parser)`` and ``run(args, context)``, which returns the exit code; what it raises ends with 255, or with
its ``FAILURE_CODE`` where DVC's verb has another (1), but for settings, interrupts and missing projects. `words` holds
what several of them say. The one-line help stands in the
table of `cli.dvc.main`: listing the verbs imports none of them. Neither `cli.commands` nor this package imports the
other; what both need lies in `cli`, `cli.render` or below.
"""
