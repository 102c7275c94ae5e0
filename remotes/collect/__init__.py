"""Taking away what nothing on a remote needs, beside those who push."""
