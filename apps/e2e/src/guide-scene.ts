import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandsOf } from './documented-commands.ts';
import { PIN, READ_ONLY_ENV, READ_ONLY_MODULE, ROOT, type Ended } from './fleet.ts';
import type { Answers, Newcomer } from './newcomer.ts';

/** How a line of a page is typed, where there is more to it than typing it and seeing it end well. */
export interface Step {
  /** Exit codes that are right; 0 alone when absent. */
  codes?: readonly number[];
  answers?: Answers;
  /** What a person following the page has done in between. */
  before?: () => unknown;
  /** What only an example can have (ids, modules of real cards, long measurements), and what is typed in its place. */
  instead?: () => readonly (readonly [from: string, to: string])[];
  shows?: RegExp;
  /** It serves until it is interrupted: Ctrl-C is typed when this is shown, or comes true. */
  until?: RegExp | (() => Promise<boolean>);
  /** It goes on, once `until` is met, while the next line is typed. */
  meanwhile?: true;
}

/** What a person has who follows a page. */
export interface Scene {
  /** Below the home folder. */
  folder: string;
  env?: () => NodeJS.ProcessEnv;
  prepare?: () => unknown;
  /** By the text of the line; a list where it stands in the page more than once. */
  steps?: Readonly<Record<string, Step | readonly Step[]>>;
}

/** Lines that were typed, by page; a page that was begun has an entry. */
export type Typed = Map<string, string[]>;

const READY_MS = 90_000;

/** Something that is waited for, once. */
export function signal(): { reached: Promise<void>; reach: () => void } {
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => { reach = resolve; });
  return { reached, reach };
}

/**
 * Declares a test for every `hsmfleet …` line of a page, in the order of the page.
 * @param newcomer who types; there is one once tests run
 */
export function followPage(page: string, newcomer: () => Newcomer, typed: Typed, { folder, env = () => ({}), prepare, steps = {} }: Scene): void {
  const lines = commandsOf(page);
  const unknown = Object.keys(steps).filter((text) => !lines.some((line) => line.text === text));
  if (unknown.length > 0) throw new Error(`${page} does not say: ${unknown.join('; ')}`);
  describe(page, () => {
    const met = new Map<string, number>();
    let going: { ended: Promise<Ended>; stop: () => void } | undefined;
    const done: string[] = [];
    typed.set(page, done);
    beforeAll(async () => {
      mkdirSync(newcomer().path(folder), { recursive: true });
      await prepare?.();
    });
    afterAll(async () => {
      going?.stop();
      await going?.ended;
    });

    test.each(lines.map(({ line, text }) => [line, text] as const))('%i: %s', async (_line, text) => {
      const declared = steps[text];
      const nth = met.get(text) ?? 0;
      met.set(text, nth + 1);
      const step: Step = (Array.isArray(declared) ? (declared as readonly Step[])[nth] : declared as Step | undefined) ?? {};
      await step.before?.();
      done.push(text);
      const line = (step.instead?.() ?? []).reduce((all, [from, to]) => {
        expect(all).toContain(from);
        return all.replace(from, to);
      }, text);
      const typing = { folder, env: env(), answers: step.answers ?? [] };
      const before = going;
      going = undefined;
      const stop = signal();
      const ready = signal();
      const ended = newcomer().type(line, step.until === undefined ? typing : {
        ...typing,
        interrupt: async (shown) => {
          const given = step.until;
          const met = async (): Promise<boolean> => (given instanceof RegExp ? given.test(shown()) : given?.() ?? true);
          for (let waited = 0; waited < READY_MS && !(await met()); waited += 100) await sleep(100);
          ready.reach();
          if (step.meanwhile === true) await stop.reached;
        },
      });
      if (step.meanwhile === true) {
        going = { ended, stop: stop.reach };
        await Promise.race([ready.reached, ended]);
        return;
      }
      const { code, stdout } = await ended;
      before?.stop();
      await before?.ended;
      expect(step.codes ?? [step.until === undefined ? 0 : code], `${line}\n${stdout}`).toContain(code);
      if (step.until instanceof RegExp) expect(stdout).toMatch(step.until);
      if (step.shows !== undefined) expect(stdout).toMatch(step.shows);
      expect(stdout).not.toContain(PIN);
    });
  });
}

/** Writes files below the newcomer's home folder. */
export function place(newcomer: Newcomer, files: Readonly<Record<string, string>>, mode = 0o600): void {
  for (const [name, text] of Object.entries(files)) {
    const file = newcomer.path(name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  }
}

/** Variables of webservers on the test hosts. */
export const WEBSERVERS = {
  hsm_module: READ_ONLY_MODULE, hsm_module_env: READ_ONLY_ENV, hsm_token: 'fleet-{{ inventory_hostname }}', hsm_key_id: '03', server_name: '{{ inventory_hostname }}.fleet.test',
};

/** A project as pages take it for granted: hosts, variables with a PIN, the playbooks that come with the program. */
export function placeProject(newcomer: Newcomer, folder: string, hosts: readonly string[], variables: Readonly<Record<string, unknown>> = {}, pin = 'token_pin: !secret file:../secrets/token-pin\n'): void {
  const entries = Object.entries({ ...WEBSERVERS, ...variables }).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  place(newcomer, {
    [`${folder}/hosts.yml`]: `all:\n  children:\n    webservers:\n      hosts: {${hosts.map((host) => `${host}: `).join(', ')}}\n    lab:\n      hosts: {${hosts.at(-1) ?? ''}: }\n`,
    [`${folder}/group_vars/webservers.yml`]: entries.join('') + pin,
    [`${folder}/secrets/token-pin`]: `${PIN}\n`,
  });
  cpSync(join(ROOT, 'playbooks'), newcomer.path(folder, 'playbooks'), { recursive: true });
  cpSync(join(ROOT, 'playbooks/site.yml'), newcomer.path(folder, 'site.yml'));
  cpSync(join(ROOT, 'playbooks/templates'), newcomer.path(folder, 'templates'), { recursive: true });
}

/** The first fenced block of a page that has a text in it. */
export function blockOf(page: string, having: string): string {
  const found = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, text = '']) => text).find((text) => text.includes(having));
  if (found === undefined) throw new Error(`${page} has no block with ${having}`);
  return found;
}

/** The pages that each spec follows; together all of them. */
export const STATION_PAGES = ['README.md', 'docs/guide/benchmarking.md', 'docs/guide/building-the-module.md', 'docs/guide/preparing-tokens.md'];
