"""Questions with right answers, measures, runs and reports."""
