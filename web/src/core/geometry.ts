/**
 * Geometry on the ground, small enough for a page: metres about a place on WGS 84.
 *
 * Everything takes and gives longitude first, in degrees.
 */
import type { Feature, FeatureCollection, LineString, Polygon, Position } from 'geojson';

export type Ring = [number, number][];

const METRES_PER_DEGREE = 111_132.954;

/** Metres per degree of longitude and latitude at a latitude (WGS 84 series). */
export function metresPerDegree(lat: number): { lon: number; lat: number } {
  const phi = (lat * Math.PI) / 180;
  return {
    lat: METRES_PER_DEGREE - 559.822 * Math.cos(2 * phi) + 1.175 * Math.cos(4 * phi),
    lon: 111_412.84 * Math.cos(phi) - 93.5 * Math.cos(3 * phi) + 0.118 * Math.cos(5 * phi),
  };
}

/** Returns the place that lies so many metres east and north of another. */
export function offset(lon: number, lat: number, east: number, north: number): [number, number] {
  const scale = metresPerDegree(lat);
  return [lon + east / scale.lon, lat + north / scale.lat];
}

/** Distance in metres, good to a few parts in ten thousand within a city. */
export function distance(a: Position, b: Position): number {
  const scale = metresPerDegree(((a[1] ?? 0) + (b[1] ?? 0)) / 2);
  return Math.hypot(
    ((b[0] ?? 0) - (a[0] ?? 0)) * scale.lon,
    ((b[1] ?? 0) - (a[1] ?? 0)) * scale.lat,
  );
}

/** Length of a line in metres. */
export function lineLength(line: Position[]): number {
  let sum = 0;
  for (let i = 1; i < line.length; i++) sum += distance(line[i - 1]!, line[i]!);
  return sum;
}

/** A closed ring around a place: half axes in metres, the major one at a bearing. */
export function ellipseRing(
  lon: number,
  lat: number,
  major: number,
  minor: number,
  bearingDeg: number,
  corners = 64,
): Ring {
  const turn = (bearingDeg * Math.PI) / 180;
  const ring: Ring = [];
  for (let i = 0; i < corners; i++) {
    const angle = (2 * Math.PI * i) / corners;
    const along = major * Math.cos(angle);
    const across = minor * Math.sin(angle);
    ring.push(
      offset(
        lon,
        lat,
        along * Math.sin(turn) + across * Math.cos(turn),
        along * Math.cos(turn) - across * Math.sin(turn),
      ),
    );
  }
  ring.push(ring[0]!);
  return ring;
}

/** The circle of a radius in true metres. */
export function circleRing(lon: number, lat: number, radius: number, corners = 64): Ring {
  return ellipseRing(lon, lat, radius, radius, 0, corners);
}

/** Area of a closed ring in square metres, without its sign. */
export function ringArea(ring: Position[]): number {
  if (ring.length < 4) return 0;
  const [lon0 = 0, lat0 = 0] = ring[0]!;
  const scale = metresPerDegree(lat0);
  let twice = 0;
  for (let i = 1; i < ring.length; i++) {
    const ax = ((ring[i - 1]![0] ?? 0) - lon0) * scale.lon;
    const ay = ((ring[i - 1]![1] ?? 0) - lat0) * scale.lat;
    const bx = ((ring[i]![0] ?? 0) - lon0) * scale.lon;
    const by = ((ring[i]![1] ?? 0) - lat0) * scale.lat;
    twice += ax * by - bx * ay;
  }
  return Math.abs(twice) / 2;
}

function cross(o: Position, a: Position, b: Position): number {
  return (a[0]! - o[0]!) * (b[1]! - o[1]!) - (a[1]! - o[1]!) * (b[0]! - o[0]!);
}

/** Where two sides meet, ends included; of sides that overlap, one shared end. */
function meeting(a: Position, b: Position, c: Position, d: Position): [number, number] | null {
  const d1 = cross(c, d, a);
  const d2 = cross(c, d, b);
  const d3 = cross(a, b, c);
  const d4 = cross(a, b, d);
  if (d1 * d2 < 0 && d3 * d4 < 0) {
    const t = d1 / (d1 - d2);
    return [a[0]! + t * (b[0]! - a[0]!), a[1]! + t * (b[1]! - a[1]!)];
  }
  const between = (p: Position, q: Position, r: Position): boolean =>
    Math.min(p[0]!, q[0]!) <= r[0]! &&
    r[0]! <= Math.max(p[0]!, q[0]!) &&
    Math.min(p[1]!, q[1]!) <= r[1]! &&
    r[1]! <= Math.max(p[1]!, q[1]!);
  if (d1 === 0 && between(c, d, a)) return [a[0]!, a[1]!];
  if (d2 === 0 && between(c, d, b)) return [b[0]!, b[1]!];
  if (d3 === 0 && between(a, b, c)) return [c[0]!, c[1]!];
  if (d4 === 0 && between(a, b, d)) return [d[0]!, d[1]!];
  return null;
}

