"""Where our own assets were: samples, timelines of poses, links and logs."""
