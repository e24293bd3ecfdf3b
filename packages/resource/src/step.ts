import type { BenchmarkPoint, Secret, SiegePoint } from '@hsmfleet/contract';
import type { HandshakeTarget, ModuleTarget } from './host.ts';

/** Owner and mode of a path. Names or numbers as text; absent means "leave as it is" (or the default when created). */
export interface Attributes {
  /** Permission bits, for example 0o640. */
  mode?: number;
  owner?: string;
  group?: string;
}

/** Bytes to write. `secret` marks contents that no diff, journal or message may show. */
export type Content =
  | { from: 'blob'; sha256: string }
  | { from: 'text'; text: string }
  /** With `encoding` the text stands for bytes. */
  | { from: 'secret'; text: Secret; encoding?: 'base64' };

export interface WriteFile extends Attributes {
  kind: 'write_file';
  path: string;
  content: Content;
}
export interface MakeDirectory extends Attributes {
  kind: 'make_directory';
  path: string;
}
export interface SetAttributes extends Attributes {
  kind: 'set_attributes';
  path: string;
  recursive?: boolean;
  /** Change the link itself, not what it points at. */
  noFollow?: boolean;
}
export interface MakeLink {
  kind: 'make_link';
  path: string;
  target: string;
  /** Replace a file or an empty directory that is in the way. */
  force?: boolean;
}
export interface Remove {
  kind: 'remove';
  path: string;
}

/** Runs a program. argv only: there is no shell anywhere. */
export interface RunProgram {
  kind: 'run';
  argv: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string | Secret;
  /** Milliseconds, 600 000 by default. */
  timeoutMs?: number;
  maxOutput?: number;
  user?: string;
  /** Exit codes that are no failure; [0] by default. */
  okCodes?: readonly number[];
  /** What the change is, for people: "add module hsm to sql:/etc/nss". */
  why: string;
  /** Hold this lock file (flock) meanwhile. */
  lock?: string;
  /** Files whose owner, group and mode are put back as they were when the program is done. */
  keepAttributes?: readonly string[];
  /** Secrets written to files (0600, root-only directory in RAM where there is one) whose paths replace `{name}` in argv; removed afterwards. */
  secretFiles?: Record<string, Secret>;
}

export interface ServiceAction {
  kind: 'service';
  unit: string;
  action: 'start' | 'stop' | 'restart' | 'reload' | 'enable' | 'disable';
}

/**
 * Proves a PIN on one token: reads the flags first, asks the run's PIN authority, then logs in once. Recorded in the
 * ledger when right; a wrong PIN is never tried again by anything in this run.
 */
export interface ProvePin {
  kind: 'prove_pin';
  module: ModuleTarget;
  tokenLabel: string;
  tokenSerial?: string;
  pin: Secret;
  /** Log in although wrong PINs were tried before (COUNT_LOW, FINAL_TRY). A locked token is refused all the same. */
  allowLowCount?: boolean;
  /** Believe a login of this run only, not what earlier runs proved: the PIN may have been changed on the token since. */
  fresh?: boolean;
}

/** What must serve after a change of the web server, and from which key. */
export interface TlsProof {
  target: HandshakeTarget;
  /** Hex SHA-256 of the SubjectPublicKeyInfo that must be served; absent: any, it just has to serve. */
  keyFingerprint?: string;
  /** Hex SHA-256 of the certificate that must be served: a renewed one may be for the same key. */
  certificateSha256?: string;
}

/**
 * A change of the web server as one transaction: snapshot of every path touched, changes, configtest, then
 * - `pending`: stop there; a later web change of the run, or the end of the play, restarts and proves;
 * - `reload` / `restart`: apply now (a full stop and start for `restart`) and prove.
 * Any failure puts back every path changed since the server last served, restarts, and proves again.
 */
