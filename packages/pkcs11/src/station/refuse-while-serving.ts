import { readFile, readdir, readlink, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';

const WEB_SERVERS = /^(?:apache2|httpd|nginx)$/;
/** Libraries through which a web server may hold a token, by the one way or another. */
const TOKEN_LIBRARIES = /\/[^\n]*(?:pkcs11|p11-kit-client|softhsm)[^/\n]*\.so/g;
/** A token in software has a login for each process, p11-kit keeps its own, and engines are not the module. */
const SOFTWARE = /softhsm|p11-kit|\/engines|ossl-modules/;

/**
 * The state of a login lives in the card: logging out, or saying good-bye to the module, takes it from a web server on this
 * machine that uses the same card, by whatever module (field notes 0b).
 * @param tokens `hardware`: what software keeps is safe; `any`: it is not even to be slowed down
 * @param proc for tests: a server that holds a card cannot be had there
 * @throws HsmfleetError HOST_BUSY
 */
export async function refuseWhileServing(module: string, tokens: 'hardware' | 'any', proc = '/proc'): Promise<void> {
  const real = await realpath(module).catch(() => module);
  const counts = (library: string): boolean => tokens === 'any' || !SOFTWARE.test(library);
  if (!counts(real)) return;
  for (const pid of (await readdir(proc)).filter((name) => /^\d+$/.test(name))) {
    const program = basename(await readlink(join(proc, pid, 'exe')).catch(() => ''));
    if (!WEB_SERVERS.test(program)) continue;
    const maps = await readFile(join(proc, pid, 'maps'), 'utf8').catch(() => '');
    const library = maps.includes(real) ? real : (maps.match(TOKEN_LIBRARIES) ?? []).find(counts);
    if (library !== undefined) {
      throw new HsmfleetError('HOST_BUSY', `the web server ${program} (process ${pid}) uses ${library}: a login here would take its token away`, {
        hint: 'stop the web server first, or use a machine that serves nothing as the station',
      });
    }
  }
}
