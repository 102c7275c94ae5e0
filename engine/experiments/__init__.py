"""What can be done with experiments: one verb, one file, one public function of that name.

Beside the verbs: `record` (what a commit says), `index` (records kept ready), `records` (both together), `naming`,
`query` (the language of ``--where``), `values` (documents as flat keys), `baselines` (which commits are shown).
"""