/** The first place where a closed ring crosses or touches itself, or `null`. */
export function selfIntersection(ring: Position[]): [number, number] | null {
  const sides = ring.length - 1;
  for (let i = 0; i < sides; i++) {
    for (let j = i + 1; j < sides; j++) {
      const neighbours = j === i + 1 || (i === 0 && j === sides - 1);
      if (neighbours) {
        // Neighbours share a corner; they only clash if one folds back over the other.
        const [tip, from, to] =
          j === i + 1
            ? [ring[j]!, ring[i]!, ring[j + 1]!]
            : [ring[0]!, ring[1]!, ring[j]!];
        const folded =
          cross(tip, from, to) === 0 &&
          (from[0]! - tip[0]!) * (to[0]! - tip[0]!) + (from[1]! - tip[1]!) * (to[1]! - tip[1]!) > 0;
        if (folded) return [tip[0]!, tip[1]!];
        continue;
      }
      const place = meeting(ring[i]!, ring[i + 1]!, ring[j]!, ring[j + 1]!);
      if (place) return place;
    }
  }
  return null;
}

export type RingFault = 'too_few' | 'no_area' | 'crosses_itself';

/** Says what is wrong with a zone's outer ring, and where; `null` if nothing is. */
export function ringFault(ring: Position[]): { fault: RingFault; place: Position | null } | null {
  const distinct = new Set(ring.map((corner) => `${corner[0]},${corner[1]}`));
  if (ring.length < 4 || distinct.size < 3) return { fault: 'too_few', place: ring[0] ?? null };
  const place = selfIntersection(ring);
  if (place) return { fault: 'crosses_itself', place };
  if (ringArea(ring) < 1) return { fault: 'no_area', place: ring[0] ?? null };
  return null;
}

/** Closes a ring and gives it the turn that RFC 7946 asks of an outer ring (anticlockwise). */
export function tidyRing(ring: Position[], digits = 7): Ring {
  const factor = 10 ** digits;
  const rounded: Ring = ring.map((corner) => [
    Math.round((corner[0] ?? 0) * factor) / factor,
    Math.round((corner[1] ?? 0) * factor) / factor,
  ]);
  const kept = rounded.filter(
    (corner, i) => i === 0 || corner[0] !== rounded[i - 1]![0] || corner[1] !== rounded[i - 1]![1],
  );
  const first = kept[0];
  const last = kept[kept.length - 1];
  if (first && last && (first[0] !== last[0] || first[1] !== last[1])) kept.push([...first]);
  let twice = 0;
  for (let i = 1; i < kept.length; i++) {
    twice += kept[i - 1]![0] * kept[i]![1] - kept[i]![0] * kept[i - 1]![1];
  }
  return twice < 0 ? kept.reverse() : kept;
}

export type Bounds = [number, number, number, number];

/** West, south, east, north of all coordinates in there; `null` if there are none. */
export function boundsOf(value: unknown): Bounds | null {
  let bounds: Bounds | null = null;
  const visit = (item: unknown): void => {
    if (!Array.isArray(item)) return;
    if (typeof item[0] === 'number' && typeof item[1] === 'number') {
      const [x, y] = item as [number, number];
      bounds = bounds
        ? [
            Math.min(bounds[0], x),
            Math.min(bounds[1], y),
            Math.max(bounds[2], x),
            Math.max(bounds[3], y),
          ]
        : [x, y, x, y];
      return;
    }
    item.forEach(visit);
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) visit(node);
    else if (node && typeof node === 'object') {
      const object = node as Record<string, unknown>;
      if ('coordinates' in object) visit(object.coordinates);
      if ('geometry' in object) walk(object.geometry);
      if (Array.isArray(object.features)) object.features.forEach(walk);
    }
  };
  walk(value);
  return bounds;
}

/** Step of a metric grid that keeps lines some 60 to 250 pixels apart. */
export function gridStep(metresPerPixel: number): number {
  for (const step of [10, 50, 100, 500, 1000, 5000, 10_000]) {
    if (step / metresPerPixel >= 60) return step;
  }
  return 50_000;
}

/** Lines of a metric grid about an origin that cover some bounds. */
export function gridLines(
  origin: [number, number],
  bounds: Bounds,
  step: number,
): FeatureCollection<LineString> {
  const scale = metresPerDegree(origin[1]);
  const toEast = (lon: number): number => (lon - origin[0]) * scale.lon;
  const toNorth = (lat: number): number => (lat - origin[1]) * scale.lat;
  const features: Feature<LineString>[] = [];
  const add = (coordinates: Position[], strong: boolean): void => {
    features.push({
      type: 'Feature',
      properties: { strong },
      geometry: { type: 'LineString', coordinates },
    });
  };
  const limit = 120;
  const fromEast = Math.floor(toEast(bounds[0]) / step);
  const toEastIndex = Math.min(Math.ceil(toEast(bounds[2]) / step), fromEast + limit);
  for (let i = fromEast; i <= toEastIndex; i++) {
    const lon = origin[0] + (i * step) / scale.lon;
    add([[lon, bounds[1]], [lon, bounds[3]]], i % 5 === 0);
  }
  const fromNorth = Math.floor(toNorth(bounds[1]) / step);
  const toNorthIndex = Math.min(Math.ceil(toNorth(bounds[3]) / step), fromNorth + limit);
  for (let i = fromNorth; i <= toNorthIndex; i++) {
    const lat = origin[1] + (i * step) / scale.lat;
    add([[bounds[0], lat], [bounds[2], lat]], i % 5 === 0);
  }
  return { type: 'FeatureCollection', features };
}

/** The whole world with holes where the given polygons are: dims what lies outside. */
export function outsideOf(rings: Position[][]): Feature<Polygon> {
  const world: Position[] = [[-180, -85], [180, -85], [180, 85], [-180, 85], [-180, -85]];
  return {
    type: 'Feature',
    properties: {},
    geometry: { type: 'Polygon', coordinates: [world, ...rings] },
  };
}
