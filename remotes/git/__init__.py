"""Git repositories as remotes for experiments: what a name or URL means (`addresses`), and the ways there.

`local` is a repository on this machine or a mounted one, through our own object layer. `server` speaks Git's protocol
over a `wire`: `http`, or the pipes of `ssh` (`puressh` where there is no such program). `credentials` says who we are,
`clone` makes a project out of a repository, `experiments` are DVC's verbs.
"""
