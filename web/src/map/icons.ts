/** Symbols of the map, drawn on a canvas: shape says what it is, the badge says its state. */
import type { Map as MapLibre } from 'maplibre-gl';
import { STATE_FILL, type Palette } from './palette';

const RATIO = 2;

type Draw = (g: CanvasRenderingContext2D) => void;

function picture(size: number, draw: Draw): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size * RATIO;
  const g = canvas.getContext('2d', { willReadFrequently: true })!;
  g.scale(RATIO, RATIO);
  g.lineJoin = 'round';
  g.lineCap = 'round';
  draw(g);
  return g.getImageData(0, 0, canvas.width, canvas.height);
}

const DRONE = new Path2D(
  'M0-15 L4.500-5.500 L4-1 L4 5 Q4 8 0 8 Q-4 8 -4 5 L-4-1 L-4.500-5.500Z',
);
const CAR = new Path2D(
  'M0-13 C4-13 6-11.500 6.300-8 L6.600-2 L6.600 8 C6.600 11.500 5 13 0 13 C-5 13-6.600 11.500-6.600 8 L-6.600-2 L-6.300-8 C-6-11.500-4-13 0-13Z',
);

function drone(fill: string, ink: string): Draw {
  return (g) => {
    g.translate(22, 22);
    g.strokeStyle = ink;
    g.lineWidth = 5;
    const arms: [number, number][] = [[-10, -8], [10, -8], [-10, 9], [10, 9]];
    for (const [x, y] of arms) {
      g.beginPath();
      g.moveTo(0, 0);
      g.lineTo(x, y);
      g.stroke();
    }
    g.strokeStyle = fill;
    g.lineWidth = 2.4;
    for (const [x, y] of arms) {
      g.beginPath();
      g.moveTo(0, 0);
      g.lineTo(x, y);
      g.stroke();
    }
    for (const [x, y] of arms) {
      g.beginPath();
      g.arc(x, y, 5.4, 0, 7);
      g.fillStyle = ink;
      g.fill();
      g.beginPath();
      g.arc(x, y, 4, 0, 7);
      g.strokeStyle = fill;
      g.lineWidth = 1.8;
      g.stroke();
    }
    g.fillStyle = fill;
    g.strokeStyle = ink;
    g.lineWidth = 1.6;
    g.fill(DRONE);
    g.stroke(DRONE);
  };
}

function car(fill: string, ink: string): Draw {
  return (g) => {
    g.translate(22, 22);
    g.fillStyle = fill;
    g.strokeStyle = ink;
    g.lineWidth = 2;
    g.fill(CAR);
    g.stroke(CAR);
    g.fillStyle = ink;
    g.beginPath();
    g.moveTo(-5, -5);
    g.quadraticCurveTo(0, -7.5, 5, -5);
    g.lineTo(4.2, -1);
    g.quadraticCurveTo(0, -2.2, -4.2, -1);
    g.closePath();
    g.fill();
    g.beginPath();
    g.moveTo(-4.4, 7.4);
    g.quadraticCurveTo(0, 8.8, 4.4, 7.4);
    g.lineTo(4.8, 9.8);
    g.quadraticCurveTo(0, 11.4, -4.8, 9.8);
    g.closePath();
    g.fill();
  };
}

const vehicleGlyph: Draw = (g) => {
  g.beginPath();
  g.moveTo(-6.5, 2.5);
  g.lineTo(-6.5, -0.2);
  g.quadraticCurveTo(-6.5, -1.4, -5.2, -1.6);
  g.lineTo(-3.6, -5);
  g.quadraticCurveTo(-3.2, -5.8, -2.3, -5.8);
  g.lineTo(2.3, -5.8);
  g.quadraticCurveTo(3.2, -5.8, 3.6, -5);
  g.lineTo(5.2, -1.6);
  g.quadraticCurveTo(6.5, -1.4, 6.5, -0.2);
  g.lineTo(6.5, 2.5);
  g.closePath();
  g.fill();
  g.fillRect(-6, 2, 3, 3.4);
  g.fillRect(3, 2, 3, 3.4);
};

const wasteGlyph: Draw = (g) => {
  g.beginPath();
  g.moveTo(-7, 5);
  g.lineTo(-4, -0.5);
  g.lineTo(-1.6, 1);
  g.lineTo(0.6, -4.2);
  g.lineTo(3.2, -1.2);
  g.lineTo(4.4, -2);
  g.lineTo(7, 5);
  g.closePath();
  g.fill();
};

const otherGlyph: Draw = (g) => {
  g.fillRect(-1.3, -6, 2.6, 7.4);
  g.fillRect(-1.3, 3, 2.6, 2.6);
};

