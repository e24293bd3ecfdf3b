import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import { discoverSites, tellingLines } from '@hsmfleet/httpd';
import type { ProvePin, ServiceAction, TlsProof, WebChange } from '@hsmfleet/resource';
import { applyModeOf } from './apply-mode.ts';
import { controlOf, type WebDeps } from './deps.ts';
import { openJournal, type WebJournal, type WebUnit } from './journal.ts';
import { checkNssTokens } from './nss-tokens.ts';
import { checkPinFiles, checkUnknownPinFiles, createPinCheck, identifyPin, type PinCheck } from './pins.ts';
import { awaitProcess, foreignListeners, markLog, proveForward, readHostConfig, takeBaseline, type LogMark } from './proof.ts';
import { rollBack, type Failure } from './roll-back.ts';
import { takeSnapshots } from './snapshot.ts';
import { keepUndo } from './undo.ts';

/** How long a graceful reload may take until the new generation serves. */
const RELOAD_MS = 10_000;
const POLL_MS = 50;

/** Codes that tell more than "was rolled back": the PIN guard's answers and a busy lock keep them. */
const KEPT_CODES: ReadonlySet<string> = new Set(['PIN_INCORRECT', 'PIN_REFUSED', 'PIN_UNPROVEN', 'TOKEN_NOT_FOUND', 'HOST_BUSY']);

/**
 * Changes the web server's files as one transaction: see WebChange.
 * @throws HsmfleetError WEB_ROLLED_BACK (all is as it was and serves as it did), WEB_DOWN (rolling back did not help), or
 * PIN_INCORRECT, PIN_REFUSED, PIN_UNPROVEN, TOKEN_NOT_FOUND, HOST_BUSY after the same roll back
 */
export async function executeWebChange(step: WebChange, deps: WebDeps): Promise<void> {
  await recoverWeb(deps);
  const journal = await openJournal(deps.stateDir);
  const check = createPinCheck(deps);
  const pending = await journal.read();
  const baseline = pending?.baseline ?? (await takeBaseline(deps.host, step.proofs));
  const pinFiles = new Set((await journal.registeredPins()).map(({ file }) => file));
  const apply = pending?.apply === 'restart' ? 'restart' : applyModeOf(step, pinFiles);
  const unit: WebUnit = {
    version: 1,
    phase: 'changing',
    apply,
    since: pending?.since ?? new Date().toISOString(),
    why: [...(pending?.why ?? []), step.why],
    snapshots: pending?.snapshots ?? [],
    baseline,
    proofs: mergeProofs(pending?.proofs ?? [], step.proofs),
  };
  // before anything is touched: a wrong PIN should leave no trace but its one try
  await proveStepPins(step, unit, pending !== undefined, check, journal, deps);
  // empty until the snapshots are taken: an interruption finds a unit with nothing to put back, or with all
  await journal.write(unit);
  try {
    const known = new Set(unit.snapshots.map(({ path }) => path));
    unit.snapshots = [...unit.snapshots, ...(await takeSnapshots(step.changes, journal.bytes, known))];
    await journal.write(unit);
    for (const change of step.changes) await deps.applyChange(change);
    await journal.registerPins(await Promise.all(step.pins.map((pin) => identifyPin(pin, deps.host))));
  } catch (thrown) {
    throw await rollBack(unit, journal, failureOf(thrown, 'a change failed'), deps);
  }
  await testConfig(unit, journal, deps);
  if (step.apply.startsWith('pending-')) {
    try {
      await journal.write({ ...unit, phase: 'pending' });
    } catch (thrown) {
      throw await rollBack(unit, journal, failureOf(thrown, 'the journal cannot be written'), deps);
    }
  } else if (baseline.running || step.start || (await isRunning(deps))) {
    await applyUnit(unit, journal, check, deps);
  } else {
    await close(unit, journal, deps);
  }
}

/** All is well: what was replaced is kept for a batch that may be put back yet, or forgotten. */
async function close(unit: WebUnit, journal: WebJournal, { context, stateDir }: WebDeps): Promise<void> {
  if (context.keepWebUndo !== undefined) await keepUndo(unit, context.keepWebUndo, stateDir);
  await journal.clear();
}

/**
 * Takes up what waits for a restart and proves it. A server that does not run is left alone, and what waited is forgotten:
 * nothing serves that a roll back could bring back.
 * @returns whether the server was restarted or reloaded
 * @throws HsmfleetError as {@link executeWebChange}
 */
