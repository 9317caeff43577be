// The fake station's little world: fixtures in the shapes that docs/api.md promises.
import { readFileSync } from 'node:fs';

const here = new URL('./fixtures/', import.meta.url);
export const LAT = 50.9754;
export const LON = 71.3549;
const COS = Math.cos((LAT * Math.PI) / 180);

export const at = (east, north) => [
  Number((LON + east / (111320 * COS)).toFixed(7)),
  Number((LAT + north / 111250).toFixed(7)),
];
const ring = (...corners) => [...corners, corners[0]].map(([e, n]) => at(e, n));
const box = (w, s, e, n) => ring([w, s], [e, s], [e, n], [w, n]);
export const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

// A small seeded generator, so that screenshots repeat.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const city = JSON.parse(readFileSync(new URL('city.json', here), 'utf8'));
export const media = {
  street1: { type: 'image/jpeg', bytes: readFileSync(new URL('street1.jpg', here)) },
  street2: { type: 'image/jpeg', bytes: readFileSync(new URL('street2.jpg', here)) },
  heap1: { type: 'image/jpeg', bytes: readFileSync(new URL('heap1.jpg', here)) },
  heap2: { type: 'image/jpeg', bytes: readFileSync(new URL('heap2.jpg', here)) },
  clean: { type: 'image/jpeg', bytes: readFileSync(new URL('clean.jpg', here)) },
  clip: { type: 'video/mp4', bytes: readFileSync(new URL('clip.mp4', here)) },
};

export const agencies = [
  { id: 'police', name: { kk: 'Полиция', ru: 'Полиция', en: 'Police' }, service: false },
  { id: 'roads', name: { kk: 'Жол қызметі', ru: 'Дорожная служба', en: 'Roads' }, service: true },
  { id: 'cleaning', name: { kk: 'Тазалық қызметі', ru: 'Служба уборки', en: 'Cleaning' }, service: true },
];

function zone(id, name, geometry, more = {}) {
  return {
    type: 'Feature',
    id: `zone-${id}`,
    geometry,
    properties: {
      name,
      purpose: ['watch'],
      kind: 'inclusion',
      floor_m: null,
      ceiling_m: null,
      datum: 'home',
      rules: [],
      active: true,
      owner: 'police',
      reason: '',
      version: 1,
      changed_at: iso(Date.now() - 6 * 86_400_000),
      ...more,
    },
  };
}
const polygon = (...rings) => ({ type: 'Polygon', coordinates: rings });
const flight = (kind, ceiling) => ({ purpose: ['flight'], kind, ceiling_m: ceiling });

function zones(many) {
  const list = [
    zone('main', 'Бас көше: тоқтауға тыйым', polygon(box(18, -109, 178, -81)), { rules: ['vehicle_stopped'] }),
    zone('centre', 'Орталық даңғыл: тоқтауға тыйым', polygon(box(-14, -72, 14, 72)), { rules: ['vehicle_stopped'] }),
    zone('north', 'Солтүстік көше: тоқтауға тыйым', polygon(box(-170, 78, -25, 102)), { rules: ['vehicle_stopped'] }),
    zone('east-plot', 'Шығыс телім: қоқыс', polygon(box(212, -70, 288, 60)), { rules: ['waste_heap'] }),
    zone('west-yard', 'Батыс аула: қоқыс', polygon(box(-165, -72, -95, 10)), { rules: ['waste_heap'], version: 3 }),
    zone('district', 'Демо ауданы: ұшу рұқсат', polygon(box(-310, -235, 310, 235)), flight('inclusion', 60)),
    zone('school', 'Мектеп: ұшуға тыйым', polygon(box(-290, -60, -205, 60)), {
      ...flight('exclusion', null),
      reason: 'Мектеп ауласы',
    }),
    zone(
      'two',
      'Екі тұрақ',
      { type: 'MultiPolygon', coordinates: [[box(122, -52, 182, 44)], [box(24, 112, 96, 150)]] },
      { rules: ['waste_heap'] },
    ),
  ];
  const roll = random(7);
  for (let i = 0; i < (many ? 52 : 0); i++) {
    const e = -2600 + roll() * 5200;
    const n = -2000 + roll() * 4000;
    const w = 90 + roll() * 260;
    const h = 80 + roll() * 220;
    const turn = roll() * 0.9;
    const corner = (x, y) => [e + x * Math.cos(turn) - y * Math.sin(turn), n + x * Math.sin(turn) + y * Math.cos(turn)];
    const shape = polygon(ring(corner(0, 0), corner(w, 0), corner(w * 1.1, h), corner(w * 0.4, h * 1.2), corner(0, h)));
    const kind = i % 9 === 0 ? flight('exclusion', null) : i % 7 === 0 ? flight('inclusion', 80) : { rules: ['waste_heap', 'vehicle_stopped'] };
    list.push(zone(`q${i}`, `${i + 1}-шағын аудан`, shape, { ...kind, active: i % 11 !== 5 }));
  }
  return list;
}

