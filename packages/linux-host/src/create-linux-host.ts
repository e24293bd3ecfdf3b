import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError, type Artifact, type InventoryReport } from '@hsmfleet/contract';
import type {
  AgentState, ExecuteContext, Pkcs11Reader, ProvePin, ReadHost, ServiceAction, Step, StepResult, WriteHost,
} from '@hsmfleet/resource';
import { createAccounts } from './accounts.ts';
import { askCardService } from './card-service.ts';
import { runCommand } from './command.ts';
import { gatherFacts } from './facts.ts';
import { createFileReader } from './file-reader.ts';
import { isPortOpen, isSocketOpen, performHandshake } from './network.ts';
import { findServerProcess, findServingProcesses } from './server-process.ts';
import { describeStep } from './steps/describe-step.ts';
import { diffStep } from './steps/diff-step.ts';
import { makeDirectoryStep, makeLinkStep, removeStep, setAttributesStep, writeFileStep } from './steps/file-steps.ts';
import { runProgramStep } from './steps/run-program.ts';
import { serviceStep } from './steps/service-step.ts';
import { mayStartWebServer } from './steps/web-starts.ts';
import type * as WebChangeModule from './web-change/index.ts';
import type { PrimitiveChange, WebChangeDeps } from './web-change-deps.ts';

/** Tokens as the host needs them: reading, and the one login that proves a PIN. */
export interface HostPkcs11 extends Pkcs11Reader {
  /** @throws HsmfleetError PIN_REFUSED, PIN_INCORRECT, TOKEN_NOT_FOUND, PKCS11 */
  provePin(step: ProvePin, context: ExecuteContext): Promise<void>;
}

export interface LinuxHostOptions {
  /** Root-only directory of hsmfleet on the host, for example /var/lib/hsmfleet. Made when missing. */
  stateDir: string;
  pkcs11: HostPkcs11;
  /** Absolute path of a blob that travelled with the plan. */
  blob(sha256: string): string;
  /** Program and arguments of the TLS load client, which takes its request on standard input. */
  loadClient?: readonly string[];
  /** Program and arguments that end in `runCardServiceChild()`; without it nobody is asked. */
  cardServiceChild?: readonly string[];
  /** Takes an inventory report that a resource made. */
  report(report: InventoryReport): void;
  /** Takes word of a package that a resource built or found. */
  announceArtifact(artifact: Artifact, path: string): void;
  /** What the agent knows of itself, where one runs this. */
  agentState?(): AgentState;
}

