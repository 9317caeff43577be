/** The ground the map stands on, drawn from the station's own `/city`; nothing comes from outside. */
import type { Feature, FeatureCollection, Position } from 'geojson';
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { outsideOf } from '../core/geometry';
import type { Lang } from '../i18n/i18n.svelte';
import type { Palette } from './palette';

export const FONT = ['Inter Variable'];
export const ATTRIBUTION = '© OpenStreetMap contributors, ODbL';
const EMPTY: FeatureCollection = { type: 'FeatureCollection', features: [] };

/** Puts names that come as one object per language where a style expression finds them. */
function flatNames(feature: Feature): Feature {
  const name: unknown = feature.properties?.name;
  if (typeof name !== 'object' || name === null) return feature;
  const flat: Record<string, unknown> = { ...feature.properties };
  delete flat.name;
  for (const [lang, text] of Object.entries(name)) if (text) flat[`name:${lang}`] = text;
  return { ...feature, properties: flat };
}

/** A credit, which may come as one object per language. */
function creditIn(lang: Lang, credit: unknown): string {
  if (typeof credit === 'string') return credit;
  if (typeof credit !== 'object' || credit === null) return '';
  const texts = credit as Partial<Record<Lang, string>>;
  return texts[lang] ?? texts.en ?? '';
}

/** One line of credits; a source that is named in more detail elsewhere is not named twice. */
export function creditLine(credits: Iterable<string>): string {
  const plain = (text: string): string => text.replace(/\s*\([^)]*\)/g, '').trim();
  const lines = new Map<string, string>();
  for (const credit of credits) {
    const key = plain(credit);
    const present = lines.get(key);
    if (key && (!present || credit.length < present.length)) lines.set(key, credit);
  }
  return lines.size > 0 ? [...lines.values()].join(' · ') : ATTRIBUTION;
}

/** Sorts the city's features into what the layers draw. */
export function cityParts(
  city: FeatureCollection,
  lang: Lang = 'en',
): {
  boundaries: FeatureCollection;
  places: FeatureCollection;
  streets: FeatureCollection;
  surfaces: FeatureCollection;
  outside: FeatureCollection;
  attribution: string;
} {
  const boundaries: Feature[] = [];
  const places: Feature[] = [];
  const streets: Feature[] = [];
  const surfaces: Feature[] = [];
  const rings: Position[][] = [];
  const credits = new Set<string>();
  for (const given of city.features) {
    const feature = flatNames(given);
    const properties = (feature.properties ?? {}) as Record<string, unknown>;
    const credit = creditIn(lang, properties.attribution);
    if (credit) credits.add(credit);
    const kind = String(properties.kind ?? properties.layer ?? '');
    const type = feature.geometry?.type;
    if (type === 'Point') places.push(feature);
    else if (type === 'LineString' || type === 'MultiLineString') streets.push(feature);
    else if (type === 'Polygon' || type === 'MultiPolygon') {
      if (['building', 'house', 'green', 'water', 'paved'].includes(kind)) surfaces.push(feature);
      else {
        boundaries.push(feature);
        const polygons =
          feature.geometry.type === 'Polygon'
            ? [feature.geometry.coordinates]
            : feature.geometry.type === 'MultiPolygon'
              ? feature.geometry.coordinates
              : [];
        for (const polygon of polygons) if (polygon[0]) rings.push(polygon[0]);
      }
    }
  }
  const collect = (features: Feature[]): FeatureCollection => ({ type: 'FeatureCollection', features });
  return {
    boundaries: collect(boundaries),
    places: collect(places),
    streets: collect(streets),
    surfaces: collect(surfaces),
    outside: collect(rings.length > 0 ? [outsideOf(rings)] : []),
    attribution: creditLine(credits),
  };
}

/** The name of a place or street in a language, with the others as fall-back. */
export function nameIn(lang: Lang): unknown[] {
  const others = ['kk', 'ru', 'en'].filter((one) => one !== lang);
  const keys = [lang, ...others].flatMap((one) => [`name:${one}`, `name_${one}`]);
  const own = keys.slice(0, 2).map((key) => ['get', key]);
  const rest = keys.slice(2).map((key) => ['get', key]);
  return ['coalesce', ...own, ['get', 'name'], ...rest, ''];
}

