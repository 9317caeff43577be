import { describe, expect, it } from 'vitest';
import {
  age,
  area,
  cityClock,
  cityTime,
  clockSpan,
  metres,
  parsePlace,
  percent,
  place,
  placeForCopy,
  utcTime,
} from '../src/core/format';
import { History } from '../src/core/history';
import { Problem, asProblem, parseProblem } from '../src/core/problem';
import { EventReader } from '../src/core/sse';

describe('a refusal', () => {
  it('is read from problem+json', () => {
    const problem = parseProblem(
      409,
      JSON.stringify({ code: 'claimed_by_other', title: 'T', detail: 'D', where: 'incident-1', cure: 'wait' }),
    );
    expect(problem).toMatchObject({ status: 409, code: 'claimed_by_other', detail: 'D', where: 'incident-1', cure: 'wait' });
    expect(problem.message).toBe('D');
  });
  it('keeps the findings of an unsafe plan', () => {
    const problem = parseProblem(409, JSON.stringify({ code: 'plan_unsafe', findings: [{ severity: 'error' }] }));
    expect(problem.findings).toHaveLength(1);
  });
  it('of a validation list becomes one line', () => {
    const problem = parseProblem(422, JSON.stringify({ detail: [{ loc: ['body', 'name'], msg: 'missing' }] }));
    expect(problem.detail).toBe('body.name: missing');
    expect(problem.code).toBe('http_422');
  });
  it('without a body, or with a page or a list for one, still says its status', () => {
    for (const raw of ['', '<html>502</html>', '[]', 'null', '"no"', '{"code": 7}']) {
      expect(parseProblem(502, raw)).toMatchObject({ status: 502, code: 'http_502' });
    }
    expect(parseProblem(502, '').unreachable).toBe(true);
    expect(parseProblem(409, '').unreachable).toBe(false);
  });
  it('is made of anything that is thrown', () => {
    const problem = new Problem(0, { code: 'unreachable' });
    expect(asProblem(problem)).toBe(problem);
    expect(asProblem(new TypeError('x')).code).toBe('page_fault');
    expect(asProblem('why').detail).toBe('why');
  });
});

describe('the live stream', () => {
  const whole = 'id: 7\nevent: asset\ndata: {"a":1}\n\n: keep\n\nid: 8\r\ndata: x\r\ndata: y\r\n\r\n';
  it('gives whole events', () => {
    expect(new EventReader().push(whole)).toEqual([
      { id: '7', event: 'asset', data: '{"a":1}' },
      { id: '8', event: 'message', data: 'x\ny' },
    ]);
  });
  it('gives the same events however it is cut', () => {
    const expected = new EventReader().push(whole);
    for (let size = 1; size < whole.length; size++) {
      const reader = new EventReader();
      const got = [];
      for (let i = 0; i < whole.length; i += size) got.push(...reader.push(whole.slice(i, i + size)));
      expect(got).toEqual(expected);
    }
  });
  it('keeps the last id for events that have none', () => {
    const reader = new EventReader();
    reader.push('id: 3\ndata: a\n\n');
    expect(reader.push('data: b\n\n')[0]).toMatchObject({ id: '3', event: 'message' });
  });
});

describe('undo', () => {
  it('goes back and forth and forgets what was undone', () => {
    const history = new History<number>();
    [1, 2, 3].forEach((state) => history.push(state));
    expect([history.undo(), history.undo(), history.undo()]).toEqual([2, 1, 1]);
    expect(history.canUndo).toBe(false);
    expect(history.redo()).toBe(2);
    history.push(9);
    expect(history.canRedo).toBe(false);
    expect(history.undo()).toBe(2);
  });
  it('keeps equal states once and has a limit', () => {
    const history = new History<number[]>(3);
    history.push([1]);
    history.push([1]);
    expect(history.canUndo).toBe(false);
    [2, 3, 4].forEach((state) => history.push([state]));
    expect([history.undo(), history.undo(), history.undo()]).toEqual([[3], [2], [2]]);
  });
});

describe('words and numbers', () => {
  it('show the time of the city, which is UTC+5 all year', () => {
    expect(cityTime('2026-11-22T19:03:09Z')).toBe('23.11.2026 00:03:09');
    expect(cityTime('2026-07-01T19:03:09Z')).toBe('02.07.2026 00:03:09');
    expect(cityClock('2026-11-22T09:03:09Z')).toBe('14:03:09');
    expect(utcTime('2026-11-22T19:03:09.123Z')).toBe('2026-11-22 19:03:09 UTC');
  });
  it('give an age in one unit', () => {
    const now = Date.parse('2026-11-22T12:00:00Z');
    expect(age(now - 5_000, now)).toEqual({ value: 5, unit: 's' });
    expect(age(now - 90_000, now)).toEqual({ value: 1, unit: 'min' });
    expect(age(now - 3 * 3_600_000, now)).toEqual({ value: 3, unit: 'h' });
    expect(age(now - 50 * 3_600_000, now)).toEqual({ value: 2, unit: 'd' });
    expect(age(now + 5_000, now)).toEqual({ value: 0, unit: 's' });
  });
  it('give spans, lengths, areas and shares', () => {
    expect([clockSpan(65), clockSpan(3725), clockSpan(-1)]).toEqual(['1:05', '1:02:05', '0:00']);
    expect([metres(4.25), metres(431.6), metres(1846)]).toEqual([
      { value: '4.3', unit: 'm' },
      { value: '432', unit: 'm' },
      { value: '1.85', unit: 'km' },
    ]);
    expect([area(950), area(16_700), area(2_500_000)]).toEqual([
      { value: '950', unit: 'm2' },
      { value: '1.67', unit: 'ha' },
      { value: '2.50', unit: 'km2' },
    ]);
    expect(percent(0.866)).toBe('87 %');
  });
  it('write and read places', () => {
    expect(place(71.3549, 50.9754)).toBe('50.97540° N, 71.35490° E');
    expect(place(-0.5, -33.1)).toBe('33.10000° S, 0.50000° W');
    expect(placeForCopy(71.3549, 50.9754)).toBe('50.975400, 71.354900');
    expect(parsePlace('50.9754, 71.3549')).toEqual([71.3549, 50.9754]);
    expect(parsePlace('50.9754 71.3549')).toEqual([71.3549, 50.9754]);
    for (const bad of ['', '50.9', 'a, b', '95, 10', '10, 190', '1, 2, 3']) expect(parsePlace(bad)).toBeNull();
  });
});
