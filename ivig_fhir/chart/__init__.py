"""What the record says: queries, answers, facts with their sources, gaps with their reasons, one snapshot with a digest."""
