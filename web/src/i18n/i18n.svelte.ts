/** The page's language: Kazakh, Russian or English, remembered. */
import { age as ageParts, area as areaParts, metres as metreParts } from '../core/format';
import { en, type Key } from './en';
import { fill, type Fill } from './fill';
import { kk } from './kk';
import { ru } from './ru';

export type Lang = 'kk' | 'ru' | 'en';
export const LANGS: { id: Lang; short: string; name: string }[] = [
  { id: 'kk', short: 'ҚАЗ', name: 'Қазақша' },
  { id: 'ru', short: 'РУС', name: 'Русский' },
  { id: 'en', short: 'ENG', name: 'English' },
];

const tables: Record<Lang, Record<Key, string>> = { en, ru, kk };
const STORED = 'qyran.lang';

function first(): Lang {
  const stored = localStorage.getItem(STORED);
  if (stored === 'kk' || stored === 'ru' || stored === 'en') return stored;
  for (const wanted of navigator.languages) {
    const short = wanted.slice(0, 2);
    if (short === 'kk' || short === 'ru' || short === 'en') return short;
  }
  return 'en';
}

const initial = first();
let lang = $state<Lang>(initial);
document.documentElement.lang = initial;

export const language = {
  get id(): Lang {
    return lang;
  },
  set(next: Lang): void {
    lang = next;
    localStorage.setItem(STORED, next);
    document.documentElement.lang = next;
  },
};

/** The words for a key in the present language. */
export function t(key: Key, values?: Fill): string {
  return fill(tables[lang][key], values);
}

/** The words for a code that the station sent, or the code itself made readable. */
export function tCode(prefix: string, code: string | null | undefined): string {
  if (!code) return '';
  const key = `${prefix}.${code}` as Key;
  return tables[lang][key] ?? code.replaceAll('_', ' ');
}

/** Whether there are words for a code. */
export function knows(prefix: string, code: string): boolean {
  return `${prefix}.${code}` in tables[lang];
}

export function tAge(iso: string, nowMs: number): string {
  const { value, unit } = ageParts(Date.parse(iso), nowMs);
  return `${value} ${t(`unit.${unit}`)}`;
}

export function tMetres(value: number): string {
  const { value: number, unit } = metreParts(value);
  return `${decimal(number)} ${t(`unit.${unit}`)}`;
}

export function tArea(value: number): string {
  const { value: number, unit } = areaParts(value);
  return `${decimal(number)} ${t(`unit.${unit}`)}`;
}

/** A number with the decimal mark of the language. */
export function decimal(number: string): string {
  return lang === 'en' ? number : number.replace('.', ',');
}
