// A fake station for looking at the page: the routes of docs/api.md over fixtures in memory.
//
//   node dev/server.mjs [--port 8099] [--page dist] [--scenario normal] [--every 500]
//
// Scenarios: normal, empty, loading (lists never answer), error, crowded, gate (no demo),
// deaf (no live stream). Every so many ms the assets say where they are. POST /dev/scenario/NAME changes it and starts afresh.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LAT, LON, agencies, carPath, city, dronePath, iso, makeWorld, media } from './world.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8099' },
    page: { type: 'string', default: join(here, '..', 'dist') },
    scenario: { type: 'string', default: 'normal' },
    every: { type: 'string', default: '500' },
  },
});
const pageRoot = resolve(options.page);

// The station's own policy: what it forbids must not work here either.
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "worker-src 'self' blob:",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

let scenario = options.scenario;
let world = makeWorld(scenario);
let serial = 100;
let eventId = 0;
const sessions = new Map();
const listeners = new Set();
const uploads = new Map();

class Refusal extends Error {
  constructor(status, code, detail, more = {}) {
    super(detail);
    Object.assign(this, { status, code, more });
  }
}

function send(event, data) {
  eventId += 1;
  const text = `id: ${eventId}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const response of listeners) response.write(text);
}

// ---- who is who -------------------------------------------------------------------------
function sessionFor(body) {
  const seat = body.seat ?? 1;
  const key = `${body.role}-${body.agency ?? ''}-${seat}`;
  const service = body.role === 'service';
  return {
    user_id: `user-${key}`,
    name: `Demo ${body.role}${seat > 1 ? ` ${seat}` : ''}`,
    roles: [body.role],
    agency: body.agency ?? (service ? 'cleaning' : 'police'),
    demo: true,
  };
}

function who(request) {
  const cookie = /qyran_session=([^;]+)/.exec(request.headers.cookie ?? '');
  const session = cookie && sessions.get(cookie[1]);
  if (!session) throw new Refusal(401, 'not_signed_in', 'nobody is signed in');
  return session;
}

function need(session, ...roles) {
  if (!session.roles.some((role) => roles.includes(role))) {
    throw new Refusal(403, 'not_allowed', `this needs the role ${roles.join(' or ')}`);
  }
}

function signIn(response, session) {
  const token = `fake${(serial += 1)}`;
  sessions.set(token, session);
  response.setHeader('Set-Cookie', `qyran_session=${token}; HttpOnly; SameSite=Strict; Path=/`);
  return session;
}

// ---- incidents --------------------------------------------------------------------------
function activeClaim(one) {
  return one.claim && Date.parse(one.claim.until) > Date.now() ? one.claim : null;
}

function actionsFor(one, session) {
  const actions = [];
  const held = activeClaim(one);
  const mine = held?.user_id === session.user_id;
  const free = !held || mine;
  const reviewer = session.roles.includes('reviewer');
  const desk = reviewer || session.roles.includes('dispatcher');
  if (reviewer) actions.push(mine ? 'release' : held ? 'take_over' : 'claim');
  if (one.state === 'open' && reviewer && mine) actions.push('confirm', 'reject');
  if (one.state === 'confirmed' && desk && free) actions.push('assign');
  if (one.state === 'confirmed' && reviewer && mine) actions.push('reject');
  if (one.state === 'assigned' && desk && free) actions.push('assign');
  if (one.state === 'assigned' && session.roles.includes('service') && session.agency === one.agency) actions.push('complete');
  if (one.state === 'done' && desk && free) actions.push('accept_closure', 'refuse_closure');
  else if (one.close_proposal && ['confirmed', 'assigned'].includes(one.state) && desk && free) {
    actions.push(...(one.state === 'confirmed' ? ['accept_closure'] : []), 'refuse_closure');
  }
  if (['dismissed', 'closed'].includes(one.state) && reviewer && mine) actions.push('reopen');
  return actions;
}

function show(one, session, list = false) {
  const claim = activeClaim(one);
  const shown = {
    ...one,
    zone_name: world.zones.find((zone) => zone.id === one.zone_id)?.properties.name ?? one.zone_id,
    claim: claim && { ...claim, mine: claim.user_id === session.user_id },
    actions: actionsFor(one, session),
  };
  if (list) {
    delete shown.observations;
    delete shown.timeline;
    shown.evidence = one.evidence.filter((item) => item.role === 'picture').slice(0, 1);
  }
  return shown;
}

function touch(one, event, session, note = '') {
  one.version += 1;
  one.timeline.push({ at: iso(Date.now()), event, by: session.name, note });
  for (const response of listeners) {
    eventId += 1;
    const text = JSON.stringify(show(one, response.session, true));
    response.write(`id: ${eventId}\nevent: incident\ndata: ${text}\n\n`);
  }
  return show(one, session);
}

function needClaim(one, session) {
  const held = activeClaim(one);
  if (!held) throw new Refusal(409, 'not_claimed', 'claim the incident first', { where: one.id, cure: 'claim it, then decide' });
  if (held.user_id !== session.user_id) {
    throw new Refusal(409, 'claimed_by_other', `${held.name} holds it until ${held.until}`, { where: one.id, cure: 'wait, or take it over with a reason' });
  }
}

// ---- zones ------------------------------------------------------------------------------
function needVersion(request, zone) {
  const tag = request.headers['if-match'];
  if (!tag) throw new Refusal(428, 'precondition_missing', 'If-Match is missing');
  if (tag !== `"${zone.properties.version}"`) {
    throw new Refusal(412, 'version_conflict', `Demo planner has saved version ${zone.properties.version} meanwhile`, {
      where: zone.id,
      cure: 'load it anew and repeat the change',
    });
  }
}

function crossing(ring) {
  for (let i = 0; i < ring.length - 1; i++) {
    for (let j = i + 2; j < ring.length - 1; j++) {
      if (i === 0 && j === ring.length - 2) continue;
      const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
      const turn = (o, p, q) => (p[0] - o[0]) * (q[1] - o[1]) - (p[1] - o[1]) * (q[0] - o[0]);
      const [d1, d2, d3, d4] = [turn(c, d, a), turn(c, d, b), turn(a, b, c), turn(a, b, d)];
      if (d1 * d2 < 0 && d3 * d4 < 0) {
        const t = d1 / (d1 - d2);
        return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
      }
    }
  }
  return null;
}

// ---- plans ------------------------------------------------------------------------------
function plan(patrol) {
  const drone = world.assets.find((one) => one.id === patrol.asset_id)?.kind === 'drone';
  const findings = [];
  if (patrol.id === 'patrol-waste') {
    findings.push(
      { severity: 'error', code: 'above_ceiling', message: 'items 3 to 9 fly at 75 m, the ceiling of “Демо ауданы” is 60 m', place: dronePath[4], item: 3, cure: 'fly lower, or raise the ceiling of the zone' },
      { severity: 'warning', code: 'near_border', message: 'the path comes within 8 m of “Мектеп: ұшуға тыйым”', place: [LON - 0.00288, LAT], item: 12, cure: 'widen the margin' },
    );
  }
  findings.push({ severity: 'info', code: 'reserve', message: 'lands with 31 % of its endurance left', place: null, item: null, cure: '' });
  return {
    patrol_id: patrol.id,
    asset_id: patrol.asset_id,
    path: { type: 'LineString', coordinates: drone ? dronePath : carPath },
    length_m: drone ? 1846 : 1420,
    expected_s: drone ? 402 : 290,
    findings,
    safe: !findings.some((one) => one.severity === 'error'),
    zone_versions: Object.fromEntries(patrol.zone_ids.map((id) => [id, 1])),
  };
}

// ---- movement ---------------------------------------------------------------------------
function along(path, share) {
  const legs = path.slice(1).map((point, i) => Math.hypot((point[0] - path[i][0]) * 70_130, (point[1] - path[i][1]) * 111_250));
  let left = share * legs.reduce((sum, leg) => sum + leg, 0);
  for (let i = 0; i < legs.length; i++) {
    if (left <= legs[i] || i === legs.length - 1) {
      const t = Math.min(1, left / legs[i]);
      const [a, b] = [path[i], path[i + 1]];
      const heading = (Math.atan2((b[0] - a[0]) * 70_130, (b[1] - a[1]) * 111_250) * 180) / Math.PI;
      return { lon: a[0] + t * (b[0] - a[0]), lat: a[1] + t * (b[1] - a[1]), heading: (heading + 360) % 360 };
    }
    left -= legs[i];
  }
  return { lon: path[0][0], lat: path[0][1], heading: 0 };
}

function statusOf(asset, now) {
  const sortie = world.sorties.find((one) => one.asset_id === asset.id && ['underway', 'holding', 'returning'].includes(one.state));
  const drone = asset.kind === 'drone';
  if (asset.id === 'asset-drone-2') {
    return { ...still(asset), at: iso(now - 96_000), battery_fraction: 0.18 };
  }
  if (!sortie) return { ...still(asset), at: iso(now) };
  const where = along(sortie.path.coordinates, (now / (drone ? 160_000 : 120_000)) % 1);
  const spread = (w, n) => {
    const turn = (where.heading * Math.PI) / 180;
    return [
      where.lon + (w * Math.cos(turn) + n * Math.sin(turn)) / 70_130,
      where.lat + (-w * Math.sin(turn) + n * Math.cos(turn)) / 111_250,
    ];
  };
  const near = drone ? [20, 4, 46] : [9, 5, 30];
  const corners = [spread(-near[0] * 0.7, near[1]), spread(near[0] * 0.7, near[1]), spread(near[0] * 1.3, near[2]), spread(-near[0] * 1.3, near[2])];
  return {
    at: iso(now),
    lat: where.lat,
    lon: where.lon,
    altitude_m: drone ? 40 : 0,
    datum: 'home',
    heading_deg: where.heading,
    speed_m_s: drone ? 6.2 : 8.9,
    battery_fraction: drone ? 0.74 : null,
    mode: drone ? 'MISSION' : null,
    armed: drone,
    footprint: { type: 'Polygon', coordinates: [[...corners, corners[0]]] },
    sortie_id: sortie.id,
  };
}

function still(asset) {
  return {
    lat: asset.home[1],
    lon: asset.home[0],
    altitude_m: 0,
    datum: 'home',
    heading_deg: 0,
    speed_m_s: 0,
    battery_fraction: asset.kind === 'drone' ? 0.97 : null,
    mode: null,
    armed: false,
    footprint: null,
    sortie_id: null,
  };
}

setInterval(() => {
  const now = Date.now();
  for (const asset of world.assets) send('asset', { asset_id: asset.id, status: statusOf(asset, now) });
}, Number(options.every));

// ---- routes -----------------------------------------------------------------------------
const page = (items, query) => {
  const limit = Number(query.get('limit') ?? 50);
  const start = Number(query.get('cursor') ?? 0);
  return { items: items.slice(start, start + limit), next: start + limit < items.length ? String(start + limit) : null };
};
const find = (list, id) => {
  const one = list.find((item) => item.id === id);
  if (!one) throw new Refusal(404, 'not_found', `there is no ${id}`, { where: id });
  return one;
};

const routes = {
  'GET /health': () => ({ status: 'ok', version: '0.1.0', schema_version: 1, detector: { model: 'qyran-aerial-1' }, demo: scenario !== 'gate', time: iso(Date.now()) }),
  'GET /session': ({ request }) => who(request),
  'POST /session': ({ body, response }) => {
    if (body.password !== 'correct horse') throw new Refusal(401, 'not_signed_in', 'the user or the password is wrong');
    return signIn(response, { ...sessionFor({ role: 'reviewer' }), name: body.user, demo: false });
  },
  'POST /session/setup': ({ body, response }) => {
    if (body.token !== 'ONCE') throw new Refusal(403, 'not_allowed', 'the set-up link is used up', { cure: 'start the station anew for another one' });
    return signIn(response, { user_id: 'user-admin', name: body.name, roles: ['admin', 'planner'], agency: 'police', demo: false });
  },
  'POST /session/demo': ({ body, response }) => signIn(response, sessionFor(body)),
  'DELETE /session': ({ response }) => {
    response.setHeader('Set-Cookie', 'qyran_session=; Max-Age=0; Path=/');
  },
  'GET /agencies': () => ({ items: agencies }),
  'GET /city': () => city,
  'GET /zones': () => ({ type: 'FeatureCollection', features: world.zones }),
  'POST /zones': ({ session, body, response }) => {
    need(session, 'planner');
    const zone = { ...body, id: `zone-${(serial += 1)}` };
    zone.properties = { ...zone.properties, version: 1, changed_at: iso(Date.now()) };
    world.zones.push(zone);
    response.statusCode = 201;
    send('zone', { zone_id: zone.id, version: 1 });
    return zone;
  },
  'POST /zones/check': ({ body }) => {
    const place = crossing(body.coordinates[0]);
    return { valid: !place, message: place ? 'Self-intersection' : '', place, area_m2: 0 };
  },
  'GET /zones/:id': ({ id }) => find(world.zones, id),
  'PUT /zones/:id': ({ session, request, body, id }) => {
    need(session, 'planner');
    const zone = find(world.zones, id);
    needVersion(request, zone);
    zone.geometry = body.geometry;
    zone.properties = { ...body.properties, version: zone.properties.version + 1, changed_at: iso(Date.now()) };
    send('zone', { zone_id: id, version: zone.properties.version });
    return zone;
  },
  'DELETE /zones/:id': ({ session, request, id }) => {
    need(session, 'planner');
    const zone = find(world.zones, id);
    needVersion(request, zone);
    world.zones = world.zones.filter((one) => one !== zone);
    send('zone', { zone_id: id, version: zone.properties.version + 1 });
  },
  'GET /assets': ({ query }) => page(world.assets.map((one) => ({ ...one, status: statusOf(one, Date.now()) })), query),
  'GET /assets/:id/track': ({ id }) => {
    const asset = find(world.assets, id);
    const path = { 'asset-drone-1': dronePath, 'asset-car-1': carPath }[id];
    const now = Date.now();
    const coordinates = [];
    for (let ago = path ? 60 : 0; ago > 0; ago--) {
      const where = along(path, ((now - ago * 1000) / (asset.kind === 'drone' ? 160_000 : 120_000)) % 1);
      coordinates.push([where.lon, where.lat]);
    }
    return { type: 'Feature', properties: { times: [] }, geometry: { type: 'LineString', coordinates } };
  },
  'GET /patrols': ({ query }) => page(world.patrols, query),
  'POST /patrols': ({ session, body, response }) => {
    need(session, 'planner', 'pilot');
    const patrol = { id: `patrol-${(serial += 1)}`, route: null, ...body };
    world.patrols.push(patrol);
    response.statusCode = 201;
    return patrol;
  },
  'POST /patrols/:id/plan': ({ session, id }) => {
    need(session, 'planner', 'pilot', 'driver');
    return plan(find(world.patrols, id));
  },
  'POST /patrols/:id/sorties': ({ session, id, response }) => {
    need(session, 'pilot', 'driver');
    const made = plan(find(world.patrols, id));
    if (!made.safe) throw new Refusal(409, 'plan_unsafe', 'the plan has 1 error', { where: id, findings: made.findings });
    const now = iso(Date.now());
    const sortie = {
      id: `sortie-${(serial += 1)}`, patrol_id: id, asset_id: made.asset_id, state: 'underway', progress: { reached: 0, total: 18 },
      started_at: now, ended_at: null, reason_code: '', events: [{ at: now, state: 'underway', text: 'mission started' }], path: made.path,
    };
    world.sorties.push(sortie);
    send('sortie', sortie);
    response.statusCode = 202;
    return sortie;
  },
  'GET /sorties': ({ query }) => page(world.sorties, query),
  'GET /sorties/:id': ({ id }) => find(world.sorties, id),
  ...Object.fromEntries(
    [['hold', 'holding'], ['resume', 'underway'], ['return', 'returning']].map(([order, state]) => [
      `POST /sorties/:id/${order}`,
      ({ session, id }) => {
        need(session, 'pilot', 'driver');
        const sortie = find(world.sorties, id);
        sortie.state = state;
        sortie.events.push({ at: iso(Date.now()), state, text: `${order} by ${session.name}` });
        send('sortie', sortie);
        return sortie;
      },
    ]),
  ),
  'GET /incidents': ({ session, query }) => {
    const states = (query.get('state') ?? '').split(',').filter(Boolean);
    const own = session.roles.includes('service') ? world.incidents.filter((one) => one.agency === session.agency) : world.incidents;
    return page(own.filter((one) => !states.length || states.includes(one.state)).map((one) => show(one, session, true)), query);
  },
  'GET /incidents/:id': ({ session, id }) => show(find(world.incidents, id), session),
  'POST /incidents/:id/claim': ({ session, body, id }) => {
    need(session, 'reviewer');
    const one = find(world.incidents, id);
    const held = activeClaim(one);
    if (held && held.user_id !== session.user_id && !body?.take_over_reason) needClaim(one, session);
    one.claim = { user_id: session.user_id, name: session.name, until: iso(Date.now() + 600_000) };
    return touch(one, 'claimed', session, body?.take_over_reason ?? '');
  },
  'DELETE /incidents/:id/claim': ({ session, id }) => {
    const one = find(world.incidents, id);
    needClaim(one, session);
    one.claim = null;
    return touch(one, 'released', session);
  },
  'POST /incidents/:id/decision': ({ session, body, id }) => {
    need(session, 'reviewer');
    const one = find(world.incidents, id);
    needClaim(one, session);
    if (body.decision === 'reject' && !body.reason) throw new Refusal(400, 'bad_request', 'a rejection needs a reason', { where: 'reason' });
    const [state, event] = { confirm: ['confirmed', 'confirmed'], reject: ['dismissed', 'dismissed'], reopen: ['open', 'reopened'] }[body.decision];
    one.state = state;
    return touch(one, event, session, body.reason);
  },
  'POST /incidents/:id/assignment': ({ session, body, id }) => {
    need(session, 'reviewer', 'dispatcher');
    const one = find(world.incidents, id);
    one.state = 'assigned';
    one.agency = body.agency;
    one.claim = null;
    return touch(one, 'assigned', session, body.note);
  },
  'POST /incidents/:id/completion': ({ session, raw, id }) => {
    need(session, 'service');
    const one = find(world.incidents, id);
    // Enough of multipart for a fake: the picture is what lies after the first blank line.
    const start = raw.indexOf('\r\n\r\n') + 4;
    const name = `upload${(serial += 1)}`;
    const jpeg = raw[start] === 0xff;
    uploads.set(name, { type: jpeg ? 'image/jpeg' : 'image/png', bytes: raw.subarray(start, raw.indexOf('\r\n--', start)) });
    one.evidence.push({ sha256: name, role: 'completion', media_type: 'image/jpeg', size_bytes: 1, captured_at: iso(Date.now()), url: `/api/v1/evidence/${name}` });
    one.state = 'done';
    return touch(one, 'done', session);
  },
  'POST /incidents/:id/closure': ({ session, body, id }) => {
    need(session, 'reviewer', 'dispatcher');
    const one = find(world.incidents, id);
    one.state = body.accept ? 'closed' : 'assigned';
    one.close_proposal = null;
    return touch(one, body.accept ? 'closed' : 'assigned', session, body.note);
  },
};

const table = Object.entries(routes).map(([key, run]) => {
  const [method, path] = key.split(' ');
  return { method, run, key, pattern: new RegExp(`^${path.replace(/:id/, '(?<id>[^/]+)')}$`) };
});

function problem(response, refusal) {
  response.writeHead(refusal.status, { ...HEADERS, 'Content-Type': 'application/problem+json' });
  response.end(
    JSON.stringify({ type: `urn:qyran:error:${refusal.code}`, title: refusal.code.replaceAll('_', ' '), status: refusal.status, detail: refusal.message, code: refusal.code, where: '', cure: '', ...refusal.more }),
  );
}

async function serveApi(request, response, url) {
  const path = url.pathname.slice('/api/v1'.length);
  const picture = /^\/evidence\/(\w+)$/.exec(path);
  if (picture) {
    const session = who(request);
    need(session, 'reviewer', 'dispatcher', 'auditor', 'service');
    const file = media[picture[1]] ?? uploads.get(picture[1]);
    if (!file) throw new Refusal(404, 'not_found', 'no such evidence');
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    const end = range && range[2] ? Number(range[2]) : file.bytes.length - 1;
    response.writeHead(range ? 206 : 200, {
      ...HEADERS, 'Content-Type': file.type, 'Content-Length': end - start + 1, 'Accept-Ranges': 'bytes', 'Cache-Control': 'private',
      ...(range ? { 'Content-Range': `bytes ${start}-${end}/${file.bytes.length}` } : {}),
    });
    response.end(file.bytes.subarray(start, end + 1));
    return;
  }
  if (path === '/live') {
    if (scenario === 'deaf') throw new Refusal(503, 'environment_fault', 'no stream');
    response.session = who(request);
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': hello\n\n');
    listeners.add(response);
    request.on('close', () => listeners.delete(response));
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = request.headers['content-type']?.startsWith('application/json') && raw.length ? JSON.parse(raw) : null;
  for (const route of table) {
    const match = route.method === request.method && route.pattern.exec(path);
    if (!match) continue;
    const open = path === '/health' || path.startsWith('/session');
    const session = open ? null : who(request);
    const list = ['GET /zones', 'GET /assets', 'GET /patrols', 'GET /sorties', 'GET /incidents'].includes(route.key);
    if (list && scenario === 'loading' && /assets|incidents/.test(path)) return;
    if (list && scenario === 'error') {
      throw new Refusal(500, 'store_unreadable', 'the incident store can’t be read: disk I/O error', { where: 'incidents.sqlite', cure: 'run “qyran doctor”, then restore the last backup' });
    }
    const answer = route.run({ request, response, session, body, raw, query: url.searchParams, id: match.groups?.id });
    if (answer === undefined) {
      response.writeHead(204, HEADERS);
      response.end();
    } else {
      response.writeHead(response.statusCode, { ...HEADERS, 'Content-Type': 'application/json', ...(answer.properties?.version ? { ETag: `"${answer.properties.version}"` } : {}) });
      response.end(JSON.stringify(answer));
    }
    return;
  }
  throw new Refusal(404, 'not_found', `no route ${request.method} ${path}`);
}

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

function servePage(response, url) {
  let file = join(pageRoot, normalize(url.pathname));
  if (!file.startsWith(pageRoot) || !existsSync(file) || statSync(file).isDirectory()) file = join(pageRoot, 'index.html');
  if (!existsSync(file)) throw new Refusal(503, 'page_missing', 'the page is not built');
  response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://fake');
  const run = async () => {
    const change = /^\/dev\/scenario\/(\w+)$/.exec(url.pathname);
    if (change) {
      scenario = change[1];
      world = makeWorld(scenario);
      sessions.clear();
      for (const listener of listeners) listener.end();
      response.end('ok');
    } else if (url.pathname === '/dev/other-planner') {
      // Somebody else saves a zone: for looking at the conflict.
      const zone = find(world.zones, url.searchParams.get('zone'));
      zone.properties = { ...zone.properties, name: `${zone.properties.name} (2)`, version: zone.properties.version + 1, changed_at: iso(Date.now()) };
      response.end('ok');
    } else if (url.pathname.startsWith('/api/v1')) await serveApi(request, response, url);
    else servePage(response, url);
  };
  run().catch((error) => problem(response, error instanceof Refusal ? error : new Refusal(500, 'bug', String(error))));
});
server.listen(Number(options.port), '127.0.0.1', () => {
  process.stdout.write(`fake station at http://127.0.0.1:${server.address().port}\n`);
});
