/**
 * Colours of the map, for dark and light.
 *
 * Meanings never hang on colour alone: kinds have shapes, states have badges, zones have
 * line styles. The hues follow Okabe and Ito, so that they stay apart for colour-blind eyes.
 */
export interface Palette {
  outside: string;
  land: string;
  boundary: string;
  grid: string;
  gridStrong: string;
  casing: string;
  road: string;
  building: string;
  buildingLine: string;
  green: string;
  label: string;
  roadLabel: string;
  halo: string;
  accent: string;
  watch: string;
  inclusion: string;
  exclusion: string;
  off: string;
  footprint: string;
  plan: string;
  planHalo: string;
  error: string;
  cluster: string;
  clusterText: string;
  open: string;
  asset: string;
  assetInk: string;
}

export const DARK: Palette = {
  outside: '#0a0f13',
  land: '#141b21',
  boundary: '#5d7482',
  grid: '#1b242c',
  gridStrong: '#232e38',
  casing: '#0b1014',
  road: '#3a4651',
  building: '#1f2931',
  buildingLine: '#2c3843',
  green: '#16241f',
  label: '#c3ced7',
  roadLabel: '#b4c1cb',
  halo: '#10161b',
  accent: '#2fc3d8',
  watch: '#c9a0e8',
  inclusion: '#62b4f2',
  exclusion: '#f0704a',
  off: '#5d6b77',
  footprint: '#f3f0d8',
  plan: '#f4f7f9',
  planHalo: '#0b1014',
  error: '#ff5c4d',
  cluster: '#222d37',
  clusterText: '#eef3f6',
  open: '#f0a830',
  asset: '#dfe7ec',
  assetInk: '#0b1115',
};

export const LIGHT: Palette = {
  outside: '#dfe4e6',
  land: '#f2f2ee',
  boundary: '#7d8f99',
  grid: '#e7e8e3',
  gridStrong: '#dcdfda',
  casing: '#c5ccd0',
  road: '#ffffff',
  building: '#e3e2db',
  buildingLine: '#cfcec6',
  green: '#e0eadb',
  label: '#33424d',
  roadLabel: '#4a5964',
  halo: '#f8f8f5',
  accent: '#007c91',
  watch: '#7a3fb0',
  inclusion: '#1f6fb8',
  exclusion: '#c23b12',
  off: '#8a959d',
  footprint: '#5c5a2e',
  plan: '#16242e',
  planHalo: '#ffffff',
  error: '#c81e1e',
  cluster: '#ffffff',
  clusterText: '#16242e',
  open: '#d98500',
  asset: '#3a4a56',
  assetInk: '#ffffff',
};

/** Fills of incident symbols, the same on both maps. */
export const STATE_FILL: Record<string, string> = {
  open: '#f0a830',
  confirmed: '#e8552b',
  assigned: '#3f94e8',
  done: '#d8cb4a',
  closed: '#2f9e79',
  dismissed: '#7c8894',
  merged: '#7c8894',
};
