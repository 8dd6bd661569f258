"""The forms of credentials, as rows of data with their sources: one module for each sort of those who give them out."""
