import type { ErrorShape } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import type { BootstrapEvidence } from './judge-bootstrap.ts';
import { judgeReach, sudoersLine, type ReachEvidence } from './judge-reach.ts';
import { diagnosisOf, doctorExitCode, walk } from './walk.ts';

const SEEN: ReachEvidence = { host: 'web01', connection: 'ssh', address: 'web01.test', port: 22, user: 'deploy', becomes: 'root', resolved: { ok: true, addresses: ['10.0.0.1'] } };
const PLACE: BootstrapEvidence = {
  state: '/var/lib/hsmfleet', stateKind: 'directory', writable: true, freeKb: 900_000, mountPoint: '/', mountOptions: ['rw'], agent: 'whole', nodes: [{ path: '/usr/bin/node', says: 'v20.1.0', code: 0 }], machine: 'x86_64',
};
const failed = (code: string, more: Partial<ErrorShape> = {}): ReachEvidence => ({ ...SEEN, error: { code, message: `it said ${code}`, ...more } });
const agentAt = (place: Partial<BootstrapEvidence>): ReachEvidence => ({ ...failed('AGENT'), bootstrap: { ...PLACE, ...place } });

test('a host that answered holds up to the runtime', () => {
  const links = walk(judgeReach({ ...SEEN, agent: { version: '0.1.0', node: '20.1.0', uploaded: ['agent'] } })).slice(0, 7);
  expect(links.map(({ status }) => status)).toEqual(Array(7).fill('ok'));
  expect(links[5]?.evidence).toBe('the agent 0.1.0 answers (sent just now: agent)');
});

test.each<[string, ReachEvidence, string, RegExp]>([
  ['an unknown name', { ...failed('UNREACHABLE'), resolved: { ok: false, problem: 'ENOTFOUND' } }, 'name', /getent hosts web01\.test/],
  ['an unknown name that the system\'s ssh tells of', { ...failed('UNREACHABLE', { message: 'ssh: Could not resolve hostname x' }), resolved: undefined }, 'name', /ansible_host/],
  ['a closed port', failed('UNREACHABLE', { message: 'connect ECONNREFUSED' }), 'ssh-port', /sshd/],
  ['a connection that is lost', failed('CONNECTION_LOST'), 'ssh-port', /sshd/],
  ['an unknown host key', failed('HOST_KEY_UNKNOWN'), 'host-key', /hsmfleet hosts accept web01/],
  ['a host key that changed', failed('HOST_KEY_CHANGED', { hint: 'ask its owner' }), 'host-key', /ask its owner/],
  ['a refused login', failed('AUTHENTICATION'), 'login', /ssh-copy-id -p 22 deploy@web01\.test/],
  ['a key file that is closed', failed('KEY_UNREADABLE', { hint: 'chmod it' }), 'login', /chmod it/],
  ['sudo that refuses', failed('SUDO', { hint: 'give -K' }), 'sudo', /give -K.*hosts sudoers deploy.*deploy ALL=\(root\) NOPASSWD: ALL/],
  ['a host that is busy', failed('HOST_BUSY'), 'agent', /wait until/],
  ['a file in the agent\'s place', agentAt({ stateKind: 'other' }), 'agent', /mv \/var\/lib\/hsmfleet/],
  ['a file system that is read-only', agentAt({ writable: false, mountOptions: ['ro'] }), 'agent', /remount,rw \//],
  ['a full disk', agentAt({ freeKb: 5_000, agent: 'missing' }), 'agent', /make room/],
  ['an agent that was changed', agentAt({ agent: 'damaged' }), 'agent', /rm -rf \/var\/lib\/hsmfleet\/agent/],
  ['a Node that is too old, on noexec', agentAt({ nodes: [{ path: '/usr/bin/node', says: 'v18.1.0', code: 0 }], mountPoint: '/var', mountOptions: ['noexec'] }), 'runtime', /remount,exec \/var/],
  ['no Node, and none for the machine', agentAt({ nodes: [], machine: 'riscv64' }), 'runtime', /apt-get install nodejs/],
  ['a runtime that does not run', agentAt({ nodes: [{ path: '/var/lib/hsmfleet/runtime/24/node', says: 'Exec format error', code: 126 }] }), 'runtime', /rm -rf \/var\/lib\/hsmfleet\/runtime/],
  ['an agent that ends for a reason of its own', agentAt({}), 'agent', /look into/],
  ['an agent that ends, and nothing more is known', failed('AGENT', { hint: 'does Node run there?' }), 'agent', /does Node run there/],
])('%s breaks its link', (_what, seen, link, fix) => {
  const links = walk(judgeReach(seen));
  const broken = links.find(({ status }) => status === 'broken');
  expect(broken?.link).toBe(link);
  expect(`${broken?.fix?.text ?? ''} ${broken?.fix?.command ?? ''}`).toMatch(fix);
  expect(links.slice(links.findIndex((each) => each.link === link) + 1).every(({ status }) => status === 'not_looked_at')).toBe(true);
});

test('this machine needs no SSH, and who works as itself no sudo', () => {
  const statuses = (seen: ReachEvidence): string[] => walk(judgeReach({ ...seen, agent: { version: '1', node: '24.0.0', uploaded: [] } })).slice(0, 5).map(({ status }) => status);
  expect(statuses({ ...SEEN, connection: 'local' })).toEqual(['not_applicable', 'not_applicable', 'not_applicable', 'not_applicable', 'ok']);
  expect(statuses({ ...SEEN, user: 'root' })).toEqual(['ok', 'ok', 'ok', 'ok', 'not_applicable']);
});

test('a page of what a program said becomes a line', () => {
  const seen = agentAt({ agent: 'damaged' });
  const long = { ...seen, error: { code: 'AGENT', message: `first line\n${'stack\n'.repeat(50)}` } };
  expect(walk(judgeReach(long)).find(({ status }) => status === 'broken')?.evidence).toBe('the agent in /var/lib/hsmfleet is not as it was sent: first line');
});

test('the exit code tells broken from unreachable', () => {
  const verdict = (seen: ReachEvidence): ReturnType<typeof diagnosisOf> => diagnosisOf('h', walk(judgeReach(seen)), []);
  expect(verdict(failed('AUTHENTICATION'))).toMatchObject({ verdict: 'unreachable', broken: 'login' });
  expect(verdict(failed('SUDO'))).toMatchObject({ verdict: 'broken', broken: 'sudo' });
  expect([[], ['healthy'], ['broken', 'healthy'], ['unreachable'], ['unreachable', 'broken']].map((verdicts) => doctorExitCode(verdicts.map((each) => ({ verdict: each as 'healthy' }))))).toEqual([0, 0, 2, 4, 6]);
  expect(doctorExitCode([], [{ status: 'broken' }])).toBe(2);
});

test('the line of sudoers names both users', () => {
  expect(sudoersLine('deploy', 'root')).toBe('deploy ALL=(root) NOPASSWD: ALL');
});
