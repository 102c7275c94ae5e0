"""Tags and notes that people give experiments: what one holds, how two merge, and where they are kept."""
