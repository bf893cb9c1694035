"""Documents as published: sections, paragraphs, sentences and clauses with exact character offsets."""