/** Pixels of a width in metres at the city's latitude: doubles with each zoom step. */
function metresWide(width: unknown, least: number): unknown[] {
  const at10 = 1 / 48.1;
  const at20 = 1024 / 48.1;
  return [
    'interpolate',
    ['exponential', 2],
    ['zoom'],
    10,
    ['max', least, ['*', width, at10]],
    14,
    ['max', least * 2, ['*', width, at10 * 16]],
    20,
    ['*', width, at20],
  ];
}

const WIDTH = ['coalesce', ['get', 'width_m'], 9];

/** The layers below everything that moves. */
export function baseLayers(p: Palette, lang: Lang): LayerSpecification[] {
  const layers: unknown[] = [
    { id: 'land', type: 'background', paint: { 'background-color': p.land } },
    {
      id: 'surface-fill',
      type: 'fill',
      source: 'surfaces',
      paint: {
        'fill-color': ['match', ['get', 'kind'], 'green', p.green, p.building],
        'fill-outline-color': p.buildingLine,
      },
    },
    {
      id: 'grid',
      type: 'line',
      source: 'grid',
      paint: {
        'line-color': ['case', ['get', 'strong'], p.gridStrong, p.grid],
        'line-width': 1,
      },
    },
    {
      id: 'street-casing',
      type: 'line',
      source: 'streets',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.casing, 'line-width': metresWide(['+', WIDTH, 3], 1.6) },
    },
    {
      id: 'street',
      type: 'line',
      source: 'streets',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.road, 'line-width': metresWide(WIDTH, 1) },
    },
    { id: 'outside', type: 'fill', source: 'outside', paint: { 'fill-color': p.outside, 'fill-opacity': 0.85 } },
    {
      id: 'boundary-glow',
      type: 'line',
      source: 'boundaries',
      paint: { 'line-color': p.boundary, 'line-width': 5, 'line-opacity': 0.16 },
    },
    {
      id: 'boundary',
      type: 'line',
      source: 'boundaries',
      paint: { 'line-color': p.boundary, 'line-width': 1.4, 'line-dasharray': [5, 2.5, 1, 2.5] },
    },
    {
      id: 'street-name',
      type: 'symbol',
      source: 'streets',
      minzoom: 14,
      layout: {
        'symbol-placement': 'line',
        'symbol-spacing': 340,
        'text-field': nameIn(lang),
        'text-font': FONT,
        'text-size': ['interpolate', ['linear'], ['zoom'], 14, 10, 18, 12.5],
        'text-letter-spacing': 0.02,
      },
      paint: { 'text-color': p.roadLabel, 'text-halo-color': p.halo, 'text-halo-width': 1.4 },
    },
    {
      id: 'place-name',
      type: 'symbol',
      source: 'places',
      layout: {
        'text-field': nameIn(lang),
        'text-font': FONT,
        'text-size': [
          'match',
          ['get', 'place'],
          'city',
          17,
          'town',
          15,
          'village',
          12.5,
          11,
        ],
        'symbol-sort-key': ['match', ['get', 'place'], 'city', 0, 'town', 1, 'village', 2, 3],
        'text-padding': 6,
      },
      paint: {
        'text-color': p.label,
        'text-halo-color': p.halo,
        'text-halo-width': 1.6,
        'text-opacity': ['interpolate', ['linear'], ['zoom'], 15, 1, 16.6, 0],
      },
    },
  ];
  return layers as LayerSpecification[];
}

export function emptyStyle(p: Palette, lang: Lang): StyleSpecification {
  const source = { type: 'geojson' as const, data: EMPTY };
  return {
    version: 8,
    sources: {
      surfaces: source,
      grid: source,
      streets: source,
      outside: source,
      boundaries: source,
      places: source,
    },
    layers: baseLayers(p, lang),
  };
}
