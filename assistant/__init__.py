"""From a question to an answer in which every figure is cited; the command line."""
