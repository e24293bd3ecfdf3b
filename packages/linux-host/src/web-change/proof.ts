import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { configRoot, discoverListens, discoverSites, readApacheConfig, readEnvvars, type ApacheConfig } from '@hsmfleet/httpd';
import type { CommandResult, Handshake, HandshakeTarget, ReadHost, TlsProof } from '@hsmfleet/resource';
import type { Baseline } from './journal.ts';
import { listeningPorts } from './listening-ports.ts';

/** Handshakes per proof: at least one for each child of a small server. */
const HANDSHAKES = 6;
/** How long a server that was just started may take to serve: its children log in to the token one by one. */
const SETTLE_MS = 10_000;
/** How long one that answers, but wrongly, is given: old children may still answer after a reload. */
const WRONG_MS = 2_000;
const POLL_MS = 100;
/** A start returns before the PID file is written. */
const APPEAR_MS = 3_000;
const LOG_BYTES = 64 * 1024;

/** The configuration as it is on the disk now. */
export async function readHostConfig(host: ReadHost): Promise<ApacheConfig> {
  const { apache } = host.facts;
  const envvars = apache.flavor === 'debian' ? await host.readText(`${apache.configDir}/envvars`) : undefined;
  return await readApacheConfig(host, configRoot(apache, readEnvvars(envvars ?? '')));
}

/** TLS sites and ports of a configuration as something to connect to. */
function targetsOf(config: ApacheConfig): Pick<Baseline, 'ports'> & { sites: HandshakeTarget[] } {
  return {
    sites: discoverSites(config).map((site) => ({
      port: site.port,
      serverName: site.name === '' ? 'localhost' : site.name,
      ...(isAnyAddress(site.address) ? {} : { address: site.address.replace(/^\[|\]$/g, '') }),
    })),
    ports: discoverListens(config).map(({ port, address }) => ({
      port,
      ...(address === undefined ? {} : { address: address.replace(/^\[|\]$/g, '') }),
    })),
  };
}

