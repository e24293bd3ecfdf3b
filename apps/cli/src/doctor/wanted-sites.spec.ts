import type { Plan, PlannedStep } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { wantedSites } from './wanted-sites.ts';

const task = (resource: string, params: unknown, more: object = {}): PlannedStep => ({ id: resource, name: resource, resource, params, position: { file: 'p.yml', line: 1, column: 1 }, ...more }) as PlannedStep;
const plan = (host: string, ...tasks: PlannedStep[]): Plan => ({ host, tasks }) as unknown as Plan;

test('what a plan says of its sites is taken as it is, wherever the task stands', () => {
  const site = { name: 'shop', server_name: 'shop.test', engine: 'mod_ssl', module: { path: '/m.so', env: { A: 'b' } }, token: 'T', pin_file: '/p', pin: { $secret: '1' } };
  const block = { kind: 'block', id: 'b', block: [task('tls_site', site)], rescue: [], always: [], position: { file: 'p.yml', line: 1, column: 1 } } as unknown as PlannedStep;
  expect(wantedSites([plan('web01', task('pkcs11_module', { path: '/m.so', read_only: false }), block)])).toEqual(new Map([
    ['web01', [{ name: 'shop.test', port: 443, engine: 'mod_ssl', module: '/m.so', moduleEnv: { A: 'b' }, token: 'T', pinFile: '/p', readOnly: false }]],
  ]));
});

test('what waits for the host, or may not be done at all, is not compared', () => {
  const deferred = { name: 'shop', server_name: 'shop.test', port: { $expression: 'p' }, token: { $template: '{{ t }}' }, module: { $expression: 'm' } };
  expect(wantedSites([plan('web01', task('tls_site', deferred))]).get('web01')).toEqual([{ name: 'shop.test' }]);
  for (const more of [{ when: ['x'] }, { loop: ['a'] }]) expect(wantedSites([plan('web01', task('tls_site', deferred, more))])).toEqual(new Map());
  expect(wantedSites([plan('web01', task('tls_site', { name: 'x', state: 'absent', server_name: 'x.test' }), task('copy', {}))])).toEqual(new Map());
});
