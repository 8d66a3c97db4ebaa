"""SEC EDGAR: ownership filings (forms 3, 4 and 5) from their own documents."""
