"""Emission: an RModel as a header and a weights file."""
