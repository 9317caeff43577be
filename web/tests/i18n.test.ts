import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from '../src/i18n/en';
import { fill } from '../src/i18n/fill';
import { kk } from '../src/i18n/kk';
import { ru } from '../src/i18n/ru';

const keys = Object.keys(en);
const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();
// Words that are rightly the same in more than one language.
const SAME = new Set(['unit.m2']);

describe.each([
  ['ru', ru],
  ['kk', kk],
] as [string, Record<string, string>][])('%s', (_name, table) => {
  it('has every key and no other', () => {
    expect(Object.keys(table).sort()).toEqual([...keys].sort());
  });
  it('has the same values to fill in', () => {
    for (const key of keys) expect([key, places(table[key]!)]).toEqual([key, places(en[key as keyof typeof en])]);
  });
  it('leaves nothing empty or in English', () => {
    for (const key of keys) {
      expect(table[key]!.trim(), key).not.toBe('');
      if (!SAME.has(key)) expect(table[key], key).not.toBe(en[key as keyof typeof en]);
    }
  });
  it('is written in Cyrillic', () => {
    const odd = keys.filter((key) => !SAME.has(key) && !/[\u0400-\u04ff]/.test(table[key]!));
    expect(odd).toEqual([]);
  });
});

it('has Kazakh that is not Russian', () => {
  const russian = ru as Record<string, string>;
  const alike = keys.filter((key) => kk[key as keyof typeof kk] === russian[key]);
  // Short words that the two languages share: units, pilot, dispatcher, auditor, grid names.
  expect(alike.length).toBeLessThan(25);
});

it('knows every key that the page asks for by name', () => {
  const files = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
    );
  const asked = new Set<string>();
  for (const file of files(join(import.meta.dirname, '../src')).filter((one) => /\.(svelte|ts)$/.test(one))) {
    for (const found of readFileSync(file, 'utf8').matchAll(/\bt\('([a-z_]+\.[a-z0-9_]+)'/g)) asked.add(found[1]!);
  }
  expect(asked.size).toBeGreaterThan(100);
  expect([...asked].filter((key) => !keys.includes(key))).toEqual([]);
});

it('fills in values and leaves unknown places alone', () => {
  expect(fill('{n} of {all}, {x}', { n: 2, all: 5 })).toBe('2 of 5, {x}');
  expect(fill('{n}')).toBe('{n}');
});
