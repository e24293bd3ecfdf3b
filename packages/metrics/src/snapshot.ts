import type { CheckOutcome, Severity } from '@hsmfleet/contract';

/** What is true of the fleet when monitoring asks, read from the store and from the schedules. Times are ISO 8601. */
export interface MetricsSnapshot {
  /** Results of the last check of each schedule and profile, counted. Outcomes that no host has may be left out. */
  compliance: { schedule: string | null; profile: string; control: string; severity: Severity; outcome: CheckOutcome; hosts: number }[];
  /** Last check of each schedule and profile. */
  checks: { schedule: string | null; profile: string; finishedAt: string; durationSeconds: number }[];
  /** Hosts by what is known of them: "answered", "unreachable", … */
  hosts: { state: string; count: number }[];
  /** Certificates on tokens and in NSS databases, as the last inventory found them. */
  certificates: { host: string; token: string; id: string; label: string; notAfter: string }[];
  keys: { type: string; bits: number | null; count: number }[];
  /** Tokens by the state of their user PIN. */
  tokens: { pin: string; count: number }[];
  /** Runs of the newest of each playbook. */
  runs: { playbook: string; finishedAt: string; durationSeconds: number }[];
  schedules: { name: string; lastSuccessAt: string | null; nextAt: string | null; running: boolean; waiting: boolean }[];
  notifications: { sink: string; waiting: number; oldestAt: string | null; givenUp: number }[];
}

/** A fleet about which nothing is known. */
export const EMPTY_SNAPSHOT: MetricsSnapshot = {
  compliance: [], checks: [], hosts: [], certificates: [], keys: [], tokens: [], runs: [], schedules: [], notifications: [],
};