/** The machine this runs on. Gathers its facts; starts no program. */
export async function createLinuxHost(options: LinuxHostOptions): Promise<WriteHost> {
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const accounts = createAccounts(async (database, key) => {
    const answer = await runCommand(['getent', database, key], { timeoutMs: 5_000 }, accounts);
    return answer.code === 0 ? answer.stdout.split('\n')[0] : undefined;
  });
  const facts = gatherFacts();
  const files = createFileReader(accounts);
  const stepDeps = { accounts, stateDir: options.stateDir, blob: (sha256: string) => options.blob(sha256) };

  const readHost: ReadHost = {
    facts,
    ...files,
    async userId(name) {
      return /^\d+$/.test(name) ? Number(name) : (await accounts.user(name))?.id;
    },
    groupId: (name) => accounts.groupId(name),
    userName: (uid) => accounts.userName(uid),
    query: (argv, commandOptions = {}) => runCommand(argv, commandOptions, accounts),
    serverProcess: findServerProcess,
    servingProcesses: (server) => findServingProcesses(server, accounts),
    askCardService: (user) => askCardService(options.cardServiceChild ?? [], user, accounts),
    agentState: () => options.agentState?.(),
    handshake: performHandshake,
    portOpen: isPortOpen,
    socketOpen: isSocketOpen,
    pkcs11: options.pkcs11,
    async pendingWebChange() {
      return (await loadWebChange()).readPendingWebChange(options.stateDir);
    },
    now: () => Date.now(),
    report: (report) => { options.report(report); },
    announceArtifact: (artifact, path) => { options.announceArtifact(artifact, path); },
  };

  const webDeps = (context: ExecuteContext): WebChangeDeps => ({
    host: readHost,
    stateDir: options.stateDir,
    context,
    applyChange: (change) => applyChange(change, context),
    provePin: (step) => options.pkcs11.provePin(step, context),
  });

  async function applyChange(change: PrimitiveChange, context: ExecuteContext): Promise<StepResult> {
    if (change.kind === 'run') return runProgramStep(change, stepDeps, context);
    return timed(change, async () => {
      switch (change.kind) {
        case 'write_file':
          if (change.content.from === 'secret') context.learn(change.content.text);
          return writeFileStep(change, stepDeps);
        case 'make_directory': return makeDirectoryStep(change, stepDeps);
        case 'set_attributes': return setAttributesStep(change, stepDeps);
        case 'make_link': return makeLinkStep(change);
        case 'remove': return removeStep(change);
      }
    });
  }

  /** Is there a web change to settle or to put back? Its code is loaded only then. */
  function waitsForWebChange(): boolean {
    return existsSync(join(options.stateDir, 'web', 'unit.json'));
  }

  /** Nothing starts or restarts a web server past the PIN rule or past a change that waits for its proof. */
  async function actOnService(step: ServiceAction, context: ExecuteContext): Promise<StepResult> {
    const isWebServer = step.unit.replace(/\.service$/, '') === facts.apache.service;
    if (!isWebServer || step.action === 'enable' || step.action === 'disable') return serviceStep(step, readHost);
    return timed(step, async () => (await loadWebChange()).actOnWebServer(step, webDeps(context)));
  }

  return {
    ...readHost,
    async execute(step: Step, context: ExecuteContext): Promise<StepResult> {
      switch (step.kind) {
        case 'service': return actOnService(step, context);
        case 'prove_pin':
          context.learn(step.pin);
          return timed(step, async () => {
            if ((await findServerProcess(facts.apache.pidFile)) === undefined) return options.pkcs11.provePin(step, context);
            return (await loadWebChange()).provePinBesideServer(step, webDeps(context));
          });
        case 'web_change':
          return timed(step, async () => (await loadWebChange()).executeWebChange(step, webDeps(context)));
        case 'measure_site':
          // loaded on first use, like all that most runs do not need
          return (await import('./steps/measure-site.ts')).measureSiteStep(step, options.loadClient ?? [], accounts, context);
        case 'run':
          if (mayStartWebServer(step.argv, facts.apache)) {
            await (await loadWebChange()).assertPinsProven(facts.apache.service, webDeps(context));
          }
          return applyChange(step, context);
        case 'build_package': {
          // loaded on first use: few hosts build
          const { buildPackageStep } = await import('./build-package/index.ts');
          return buildPackageStep(step, { ...stepDeps, hostname: facts.hostname }, context);
        }
        default: return applyChange(step, context);
      }
    },
    diff: (step) => diffStep(step, readHost, stepDeps),
    describe: describeStep,
    async settleWeb(context) {
      return waitsForWebChange() && (await loadWebChange()).settleWeb(webDeps(context));
    },
    async undoWeb(name, why, context) {
      return (await loadWebChange()).undoWeb(name, why, webDeps(context));
    },
    async forgetWebUndo(exceptRun) {
      if (existsSync(join(options.stateDir, 'web', 'undo.json'))) await (await loadWebChange()).forgetUndo(options.stateDir, exceptRun);
    },
    async recoverWeb(context) {
      return waitsForWebChange() && (await loadWebChange()).recoverWeb(webDeps(context));
    },
  };
}

/** Loaded on first use: most runs change no web server. */
function loadWebChange(): Promise<typeof WebChangeModule> {
  return import('./web-change/index.ts');
}

async function timed(step: Step, act: () => Promise<void>): Promise<StepResult> {
  const startedAt = new Date();
  try {
    await act();
  } catch (thrown) {
    if (thrown instanceof HsmfleetError) throw thrown;
    throw new HsmfleetError('TASK_FAILED', `cannot ${describeStep(step)}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
  return { step, startedAt: startedAt.toISOString(), durationMs: Date.now() - startedAt.getTime() };
}
