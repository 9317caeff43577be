"""An embedded world: ground truth, cameras, vehicles. Shipped, seeded, independent of geo."""
