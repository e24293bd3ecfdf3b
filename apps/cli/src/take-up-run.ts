import { HsmfleetError } from '@hsmfleet/contract';
import type { Store } from '@hsmfleet/store';
import type { ResumedRun } from './execute-playbook.ts';
import { parseExtraVars } from './extra-vars.ts';
import { findRun } from './find-run.ts';
import { GIVEN_ANEW, isHeld, type KeptRequest, type RunHolder } from './run-control.ts';

/** Options of `apply` as they were parsed. */
export type ApplyWords = Record<string, unknown> & { extraVars?: string[] };

/** An earlier run, and how it is asked for again. */
export interface TakenUp {
  /** Id of the run. */
  run: string;
  playbook: string;
  /** The options of then, with those that are given anew. */
  options: ApplyWords;
  resume?: ResumedRun;
  keep?: Omit<KeptRequest, 'plays' | 'program'>;
}

/** What is kept of a run that begins. The values of variables that stood on the command line are not. */
export async function keptRequest(playbook: string, options: ApplyWords): Promise<Omit<KeptRequest, 'plays' | 'program'>> {
  const given = options.extraVars ?? [];
  const inline = given.filter((text) => !text.startsWith('@'));
  return {
    version: 1, playbook, folder: process.cwd(), options: Object.fromEntries(Object.entries(options).filter(([name]) => !GIVEN_ANEW.has(name))),
    extraFiles: given.filter((text) => text.startsWith('@')), extraNames: Object.keys(await parseExtraVars(inline)),
  };
}

/**
 * An earlier run to go on with; the folder in which it was asked for becomes the current one.
 * @param options what the command line says now
 * @throws HsmfleetError USAGE when it cannot be taken up, and why
 */
export async function takeUpRun(store: Store, given: string, playbook: string | undefined, options: ApplyWords): Promise<TakenUp> {
  const { id, row, control } = await findRun(store, given);
  const kept = requestOf(id, control?.request);
  if (control !== undefined && isHeld(control)) {
    const { user, machine, pid } = control.holder as RunHolder;
    throw new HsmfleetError('USAGE', `run ${id} is still under way: ${user} controls it, with process ${String(pid)} on ${machine}`, { hint: `"hsmfleet runs log ${id} -f" shows what it does, "hsmfleet runs cancel ${id}" stops it` });
  }
  const words = await again(id, kept, playbook, options, '--resume');
  const told = (await store.runEvents(id, '0', { hosts: [''] })).map(({ event }) => event);
  const attempts = told.filter(({ type }) => type === 'run_resumed').length;
  const begun = new Set(told.flatMap((event) => (event.type === 'batch_started' ? [`${String(event.play)}.${String(event.batch)}`] : [])));
  return { run: id, playbook: kept.playbook, options: words, resume: { kept, attempt: attempts + 1, told: row !== undefined, begun, ...(await knownOfTokens(store, id)) } };
}

/**
 * The hosts of an earlier run that failed, refused or could not be reached, for a run of its own; undefined when there are none.
 * @throws HsmfleetError USAGE
 */
export async function retryRun(store: Store, given: string, playbook: string | undefined, options: ApplyWords): Promise<{ taken: TakenUp | undefined; run: string; unfinished: number }> {
  const { id, control } = await findRun(store, given);
  const kept = requestOf(id, control?.request);
  if (control !== undefined && isHeld(control)) throw new HsmfleetError('USAGE', `run ${id} is still under way`, { hint: `wait for its end, or stop it: hsmfleet runs cancel ${id}` });
  const words = await again(id, kept, playbook, options, '--retry');
  const rows = await store.read('select host, status from runs where run = $run order by host', { run: id });
  const hosts = rows.filter(({ status }) => status === 'failed' || status === 'refused' || status === 'unreachable').map(({ host }) => String(host));
  const unfinished = rows.filter(({ status }) => status === 'running' || status === 'stopped').length;
  if (hosts.length === 0) return { taken: undefined, run: id, unfinished };
  const next = { ...words, limit: hosts.join(',') };
  const keep = { ...(await keptRequest(kept.playbook, next)), retryOf: id };
  return { taken: { run: id, playbook: kept.playbook, options: next, keep }, run: id, unfinished };
}

function requestOf(id: string, request: unknown): KeptRequest {
  const kept = request as KeptRequest | undefined;
  if (kept?.version === 1) return kept;
  throw new HsmfleetError('USAGE', `run ${id} cannot be taken up again: ${kept === undefined ? 'it was no "hsmfleet apply", or an older hsmfleet ran it' : 'a newer hsmfleet ran it'}`, { hint: 'run its playbook again: what is done already changes nothing' });
}

/** The options of then and of now. */
async function again(id: string, kept: KeptRequest, playbook: string | undefined, options: ApplyWords, option: string): Promise<ApplyWords> {
  if (playbook !== undefined && playbook !== kept.playbook) throw new HsmfleetError('USAGE', `run ${id} is of ${kept.playbook}, not of ${playbook}`, { hint: 'leave the playbook out' });
  const other = Object.keys(options).find((name) => name !== 'project' && !GIVEN_ANEW.has(name) && options[name] !== undefined);
  if (other !== undefined) throw new HsmfleetError('USAGE', `${option} takes --${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} from the run`, { hint: `leave it out; "hsmfleet runs show ${id}" tells what the run was asked for` });
  if (options.workers === true) throw new HsmfleetError('USAGE', `${option} and --workers do not go together`, { hint: 'hosts go on with any control host: leave --workers out' });
  const given = options.extraVars ?? [];
  const names = new Set(Object.keys(await parseExtraVars(given.filter((text) => !text.startsWith('@')))));
  const missing = kept.extraNames.filter((name) => !names.has(name));
  if (missing.length > 0) {
    throw new HsmfleetError('USAGE', `run ${id} was given ${missing.join(', ')} with -e, and values of the command line are not kept`, { hint: `give the same again: hsmfleet apply ${option} ${id} ${missing.map((name) => `-e ${name}=…`).join(' ')}` });
  }
  enter(id, kept.folder);
  return { ...kept.options, ...options, project: kept.options.project, extraVars: [...kept.extraFiles, ...given] };
}

function enter(id: string, folder: string): void {
  try {
    process.chdir(folder);
  } catch (cause) {
    throw new HsmfleetError('USAGE', `the folder ${folder}, in which run ${id} was asked for, cannot be entered`, { cause, hint: 'runs are taken up where their playbook and hosts files are' });
  }
}

/** A PIN that was wrong once is tried nowhere in the run; a token that one host showed belongs to that host. */
async function knownOfTokens(store: Store, run: string): Promise<Pick<ResumedRun, 'pinsFrozen' | 'holders'>> {
  const [wrong] = await store.read("select host from task_results where run = $run and error_code = 'PIN_INCORRECT' limit 1", { run });
  const holders = await store.read("select host, manifest from custody where run = $run and verdict = 'proven' and manifest is not null", { run });
  return {
    ...(wrong === undefined ? {} : { pinsFrozen: `the token of ${String(wrong.host)} answered in this run that a PIN is wrong` }),
    holders: new Map(holders.map(({ host, manifest }) => [String(manifest), String(host)])),
  };
}
