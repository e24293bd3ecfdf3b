import type { ApacheLayout, ModuleRow, Secret } from '@hsmfleet/contract';
import { Secret as SecretValue } from '@hsmfleet/contract';
import {
  checkPinFile, configRoot, detectModNss, discoverListens, discoverSites, MANAGED_LINE, pinFor, readApacheConfig, readEnvvars, sitePaths,
  type ApacheConfig, type DiscoveredListen, type ModNss, type OpensslBridge, type SitePaths,
} from '@hsmfleet/httpd';
import type { FileStat, Handshake, PendingWebChange, ReadHost } from '@hsmfleet/resource';
import { readDebianModules, type DebianModuleFiles } from '../apache_module/debian.ts';
import { proveCustody } from '../prove-custody.ts';
import type { TlsSiteParams } from './schema.ts';

export type Engine = 'mod_nss' | 'mod_ssl';

/** What `inspect` read for a site. */
export interface Facts {
  apache: ApacheLayout;
  engine: Engine;
  /** Texts of the files that the site consists of, by path; null where there is none. */
  texts: Record<string, string | null>;
  /** Where the enabling link points (Debian); null when there is none. */
  linkTarget: string | null;
  /** `Listen` lines outside the site's own file. */
  listens: DiscoveredListen[];
  /** Module identifiers that the configuration loads. */
  loaded: string[];
  /** Debian's module folders, when the engine's module is not enabled; null elsewhere. */
  debianModules: DebianModuleFiles | null;
  /** Other sites that hsmfleet wrote for a token: what all share must stay for them. */
  otherSites: string[];
  module: Pick<ModuleRow, 'path' | 'tokens' | 'error'> | null;
  pin: PinFacts;
  chain: string | null;
  /** mod_ssl: how OpenSSL reaches PKCS#11 here; null when neither way is installed. */
  bridge: { kind: OpensslBridge; cryptoDevice: boolean; provider: string | null } | null;
  nss: NssFacts | null;
  server: { running: boolean; startedAtMs: number | null };
  /** Files that the server read at its start and that are newer than it. */
  staleFiles: string[];
  pending: PendingWebChange | null;
  /** One handshake with the site; null when the server does not run. */
  served: Handshake | null;
}

export interface PinFacts {
  /** Path in use: pin_file, or the site's own. */
  file: string;
  /** What the file would give to the engine for this token; null when there is no file, or no PIN in it. */
  found: Secret | null;
  /** What is wrong with the file, for people. */
  problems: string[];
}

export interface NssFacts {
  module: ModNss;
  /** nss_pcache; null when it is not found. */
  helper: string | null;
  databaseFound: boolean;
  /** What the server's user cannot read, for people. */
  unreadable: string[];
}

/** Start times of processes are derived from the machine's start in whole seconds: differences below this say nothing. */
const CLOCK_SLACK = 2_000;
const HELPERS = ['/usr/sbin/nss_pcache', '/usr/libexec/nss_pcache', '/usr/local/bin/nss_pcache', '/usr/bin/nss_pcache'];
const LIB_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];

/** Reads everything that planning needs. The token is read once, by the careful child (field notes 0b). */
export async function inspectSite(host: ReadHost, params: TlsSiteParams): Promise<Facts> {
  const { apache } = host.facts;
  const paths = sitePaths(apache, params.name);
  const envvars = apache.flavor === 'debian' ? await host.readText(`${apache.configDir}/envvars`) : undefined;
  const config = await readApacheConfig(host, configRoot(apache, readEnvvars(envvars ?? '')));
  const engine = await chooseEngine(host, params, config);
  const module = params.module === undefined || params.state === 'absent' ? null : await host.pkcs11.observe(params.module);
  if (module !== null) await proveCustody(host, module, params.token);
  const pin = await readPin(host, params, paths, engine, module);
  const process = await host.serverProcess(apache.pidFile);
  const nss = engine === 'mod_nss' ? await inspectNss(host, params, config, pin.file) : null;
  const link = paths.link === undefined ? undefined : await host.lstat(paths.link.path);
  const readFiles = [paths.config, paths.environment, pin.file, ...(engine === 'mod_nss' ? [`${params.nss_database ?? ''}/pkcs11.txt`] : [paths.openssl, paths.certificate])];
  return {
    apache,
    engine,
    texts: await readTexts(host, [paths.config, paths.certificate, paths.openssl, paths.environment, ...(paths.include === undefined ? [] : [paths.include.file])]),
    linkTarget: link?.target ?? null,
    listens: discoverListens(config).filter((listen) => listen.config !== paths.config && listen.config !== paths.link?.path),
    loaded: [...config.modules.keys()],
    debianModules: apache.flavor === 'debian' && !config.modules.has(engine === 'mod_nss' ? 'nss_module' : 'ssl_module') ? await readDebianModules(host) : null,
    otherSites: otherSites(config, paths),
    module: module === null ? null : { path: module.path, tokens: module.tokens, error: module.error },
    pin,
    chain: params.chain === undefined ? null : ((await host.readText(params.chain)) ?? null),
    bridge: engine === 'mod_ssl' ? await findBridge(host) : null,
    nss,
    server: { running: process !== undefined, startedAtMs: process?.startedAtMs ?? null },
    staleFiles: process === undefined ? [] : await newerThan(host, process.startedAtMs, readFiles),
    pending: (await host.pendingWebChange()) ?? null,
    served: process === undefined || params.server_name === undefined ? null : await host.handshake(handshakeTarget(params)),
  };
}

/** Where the site is to be reached on the host itself. */
export function handshakeTarget(params: TlsSiteParams): { port: number; serverName: string; address?: string } {
  const { address } = params;
  const own = address !== undefined && address !== '*' && address !== '0.0.0.0' && address !== '::';
  return { port: params.port ?? 443, serverName: params.server_name ?? '', ...(own ? { address } : {}) };
}