function asset(id, name, kind, home, extra = {}) {
  return { id: `asset-${id}`, name, kind, passive: false, home: at(...home), agency: 'police', status: null, ...extra };
}

function assets(many) {
  const list = [
    asset('drone-1', 'Қыран-1', 'drone', [60, 130]),
    asset('drone-2', 'Қыран-2', 'drone', [75, 130]),
    asset('car-1', 'Патруль 101', 'vehicle', [-190, -180]),
    asset('car-2', 'Патруль 102', 'vehicle', [150, 0]),
    asset('ambulance', 'Жедел жәрдем 7', 'vehicle', [195, 180], { passive: true }),
  ];
  const roll = random(11);
  for (let i = 0; i < (many ? 15 : 0); i++) {
    const drone = i % 3 !== 2;
    list.push(
      asset(`x${i}`, drone ? `Қыран-${i + 3}` : `Патруль ${103 + i}`, drone ? 'drone' : 'vehicle', [
        -2300 + roll() * 4600,
        -1700 + roll() * 3400,
      ]),
    );
  }
  return list;
}

const LANES = [];
for (let i = 0; i < 8; i++) {
  const n = -70 + i * 20;
  LANES.push(i % 2 ? [178, n] : [18, n], i % 2 ? [18, n] : [178, n]);
}
export const dronePath = [[60, 130], ...LANES, [60, 130]].map(([e, n]) => at(e, n));
export const carPath = [[-190, -180], [-190, -95], [0, -95], [195, -95], [195, 90], [0, 90], [-190, 90], [-190, -180]].map(
  ([e, n]) => at(e, n),
);

const KINDS = {
  vehicle_stopped: {
    zones: ['zone-main', 'zone-centre', 'zone-north'],
    because: 'a car stood for 74 s where stopping is forbidden; seen in 41 frames',
  },
  waste_heap: {
    zones: ['zone-east-plot', 'zone-west-yard'],
    because: 'a heap of waste of about 6 m² lies in the zone; seen in 28 frames',
  },
};

function evidence(role, name, when) {
  const one = media[name];
  return {
    sha256: name,
    role,
    media_type: one.type,
    size_bytes: one.bytes.length,
    captured_at: iso(when),
    url: `/api/v1/evidence/${name}`,
  };
}

export function incident(n, kind, state, place, minutes, more = {}) {
  const now = Date.now();
  const opened = now - minutes * 60_000;
  const [lon, lat] = at(...place);
  const wobble = ((n * 37) % 23) / 23;
  const point = {
    lat,
    lon,
    radius_m: Number((2.4 + wobble * 4.5).toFixed(2)),
    ellipse: {
      major_m: Number((2.8 + wobble * 5).toFixed(2)),
      minor_m: Number((1.9 + wobble * 2).toFixed(2)),
      bearing_deg: Math.round(wobble * 180),
    },
  };
  const east = place[0];
  const zoneId =
    kind === 'waste_heap'
      ? KINDS[kind].zones[east > 0 ? 0 : 1]
      : KINDS[kind].zones[place[1] < -80 ? 0 : place[1] > 75 ? 2 : 1];
  const picture = kind === 'waste_heap' ? `heap${(n % 2) + 1}` : `street${(n % 2) + 1}`;
  const elsewhere = n % 7 === 3;
  return {
    id: `incident-${String(n).padStart(4, '0')}`,
    kind,
    state,
    zone_id: zoneId,
    zone_name: '',
    point,
    opened_at: iso(opened),
    last_seen_at: iso(opened + Math.min(minutes, 3) * 45_000),
    confidence: Number((0.71 + wobble * 0.27).toFixed(2)),
    because: KINDS[kind].because,
    agency: ['assigned', 'done', 'closed'].includes(state) ? (kind === 'waste_heap' ? 'cleaning' : 'roads') : null,
    claim: null,
    close_proposal: null,
    observations: [
      {
        id: `observation-${n}-1`,
        label: kind === 'waste_heap' ? 'waste' : n % 5 === 0 ? 'truck' : 'car',
        origin: elsewhere ? 'elsewhere' : 'own',
        asset_id: elsewhere ? 'asset-car-2' : 'asset-drone-1',
        camera_id: elsewhere ? 'camera-pole-14' : 'camera-drone-1',
        sortie_id: elsewhere ? null : 'sortie-0007',
        device_serial: elsewhere ? 'KZ-88-0142' : '',
        model: elsewhere ? 'RoadEye 4' : 'qyran-aerial-1',
        first_seen_at: iso(opened),
        last_seen_at: iso(opened + 74_000),
        point,
        confidence: Number((0.71 + wobble * 0.27).toFixed(2)),
        sightings: 41,
        speed_m_s: kind === 'waste_heap' ? null : 0.1,
        plate: elsewhere && kind === 'vehicle_stopped' ? '01 ABC 234' : '',
      },
      {
        id: `observation-${n}-2`,
        label: kind === 'waste_heap' ? 'waste' : 'car',
        origin: 'own',
        asset_id: 'asset-car-1',
        camera_id: 'camera-car-1',
        sortie_id: 'sortie-0006',
        device_serial: '',
        model: 'qyran-aerial-1',
        first_seen_at: iso(opened + 180_000),
        last_seen_at: iso(opened + 190_000),
        point: { ...point, radius_m: point.radius_m * 1.6 },
        confidence: 0.66,
        sightings: 12,
        speed_m_s: 0.3,
        plate: '',
      },
    ],
    evidence: [evidence('picture', picture, opened), evidence('crop', picture, opened), evidence('clip', 'clip', opened)],
    timeline: [
      { at: iso(opened), event: 'opened', by: null, note: '' },
      { at: iso(opened + 180_000), event: 'extended', by: null, note: '' },
    ],
    version: 2,
    ...more,
  };
}

