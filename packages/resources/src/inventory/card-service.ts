import type { CardServiceRow } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';
import { inspectPcscd, PCSCD_SOCKET } from '../pcsc_access/pcscd.ts';
import { renderAccess } from '../pcsc_access/polkit.ts';
import type { Access } from './access.ts';

const PID_FILE = '/run/pcscd/pcscd.pid';
/** Flags of a listening socket in /proc/net/unix (__SO_ACCEPTCON). */
const LISTENS = '00010000';

type Reach = Pick<CardServiceRow, 'reachable' | 'how' | 'reason'>;

/**
 * pcscd, and whether the web server's user reaches it. No card is touched: that user says hello and asks for nothing, and
 * only where pcscd runs already, since the first hello would start it and it would power up the cards.
 */
export async function describeCardService(host: ReadHost, user: string | null, access: Access): Promise<CardServiceRow> {
  const kind = await inspectPcscd(host);
  if (kind === 'absent') {
    return { installed: false, running: null, listening: null, asksPolkit: null, user, reachable: null, how: 'not_told', reason: 'pcscd is not installed' };
  }
  const running = await runs(host);
  const listening = await listens(host);
  return { installed: true, running, listening, asksPolkit: kind !== 'open', user, ...(await reach(host, { kind, running, listening, user }, access)) };
}

interface Seen {
  kind: 'open' | 'polkit' | 'polkit_missing';
  running: boolean;
  listening: boolean;
  user: string | null;
}

async function reach(host: ReadHost, { kind, running, listening, user }: Seen, access: Access): Promise<Reach> {
  const told = (reachable: boolean | null, how: CardServiceRow['how'], reason: string): Reach => ({ reachable, how, reason });
  if (!listening) return told(false, 'permissions', `nobody listens on ${PCSCD_SOCKET}`);
  if (user === null) return told(null, 'not_told', "the web server's user is not known");
  const connects = access(PCSCD_SOCKET);
  if (connects === false) return told(false, 'permissions', `${user} may not connect to ${PCSCD_SOCKET}`);
  const answer = running ? await host.askCardService(user) : 'unknown';
  if (answer === 'allowed') return told(true, 'asked', `pcscd answered ${user}`);
  if (answer === 'denied') return told(false, 'asked', `pcscd turned ${user} away${kind === 'open' ? '' : ': polkit does not allow it'}`);
  if (kind === 'open') return told(connects, connects === null ? 'not_told' : 'permissions', `${user} may connect, and pcscd asks nobody`);
  for (const { path, text } of [renderAccess('rules', user), renderAccess('pkla', user)]) {
    if ((await host.readText(path).catch(() => undefined)) === text) return told(true, 'permissions', `${path} allows it`);
  }
  return told(null, 'not_told', 'pcscd asks polkit, and whether that allows it shows only when pcscd runs');
}

async function runs(host: ReadHost): Promise<boolean> {
  const pid = Number.parseInt((await host.readText(PID_FILE, 64).catch(() => undefined)) ?? '', 10);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  return (await host.readText(`/proc/${String(pid)}/comm`).catch(() => undefined))?.trim() === 'pcscd';
}

async function listens(host: ReadHost): Promise<boolean> {
  const sockets = (await host.readText('/proc/net/unix').catch(() => undefined)) ?? '';
  return sockets.split('\n').some((line) => /(?:^|\s)(?:\/var)?\/run\/pcscd\/pcscd\.comm$/.test(line) && line.split(/\s+/)[3] === LISTENS);
}
