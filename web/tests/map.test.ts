import { describe, expect, it } from 'vitest';
import type { Asset, Incident, Zone } from '../src/api/types';
import { distance } from '../src/core/geometry';
import { ATTRIBUTION, cityParts, creditLine } from '../src/map/basemap';
import { assetFeatures, errorRing, incidentFeatures, zoneFeatures, zoneStyle } from '../src/map/overlays';

const square = [[71, 51], [71.01, 51], [71.01, 51.01], [71, 51.01], [71, 51]];

function zone(id: string, properties: Partial<Zone['properties']> = {}): Zone {
  return {
    type: 'Feature',
    id,
    geometry: { type: 'Polygon', coordinates: [square] },
    properties: {
      name: id, purpose: ['watch'], kind: 'inclusion', floor_m: null, ceiling_m: null, datum: 'home', rules: [],
      active: true, owner: null, reason: '', version: 1, changed_at: null, ...properties,
    },
  };
}

describe('the ground', () => {
  const city = {
    type: 'FeatureCollection' as const,
    features: [
      { type: 'Feature' as const, properties: { attribution: 'A (x)' }, geometry: { type: 'Polygon' as const, coordinates: [square] } },
      { type: 'Feature' as const, properties: { name: { kk: 'Қ', ru: 'К', en: null }, attribution: 'A' }, geometry: { type: 'Point' as const, coordinates: [71, 51] } },
      { type: 'Feature' as const, properties: { name: 'Көше', 'name:ru': 'Улица' }, geometry: { type: 'LineString' as const, coordinates: square } },
      { type: 'Feature' as const, properties: { kind: 'building' }, geometry: { type: 'Polygon' as const, coordinates: [square] } },
    ],
  };
  it('is sorted into layers, with the rest of the world dimmed', () => {
    const parts = cityParts(city);
    expect(parts.boundaries.features).toHaveLength(1);
    expect(parts.surfaces.features).toHaveLength(1);
    expect(parts.streets.features).toHaveLength(1);
    expect(parts.outside.features).toHaveLength(1);
  });
  it('has names by language, however they come', () => {
    const [point] = cityParts(city).places.features;
    expect(point!.properties).toMatchObject({ 'name:kk': 'Қ', 'name:ru': 'К' });
    expect(point!.properties).not.toHaveProperty('name:en');
  });
  it('credits each source once, and never none', () => {
    expect(creditLine(['© OSM (HOT export), ODbL', '© OSM, ODbL', 'sim'])).toBe('© OSM, ODbL · sim');
    expect(creditLine([])).toBe(ATTRIBUTION);
  });
  it('credits in the language of the page', () => {
    const attribution = { en: 'simulated district', ru: 'смоделированный район' };
    const feature = { type: 'Feature' as const, geometry: { type: 'Point' as const, coordinates: [0, 0] }, properties: { attribution } };
    const made = { type: 'FeatureCollection' as const, features: [feature] };
    expect(cityParts(made, 'ru').attribution).toBe('смоделированный район');
    expect(cityParts(made, 'kk').attribution).toBe('simulated district');
  });
});

describe('zones', () => {
  it('are drawn by what they are for', () => {
    expect(zoneStyle(zone('a'))).toBe('watch');
    expect(zoneStyle(zone('a', { purpose: ['flight'] }))).toBe('inclusion');
    expect(zoneStyle(zone('a', { purpose: ['watch', 'flight'], kind: 'exclusion' }))).toBe('exclusion');
    expect(zoneStyle(zone('a', { active: false }))).toBe('off');
  });
  it('show by their layers; the one being drawn is left to the drawing', () => {
    const zones = [zone('w'), zone('f', { purpose: ['flight'] }), zone('b', { purpose: ['watch', 'flight'] })];
    const ids = (watch: boolean, flight: boolean, hidden: string | null): unknown[] =>
      zoneFeatures(zones, { watch, flight }, hidden, null).areas.features.map((one) => one.properties?.id);
    expect(ids(true, false, null)).toEqual(['w', 'b']);
    expect(ids(true, true, 'w')).toEqual(['f', 'b']);
  });
});

describe('incidents', () => {
  const incident = (id: string, state: Incident['state'], kind = 'waste_heap'): Incident => ({
    id, kind, state, zone_id: 'z', zone_name: 'z', point: { lat: 51, lon: 71, radius_m: 5, ellipse: null },
    opened_at: '', last_seen_at: '', confidence: 1, because: '', agency: null, claim: null, close_proposal: null, version: 1, actions: [],
  });
  it('keep the chosen one out of the clusters', () => {
    const shown = incidentFeatures([incident('a', 'open'), incident('b', 'closed')], 'b');
    expect(shown.points.features.map((one) => one.properties?.id)).toEqual(['a']);
    expect(shown.chosen.features.map((one) => one.properties?.id)).toEqual(['b']);
    expect(shown.errors.features).toHaveLength(2);
  });
  it('of a kind that the page does not know still have a symbol', () => {
    expect(incidentFeatures([incident('a', 'open', 'pothole')], null).points.features[0]!.properties?.icon).toBe('incident-other-open');
  });
  it('have an error ring of true metres, by the ellipse where there is one', () => {
    const point = { lat: 51, lon: 71, radius_m: 5 };
    expect(distance([71, 51], errorRing(point)[9]!)).toBeCloseTo(5, 2);
    const ellipse = { major_m: 8, minor_m: 2, bearing_deg: 0 };
    expect(distance([71, 51], errorRing({ ...point, ellipse })[0]!)).toBeCloseTo(8, 2);
  });
});

describe('assets', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  const asset = (seconds: number | null, more: object = {}): Asset => ({
    id: 'a', name: 'A', kind: 'drone', passive: false, home: [71, 51], agency: null,
    status:
      seconds === null
        ? null
        : {
            at: new Date(now - seconds * 1000).toISOString(), lat: 51.1, lon: 71.1, altitude_m: 0, datum: 'home', heading_deg: 90, speed_m_s: 0,
            battery_fraction: null, mode: null, armed: null, sortie_id: null,
            footprint: { type: 'Polygon', coordinates: [square] }, ...more,
          },
  });
  const icon = (one: Asset): unknown => assetFeatures([one], now, 15_000, null).points.features[0]!.properties?.icon;
  it('show whether they move, wait or are silent', () => {
    expect(icon(asset(1, { sortie_id: 's' }))).toBe('drone-active');
    expect(icon(asset(1))).toBe('drone-idle');
    expect(icon(asset(60))).toBe('drone-stale');
    expect(icon(asset(null))).toBe('drone-stale');
  });
  it('that are silent show no footprint', () => {
    expect(assetFeatures([asset(1)], now, 15_000, null).footprints.features).toHaveLength(1);
    expect(assetFeatures([asset(60)], now, 15_000, null).footprints.features).toHaveLength(0);
  });
});
