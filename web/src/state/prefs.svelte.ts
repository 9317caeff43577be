/** What this browser remembers of a person's taste: theme and map layers. */

export type Theme = 'system' | 'dark' | 'light';

const THEME = 'qyran.theme';
const LAYERS = 'qyran.layers';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function read(): Theme {
  const stored = localStorage.getItem(THEME);
  return stored === 'dark' || stored === 'light' ? stored : 'system';
}

let theme = $state<Theme>(read());
let systemDark = $state(dark.matches);
dark.addEventListener('change', (event) => {
  systemDark = event.matches;
  apply();
});

function apply(): void {
  document.documentElement.dataset.theme = prefs.dark ? 'dark' : 'light';
}

export const LAYER_NAMES = [
  'assets',
  'tracks',
  'footprints',
  'incidents',
  'errors',
  'watch',
  'flight',
  'places',
  'grid',
] as const;
export type LayerName = (typeof LAYER_NAMES)[number];

function readLayers(): Record<LayerName, boolean> {
  const all = Object.fromEntries(LAYER_NAMES.map((name) => [name, true])) as Record<LayerName, boolean>;
  try {
    const stored = JSON.parse(localStorage.getItem(LAYERS) ?? '{}') as Record<string, unknown>;
    for (const name of LAYER_NAMES) if (stored[name] === false) all[name] = false;
  } catch {
    // Somebody else's value: all layers on.
  }
  return all;
}

const layers = $state(readLayers());

export const prefs = {
  get theme(): Theme {
    return theme;
  },
  get dark(): boolean {
    return theme === 'system' ? systemDark : theme === 'dark';
  },
  setTheme(next: Theme): void {
    theme = next;
    if (next === 'system') localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, next);
    apply();
  },
  get layers(): Record<LayerName, boolean> {
    return layers;
  },
  toggleLayer(name: LayerName): void {
    layers[name] = !layers[name];
    localStorage.setItem(LAYERS, JSON.stringify(layers));
  },
};
apply();
