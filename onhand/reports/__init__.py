"""The daily report: made of the ledger's numbers, kept as a page that can be mailed as it is, and told to people."""
