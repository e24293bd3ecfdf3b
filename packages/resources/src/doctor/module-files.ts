import type { ModuleEvidence } from '@hsmfleet/contract';
import { formatMode, type ReadHost } from '@hsmfleet/resource';
import { askAccess } from '../inventory/access.ts';

/** Processor types of ELF files (e_machine), by what the system calls the machine. */
const MACHINES: Readonly<Record<string, number>> = { x86_64: 62, aarch64: 183, i686: 3, armv7l: 40, ppc64le: 21, s390x: 22, riscv64: 243 };
const SOFTHSM_CONF = '/etc/softhsm/softhsm2.conf';

/**
 * Libraries as files: nothing is loaded.
 * @param env variables that the web server gives them
 * @param user the web server's user; null when there is none
 */
export async function lookAtModules(host: ReadHost, paths: readonly string[], env: Readonly<Record<string, string>>, user: string | null): Promise<ModuleEvidence[]> {
  const found = await Promise.all([...new Set(paths)].map((path) => lookAtFile(host, path, env)));
  const access = await askAccess(host, user, found.flatMap(({ kind, path, placeThere, place }) => [...(kind === null ? [] : [path]), ...(placeThere === true && place !== null ? [place] : [])]));
  return found.map((row) => ({
    ...row,
    serverReadable: row.kind === null ? null : access(row.path),
    placeOpen: row.placeThere === true && row.place !== null ? access(row.place) : null,
  }));
}

async function lookAtFile(host: ReadHost, path: string, env: Readonly<Record<string, string>>): Promise<ModuleEvidence> {
  const stat = await host.stat(path).catch(() => undefined);
  const bytes = stat?.kind === 'file' ? await host.readFile(path, 64 * 1024 * 1024).catch(() => undefined) : undefined;
  const elf = bytes === undefined ? null : isElf(bytes);
  const speaksTo = whatItSpeaksTo(path, bytes);
  return {
    path,
    kind: stat === undefined ? null : stat.kind === 'file' || stat.kind === 'directory' ? stat.kind : 'other',
    elf,
    fitsMachine: bytes === undefined || elf !== true ? null : fits(bytes, host.facts.architecture),
    mode: stat === undefined ? null : formatMode(stat.mode),
    owner: stat?.owner ?? null,
    serverReadable: null,
    speaksTo,
    ...(await placeOf(host, speaksTo, env)),
    placeOpen: null,
  };
}

function isElf(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
}

function fits(bytes: Buffer, architecture: string): boolean | null {
  const wanted = MACHINES[architecture];
  return wanted === undefined || bytes.length < 20 ? null : bytes.readUInt16LE(18) === wanted;
}

/** By its name, or by the library that it is linked to: a missing file still has a name. */
function whatItSpeaksTo(path: string, bytes: Buffer | undefined): ModuleEvidence['speaksTo'] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^p11-kit-(?:client|proxy)/.test(name)) return 'p11-kit';
  if (/softhsm/.test(name)) return 'softhsm';
  return /opensc|sc-hsm/.test(name) || bytes?.includes('libpcsclite') === true ? 'pcscd' : 'unknown';
}

async function placeOf(host: ReadHost, speaksTo: ModuleEvidence['speaksTo'], env: Readonly<Record<string, string>>): Promise<Pick<ModuleEvidence, 'place' | 'placeThere'>> {
  if (speaksTo === 'p11-kit') {
    const socket = /^unix:path=([^;,]+)/.exec(env['P11_KIT_SERVER_ADDRESS'] ?? '')?.[1];
    return socket === undefined ? { place: null, placeThere: null } : { place: socket, placeThere: await host.socketOpen(socket) };
  }
  if (speaksTo === 'softhsm') {
    const text = (await host.readText(env['SOFTHSM2_CONF'] ?? SOFTHSM_CONF).catch(() => undefined)) ?? '';
    const folder = /^\s*directories\.tokendir\s*=\s*(\S+)/m.exec(text)?.[1];
    return folder === undefined ? { place: null, placeThere: null } : { place: folder, placeThere: (await host.stat(folder).catch(() => undefined))?.kind === 'directory' };
  }
  return { place: null, placeThere: null };
}
