import type { BootstrapEvidence } from '@hsmfleet/doctor';
import type { AgentBundle } from '@hsmfleet/runner';
import { quoteShellWord, type Connection } from '@hsmfleet/transport';

/** Longest answer that is read. */
const LIMIT = 65_536;
const DEADLINE_MS = 20_000;

/**
 * Looks at a host on which the agent does not start, with a few lines of shell over the same connection: where the agent
 * would be kept, what runs there, what the file system allows. Reads only.
 * @returns undefined when nothing came back
 */
export async function lookWithoutAgent(connection: Connection, bundle: AgentBundle): Promise<BootstrapEvidence | undefined> {
  const channel = await connection.exec(`exec /bin/sh -c ${quoteShellWord(script(bundle))}`, { become: true });
  channel.stdin.end();
  channel.stderr.resume();
  let text = '';
  channel.stdout.on('data', (chunk: Buffer) => { text = (text + chunk.toString('utf8')).slice(0, LIMIT); });
  const drained = new Promise((resolve) => channel.stdout.once('end', resolve).once('close', resolve));
  await Promise.race([channel.exit.then(() => drained), new Promise((resolve) => { setTimeout(resolve, DEADLINE_MS).unref(); })]);
  return readAnswer(text);
}

/** The start command of the agent chooses the same folder and looks for Node in the same places. */
function script({ hash, files }: AgentBundle): string {
  const sums = files.map(({ name, sha256 }) => `${sha256}  ${name}`).join('\n');
  return [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C', 'export PATH LC_ALL',
    'S=/var/lib/hsmfleet; [ -w /var/lib ] || S="$HOME/.local/state/hsmfleet"',
    'echo "state $S"',
    'K=missing; [ ! -e "$S" ] || K=other; [ ! -d "$S" ] || K=directory; echo "kind $K"',
    'D="$S"; while [ ! -d "$D" ] && [ "$D" != / ]; do D=$(dirname "$D"); done',
    'W=no; [ -w "$D" ] && W=yes; echo "writable $W"',
    'echo "free $(df -Pk "$D" 2>/dev/null | awk "NR==2 {print \\$4}")"',
    'R="$S/runtime"; [ -d "$R" ] || R="$D"',
    // the mount that holds it is the one with the longest name that it begins with
    'M=$(df -P "$R" 2>/dev/null | awk "NR==2 {print \\$6}"); echo "mount $M"; awk -v m="$M" "\\$2 == m {o = \\$4} END {print \\"options \\" o}" /proc/mounts',
    `A="$S/agent/${hash}"; if [ ! -d "$A" ]; then echo "agent missing"; elif (cd "$A" && printf '%s\\n' ${quoteShellWord(sums)} | sha256sum -c --status 2>/dev/null); then echo "agent whole"; else echo "agent damaged"; fi`,
    'for N in "$S"/runtime/*/node $(command -v node || command -v nodejs); do [ -e "$N" ] || continue; O=$("$N" --version 2>&1); C=$?; echo "node $C $N $(printf %s "$O" | head -n 1 | cut -c 1-200)"; done',
    'echo "machine $(uname -m)"',
  ].join('\n');
}

/** Reads the answer line by line: a host may print anything before it. */
function readAnswer(text: string): BootstrapEvidence | undefined {
  const lines = text.split('\n');
  const value = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1).trim();
  const [state, kind, agent, free] = [value('state'), value('kind'), value('agent'), value('free')];
  if (state === undefined || kind === undefined) return undefined;
  const nodes = lines.flatMap((line) => {
    const match = /^node (\d+) (\S+) ?(.*)$/.exec(line);
    return match === null ? [] : [{ code: Number(match[1]), path: match[2] ?? '', says: match[3] ?? '' }];
  });
  return {
    state,
    stateKind: kind === 'directory' || kind === 'other' ? kind : 'missing',
    writable: value('writable') === 'yes',
    freeKb: free === undefined || !/^\d+$/.test(free) ? null : Number(free),
    mountPoint: value('mount') ?? null,
    mountOptions: (value('options') ?? '').split(',').filter((option) => option !== ''),
    agent: agent === 'whole' || agent === 'damaged' ? agent : 'missing',
    nodes,
    machine: value('machine') ?? 'unknown',
  };
}
