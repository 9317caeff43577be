"""Training of the first aerial network with torch. Nothing at run time imports this."""
