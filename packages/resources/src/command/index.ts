import { HsmfleetError, Secret, type Rendered } from '@hsmfleet/contract';
import { defineResource, type ReadHost, type RunProgram } from '@hsmfleet/resource';
import { parseCommand, type CommandLine } from './command-line.ts';
import { CommandParams } from './schema.ts';

interface Facts {
  createsExists: boolean;
  removesExists: boolean;
}

export const resource = defineResource<CommandParams, Facts>({
  name: 'command',
  summary: 'Runs a program, without a shell. Always a change unless creates, removes or changed_when say otherwise.',
  params: CommandParams,
  freeFormParam: '_raw_params',
  converges: false,
  examples: [
    { title: 'Free form', yaml: 'command: readlink /etc/apache2/mods-enabled/status.load\nchanged_when: false\n' },
    { title: 'Once', yaml: 'command:\n  argv: [openssl, dhparam, -out, /etc/ssl/dh.pem, "2048"]\n  creates: /etc/ssl/dh.pem\n' },
  ],

  async inspect(host, params) {
    const { creates, removes } = parseCommand(open(params));
    return {
      createsExists: creates !== undefined && (await exists(host, creates)),
      removesExists: removes !== undefined && (await exists(host, removes)),
    };
  },

  plan(params, facts) {
    const line = parseCommand(open(params));
    if (line.creates !== undefined && facts.createsExists) return skipped(line, `skipped, since ${line.creates} exists`);
    if (line.removes !== undefined && !facts.removesExists) return skipped(line, `skipped, since ${line.removes} does not exist`);
    const stdin = input(params, line);
    const step: RunProgram = {
      kind: 'run',
      argv: line.argv,
      ...(line.chdir === undefined ? {} : { cwd: line.chdir }),
      ...(stdin === undefined ? {} : { stdin }),
      why: `run ${clip(line.argv.join(' '))}`,
    };
    return { steps: [step] };
  },

  result(params, _facts, steps) {
    const [done] = steps;
    if (done === undefined) return {};
    const strip = (text: string): string => (params.strip_empty_ends === false ? text : text.replace(/[\r\n]+$/, ''));
    const stdout = strip(done.stdout ?? '');
    const stderr = strip(done.stderr ?? '');
    return {
      rc: done.code ?? 0,
      stdout,
      stderr,
      stdout_lines: lines(stdout),
      stderr_lines: lines(stderr),
      cmd: done.step.kind === 'run' ? [...done.step.argv] : [],
      start: done.startedAt,
      end: new Date(Date.parse(done.startedAt) + done.durationMs).toISOString(),
      delta: done.durationMs / 1000,
    };
  },
});

/** A secret in the command line would be seen by every user of the host. */
function open(params: CommandParams): CommandParams {
  for (const value of [params._raw_params, params.cmd, ...(params.argv ?? [])] as unknown[]) {
    if (value instanceof Secret) {
      throw new HsmfleetError('PARAMS_INVALID', `the command line holds a secret (${value.origin}), and every user of the host can read command lines`, {
        hint: 'give it as stdin, or write it to a file with copy and mode "0600"',
      });
    }
  }
  return params;
}

function input(params: CommandParams, line: CommandLine): string | Secret | undefined {
  const stdin: unknown = line.stdin;
  if (stdin === undefined || stdin === null) return undefined;
  if (typeof stdin === 'object' && !(stdin instanceof Secret)) throw new HsmfleetError('PARAMS_INVALID', 'command.stdin must be text', { hint: 'write a mapping or list as JSON: | to_json' });
  const end = params.stdin_add_newline === false ? '' : '\n';
  return stdin instanceof Secret ? new Secret(`${stdin.reveal()}${end}`, stdin.origin) : `${String(stdin)}${end}`;
}

function skipped(line: CommandLine, message: string) {
  return { steps: [], message, result: { rc: 0, stdout: message, stdout_lines: [message], stderr: '', stderr_lines: [], cmd: line.argv, msg: message } };
}

/** One line for people: a script given as an argument would fill the screen. */
function clip(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= 160 ? line : `${line.slice(0, 159)}…`;
}

function lines(text: string): Rendered[] {
  return text === '' ? [] : text.split(/\r?\n/);
}

async function exists(host: ReadHost, path: string): Promise<boolean> {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (!/[*?]/.test(name)) return (await host.lstat(path)) !== undefined;
  const pattern = new RegExp(`^${name.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return ((await host.list(path.slice(0, slash) || '/')) ?? []).some((entry) => pattern.test(entry));
}
