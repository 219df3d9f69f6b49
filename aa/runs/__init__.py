"""Run folders: the names in them, their records, and readers that bear what anybody wrote there."""