export async function settleWeb(deps: WebDeps): Promise<boolean> {
  await recoverWeb(deps);
  const journal = await openJournal(deps.stateDir);
  const unit = await journal.read();
  if (unit === undefined) return false;
  if (!unit.baseline.running && !(await isRunning(deps))) {
    await close(unit, journal, deps);
    return false;
  }
  await testConfig(unit, journal, deps);
  await applyUnit(unit, journal, createPinCheck(deps), deps);
  return true;
}

/**
 * Starts, stops, restarts or reloads the web server, together with what waits for that. Nothing starts it past an unproven
 * PIN, and what served before is compared with what serves afterwards.
 * @throws HsmfleetError as {@link executeWebChange}; COMMAND_FAILED when it does not stop
 */
export async function actOnWebServer(action: ServiceAction, deps: WebDeps): Promise<void> {
  if (action.action === 'stop') {
    await recoverWeb(deps);
    await controlOf(deps).stop();
    return;
  }
  const running = await isRunning(deps);
  const waits = (await (await openJournal(deps.stateDir)).read()) !== undefined;
  if (action.action === 'start' && running && !waits) return;
  await executeWebChange(
    { kind: 'web_change', changes: [], apply: action.action === 'reload' ? 'reload' : 'restart', start: true, proofs: [], pins: [], why: `${action.action} ${action.unit}` },
    deps,
  );
}

/**
 * Proves a PIN beside a server that may use the same token. A wrong PIN takes the token's login from everybody (field notes
 * 0b), so a site that served before is looked at afterwards, and restarted when the try has stopped it.
 * @throws HsmfleetError PIN_INCORRECT, PIN_REFUSED, TOKEN_NOT_FOUND, PKCS11, TIMEOUT; WEB_DOWN when the site stays down
 */
export async function provePinBesideServer(step: ProvePin, deps: WebDeps): Promise<void> {
  const journal = await openJournal(deps.stateDir);
  const pending = await journal.read();
  const unit = pending ?? { ...emptyUnit(step.tokenLabel), baseline: await takeBaseline(deps.host, []) };
  try {
    await deps.provePin(step);
  } catch (thrown) {
    const tried = !(thrown instanceof HsmfleetError && thrown.code === 'PIN_REFUSED');
    if (!tried || (!unit.baseline.running && pending === undefined)) throw thrown;
    const kept = thrown instanceof HsmfleetError ? { message: thrown.message, code: thrown.code } : {};
    throw await rollBack(unit, journal, { ...failureOf(thrown, 'a PIN is not proven'), ...kept }, deps);
  }
}

function emptyUnit(token: string): Omit<WebUnit, 'baseline'> {
  return { version: 1, phase: 'changing', apply: 'restart', since: new Date().toISOString(), why: [`prove the PIN of token ${token}`], snapshots: [], proofs: [] };
}

/**
 * Puts back a transaction that an earlier agent did not finish.
 * @returns whether there was one
 * @throws HsmfleetError WEB_DOWN when the server does not serve afterwards
 */
export async function recoverWeb(deps: WebDeps): Promise<boolean> {
  const journal = await openJournal(deps.stateDir);
  const unit = await journal.read();
  if (unit === undefined || unit.phase === 'pending') return false;
  deps.context.progress('an earlier change of the web server was interrupted: putting it back');
  const error = await rollBack(unit, journal, { message: 'the change was interrupted', log: '', touched: unit.phase !== 'changing' }, deps);
  if (error.code === 'WEB_DOWN') throw error;
  return true;
}

/**
 * Proves the PINs in all PIN files that the web server would read now.
 * @param unit a service's name; nothing happens for any but the web server's
 * @throws HsmfleetError PIN_UNPROVEN, PIN_REFUSED, PIN_INCORRECT, TOKEN_NOT_FOUND
 */
export async function assertPinsProven(unit: string, deps: WebDeps): Promise<void> {
  if (unit.replace(/\.service$/, '') !== deps.host.facts.apache.service) return;
  await checkFiles(await openJournal(deps.stateDir), createPinCheck(deps), deps);
}

async function checkFiles(journal: WebJournal, check: PinCheck, deps: WebDeps): Promise<void> {
  const sites = discoverSites(await readHostConfig(deps.host));
  const inUse = new Set(sites.flatMap(({ pinFile }) => (pinFile === undefined ? [] : [pinFile])));
  if (inUse.size === 0) return;
  const registered = await journal.registeredPins();
  await checkPinFiles(registered, inUse, check, deps);
  await checkNssTokens(sites, registered, check, deps.host);
  const known = new Set(registered.map(({ file }) => file));
  const unknown = sites.flatMap(({ engine, pinFile }) => (engine === 'mod_ssl' && pinFile !== undefined && !known.has(pinFile) ? [pinFile] : []));
  await checkUnknownPinFiles(unknown, deps.host);
}

