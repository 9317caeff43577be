/** What lies on the map and moves: zones, plans, assets, incidents; as GeoJSON and layers. */
import type { Feature, FeatureCollection, Position } from 'geojson';
import type { LayerSpecification } from 'maplibre-gl';
import type { Asset, GroundPoint, Incident, LonLat, Zone } from '../api/types';
import { circleRing, ellipseRing, ringArea } from '../core/geometry';
import { FONT } from './basemap';
import type { Palette } from './palette';

const collect = (features: Feature[]): FeatureCollection => ({ type: 'FeatureCollection', features });
export const NOTHING = collect([]);

export type ZoneStyle = 'watch' | 'inclusion' | 'exclusion' | 'off';

/** How a zone is drawn; one that is for both shows its flight side. */
export function zoneStyle(zone: Zone): ZoneStyle {
  if (!zone.properties.active) return 'off';
  if (!zone.properties.purpose.includes('flight')) return 'watch';
  return zone.properties.kind === 'exclusion' ? 'exclusion' : 'inclusion';
}

function outerRings(zone: Zone): Position[][] {
  return zone.geometry.type === 'Polygon'
    ? zone.geometry.coordinates.slice(0, 1)
    : zone.geometry.coordinates.map((polygon) => polygon[0] ?? []);
}

/** The middle of the upper edge of the biggest ring's box: a label there hides nothing inside. */
function labelPlace(zone: Zone): LonLat {
  const ring = outerRings(zone).sort((a, b) => ringArea(b) - ringArea(a))[0] ?? [];
  const xs = ring.map((corner) => corner[0] ?? 0);
  const ys = ring.map((corner) => corner[1] ?? 0);
  return [(Math.min(...xs) + Math.max(...xs)) / 2, Math.max(...ys)];
}

export function zoneFeatures(
  zones: Zone[],
  layers: { watch: boolean; flight: boolean },
  hidden: string | null,
  selected: string | null,
): { areas: FeatureCollection; labels: FeatureCollection } {
  const areas: Feature[] = [];
  const labels: Feature[] = [];
  for (const zone of zones) {
    if (zone.id === hidden) continue;
    const style = zoneStyle(zone);
    const shown = zone.properties.purpose.some((purpose) => layers[purpose]);
    if (!shown) continue;
    const properties = { id: zone.id, style, selected: zone.id === selected };
    areas.push({ type: 'Feature', properties, geometry: zone.geometry });
    labels.push({
      type: 'Feature',
      properties: { ...properties, name: zone.properties.name },
      geometry: { type: 'Point', coordinates: labelPlace(zone) },
    });
  }
  return { areas: collect(areas), labels: collect(labels) };
}

export function assetFeatures(
  assets: Asset[],
  now: number,
  staleMs: number,
  selected: string | null,
): { points: FeatureCollection; footprints: FeatureCollection } {
  const points: Feature[] = [];
  const footprints: Feature[] = [];
  for (const asset of assets) {
    const status = asset.status;
    const stale = !status || now - Date.parse(status.at) > staleMs;
    const moving = Boolean(status && (status.sortie_id || (status.speed_m_s ?? 0) > 0.5));
    const look = stale ? 'stale' : moving ? 'active' : 'idle';
    points.push({
      type: 'Feature',
      properties: {
        id: asset.id,
        name: asset.name,
        icon: `${asset.kind === 'drone' ? 'drone' : 'vehicle'}-${look}`,
        heading: status?.heading_deg ?? 0,
        stale,
        selected: asset.id === selected,
      },
      geometry: { type: 'Point', coordinates: status ? [status.lon, status.lat] : asset.home },
    });
    if (status?.footprint && !stale) {
      footprints.push({ type: 'Feature', properties: { id: asset.id }, geometry: status.footprint });
    }
  }
  return { points: collect(points), footprints: collect(footprints) };
}

export function trackFeatures(tracks: Readonly<Record<string, LonLat[]>>, selected: string | null): FeatureCollection {
  return collect(
    Object.entries(tracks)
      .filter(([, line]) => line.length > 1)
      .map(([id, line]) => ({
        type: 'Feature',
        properties: { id, selected: id === selected },
        geometry: { type: 'LineString', coordinates: line },
      })),
  );
}

/** The border within which nine of ten true places lie, in true metres. */
export function errorRing(point: GroundPoint): Position[] {
  const ellipse = point.ellipse;
  return ellipse && ellipse.major_m > 0 && ellipse.minor_m > 0
    ? ellipseRing(point.lon, point.lat, ellipse.major_m, ellipse.minor_m, ellipse.bearing_deg)
    : circleRing(point.lon, point.lat, Math.max(point.radius_m, 0.1));
}

