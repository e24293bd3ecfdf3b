import type { AgentRow, Artifact, HostFacts, InventoryReport, ModuleRow, PinProof, Secret, TokenRow } from '@hsmfleet/contract';

/** What a file is. Owner and group are names where the host knows them, else numbers as text. */
export interface FileStat {
  kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits, for example 0o644. */
  mode: number;
  uid: number;
  gid: number;
  owner: string;
  group: string;
  size: number;
  /** Milliseconds since 1970. */
  mtimeMs: number;
  /** Where a link points, as written in it. */
  target?: string;
}

export interface CommandOptions {
  /** Added to a minimal environment (PATH, LANG=C.UTF-8, HOME). Never put a secret here. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string | Secret;
  /** Milliseconds; 30 000 by default. The whole process group is killed at the deadline. */
  timeoutMs?: number;
  /** Bytes kept of each stream, 1 MiB by default; the program is killed when it goes on far beyond. */
  maxOutput?: number;
  /** Run as this user instead of the agent's. */
  user?: string;
}

export interface CommandResult {
  argv: readonly string[];
  /** Exit code; -1 when the program could not be started; 128 + n when a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

/** How to reach a PKCS#11 module from a child process. */
export interface ModuleTarget {
  /** Absolute path of the shared library. */
  path: string;
  /** Variables the library needs, for example P11_KIT_SERVER_ADDRESS or PKCS11_READER_FILTER. */
  env?: Record<string, string>;
  /** Milliseconds for the whole look, 10 000 by default. */
  timeoutMs?: number;
}

/** Reading tokens. Every call runs in a child process with a deadline that never logs out and never finalizes. */
export interface Pkcs11Reader {
  /**
   * Loads the module and reads its info, slots, tokens, objects and read-only evidence, without a login.
   * Never throws for a module that fails or hangs: the answer's `error` says so.
   */
  observe(target: ModuleTarget): Promise<ModuleRow>;
  /** Has this host proven this PIN on the token with this identity before? Reads a root-only ledger, no login. */
  isPinProven(tokenIdentity: string, pin: Secret): Promise<boolean>;
  /** What the ledger says of a PIN: proven, failed (the token called it wrong) or unproven. No login, writes nothing. */
  standingOf(tokenIdentity: string, pin: Secret): Promise<PinProof>;
}

/** Whether tokens are those that were prepared, going by the manifests that came with the plan. */
export interface Custody {
  /**
   * Proves that the token, as the module shows it, is one of the prepared ones and that no other host of the run has it.
   * What came of it is sent as a `custody` event, once for each token as it looks.
   * @throws HsmfleetError CUSTODY, with every difference
   */
  prove(module: ModuleRow, token: TokenRow): Promise<void>;
}

export interface HandshakeTarget {
  /** Address to connect to, 127.0.0.1 by default. */
  address?: string;
  port: number;
  /** SNI, and the Host header when a page is fetched. */
  serverName: string;
  /** Milliseconds, 5 000 by default. */
  timeoutMs?: number;
  /** Fetch this path after the handshake and report the status. */
  path?: string;
  /** Offer TLS 1.0 and 1.1 alone: a handshake that succeeds then proves that the server accepts what is broken. */
  oldProtocols?: true;
}

/** What a real TLS handshake showed. The chain is not verified: the question is which key serves. */
export interface Handshake {
  ok: boolean;
  /** SHA-256 of the served certificate's SubjectPublicKeyInfo, hex. */
  keyFingerprint?: string;
  /** The served public key: rsa or ec, size in bits, curve of an ec key. */
  key?: { type: string; bits: number | null; curve: string | null };
  certificateSha256?: string;
  /** Of the served certificate; times in ISO 8601. `namesServer`: it is for `serverName`. */
  certificate?: { subject: string; issuer: string; notBefore: string; notAfter: string; namesServer: boolean };
  protocol?: string;
  cipher?: string;
  httpStatus?: number;
  /** Why it failed: the system's or TLS's words. */
  problem?: string;
}

/** A file that travelled with the plan, a package that some host built, or a rendered template. */
export interface InputFile {
  name: string;
  sha256: string;
  size: number;
  /** True when a secret went into it: its contents are never shown. */
  secret: boolean;
  /** Of a package that some host built: its version as the package manager has it, and the hash over what it was built from. */
  artifact?: { version: string; inputsSha256: string };
  read(): Promise<Buffer>;
}

/** A web server as /proc and its PID file show it. */
export interface ServerProcess {
  pid: number;
  startedAtMs: number;
}

/** What an agent knows of itself; a report adds what the host knows. */
export type AgentState = Omit<AgentRow, 'stateOwner' | 'pendingWebChange' | 'readsTokensInWindowOnly'> & { stateUid: number | null };

/** A process of the web server that answers requests. */
export interface ServingProcess {
  pid: number;
  /** Names of its effective user and group, or numbers as text. */
  user: string;
  group: string;
  startedAtMs: number;
}

/**
 * What a resource may read. There is no writer in it, so that "check mode changes nothing" is a fact of the types.
 * Paths are absolute.
 */
export interface ReadHost {
  readonly facts: HostFacts;
  /** Undefined when it does not exist. Throws when it cannot be read or is larger than `maxBytes` (4 MiB). */
  readFile(path: string, maxBytes?: number): Promise<Buffer | undefined>;
  readText(path: string, maxBytes?: number): Promise<string | undefined>;
  /** Follows links. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Does not follow links. */
  lstat(path: string): Promise<FileStat | undefined>;
  /** Names in a directory, sorted; undefined when there is none. */
  list(path: string): Promise<string[] | undefined>;
  realPath(path: string): Promise<string | undefined>;
  /** Hex SHA-256 of a file's bytes; undefined when there is none. */
  sha256(path: string): Promise<string | undefined>;
  /** Numeric id of a user by name; undefined when unknown. Numbers as text are taken as they are. */
  userId(name: string): Promise<number | undefined>;
  groupId(name: string): Promise<number | undefined>;
  /** Name of a user by number; the number as text when it has none. */
  userName(uid: number): Promise<string>;
  /** Runs a program that is known to read only (dpkg-query, apache2ctl -M, systemctl is-active, …). */
  query(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The running server whose PID the file names; undefined when none runs. */
  serverProcess(pidFile: string): Promise<ServerProcess | undefined>;
  /** Children of the server's first process that run the same program, at most 1,024. */
  servingProcesses(server: ServerProcess): Promise<ServingProcess[]>;
  /** Lets a user say hello to pcscd, and nothing more: no card is touched. Starts pcscd where that is started on demand. */
  askCardService(user: string): Promise<'allowed' | 'denied' | 'unknown'>;
  /** State of the agent that runs this, from its own directory; undefined when no agent does. Costs a look at each of its files. */
  agentState(): AgentState | undefined;
  handshake(target: HandshakeTarget): Promise<Handshake>;
  /** Tries to connect to a TCP port; true when something accepts within the time. */
  portOpen(port: number, address?: string, timeoutMs?: number): Promise<boolean>;
  /** Tries to connect to a socket of the file system, and hangs up at once; true when something accepts within the time. */
  socketOpen(path: string, timeoutMs?: number): Promise<boolean>;
  readonly pkcs11: Pkcs11Reader;
  /** Absent when the run was given no manifests: any token will do. */
  readonly custody?: Custody;
  /** Changes of the web server that were made but not yet taken up by a proven restart (see WebChange). */
  pendingWebChange(): Promise<PendingWebChange | undefined>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Hands an inventory report to whoever runs the plan; it is sent as an `inventory` event. */
  report(report: InventoryReport): void;
  /**
   * Tells of a package that lies on this host, in an `artifact` event: the control host then fetches the file, which
   * must stay where it is until the run has ended. Telling of the same one again is fine. `buildHost` is set to the
   * host's inventory name on the way.
   * @param path absolute path of the package file; no link
   */
  announceArtifact(artifact: Artifact, path: string): void;
}

/** Left on disk between tasks of one run: what a failing proof has to put back. */
export interface PendingWebChange {
  /** Paths touched since the server last served, proven. */
  paths: string[];
  /** `restart` needs a full stop and start, `reload` a graceful reload. */
  apply: 'reload' | 'restart';
  since: string;
}
