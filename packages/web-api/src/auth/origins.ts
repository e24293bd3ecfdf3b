import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { HsmfleetError } from '@hsmfleet/contract';

/** Is it an address that only this machine reaches? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Refuses to listen where it would not be safe: beyond this machine only with TLS.
 * @throws HsmfleetError USAGE
 */
export function assertSafeToListen(host: string, tls: boolean): void {
  if (isLoopback(host) || tls) return;
  throw new HsmfleetError('USAGE', `the server would listen on ${host} without TLS: tokens and answers could be read on the way`, {
    hint: 'give it a certificate and a key (tls: {cert, key}), or let it listen on 127.0.0.1 and put a proxy with TLS before it',
  });
}

/**
 * The origins under which browsers may reach the server: where it listens, the names in its certificate, and those given. All
 * other Host headers are refused, so that a page whose name is turned to this address (DNS rebinding) gets nothing.
 */
export class Origins {
  readonly #byHost = new Map<string, string>();
  readonly #main: string;

  constructor(listen: { host: string; port: number }, certificate: string | undefined, more: readonly string[]) {
    const scheme = certificate === undefined ? 'http' : 'https';
    const own = isLoopback(listen.host) ? ['localhost', '127.0.0.1', '::1', listen.host] : [listen.host];
    for (const name of new Set([...own, ...namesIn(certificate)])) {
      this.#add(`${scheme}://${isIP(name) === 6 ? `[${name}]` : name}:${String(listen.port)}`);
    }
    for (const origin of more) this.#add(origin);
    this.#main = more[0] ?? this.#byHost.values().next().value ?? '';
  }

  #add(origin: string): void {
    const url = URL.parse(origin);
    if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
      throw new HsmfleetError('USAGE', `"${origin}" is not an origin`, { hint: 'for example https://fleet.example.org' });
    }
    this.#byHost.set(url.host, url.origin);
  }

  /** The address to show to people: a given one, or where it listens. */
  get main(): string {
    return this.#main;
  }

  /** The origin that a Host header stands for; undefined when it is none of this server. */
  of(hostHeader: string | undefined): string | undefined {
    if (hostHeader === undefined || !/^[A-Za-z0-9.:[\]-]{1,255}$/.test(hostHeader)) return undefined;
    const host = hostHeader.toLowerCase();
    return this.#byHost.get(host) ?? this.#byHost.get(host.replace(/:(80|443)$/, ''));
  }
}

/** DNS names and addresses of a certificate, wildcards left out. */
function namesIn(certificate: string | undefined): string[] {
  if (certificate === undefined) return [];
  const names = new X509Certificate(certificate).subjectAltName ?? '';
  return names.split(', ').flatMap((name) => {
    const value = /^(?:DNS|IP Address):([A-Za-z0-9.:-]+)$/.exec(name)?.[1];
    return value === undefined ? [] : [value.toLowerCase()];
  });
}