async function proveStepPins(step: WebChange, unit: WebUnit, waits: boolean, check: PinCheck, journal: WebJournal, deps: WebDeps): Promise<void> {
  try {
    for (const pin of step.pins) {
      deps.context.learn(pin.pin);
      await check.ensure(pin);
    }
  } catch (thrown) {
    // a wrong PIN may have taken the login from a serving server (field notes 0b): look, and heal; and nothing that was
    // to go along with this change should stay behind
    if (!unit.baseline.running && !waits) throw thrown;
    throw await rollBack(unit, journal, failureOf(thrown, 'a PIN is not proven'), deps);
  }
}

async function testConfig(unit: WebUnit, journal: WebJournal, deps: WebDeps): Promise<void> {
  const answer = await controlOf(deps).configtest();
  if (answer.code === 0) return;
  const said = tellingLines(`${answer.stdout}\n${answer.stderr}`.replace(/^Action '.*' failed\.$|^The Apache error log may.*$/gm, ''));
  throw await rollBack(unit, journal, { message: `configtest failed: ${said.join('; ')}`, log: said.join('\n'), touched: false }, deps);
}

async function applyUnit(unit: WebUnit, journal: WebJournal, check: PinCheck, deps: WebDeps): Promise<void> {
  const control = controlOf(deps);
  const { host, context } = deps;
  try {
    await checkFiles(journal, check, deps);
  } catch (thrown) {
    throw await rollBack(unit, journal, failureOf(thrown, 'a PIN is not proven'), deps);
  }
  const taken = await foreignListeners(host);
  if (taken.length > 0) throw await rollBack(unit, journal, { message: taken.join('; '), log: '', touched: false }, deps);
  try {
    await journal.write({ ...unit, phase: 'applying' });
  } catch (thrown) {
    throw await rollBack(unit, journal, failureOf(thrown, 'the journal cannot be written'), deps);
  }
  const mark = await markLog(host.facts.apache.errorLog);
  try {
    const running = await isRunning(deps);
    const graceful = unit.apply === 'reload' && running;
    context.progress(graceful ? 'reloading the web server' : running ? 'restarting the web server' : 'starting the web server');
    if (!graceful && running) await control.stop();
    const answer = graceful ? await control.reload() : await control.start();
    // a start's exit code proves little either way: it is reported when nothing serves
    if (graceful) await newGeneration(mark, deps);
    else await awaitProcess(host, answer);
    let problems = (await isRunning(deps)) ? await proveForward(host, unit.proofs, unit.baseline) : [];
    // the one problem from which all others follow
    if (!(await isRunning(deps))) problems = [`the server does not run${answer.code === 0 ? '' : ` (its start ended with exit code ${String(answer.code)})`}`];
    if (problems.length > 0) {
      const log = `${await mark.read()}\n${answer.stderr}`;
      throw await rollBack(unit, journal, { message: problems.join('; '), log, touched: true }, deps);
    }
  } catch (thrown) {
    if (thrown instanceof HsmfleetError && (thrown.code === 'WEB_ROLLED_BACK' || thrown.code === 'WEB_DOWN')) throw thrown;
    throw await rollBack(unit, journal, { ...failureOf(thrown, 'the server could not be restarted'), log: await mark.read(), touched: true }, deps);
  }
  await close(unit, journal, deps);
}

/** Old children may answer for a moment: wait for the line with which the new generation begins. */
async function newGeneration(mark: LogMark, deps: WebDeps): Promise<void> {
  const deadline = Date.now() + RELOAD_MS;
  while (Date.now() < deadline && !/AH00489|resuming normal operations/.test(await mark.read())) {
    if (!(await isRunning(deps))) return;
    await sleep(POLL_MS);
  }
}

async function isRunning(deps: WebDeps): Promise<boolean> {
  return (await deps.host.serverProcess(deps.host.facts.apache.pidFile)) !== undefined;
}

function failureOf(thrown: unknown, what: string): Failure {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const keeps = thrown instanceof HsmfleetError && KEPT_CODES.has(thrown.code);
  return { message: keeps ? message : `${what}: ${message}`, log: '', touched: false, cause: thrown, ...(keeps ? { code: thrown.code } : {}) };
}

/** The newest proof of a site counts. */
function mergeProofs(older: readonly TlsProof[], newer: readonly TlsProof[]): TlsProof[] {
  const key = ({ target }: TlsProof): string => `${target.address ?? ''} ${String(target.port)} ${target.serverName}`;
  return [...new Map([...older, ...newer].map((proof) => [key(proof), proof])).values()];
}

