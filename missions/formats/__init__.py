"""Plan files: QGroundControl, waypoints, KML, GeoJSON and WPML, with what each of them loses."""
