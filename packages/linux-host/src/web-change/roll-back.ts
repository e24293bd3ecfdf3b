import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HsmfleetError, type ErrorCode } from '@hsmfleet/contract';
import { discoverSites, tellingLines, translateErrorLog, type LogFinding } from '@hsmfleet/httpd';
import { controlOf, type WebDeps } from './deps.ts';
import type { RegisteredPin, WebJournal, WebUnit } from './journal.ts';
import { pinInFile } from './pins.ts';
import { awaitProcess, markLog, proveBaseline, readHostConfig } from './proof.ts';
import { restoreSnapshots, type Snapshot } from './snapshot.ts';

/** Why a unit is put back. */
export interface Failure {
  message: string;
  /** What the server wrote to its error log meanwhile. */
  log: string;
  /** The server was reloaded, restarted or stopped, so that it has to be started again. */
  touched: boolean;
  /** Kept instead of WEB_ROLLED_BACK. */
  code?: ErrorCode;
  cause?: unknown;
}

/**
 * Puts back every path of the unit, gets the server to where it was, and proves that it serves as before.
 * @returns the error to throw: WEB_ROLLED_BACK (or the failure's own code), or WEB_DOWN
 */
export async function rollBack(unit: WebUnit, journal: WebJournal, failure: Failure, deps: WebDeps): Promise<HsmfleetError> {
  // what can be put back is put back, also when a full disk takes no note of it
  const unnoted = await journal.write({ ...unit, phase: failure.touched ? 'restoring' : unit.phase }).then(() => undefined, (thrown: unknown) => thrown);
  deps.context.progress(`rolling back: ${failure.message}`);
  const kept = await pinFilesToKeep(unit, journal, deps);
  const problems = await restoreSnapshots(unit.snapshots.filter(({ path }) => !kept.has(path)), journal.bytes);
  const mark = await markLog(deps.host.facts.apache.errorLog);
  try {
    problems.push(...(await restoreServer(unit, journal, failure.touched, deps)));
  } catch (thrown) {
    problems.push(thrown instanceof Error ? thrown.message : String(thrown));
  }
  const rollBackLog = problems.length === 0 ? '' : await mark.read();
  if (unnoted !== undefined) failure = { ...failure, message: `${failure.message} (and the roll back could not be noted: ${unnoted instanceof Error ? unnoted.message : String(unnoted)})` };
  // what could be put back is back: keeping the unit would put it back again over whatever a person repairs now
  await journal.clear();
  return errorOf(unit, failure, problems, rollBackLog, kept);
}

async function restoreServer(unit: WebUnit, journal: WebJournal, touched: boolean, deps: WebDeps): Promise<string[]> {
  const control = controlOf(deps);
  const { host } = deps;
  if (!unit.baseline.running) {
    // it did not run before: it is left as it was found
    if (touched) await control.stop();
    return [];
  }
  if (!touched) {
    const disturbed = await proveBaseline(host, unit.baseline);
    if (disturbed.length === 0) return [];
    // the server was not restarted, yet it does not serve any more: a tool or a login has reset its token
  }
  await control.stop();
  const wrong = await wrongPins(journal, deps);
  if (wrong.length > 0) return wrong;
  const answer = await control.start();
  await awaitProcess(host, answer);
  const problems = await proveBaseline(host, unit.baseline);
  if (problems.length === 0 && (await host.serverProcess(host.facts.apache.pidFile)) === undefined) {
    problems.push(`the server does not run (its start ended with exit code ${String(answer.code)})`);
  }
  return problems;
}

/**
 * PINs that are known to be wrong before the server is started again with them: what served once may have been changed on
 * the token since. A PIN that nobody can be asked about counts as right, for the server ran with it.
 */
