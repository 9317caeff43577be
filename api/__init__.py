"""The HTTP edge: accounts, policies, routes; everything the page does goes through it."""
