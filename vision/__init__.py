"""What was seen, in pixels: frames, detections, tracks. Knows nothing of places."""
