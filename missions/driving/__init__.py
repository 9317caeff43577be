"""What the drivers of patrol cars see and say: their stops, and every tap on their page."""
