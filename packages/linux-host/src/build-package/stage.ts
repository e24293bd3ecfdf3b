import { closeSync, existsSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { HsmfleetError } from '@hsmfleet/contract';
import type { CommandOptions, CommandResult } from '@hsmfleet/resource';
import { killGroup, type Identity } from '../command.ts';
import { firstErrorLine, tailOf } from './build-log.ts';

/** A log beyond this has run wild; the build is ended before the disk is full. Bytes. */
const LOG_LIMIT = 256 * 1024 * 1024;
/** Bytes of output that a program run for its output may print. */
const OUTPUT_LIMIT = 64 * 1024 * 1024;
const TICK = 1_000;
const TELL_EVERY = 15_000;
/** Bytes of a stage's output looked at for its error and its tail. */
const LOOKED_AT = 1024 * 1024;
/** Lines of the log that an error shows. */
const TAIL_LINES = 25;

/**
 * Packages hold what the build makes with its umask, whatever the agent's is, and there is no program that only sets one. The
 * script is this one and no other: what is run are its arguments.
 */
const WITH_UMASK = ['/bin/sh', '-c', 'umask 022; exec "$@"', 'sh'];

/** What every program of one build shares. */
export interface BuildRoom {
  /** For messages: "hello 1.0-1". */
  what: string;
  identity: Identity;
  env: Readonly<Record<string, string>>;
  /** Absolute path of the build log; output is appended. */
  log: string;
  timeoutMs: number;
  /** Runs a program as the build's user, its output kept out of the log. */
  read(argv: readonly string[], options: CommandOptions): Promise<CommandResult>;
  progress(message: string): void;
}

/** One program of a build. */
export interface StageCall {
  /** For messages: "configure", "make", "make install". */
  stage: string;
  argv: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string>>;
}

/**
 * Runs one program of a build with its output going straight to the log, in a process group that is gone afterwards.
 * @returns what the program printed, its last MiB
 * @throws HsmfleetError COMMAND_FAILED with the first line that looks like the error and, as `details.log_tail`, the end of the log;
 *   TIMEOUT; TASK_FAILED when the program is not there
 */
export async function runStage(room: BuildRoom, call: StageCall): Promise<string> {
  const { stage, argv, cwd } = call;
  const env: Record<string, string> = { ...room.env, ...call.env };
  findProgram(argv[0] ?? '', cwd, env.PATH ?? '', stage);
  const log = openSync(room.log, 'a+', 0o600);
  try {
    writeSync(log, `\n$ ${argv.join(' ')}\n`);
    const start = fstatSync(log).size;
    room.progress(`${room.what}: ${stage}`);
    const ended = await run(room, { ...call, env }, log);
    const said = readFrom(log, start);
    if (ended.problem !== undefined) {
      throw new HsmfleetError('TIMEOUT', `${stage} of ${room.what} ${ended.problem} and was ended`, { hint: hintFor(room), details: { stage, log_tail: tailOf(said, TAIL_LINES) } });
    }
    if (ended.code !== 0) {
      const error = firstErrorLine(said);
      throw new HsmfleetError('COMMAND_FAILED', `${stage} of ${room.what} failed with exit code ${String(ended.code)}${error === undefined ? '' : `: ${error}`}`, {
        hint: hintFor(room),
        details: { stage, rc: ended.code, log: room.log, log_tail: tailOf(said, TAIL_LINES) },
      });
    }
    return said;
  } finally {
    closeSync(log);
  }
}

/**
 * Runs a program of a build for its output, which is not logged.
 * @throws HsmfleetError as {@link runStage}
 */
export async function readProgram(room: BuildRoom, { stage, argv, cwd }: StageCall): Promise<string> {
  findProgram(argv[0] ?? '', cwd, room.env.PATH ?? '', stage);
  const answer = await room.read(argv, { cwd, env: { ...room.env }, timeoutMs: room.timeoutMs, maxOutput: OUTPUT_LIMIT });
  if (answer.timedOut) throw new HsmfleetError('TIMEOUT', `${stage} of ${room.what} did not end within ${String(room.timeoutMs / 1000)} s`);
  if (answer.code === 0 && answer.stdout.length < OUTPUT_LIMIT) return answer.stdout;
  const error = firstErrorLine(answer.stderr);
  throw new HsmfleetError('COMMAND_FAILED', `${stage} of ${room.what} failed with exit code ${String(answer.code)}${error === undefined ? '' : `: ${error}`}`, {
    details: { stage, rc: answer.code, log_tail: tailOf(answer.stderr, TAIL_LINES) },
  });
}

/**
 * Absolute path of a program, looked for as the build will.
 * @throws HsmfleetError TASK_FAILED when it is nowhere
 */
export function findProgram(name: string, cwd: string, path: string, stage: string): string {
  const places = name.includes('/') ? [join(name.startsWith('/') ? '/' : cwd, name)] : path.split(':').map((folder) => join(folder, name));
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new HsmfleetError('TASK_FAILED', `the builder has no ${name}, which ${stage} needs`, {
    hint: `add the package that brings ${name} to build_depends`,
  });
}

function hintFor(room: BuildRoom): string {
  return `the whole log is ${room.log} on the builder; nothing was installed`;
}

function run(room: BuildRoom, call: StageCall, log: number): Promise<{ code: number; problem?: string }> {
  const [program = '', ...args] = [...room.identity.prefix, ...WITH_UMASK, ...call.argv];
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: call.cwd, env: call.env, detached: true, stdio: ['ignore', log, log], ...room.identity.ids });
    const started = Date.now();
    let told = started;
    let problem: string | undefined;
    const watch = setInterval(() => {
      const now = Date.now();
      if (now - started > room.timeoutMs) problem = `did not end within ${String(room.timeoutMs / 1000)} s`;
      else if (fstatSync(log).size > LOG_LIMIT) problem = 'wrote a log without end';
      if (problem !== undefined) killGroup(child, 'SIGKILL');
      if (now - told < TELL_EVERY) return;
      told = now;
      room.progress(`${room.what}: ${call.stage}, ${String(Math.round((now - started) / 1000))} s`);
    }, TICK);
    const finish = (code: number): void => {
      clearInterval(watch);
      // nothing of the build may go on in the folders that are read next
      killGroup(child, 'SIGKILL');
      resolve({ code, ...(problem === undefined ? {} : { problem }) });
    };
    child.on('error', (thrown) => {
      writeSync(log, `cannot start ${program}: ${thrown.message}\n`);
      finish(-1);
    });
    child.on('exit', (code) => { finish(code ?? 128); });
  });
}

function readFrom(log: number, start: number): string {
  const size = fstatSync(log).size - start;
  const from = Math.max(start, start + size - LOOKED_AT);
  const buffer = Buffer.alloc(Math.min(size, LOOKED_AT));
  readSync(log, buffer, 0, buffer.length, from);
  return buffer.toString('utf8');
}