export function incidentFeatures(
  incidents: Incident[],
  selected: string | null,
): { points: FeatureCollection; errors: FeatureCollection; chosen: FeatureCollection } {
  const points: Feature[] = [];
  const errors: Feature[] = [];
  const chosen: Feature[] = [];
  for (const incident of incidents) {
    const kind = ['vehicle_stopped', 'waste_heap'].includes(incident.kind) ? incident.kind : 'other';
    const properties = {
      id: incident.id,
      icon: `incident-${kind}-${incident.state}`,
      open: incident.state === 'open' ? 1 : 0,
      order: incident.state === 'open' ? 2 : 1,
      selected: incident.id === selected,
    };
    const point: Feature = {
      type: 'Feature',
      properties,
      geometry: { type: 'Point', coordinates: [incident.point.lon, incident.point.lat] },
    };
    // The chosen one has a source of its own, so that no cluster swallows it.
    (incident.id === selected ? chosen : points).push(point);
    errors.push({
      type: 'Feature',
      properties,
      geometry: { type: 'Polygon', coordinates: [errorRing(incident.point)] },
    });
  }
  return { points: collect(points), errors: collect(errors), chosen: collect(chosen) };
}

export const OVERLAY_SOURCES = [
  'zones',
  'zone-labels',
  'footprints',
  'tracks',
  'path',
  'errors',
  'incidents',
  'chosen',
  'assets',
  'mark',
] as const;