function outline(g: CanvasRenderingContext2D, kind: string): void {
  g.beginPath();
  if (kind === 'vehicle_stopped') g.roundRect(-11, -11, 22, 22, 5);
  else if (kind === 'waste_heap') {
    for (let i = 0; i < 6; i++) {
      const angle = (Math.PI / 3) * i;
      g[i ? 'lineTo' : 'moveTo'](12.6 * Math.cos(angle), 12.6 * Math.sin(angle));
    }
    g.closePath();
  } else g.arc(0, 0, 12, 0, 7);
}

const BADGES: Record<string, Draw> = {
  confirmed: (g) => {
    g.fillRect(-0.9, -3.2, 1.8, 3.8);
    g.fillRect(-0.9, 1.6, 1.8, 1.7);
  },
  assigned: (g) => {
    g.beginPath();
    g.moveTo(-2.8, 0);
    g.lineTo(2.4, 0);
    g.moveTo(0.4, -2.2);
    g.lineTo(2.8, 0);
    g.lineTo(0.4, 2.2);
    g.stroke();
  },
  done: (g) => {
    g.beginPath();
    g.moveTo(-2.8, 0.2);
    g.lineTo(-0.8, 2.3);
    g.lineTo(3, -2);
    g.stroke();
  },
  closed: (g) => {
    g.beginPath();
    g.moveTo(-2.8, 0.2);
    g.lineTo(-0.8, 2.3);
    g.lineTo(3, -2);
    g.stroke();
  },
  dismissed: (g) => {
    g.beginPath();
    g.moveTo(-2.2, -2.2);
    g.lineTo(2.2, 2.2);
    g.moveTo(2.2, -2.2);
    g.lineTo(-2.2, 2.2);
    g.stroke();
  },
};

function incident(kind: string, state: string): Draw {
  const fill = STATE_FILL[state] ?? '#7c8894';
  const ink = '#10171c';
  return (g) => {
    g.translate(17, 17);
    outline(g, kind);
    g.fillStyle = fill;
    g.fill();
    g.strokeStyle = ink;
    g.lineWidth = 2;
    g.stroke();
    g.fillStyle = ink;
    if (kind === 'vehicle_stopped') vehicleGlyph(g);
    else if (kind === 'waste_heap') wasteGlyph(g);
    else otherGlyph(g);
    const badge = BADGES[state === 'merged' ? 'dismissed' : state];
    if (!badge) return;
    g.translate(10, -10);
    g.beginPath();
    g.arc(0, 0, 6, 0, 7);
    g.fillStyle = '#f7fafb';
    g.fill();
    g.lineWidth = 1.4;
    g.stroke();
    g.fillStyle = g.strokeStyle = ink;
    g.lineWidth = 1.8;
    badge(g);
  };
}

function hatch(colour: string): ImageData {
  return picture(12, (g) => {
    g.strokeStyle = colour;
    g.lineWidth = 1.6;
    g.lineCap = 'square';
    g.beginPath();
    for (const shift of [-12, 0, 12]) {
      g.moveTo(shift, 12);
      g.lineTo(shift + 12, 0);
    }
    g.stroke();
  });
}

function arrow(fill: string, ink: string): ImageData {
  return picture(14, (g) => {
    g.translate(7, 7);
    g.beginPath();
    g.moveTo(-3, -4.5);
    g.lineTo(4.5, 0);
    g.lineTo(-3, 4.5);
    g.closePath();
    g.fillStyle = fill;
    g.strokeStyle = ink;
    g.lineWidth = 1.4;
    g.fill();
    g.stroke();
  });
}

export const KINDS = ['vehicle_stopped', 'waste_heap', 'other'];

/** Adds every symbol; called again with the other theme's colours it replaces them. */
export function addIcons(
  map: MapLibre,
  colours: Palette,
): void {
  const put = (name: string, image: ImageData): void => {
    if (map.hasImage(name)) map.updateImage(name, image);
    else map.addImage(name, image, { pixelRatio: RATIO });
  };
  const ink = colours.assetInk;
  for (const [state, fill] of [
    ['active', colours.accent],
    ['idle', colours.asset],
    ['stale', '#7c8894'],
  ] as const) {
    put(`drone-${state}`, picture(44, drone(fill, ink)));
    put(`vehicle-${state}`, picture(44, car(fill, ink)));
  }
  for (const kind of KINDS) {
    for (const state of Object.keys(STATE_FILL)) {
      put(`incident-${kind}-${state}`, picture(34, incident(kind, state)));
    }
  }
  put('hatch', hatch(colours.exclusion));
  put('hatch-off', hatch(colours.off));
  put('plan-arrow', arrow(colours.plan, colours.planHalo));
}
