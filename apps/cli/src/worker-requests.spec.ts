import { expect, test } from 'vitest';
import type { PlaybookRequest } from './execute-playbook.ts';
import { INVENTORY_PLAY } from './collect-inventory.ts';
import { batchRequest, playbookRequest } from './worker-requests.ts';

const PROJECT = '/srv/fleet';
const REQUEST: PlaybookRequest = {
  playbook: '/srv/fleet/playbooks/site.yml', check: true, diff: false, limit: 'web*', tags: ['site'],
  fleet: { hosts: ['/srv/fleet/hosts.yml', 'a,b'], forks: '8', become: true, user: 'ops', extraVars: ['a=1', '@/srv/fleet/vars.yml'], vaultPasswordFile: ['/root/vault'] },
  vars: { hsmfleet_modules: ['/usr/lib/x.so'] },
  custody: { manifest: ['/srv/fleet/manifests'], manifestKey: ['/srv/fleet/operator.pub'] },
};

test('a request arrives at a worker as it was, with the paths of the worker, and with its own vault passwords and forks', () => {
  const travelled = JSON.parse(JSON.stringify(batchRequest(REQUEST, PROJECT, 'anna@desk'))) as ReturnType<typeof batchRequest>;
  expect(playbookRequest(travelled, '/home/w/copy', { forks: '64', vaultPasswordFile: ['/etc/vault'] })).toEqual({
    playbook: '/home/w/copy/playbooks/site.yml', check: true, diff: false, limit: 'web*', tags: ['site'], skipTags: undefined,
    fleet: { hosts: ['/home/w/copy/hosts.yml', 'a,b'], forks: '64', become: true, user: 'ops', extraVars: ['a=1', '@/home/w/copy/vars.yml'], vaultPasswordFile: ['/etc/vault'] },
    vars: { hsmfleet_modules: ['/usr/lib/x.so'] },
    custody: { manifest: ['/home/w/copy/manifests'], manifestKey: ['/home/w/copy/operator.pub'] },
  });
  expect(JSON.stringify(travelled)).not.toContain('vault');
});

test('a play that comes with the program is the one of the worker’s program', () => {
  const travelled = batchRequest({ ...REQUEST, playbook: INVENTORY_PLAY }, PROJECT, 'anna@desk');
  expect(travelled).toMatchObject({ playbook: 'inventory.yml', shipped: true });
  expect(playbookRequest(travelled, '/copy', { forks: '1' }).playbook).toBe(INVENTORY_PLAY);
});

test.each([
  [{ playbook: '/srv/other.yml' }, 'the playbook /srv/other.yml lies outside of the project folder /srv/fleet'],
  [{ fleet: { ...REQUEST.fleet, hosts: ['/etc/hosts.yml'] } }, 'the hosts file /etc/hosts.yml lies outside'],
  [{ fleet: { ...REQUEST.fleet, extraVars: ['@/root/secret.yml'] } }, 'the file of -e /root/secret.yml lies outside'],
  [{ custody: { manifest: ['/m'], manifestKey: [] } }, 'the manifest /m lies outside'],
  [{ fleet: { ...REQUEST.fleet, askBecomePass: true as const } }, 'workers cannot be given the password of sudo'],
  [{ limit: '@hosts.txt' }, 'workers cannot be given a limit from a file'],
])('refuses what a worker does not have: %#', (changed, message) => {
  expect(() => batchRequest({ ...REQUEST, ...changed }, PROJECT, 'anna@desk')).toThrow(message);
});
