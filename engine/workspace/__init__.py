"""The workspace: who may change it, what of it goes into a tree, and giving back what was taken away."""
