"""Answers worded by a language model: every sentence is held against the evidence before anybody reads it."""
