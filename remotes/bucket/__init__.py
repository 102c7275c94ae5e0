"""Git objects, refs and remarks in a store: what a Git server would hold, for those who have none."""
