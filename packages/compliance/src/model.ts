import type { ControlSummary, ErrorShape, FindingCell, SourcePosition, TaskOutcome } from '@hsmfleet/contract';

/** A value of a parameter: what SQL can be given. Truth values are 0 and 1, lists are texts joined by commas. */
export type ParameterValue = string | number;

/** Something that a profile leaves to its user. Queries name it `$name`. */
export interface Parameter {
  name: string;
  description: string;
  value: ParameterValue;
  position: SourcePosition;
}

/** Values of parameters for some hosts; of several that fit a host the last one wins. */
export interface ParameterOverride {
  hosts: string;
  values: ReadonlyMap<string, ParameterValue>;
  position: SourcePosition;
}

/** One thing that has to hold. */
export interface Control extends ControlSummary {
  /** SQL whose rows are findings; undefined for drift. */
  query: string | undefined;
  /** SQL whose rows name the hosts that the control is about, in a column `host`; undefined: all. */
  applies: string | undefined;
  /** Path of the playbook that must have nothing to do; undefined for queries. */
  playbook: string | undefined;
  /** Names of the tasks of that playbook that count; undefined: all. */
  tasks: readonly string[] | undefined;
  /** Text of a finding, with {column} for cells; undefined: the cells. */
  message: string | undefined;
  /** Columns that make a finding the same one in later checks; undefined: all but times and ages. */
  identity: readonly string[] | undefined;
  /** Hours after which what is known of a host is too old to judge by. */
  maxAgeHours: number;
}

/** A person's word that a finding is accepted until a day. */
export interface Waiver {
  controls: readonly string[];
  /** Host pattern, as for `--limit`. */
  hosts: string;
  reason: string;
  owner: string;
  /** Last day that it holds, ISO 8601 date, UTC. */
  until: string;
  position: SourcePosition;
}

/** A profile as it was written, checked. */
export interface Profile {
  /** kebab-case; with the schedule it names the series of checks that are compared. */
  name: string;
  title: string;
  description: string | undefined;
  file: string;
  /** Of the file's text, hex. */
  sha256: string;
  parameters: ReadonlyMap<string, Parameter>;
  overrides: readonly ParameterOverride[];
  controls: readonly Control[];
  waivers: readonly Waiver[];
}

/** Runs a statement of a profile over the documented views; rows at most as many as the store allows. */
export type QueryPort = (sql: string, params: Record<string, ParameterValue>) => Promise<Record<string, FindingCell>[]>;

/** Hosts that a pattern names. @throws HsmfleetError HOST_PATTERN */
export type SelectHosts = (pattern: string) => readonly string[];

/** How a host was reached by this check, and what is known of it now. */
export interface HostEvidence {
  /** `ok`: it answered; `snapshot`: it was not asked; `unreachable`, `failed`: it was asked in vain. */
  reach: 'ok' | 'snapshot' | 'unreachable' | 'failed';
  /** Why it could not be reached or read. */
  error: ErrorShape | null;
  /** When the newest inventory snapshot was taken; null: there is none. */
  collectedAt: string | null;
  /** `passive`: its tokens were left alone. */
  kind: 'live' | 'passive' | null;
  /** When tokens were last read; null: never. */
  tokensReadAt: string | null;
  /** What the newest snapshot could not read; empty: it is complete. */
  gaps: readonly EvidenceGap[];
}

/** Something that could not be read, so that a query without rows proves nothing. */
export interface EvidenceGap {
  /** Views that lack rows because of it. */
  views: readonly string[] | 'all';
  problem: string;
}

/** A task of a playbook, as it ended in check mode. `changed`: it has something to do. */
export interface DriftTask {
  name: string;
  resource: string;
  outcome: TaskOutcome;
  changes: readonly string[];
  error: ErrorShape | null;
  position: SourcePosition | null;
}

/** What a playbook in check mode said of a host. */
export interface HostDrift {
  /** Every task that ran to an end, skipped ones included, in order. */
  tasks: readonly DriftTask[];
  /** It did not get to its end: what it lacks to say is unknown. */
  error: ErrorShape | null;
  /** When it ended, ISO 8601. */
  at: string;
}

/** Drift by playbook and host. A host that is missing was not in any play of the playbook. */
export type DriftEvidence = ReadonlyMap<string, ReadonlyMap<string, HostDrift>>;

/** A certificate that a token holds or a site serves, for what people are told before it ends. */
export interface ExpiringCertificate {
  host: string;
  /** SHA-256 of the certificate, hex. */
  sha256: string;
  subject: string;
  /** ISO 8601. */
  notAfter: string;
}