/** A name as address is left to the name service of the server: it cannot be taken for where to connect to. */
function isAnyAddress(address: string): boolean {
  return address === '*' || address === '0.0.0.0' || address === '[::]' || !/^[\d.]+$|^\[/.test(address);
}

/** Ports that the configuration is to listen on and that another program holds: known before the server is stopped for it. */
export async function foreignListeners(host: ReadHost): Promise<string[]> {
  const server = await host.serverProcess(host.facts.apache.pidFile);
  if (server === undefined) return [];
  const own = await listeningPorts(server.pid);
  const { ports } = targetsOf(await readHostConfig(host));
  const problems: string[] = [];
  for (const { port, address } of ports) {
    if (!own.has(port) && (await host.portOpen(port, address))) problems.push(`another program listens on port ${String(port)} already`);
  }
  return problems;
}

/** What serves now. One handshake for each TLS site: it costs a signature, nothing else. */
export async function takeBaseline(host: ReadHost, proofs: readonly TlsProof[]): Promise<Baseline> {
  const running = (await host.serverProcess(host.facts.apache.pidFile)) !== undefined;
  if (!running) return { running, sites: [], ports: [] };
  const { sites, ports } = targetsOf(await readHostConfig(host));
  const baseline: Baseline = { running, sites: [], ports: [] };
  for (const target of unique([...sites, ...proofs.map((proof) => proof.target)])) {
    const seen = await host.handshake(target);
    if (seen.ok) baseline.sites.push({ target, keyFingerprint: seen.keyFingerprint });
  }
  for (const entry of ports) if (await host.portOpen(entry.port, entry.address)) baseline.ports.push(entry);
  return baseline;
}

/**
 * Proves that the server serves: every proof, and everything that served before and is still configured.
 * @returns what is wrong, for people; empty when all is well
 */
export async function proveForward(host: ReadHost, proofs: readonly TlsProof[], baseline: Baseline): Promise<string[]> {
  const { sites, ports } = targetsOf(await readHostConfig(host));
  const proven = new Set(proofs.map(({ target }) => keyOf(target)));
  const kept = baseline.sites.filter(({ target }) => !proven.has(keyOf(target)) && sites.some((site) => keyOf(site) === keyOf(target)));
  // a server that was just started from nothing should listen wherever it is told to
  const open = !baseline.running ? ports : baseline.ports.filter((entry) => ports.some((port) => port.port === entry.port && port.address === entry.address));
  return await proveAll(host, [...proofs, ...kept.map(({ target }) => ({ target }))], open);
}

/** Proves that all serves as it did before, with the same keys. */
export async function proveBaseline(host: ReadHost, baseline: Baseline): Promise<string[]> {
  const proofs = baseline.sites.map(({ target, keyFingerprint }) => ({ target, ...(keyFingerprint === undefined ? {} : { keyFingerprint }) }));
  return await proveAll(host, proofs, baseline.ports);
}

async function proveAll(host: ReadHost, proofs: readonly TlsProof[], ports: Baseline['ports']): Promise<string[]> {
  const problems: string[] = [];
  const deadline = Date.now() + SETTLE_MS;
  for (const proof of proofs) {
    const problem = await proveSite(host, proof, deadline);
    if (problem !== undefined) problems.push(problem);
  }
  for (const { port, address } of ports) {
    while (!(await host.portOpen(port, address))) {
      if (Date.now() > deadline || !(await runs(host))) {
        problems.push(`port ${String(port)} does not accept connections any more`);
        break;
      }
      await sleep(POLL_MS);
    }
  }
  return problems;
}

/** Waits until the site serves for the first time, then wants every further handshake to be right. */
async function proveSite(host: ReadHost, proof: TlsProof, deadline: number): Promise<string | undefined> {
  const patience = Math.min(deadline, Date.now() + WRONG_MS);
  let seen = await host.handshake(proof.target);
  let first = wrong(seen, proof);
  while (first !== undefined && Date.now() < (isSilent(seen) ? deadline : patience) && (await runs(host))) {
    await sleep(POLL_MS);
    seen = await host.handshake(proof.target);
    first = wrong(seen, proof);
  }
  const where = `${proof.target.serverName}:${String(proof.target.port)}`;
  if (first !== undefined) return `${where} ${first}`;
  for (let count = 1; count < HANDSHAKES; count += 1) {
    const problem = wrong(await host.handshake(proof.target), proof);
    if (problem !== undefined) return `${where} ${problem} (handshake ${String(count + 1)} of ${String(HANDSHAKES)})`;
  }
  return undefined;
}

/** Nobody answers yet, as opposed to a wrong answer. */
function isSilent(seen: Handshake): boolean {
  return !seen.ok && /ECONNREFUSED|ECONNRESET|TIMEDOUT|time|hang up|disconnected/i.test(seen.problem ?? '');
}

function wrong(seen: Handshake, proof: TlsProof): string | undefined {
  if (!seen.ok) return `does not serve: ${seen.problem ?? 'no handshake'}`;
  if (proof.keyFingerprint !== undefined && seen.keyFingerprint !== proof.keyFingerprint) {
    return `serves another key (${short(seen.keyFingerprint)}) than the one in the token (${short(proof.keyFingerprint)})`;
  }
  if (proof.certificateSha256 !== undefined && seen.certificateSha256 !== proof.certificateSha256) {
    return `serves another certificate (${short(seen.certificateSha256)}) than the one in the token (${short(proof.certificateSha256)}), though for the same key`;
  }
  if (proof.target.path !== undefined && (seen.httpStatus === undefined || seen.httpStatus >= 500)) {
    return `answers ${proof.target.path} with ${seen.httpStatus === undefined ? 'no HTTP response' : `status ${String(seen.httpStatus)}`}`;
  }
  return undefined;
}

/** Waits until a start that claims to have worked shows a process. */
export async function awaitProcess(host: ReadHost, start: CommandResult): Promise<void> {
  const deadline = Date.now() + (start.code === 0 ? APPEAR_MS : 0);
  while (!(await runs(host)) && Date.now() < deadline) await sleep(POLL_MS);
}

async function runs(host: ReadHost): Promise<boolean> {
  return (await host.serverProcess(host.facts.apache.pidFile)) !== undefined;
}

function short(fingerprint: string | undefined): string {
  return fingerprint === undefined ? 'none' : `${fingerprint.slice(0, 16)}…`;
}

function keyOf(target: HandshakeTarget): string {
  return `${target.address ?? '127.0.0.1'} ${String(target.port)} ${target.serverName.toLowerCase()}`;
}

function unique(targets: readonly HandshakeTarget[]): HandshakeTarget[] {
  return [...new Map(targets.map((target) => [keyOf(target), target])).values()];
}

/** A place in the error log to read on from. */
export interface LogMark {
  /** What the server wrote since, at most the last 64 KiB. */
  read(): Promise<string>;
}

export async function markLog(path: string): Promise<LogMark> {
  const start = await sizeOf(path);
  return {
    async read() {
      const end = await sizeOf(path);
      // rotated meanwhile: all of it is new
      const from = Math.max(end < start ? 0 : start, end - LOG_BYTES);
      const file = await open(path, 'r').catch(() => undefined);
      if (file === undefined || end === from) {
        await file?.close();
        return '';
      }
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(end - from), 0, end - from, from);
        return buffer.subarray(0, bytesRead).toString();
      } finally {
        await file.close();
      }
    },
  };
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return 0;
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
