"""Where accounts and receipts are kept, how passwords are hashed, an embedded fleet."""