export interface WebChange {
  kind: 'web_change';
  changes: readonly (WriteFile | MakeDirectory | SetAttributes | MakeLink | Remove | RunProgram)[];
  apply: 'pending-reload' | 'pending-restart' | 'reload' | 'restart';
  /** Start the server when it does not run. */
  start: boolean;
  proofs: readonly TlsProof[];
  /** PIN files the server will read: none may hold a PIN that is not proven. */
  pins: readonly { file: string; module: ModuleTarget; tokenLabel: string; pin: Secret; allowLowCount?: boolean }[];
  /** What the change is, for people. */
  why: string;
  /** Done also when a step before it failed: puts back what must not stay, whatever happens. */
  always?: boolean;
}

/** One point of load. */
export interface LoadPoint {
  /** `siege` makes full handshakes only; our own client makes full and resumed ones. */
  tool: 'siege' | 'hsmfleet';
  resumption: 'full' | 'resumed';
  /** Users at the same time. */
  concurrency: number;
}

/**
 * Measures one site under load, point after point. Changes nothing: a hung point is ended at its deadline and told as hung,
 * and the server is never restarted here. Each point goes out as it is measured.
 */
export interface MeasureSite {
  kind: 'measure_site';
  target: { serverName: string; port: number; address: string };
  /** What every point has in common. */
  of: Pick<SiegePoint, 'driver' | 'site' | 'port' | 'engine' | 'mpm' | 'processes'>;
  /** What the site's configuration calls its key; for points whose key is on no token that was read. */
  configuredKey: string;
  /** Keys that may serve, by the fingerprint of what is served. */
  keys: Readonly<Record<string, Pick<SiegePoint, 'key' | 'token' | 'module'>>>;
  paths: readonly string[];
  points: readonly LoadPoint[];
  seconds: number;
  /** Each user waits up to this many seconds before a request; 0: no wait. */
  delayS: number;
  /** Seconds for a whole point, after which its programs are killed. */
  deadlineS: number;
  /** Seconds that the server has to become healthy before a point, and after it. */
  patienceS: number;
  why: string;
}

/** Where the sources of a package come from: what was sent along, a URL the host fetches, or a directory of the host. */
export type PackageSource =
  | { from: 'blob'; sha256: string; name: string }
  | { from: 'url'; url: string; sha256: string }
  | { from: 'directory'; path: string };

/**
 * Builds a package for the host's own package manager from sources with autotools: unpack, regenerate, configure, make,
 * install into a folder of its own, pack. Nothing is installed on the host. Equal steps give equal bytes, wherever
 * `workDir` is. What is built goes to `outputDir`: the package file, `build.log`, and `artifact.json` last; a failed
 * build leaves the log alone there.
 */
export interface BuildPackage {
  kind: 'build_package';
  name: string;
  /** Of the software, without the package's revision. */
  version: string;
  revision: string;
  format: 'deb' | 'rpm' | 'arch';
  summary: string;
  maintainer: string;
  source: PackageSource;
  /** How `configure` comes to be; `auto`: by autoreconf, else by autogen.sh, else it is there. */
  regenerate: 'auto' | 'autoreconf' | 'autogen' | 'no';
  prefix: string;
  /** Words for `configure`, after those of the distribution's layout. */
  configure: readonly string[];
  /** Configuration files below another folder than /etc, where all are taken for such. */
  conffiles: readonly string[];
  /** Packages needed besides those found in the binaries. */
  depends: readonly string[];
  /** User that the build runs as, when the agent is root. */
  user: string;
  jobs: number;
  /** Hex SHA-256 over all that decides what comes out. */
  inputsSha256: string;
  /** Absolute; made, and removed afterwards. Its parent is only for builds. */
  workDir: string;
  outputDir: string;
  /** Milliseconds for each of the programs run. */
  timeoutMs: number;
}

/** Every primitive change there is. Only agent-runtime executes them. */
export type Step =
  | WriteFile | MakeDirectory | SetAttributes | MakeLink | Remove | RunProgram | ServiceAction | ProvePin | WebChange | MeasureSite
  | BuildPackage;

/** What executing a step answered; `run` steps carry the program's output. */
export interface StepResult {
  step: Step;
  code?: number;
  stdout?: string;
  stderr?: string;
  /** Of a `measure_site` step. */
  points?: readonly BenchmarkPoint[];
  startedAt: string;
  durationMs: number;
}