function incidents(many) {
  const proposal = {
    at: iso(Date.now() - 240_000),
    frames: 63,
    because: 'the drone saw the place in 63 frames of a later pass and nothing lay there',
    sortie_id: 'sortie-0008',
  };
  const list = [
    incident(1, 'vehicle_stopped', 'open', [96, -97], 2),
    incident(2, 'waste_heap', 'open', [250, -12], 6),
    incident(3, 'vehicle_stopped', 'open', [4, 31], 11),
    incident(4, 'vehicle_stopped', 'open', [-98, 91], 24),
    incident(5, 'waste_heap', 'confirmed', [-128, -31], 47),
    incident(6, 'vehicle_stopped', 'assigned', [151, -92], 95),
    incident(7, 'waste_heap', 'assigned', [232, 38], 190, { close_proposal: proposal }),
    incident(8, 'waste_heap', 'done', [-110, -60], 1400, { close_proposal: proposal }),
    incident(9, 'vehicle_stopped', 'dismissed', [-5, -50], 2000),
    incident(10, 'waste_heap', 'closed', [268, -55], 3100),
  ];
  list[7].evidence.push(evidence('completion', 'clean', Date.now() - 600_000));
  const roll = random(5);
  const states = ['open', 'open', 'open', 'confirmed', 'assigned', 'assigned', 'done'];
  for (let i = 0; i < (many ? 490 : 0); i++) {
    const spread = roll() < 0.6 ? 700 : 2600;
    list.push(
      incident(100 + i, roll() < 0.62 ? 'vehicle_stopped' : 'waste_heap', states[Math.floor(roll() * states.length)], [
        (roll() - 0.5) * 2 * spread,
        (roll() - 0.5) * 1.5 * spread,
      ], Math.ceil(roll() * 4000)),
    );
  }
  return list;
}

function sortie(id, patrol, assetId, state, path, more = {}) {
  return {
    id,
    patrol_id: patrol,
    asset_id: assetId,
    state,
    progress: { reached: 7, total: 18 },
    started_at: iso(Date.now() - 190_000),
    ended_at: null,
    reason_code: '',
    events: [{ at: iso(Date.now() - 190_000), state: 'underway', text: 'mission started, 18 items' }],
    path: { type: 'LineString', coordinates: path },
    ...more,
  };
}

export function makeWorld(scenario) {
  const empty = scenario === 'empty';
  const many = scenario === 'crowded';
  const hour = 3_600_000;
  return {
    zones: empty ? [] : zones(many),
    assets: empty ? [] : assets(many),
    patrols: empty
      ? []
      : [
          { id: 'patrol-centre', name: 'Орталық: күндізгі айналым', asset_id: 'asset-drone-1', zone_ids: ['zone-main', 'zone-centre'], altitude_m: 40, route: null },
          { id: 'patrol-waste', name: 'Қоқыс: шығыс және батыс', asset_id: 'asset-drone-2', zone_ids: ['zone-east-plot', 'zone-west-yard'], altitude_m: 75, route: null },
          { id: 'patrol-ring', name: 'Көше айналымы', asset_id: 'asset-car-1', zone_ids: [], altitude_m: null, route: { type: 'LineString', coordinates: carPath } },
        ],
    sorties: empty
      ? []
      : [
          sortie('sortie-0009', 'patrol-centre', 'asset-drone-1', 'underway', dronePath),
          sortie('sortie-0010', 'patrol-ring', 'asset-car-1', 'underway', carPath, { progress: { reached: 3, total: 8 } }),
          sortie('sortie-0008', 'patrol-waste', 'asset-drone-2', 'failed', dronePath, {
            reason_code: 'link_lost',
            started_at: iso(Date.now() - 3 * hour),
            ended_at: iso(Date.now() - 3 * hour + 312_000),
            progress: { reached: 11, total: 18 },
            events: [{ at: iso(Date.now() - 3 * hour + 312_000), state: 'failed', text: 'nothing heard for 10 s' }],
          }),
          sortie('sortie-0007', 'patrol-centre', 'asset-drone-1', 'completed', dronePath, {
            started_at: iso(Date.now() - 5 * hour),
            ended_at: iso(Date.now() - 5 * hour + 640_000),
            progress: { reached: 18, total: 18 },
          }),
        ],
    incidents: empty ? [] : incidents(many),
  };
}
