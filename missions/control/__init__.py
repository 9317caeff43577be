"""Who commands an asset, and what became of every command."""
