import { describe, expect, it } from 'vitest';
import { parsePoints } from './read-points.ts';
import { selectPoints } from './select-points.ts';
import { EC, signPoint, siegePoint } from './testkit/make-points.ts';

describe('points in a file', () => {
  it('come as an array or one per line', () => {
    const points = [siegePoint(), signPoint()];
    expect(parsePoints(JSON.stringify(points), 'points.json')).toEqual(points);
    expect(parsePoints(`${points.map((point) => JSON.stringify(point)).join('\n')}\n\n`, 'points.json')).toEqual(points);
    expect(parsePoints(' \n', 'points.json')).toEqual([]);
  });

  it.each([
    ['[', /points\.json is no JSON/],
    ['{"kind":"siege"}\nnonsense', /line 2 of points\.json is no JSON/],
    ['[1]', /entry 1 of points\.json is no benchmark point: kind is neither siege nor sign/],
    ['[null]', /entry 1 .*kind/],
    [JSON.stringify([siegePoint(), { ...siegePoint(), rate: 'fast' }]), /entry 2 .*rate must be number/],
    [JSON.stringify([{ ...signPoint(), colour: 'red' }]), /must NOT have additional properties: colour/],
    [JSON.stringify([{ ...signPoint(), at: 'yesterday' }]), /at is no time: "yesterday"/],
  ])('%s is refused', (text, message) => {
    expect(() => parsePoints(text, 'points.json')).toThrow(message);
  });

  it('lose what cannot be seen', () => {
    expect(parsePoints(JSON.stringify([siegePoint({ host: ' we\u0000b\u202e1\r\n2 ' })]), '-')[0]?.host).toBe('we\ufffdb\ufffd1 2');
  });
});

describe('points are selected', () => {
  const points = [siegePoint(), siegePoint({ host: 'web2', key: EC }), signPoint({ at: '2026-01-01T00:00:00Z', key: { ...EC, fingerprint: null } })];

  it.each([
    [{}, [0, 1, 2]],
    [{ hosts: ['WEB2'] }, [1]],
    [{ keys: ['web-ec'] }, [1, 2]],
    [{ keys: ['rsa-2048'] }, [0]],
    [{ keys: ['EC P-256', 'RSA-2048'] }, [0, 1, 2]],
    [{ keys: ['9E:9E:9E:9E'] }, [1]],
    [{ keys: ['9e9'] }, []],
    [{ since: new Date('2026-02-01') }, [0, 1]],
    [{ hosts: ['web1'], keys: ['web-ec'] }, [2]],
  ])('%j', (filter, expected) => {
    expect(selectPoints(points, filter)).toEqual(expected.map((index) => points[index]));
  });
});
