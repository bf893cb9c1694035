"""Embedding model, Chroma collection, keyword index, manifest and retrieval."""
