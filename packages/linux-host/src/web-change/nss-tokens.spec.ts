import type { ReadHost } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { checkNssTokens } from './nss-tokens.ts';

/* The host is a stand-in of two files and one module with two tokens: no machine has two cards to lock. */
const site = { name: 'web', aliases: [], address: '*', port: 443, engine: 'mod_nss' as const, config: '/c', key: 'Web:web', database: 'sql:/nss', pinFile: '/pin' };
const token = (label: string, loginRequired = true) => ({ label, loginRequired });

function hostWith(pinFile: string, tokens: object[], pkcs11Txt = 'library=/usr/lib/m.so\nname=hsm\n'): ReadHost {
  const files: Record<string, string> = { '/pin': pinFile, '/nss/pkcs11.txt': pkcs11Txt, '/etc/apache2/envvars': 'export PKCS11_X=1\nexport OTHER=2\n' };
  return {
    facts: { apache: { flavor: 'debian', configDir: '/etc/apache2' } },
    readText: (path: string) => Promise.resolve(files[path]),
    pkcs11: { observe: () => Promise.resolve({ tokens, error: null }) },
  } as unknown as ReadHost;
}

async function checked(host: ReadHost): Promise<string[]> {
  const asked: string[] = [];
  await checkNssTokens([site], [], { ensure: (pin) => { asked.push(`${pin.tokenLabel} ${JSON.stringify(pin.module)}`); return Promise.resolve(); } }, host);
  return asked;
}

test('every token that needs a login is proven, with the variables that libraries read', async () => {
  const module = '{"path":"/usr/lib/m.so","env":{"PKCS11_X":"1"}}';
  expect(await checked(hostWith('Web:648219\nSpare:135790\n', [token('Web'), token('Spare'), token('open', false), token('')]))).toEqual([`Web ${module}`, `Spare ${module}`]);
});

test('a second token without a line stops the start: it would get six logins with garbage', async () => {
  await expect(checked(hostWith('Web:648219\n', [token('Web'), token('Spare')]))).rejects.toMatchObject({ code: 'PIN_UNPROVEN', message: expect.stringContaining('"Spare"') as string });
});

test('a line that is taken for another token by its beginning stops it as well', async () => {
  await expect(checked(hostWith('Web-HSM:648219\n', [token('Web'), token('Web-HSM')]))).rejects.toMatchObject({ code: 'PIN_UNPROVEN' });
});

test('disabled and internal modules are not asked', async () => {
  expect(await checked(hostWith('', [token('Web')], 'library=\nname=NSS\nNSS=Flags=internal,critical\n\nlibrary=/usr/lib/m.so\nname=hsm\nNSS=slotParams={0x00000001=[slotFlags=Disable ]}\n'))).toEqual([]);
});
