"""Services that tell insiders' trades as JSON: SecuritiesDB, and any filings API with pages of records."""
