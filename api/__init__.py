"""The HTTP edge: REST, live stream, and the page. No rule of the domain lives here."""