export function overlayLayers(p: Palette): LayerSpecification[] {
  const zoneColour = [
    'match',
    ['get', 'style'],
    'watch',
    p.watch,
    'inclusion',
    p.inclusion,
    'exclusion',
    p.exclusion,
    p.off,
  ];
  const isStyle = (style: string): unknown[] => ['==', ['get', 'style'], style];
  const zoneLine = (id: string, style: string, dash: number[] | null, width: number): unknown => ({
    id,
    type: 'line',
    source: 'zones',
    filter: isStyle(style),
    layout: { 'line-join': 'round' },
    paint: {
      'line-color': zoneColour,
      'line-width': ['case', ['get', 'selected'], width + 1.4, width],
      ...(dash ? { 'line-dasharray': dash } : {}),
    },
  });
  const layers: unknown[] = [
    {
      id: 'zone-fill',
      type: 'fill',
      source: 'zones',
      filter: ['!', isStyle('exclusion')],
      paint: {
        'fill-color': zoneColour,
        'fill-opacity': [
          'case',
          ['get', 'selected'],
          0.24,
          ['match', ['get', 'style'], 'watch', 0.13, 'inclusion', 0.05, 0.04],
        ],
      },
    },
    {
      id: 'zone-hatch',
      type: 'fill',
      source: 'zones',
      filter: isStyle('exclusion'),
      paint: { 'fill-pattern': 'hatch', 'fill-opacity': ['case', ['get', 'selected'], 0.75, 0.42] },
    },
    zoneLine('zone-watch', 'watch', null, 1.4),
    zoneLine('zone-inclusion', 'inclusion', [6, 3], 1.8),
    zoneLine('zone-exclusion', 'exclusion', null, 2),
    zoneLine('zone-off', 'off', [1, 3], 1.4),
    {
      id: 'footprint-fill',
      type: 'fill',
      source: 'footprints',
      paint: { 'fill-color': p.footprint, 'fill-opacity': 0.1 },
    },
    {
      id: 'footprint-line',
      type: 'line',
      source: 'footprints',
      paint: { 'line-color': p.footprint, 'line-width': 1.2, 'line-opacity': 0.8 },
    },
    {
      id: 'track-line',
      type: 'line',
      source: 'tracks',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: {
        'line-color': p.accent,
        'line-width': ['case', ['get', 'selected'], 3, 1.8],
        'line-opacity': ['case', ['get', 'selected'], 0.95, 0.55],
      },
    },
    {
      id: 'path-casing',
      type: 'line',
      source: 'path',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.planHalo, 'line-width': 5, 'line-opacity': 0.75 },
    },
    {
      id: 'path-line',
      type: 'line',
      source: 'path',
      layout: { 'line-cap': 'butt', 'line-join': 'round' },
      paint: { 'line-color': p.plan, 'line-width': 2, 'line-dasharray': [3, 1.4] },
    },
    {
      id: 'path-arrow',
      type: 'symbol',
      source: 'path',
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 70,
        'icon-image': 'plan-arrow',
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
      },
    },
    {
      id: 'zone-label',
      type: 'symbol',
      source: 'zone-labels',
      minzoom: 13.5,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 11,
        'text-max-width': 16,
        'text-anchor': 'bottom',
        'text-offset': [0, -0.35],
      },
      paint: { 'text-color': zoneColour, 'text-halo-color': p.halo, 'text-halo-width': 1.6 },
    },
    {
      id: 'error-line',
      type: 'line',
      source: 'errors',
      minzoom: 15.5,
      filter: ['!', ['get', 'selected']],
      paint: { 'line-color': p.label, 'line-width': 1, 'line-opacity': 0.45, 'line-dasharray': [2, 2] },
    },
    {
      id: 'error-chosen-fill',
      type: 'fill',
      source: 'errors',
      filter: ['get', 'selected'],
      paint: { 'fill-color': p.accent, 'fill-opacity': 0.16 },
    },
    {
      id: 'error-chosen-line',
      type: 'line',
      source: 'errors',
      filter: ['get', 'selected'],
      paint: { 'line-color': p.accent, 'line-width': 2 },
    },
    {
      id: 'incident-cluster',
      type: 'circle',
      source: 'incidents',
      filter: ['has', 'point_count'],
      paint: {
        'circle-color': p.cluster,
        'circle-radius': ['interpolate', ['linear'], ['get', 'point_count'], 2, 13, 20, 17, 200, 25],
        'circle-stroke-width': 2.5,
        'circle-stroke-color': ['case', ['>', ['get', 'open_sum'], 0], p.open, p.off],
      },
    },
    {
      id: 'incident-count',
      type: 'symbol',
      source: 'incidents',
      filter: ['has', 'point_count'],
      layout: {
        'text-field': ['get', 'point_count_abbreviated'],
        'text-font': FONT,
        'text-size': 12,
        'text-allow-overlap': true,
      },
      paint: { 'text-color': p.clusterText },
    },
    {
      id: 'incident',
      type: 'symbol',
      source: 'incidents',
      filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 11, 0.62, 15, 0.82, 18, 1],
        'symbol-sort-key': ['get', 'order'],
      },
    },
    {
      id: 'chosen-ring',
      type: 'circle',
      source: 'chosen',
      // Nearer by, the error circle says it, and a second ring would be taken for it.
      maxzoom: 17,
      paint: {
        'circle-radius': 21,
        'circle-color': 'rgba(0,0,0,0)',
        'circle-stroke-width': 3,
        'circle-stroke-color': p.accent,
      },
    },
    {
      id: 'chosen',
      type: 'symbol',
      source: 'chosen',
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'icon-size': 1.05,
      },
    },
    {
      id: 'asset-ring',
      type: 'circle',
      source: 'assets',
      filter: ['get', 'selected'],
      paint: {
        'circle-radius': 25,
        'circle-color': p.accent,
        'circle-opacity': 0.16,
        'circle-stroke-width': 1.5,
        'circle-stroke-color': p.accent,
      },
    },
    {
      id: 'asset',
      type: 'symbol',
      source: 'assets',
      layout: {
        'icon-image': ['get', 'icon'],
        'icon-rotate': ['get', 'heading'],
        'icon-rotation-alignment': 'map',
        'icon-allow-overlap': true,
        'icon-ignore-placement': true,
        'icon-size': ['interpolate', ['linear'], ['zoom'], 11, 0.66, 16, 0.95],
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 11.5,
        'text-offset': [0, 1.9],
        'text-anchor': 'top',
        'text-optional': true,
      },
      paint: {
        'text-color': ['case', ['get', 'stale'], p.off, p.label],
        'text-halo-color': p.halo,
        'text-halo-width': 1.8,
      },
    },
    {
      id: 'mark-ring',
      type: 'circle',
      source: 'mark',
      paint: {
        'circle-radius': 15,
        'circle-color': ['match', ['get', 'tone'], 'error', p.error, p.accent],
        'circle-opacity': 0.18,
        'circle-stroke-width': 2.5,
        'circle-stroke-color': ['match', ['get', 'tone'], 'error', p.error, p.accent],
      },
    },
    {
      id: 'mark-dot',
      type: 'circle',
      source: 'mark',
      paint: {
        'circle-radius': 3.5,
        'circle-color': ['match', ['get', 'tone'], 'error', p.error, p.accent],
      },
    },
  ];
  return layers as LayerSpecification[];
}
