/** Numbers, places and times as a person reads them; pure, the language comes in. */

export const CITY_TIME_ZONE = 'Asia/Almaty';

/** Seconds to "m:ss" or "h:mm:ss". */
export function clockSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  const s = String(whole % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`;
}

export type AgeUnit = 's' | 'min' | 'h' | 'd';

/** The age of something in its one best unit. */
export function age(fromMs: number, nowMs: number): { value: number; unit: AgeUnit } {
  const seconds = Math.max(0, Math.round((nowMs - fromMs) / 1000));
  if (seconds < 60) return { value: seconds, unit: 's' };
  if (seconds < 3600) return { value: Math.floor(seconds / 60), unit: 'min' };
  if (seconds < 86_400) return { value: Math.floor(seconds / 3600), unit: 'h' };
  return { value: Math.floor(seconds / 86_400), unit: 'd' };
}

/** "50.97540° N, 71.35490° E": one more digit than the error of a good fix. */
export function place(lon: number, lat: number): string {
  const ns = lat >= 0 ? 'N' : 'S';
  const ew = lon >= 0 ? 'E' : 'W';
  return `${Math.abs(lat).toFixed(5)}° ${ns}, ${Math.abs(lon).toFixed(5)}° ${ew}`;
}

/** What is put on the clipboard: decimal degrees, latitude first, as other maps take it. */
export function placeForCopy(lon: number, lat: number): string {
  return `${lat.toFixed(6)}, ${lon.toFixed(6)}`;
}

/** Reads "50.9754, 71.3549" (latitude first); `null` if it is no place on Earth. */
export function parsePlace(text: string): [number, number] | null {
  const parts = text.trim().split(/[\s,;]+/).map(Number);
  if (parts.length !== 2 || parts.some((part) => !Number.isFinite(part))) return null;
  const [lat, lon] = parts as [number, number];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

/** A length in metres below 1 km, in kilometres above. */
export function metres(value: number): { value: string; unit: 'm' | 'km' } {
  if (Math.abs(value) >= 1000) return { value: (value / 1000).toFixed(value < 10_000 ? 2 : 1), unit: 'km' };
  return { value: value < 10 ? value.toFixed(1) : value.toFixed(0), unit: 'm' };
}

/** An area in square metres, hectares or square kilometres. */
export function area(value: number): { value: string; unit: 'm2' | 'ha' | 'km2' } {
  if (value >= 1e6) return { value: (value / 1e6).toFixed(2), unit: 'km2' };
  if (value >= 1e4) return { value: (value / 1e4).toFixed(2), unit: 'ha' };
  return { value: value.toFixed(0), unit: 'm2' };
}

export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

const parts = (iso: string | number | Date, timeZone: string): Record<string, string> => {
  const out: Record<string, string> = {};
  const formatter = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  for (const part of formatter.formatToParts(new Date(iso))) out[part.type] = part.value;
  return out;
};

/** "22.11.2026 14:03:09" in the city's time. */
export function cityTime(iso: string): string {
  const p = parts(iso, CITY_TIME_ZONE);
  return `${p.day}.${p.month}.${p.year} ${p.hour}:${p.minute}:${p.second}`;
}

/** "14:03:09" in the city's time. */
export function cityClock(at: string | number | Date): string {
  const p = parts(at, CITY_TIME_ZONE);
  return `${p.hour}:${p.minute}:${p.second}`;
}

/** "2026-11-22 09:03:09 UTC". */
export function utcTime(iso: string): string {
  const p = parts(iso, 'UTC');
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second} UTC`;
}