async function wrongPins(journal: WebJournal, deps: WebDeps): Promise<string[]> {
  const problems: string[] = [];
  const inUse = new Set(discoverSites(await readHostConfig(deps.host)).flatMap(({ pinFile }) => pinFile ?? []));
  for (const entry of await journal.registeredPins()) {
    const pin = inUse.has(entry.file) ? pinInFile((await deps.host.readText(entry.file, 65_536)) ?? '', entry) : undefined;
    const token = pin === undefined ? undefined : (await deps.host.pkcs11.observe(entry.module)).tokens.find(({ label }) => label === entry.tokenLabel);
    if (pin === undefined || token === undefined) continue;
    const spent = token.pinState === 'final_try' || token.pinState === 'locked';
    if (!spent) {
      // a low counter is no reason to wait here: it may be this very run's wrong try, and the right PIN heals it
      const answer = await deps.provePin({ kind: 'prove_pin', module: entry.module, tokenLabel: entry.tokenLabel, pin, fresh: true, allowLowCount: true })
        .then(() => undefined, (thrown: unknown) => thrown);
      if (answer === undefined || (await deps.host.pkcs11.isPinProven(token.identity, pin))) continue;
    }
    problems.push(`the server was not started: ${spent ? `the PIN of token "${entry.tokenLabel}" is ${token.pinState === 'locked' ? 'locked' : 'one wrong try from being locked'}` : `the PIN in ${entry.file} is not that of token "${entry.tokenLabel}" any more`}`);
  }
  return problems;
}

/**
 * PIN files that are not put back: a token has one PIN, so where the new one was proven, the old one is wrong, and a start
 * with it would cost the tries of the token.
 */
async function pinFilesToKeep(unit: WebUnit, journal: WebJournal, deps: WebDeps): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  for (const pin of await journal.registeredPins()) {
    const snapshot = unit.snapshots.find(({ path }) => path === pin.file);
    if (snapshot?.kind !== 'file' || snapshot.bytes === undefined) continue;
    if (await holdsProvenSuccessor(pin, snapshot, journal, deps).catch(() => false)) kept.add(pin.file);
  }
  return kept;
}

async function holdsProvenSuccessor(pin: RegisteredPin, snapshot: Extract<Snapshot, { kind: 'file' }>, journal: WebJournal, deps: WebDeps): Promise<boolean> {
  const before = pinInFile(await readFile(join(journal.bytes, snapshot.bytes ?? ''), 'utf8'), pin);
  const now = pinInFile(await readFile(pin.file, 'utf8'), pin);
  if (now === undefined || before?.reveal() === now.reveal()) return false;
  const row = await deps.host.pkcs11.observe(pin.module);
  const token = row.tokens.find(({ label }) => label === pin.tokenLabel);
  return token !== undefined && (await deps.host.pkcs11.isPinProven(token.identity, now));
}

function errorOf(unit: WebUnit, failure: Failure, problems: readonly string[], rollBackLog: string, kept: ReadonlySet<string>): HsmfleetError {
  const findings: LogFinding[] = translateErrorLog(failure.log);
  const explained = findings[0];
  const details = {
    failure: failure.message,
    paths: unit.snapshots.map(({ path }) => path),
    ...(findings.length === 0 ? {} : { causes: findings.map(({ text, cause, advice }) => ({ log: text, cause, advice })) }),
    ...(failure.log === '' || findings.length > 0 ? {} : { log: tellingLines(failure.log) }),
    ...(kept.size === 0 ? {} : { notRestored: [...kept] }),
    ...(problems.length === 0 ? {} : { rollBack: problems, rollBackLog: translateErrorLog(rollBackLog).map(({ cause }) => cause) }),
  };
  const lastWords = tellingLines(failure.log).at(-1);
  const because = explained !== undefined ? ` (${explained.cause})` : lastWords === undefined || failure.message.includes(lastWords) ? '' : ` (its last words: ${lastWords})`;
  const hint = explained?.advice ?? 'see the details for what the server said';
  if (problems.length > 0) {
    return new HsmfleetError('WEB_DOWN', `${failure.message}${because}; everything was put back, and still: ${problems.join('; ')}`, {
      hint: 'the server needs a person: start it by hand and read its error log',
      details,
      cause: failure.cause,
    });
  }
  const state = !unit.baseline.running ? 'the files are as they were, and the server is stopped as it was' : 'everything was put back and serves as before';
  return new HsmfleetError(failure.code ?? 'WEB_ROLLED_BACK', `${failure.message}${because}; ${state}`, {
    hint: failure.cause instanceof HsmfleetError ? (failure.cause.hint ?? hint) : hint,
    details,
    cause: failure.cause,
  });
}