async function chooseEngine(host: ReadHost, params: TlsSiteParams, config: ApacheConfig): Promise<Engine> {
  if (params.engine === 'mod_nss' || params.engine === 'mod_ssl') return params.engine;
  if (config.modules.has('nss_module')) return 'mod_nss';
  return (await host.stat(`${host.facts.apache.modulesDir}/libmodnss.so`)) === undefined ? 'mod_ssl' : 'mod_nss';
}

async function readPin(host: ReadHost, params: TlsSiteParams, paths: SitePaths, engine: Engine, module: ModuleRow | null): Promise<PinFacts> {
  const file = params.pin_file ?? paths.pin;
  const text = await host.readText(file, 65_536);
  if (text === undefined) return { file, found: null, problems: [] };
  if (engine === 'mod_ssl') {
    return { file, found: text === '' ? null : new SecretValue(text, file), problems: [] };
  }
  const token = params.token ?? module?.tokens.find(({ label }) => label !== '')?.label ?? '';
  // mod_nss logs in to every token that is present, used or not
  const asked = module?.tokens.filter((row) => row.loginRequired && row.label !== '').map((row) => row.label) ?? [];
  return { file, found: pinFor(text, token) ?? null, problems: checkPinFile(text, asked).map((problem) => `${file}: token "${problem.token}": ${problem.message}`) };
}

async function readTexts(host: ReadHost, paths: readonly string[]): Promise<Record<string, string | null>> {
  const texts: Record<string, string | null> = {};
  for (const path of paths) texts[path] = (await host.readText(path)) ?? null;
  return texts;
}

function otherSites(config: ApacheConfig, paths: SitePaths): string[] {
  const managed = new Set(config.files.filter(({ text }) => text.startsWith(MANAGED_LINE)).map(({ path }) => path));
  const own = [paths.config, paths.link?.path];
  return [...new Set(discoverSites(config).filter((site) => managed.has(site.config) && !own.includes(site.config)).map((site) => site.config))];
}

/** libp11's engine is preferred where both are there: mod_ssl takes it first all the same. */
async function findBridge(host: ReadHost): Promise<Facts['bridge']> {
  // engines-3 is OpenSSL 3, where SSLCryptoDevice makes Apache crash with RSA keys; older ones cannot do without it
  for (const [folder, cryptoDevice] of [['engines-3', false], ['engines-1.1', true], ['openssl/engines', true]] as const) {
    for (const lib of LIB_FOLDERS) {
      for (const name of ['pkcs11.so', 'libpkcs11.so']) {
        if ((await host.stat(`${lib}/${folder}/${name}`)) !== undefined) return { kind: 'engine', cryptoDevice, provider: null };
      }
    }
  }
  for (const lib of LIB_FOLDERS) {
    const provider = `${lib}/ossl-modules/pkcs11.so`;
    if ((await host.stat(provider)) !== undefined) return { kind: 'provider', cryptoDevice: false, provider };
  }
  return null;
}

async function inspectNss(host: ReadHost, params: TlsSiteParams, config: ApacheConfig, pinFile: string): Promise<NssFacts> {
  const { apache } = host.facts;
  const library = config.modules.get('nss_module') ?? `${apache.modulesDir}/libmodnss.so`;
  const binary = await host.readFile(library, 32 * 1024 * 1024);
  let helper: string | null = null;
  for (const path of params.helper === undefined ? HELPERS : [params.helper]) {
    if (helper === null && (await host.stat(path)) !== undefined) helper = path;
  }
  const database = params.nss_database ?? '';
  const files = ['cert9.db', 'key4.db', 'pkcs11.txt'].map((name) => `${database}/${name}`);
  const reader = { uid: await host.userId(apache.user), gid: await host.groupId(apache.group) };
  const unreadable: string[] = [];
  for (const path of [...files, pinFile]) if (!(await canRead(host, path, reader))) unreadable.push(path);
  const found = (await host.stat(files[0] ?? '')) !== undefined && (await host.stat(files[1] ?? '')) !== undefined;
  return { module: detectModNss(binary), helper, databaseFound: found, unreadable: found ? unreadable : [] };
}

interface Reader {
  uid: number | undefined;
  gid: number | undefined;
}

/** Children of mod_nss open these as the server's user, and die when they cannot (field notes 1.7). */
async function canRead(host: ReadHost, path: string, reader: Reader): Promise<boolean> {
  const stat = await host.stat(path);
  if (stat === undefined) return true; // missing is another complaint
  if (!allows(stat, reader, 4)) return false;
  const parts = path.split('/').slice(1, -1);
  for (let count = parts.length; count > 0; count -= 1) {
    const folder = await host.stat(`/${parts.slice(0, count).join('/')}`);
    if (folder !== undefined && !allows(folder, reader, 1)) return false;
  }
  return true;
}

function allows(stat: FileStat, reader: Reader, bit: 1 | 4): boolean {
  if (stat.uid === reader.uid) return (stat.mode & (bit << 6)) !== 0;
  if (stat.gid === reader.gid) return (stat.mode & (bit << 3)) !== 0;
  return (stat.mode & bit) !== 0;
}

async function newerThan(host: ReadHost, startedAtMs: number, paths: readonly string[]): Promise<string[]> {
  const newer: string[] = [];
  for (const path of paths) {
    const stat = await host.stat(path);
    // a time in the future would ask for a restart at every run
    if (stat !== undefined && stat.mtimeMs > startedAtMs + CLOCK_SLACK && stat.mtimeMs <= host.now()) newer.push(path);
  }
  return newer;
}
