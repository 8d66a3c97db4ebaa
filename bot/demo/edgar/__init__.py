"""A local stand-in of SEC EDGAR with fictional filings, or with any folder of real ones."""
