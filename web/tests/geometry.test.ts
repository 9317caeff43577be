import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  circleRing,
  distance,
  ellipseRing,
  gridLines,
  gridStep,
  lineLength,
  offset,
  outsideOf,
  ringArea,
  ringFault,
  selfIntersection,
  tidyRing,
  type Ring,
} from '../src/core/geometry';

const LON = 71.3549;
const LAT = 50.9754;
const at = (east: number, north: number): [number, number] => offset(LON, LAT, east, north);
const ring = (...corners: [number, number][]): Ring => [...corners, corners[0]!].map(([e, n]) => at(e, n));

describe('distances', () => {
  it('agree with the offset they come from', () => {
    expect(distance(at(0, 0), at(300, 400))).toBeCloseTo(500, 1);
    expect(lineLength([at(0, 0), at(100, 0), at(100, 50)])).toBeCloseTo(150, 1);
  });
  it('agree with WGS 84 at this latitude', () => {
    // One minute of latitude at 51 degrees north is 1854.3 m on the ellipsoid.
    expect(distance([LON, 51], [LON, 51 + 1 / 60])).toBeCloseTo(1854.3, 0);
  });
});

describe('error rings', () => {
  it('are circles of true metres', () => {
    for (const corner of circleRing(LON, LAT, 7.5)) expect(distance([LON, LAT], corner)).toBeCloseTo(7.5, 2);
  });
  it('have their major half axis along the bearing', () => {
    const corners = ellipseRing(LON, LAT, 10, 3, 90);
    expect(distance([LON, LAT], corners[0]!)).toBeCloseTo(10, 2);
    expect(corners[0]![0]).toBeGreaterThan(LON);
    expect(corners[0]![1]).toBeCloseTo(LAT, 7);
    expect(distance([LON, LAT], corners[16]!)).toBeCloseTo(3, 2);
  });
  it('have their minor half axis across it', () => {
    const [east, north] = [Math.sin(Math.PI / 6), Math.cos(Math.PI / 6)];
    const corners = ellipseRing(LON, LAT, 10, 3, 30);
    expect(distance(corners[0]!, at(10 * east, 10 * north))).toBeLessThan(0.01);
    expect(distance(corners[16]!, at(3 * north, -3 * east))).toBeLessThan(0.01);
  });
  it('are closed', () => {
    const corners = ellipseRing(LON, LAT, 10, 3, 30);
    expect(corners[0]).toEqual(corners[corners.length - 1]);
  });
});

describe('a ring', () => {
  it('has its area in square metres', () => {
    expect(ringArea(ring([0, 0], [200, 0], [200, 100], [0, 100]))).toBeCloseTo(20_000, -1);
  });
  it('that is simple has no fault', () => {
    expect(ringFault(ring([0, 0], [200, 0], [200, 100], [120, 30], [0, 100]))).toBeNull();
  });
  it('that crosses itself is refused at the crossing', () => {
    const found = ringFault(ring([0, 0], [200, 100], [200, 0], [0, 100]));
    expect(found?.fault).toBe('crosses_itself');
    expect(distance(found!.place!, at(100, 50))).toBeLessThan(0.5);
  });
  it('that touches itself in a corner is refused', () => {
    const touching = ring([0, 0], [100, 0], [50, 50], [100, 100], [0, 100], [50, 50]);
    expect(selfIntersection(touching)).not.toBeNull();
  });
  it('that folds back on itself is refused', () => {
    // In whole numbers, so that the three corners lie on one line to the last bit.
    expect(selfIntersection([[0, 0], [2, 0], [1, 0], [1, 1], [0, 0]])).not.toBeNull();
  });
  it('needs three corners and some area', () => {
    expect(ringFault(ring([0, 0], [10, 0]))?.fault).toBe('too_few');
    expect(ringFault(ring([0, 0], [0.1, 0], [0.1, 0.1]))?.fault).toBe('no_area');
  });
  it('is closed, rounded, freed of doubles and turned anticlockwise', () => {
    const tidy = tidyRing([[0, 0], [0, 1], [0, 1], [1, 1.00000004], [1, 0]]);
    expect(tidy[0]).toEqual(tidy[tidy.length - 1]);
    expect(tidy).toHaveLength(5);
    expect(tidy).toContainEqual([1, 1]);
    let twice = 0;
    for (let i = 1; i < tidy.length; i++) {
      twice += tidy[i - 1]![0] * tidy[i]![1] - tidy[i]![0] * tidy[i - 1]![1];
    }
    expect(twice).toBeGreaterThan(0);
  });
});

describe('bounds', () => {
  it('go round every kind of GeoJSON', () => {
    const feature = { type: 'Feature', geometry: { type: 'LineString', coordinates: [[1, 2], [3, -4]] } };
    expect(boundsOf({ features: [feature, { geometry: { coordinates: [0, 5] } }] })).toEqual([0, -4, 3, 5]);
    expect(boundsOf({ features: [] })).toBeNull();
    expect(boundsOf(null)).toBeNull();
  });
});

describe('the grid', () => {
  it('keeps its lines apart on the screen', () => {
    expect(gridStep(0.1)).toBe(10);
    expect(gridStep(0.5)).toBe(50);
    expect(gridStep(20)).toBe(5000);
    expect(gridStep(4000)).toBe(50_000);
  });
  it('has lines a step apart through its origin', () => {
    const lines = gridLines([LON, LAT], [LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01], 500).features;
    const lons = lines
      .map((line) => line.geometry.coordinates)
      .filter(([a, b]) => a![0] === b![0])
      .map(([a]) => a![0]!);
    expect(lons).toContain(LON);
    expect(distance([lons[0]!, LAT], [lons[1]!, LAT])).toBeCloseTo(500, 0);
  });
  it('never has too many', () => {
    expect(gridLines([0, 0], [-180, -80, 180, 80], 10).features.length).toBeLessThan(300);
  });
});

it('dims what lies outside the city', () => {
  const hole = ring([0, 0], [1, 0], [1, 1]);
  expect(outsideOf([hole]).geometry.coordinates).toHaveLength(2);
});
