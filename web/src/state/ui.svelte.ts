/** Which view is open, what is selected, and where the map is asked to look. */
import type { Bounds } from '../core/geometry';

export const VIEWS = ['live', 'incidents', 'zones', 'patrols'] as const;
export type View = (typeof VIEWS)[number];

export interface Look {
  serial: number;
  bounds: Bounds;
  maxZoom: number;
  /** Leaves the map alone if the place can be seen already. */
  gentle: boolean;
}

let view = $state<View>('live');
let selected = $state<string | null>(null);
let look = $state.raw<Look | null>(null);
let serial = 0;
let help = $state(false);
let mark = $state.raw<{ place: [number, number]; tone: 'error' | 'note' } | null>(null);

function read(): void {
  const [name = '', id = ''] = location.hash.replace(/^#\/?/, '').split('/');
  if (VIEWS.some((known) => known === name)) {
    view = name as View;
    selected = id ? decodeURIComponent(id) : null;
  }
}

function write(): void {
  const hash = `#/${view}${selected ? `/${encodeURIComponent(selected)}` : ''}`;
  if (location.hash !== hash) history.replaceState(null, '', hash);
}

window.addEventListener('hashchange', read);
read();

export const ui = {
  get view(): View {
    return view;
  },
  /** The id that is selected in the present view: an asset, incident, zone or patrol. */
  get selected(): string | null {
    return selected;
  },
  get look(): Look | null {
    return look;
  },
  get help(): boolean {
    return help;
  },
  set help(open: boolean) {
    help = open;
  },
  /** A place that is pointed at for the moment: a finding, a crossing. */
  get mark(): { place: [number, number]; tone: 'error' | 'note' } | null {
    return mark;
  },
  set mark(next: { place: [number, number]; tone: 'error' | 'note' } | null) {
    mark = next;
  },
  open(next: View, id: string | null = null): void {
    view = next;
    selected = id;
    mark = null;
    write();
  },
  select(id: string | null): void {
    selected = id;
    write();
  },
  /** Asks the map to show some bounds. */
  showBounds(bounds: Bounds | null, maxZoom = 17, gentle = false): void {
    if (!bounds) return;
    serial += 1;
    look = { serial, bounds, maxZoom, gentle };
  },
  showPlace(lon: number, lat: number, maxZoom = 18, gentle = false): void {
    ui.showBounds([lon, lat, lon, lat], maxZoom, gentle);
  },
};
