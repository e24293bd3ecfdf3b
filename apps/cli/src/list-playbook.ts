import { compilePlaybook, type CompiledPlaybook } from '@hsmfleet/playbook';
import { printable } from '@hsmfleet/reporter';
import { readSources, type PlaybookRequest } from './execute-playbook.ts';
import { newRunId, runUser } from './run-identity.ts';

/** What to tell of a playbook in place of running it; with none of them it is only checked. */
export interface ListingOptions {
  listHosts?: boolean;
  listTasks?: boolean;
  listTags?: boolean;
}

/**
 * Compiles a playbook without reaching a host, and prints what it comes to, as `ansible-playbook` does.
 * @returns the exit code
 * @throws HsmfleetError, HsmfleetErrors with every mistake
 */
export async function listPlaybook(request: PlaybookRequest, show: ListingOptions): Promise<number> {
  const { fleet, playbook } = request;
  const sources = await readSources(request);
  const compiled = await compilePlaybook({ ...sources, run: newRunId(), user: runUser() });
  for (const warning of [...sources.hosts.warnings, ...compiled.warnings]) process.stderr.write(`warning: ${printable(warning)}\n`);
  process.stdout.write(fleet.json === true ? `${JSON.stringify(listing(playbook, compiled, show))}\n` : text(playbook, compiled, show));
  return 0;
}

function text(playbook: string, { plays, listed }: CompiledPlaybook, show: ListingOptions): string {
  const lines = ['', `playbook: ${playbook}`];
  if (show.listHosts !== true && show.listTasks !== true && show.listTags !== true) return `${lines.join('\n')}\n`;
  for (const [index, play] of listed.entries()) {
    lines.push('', `  play #${String(index + 1)} (${play.pattern}): ${play.name ?? play.pattern}\tTAGS: [${play.tags.join(', ')}]`);
    if (show.listHosts === true) {
      const hosts = plays[index]?.hosts ?? [];
      lines.push(`    pattern: ['${play.pattern.split(',').join("', '")}']`, `    hosts (${String(hosts.length)}):`, ...hosts.map((host) => `      ${host}`));
    }
    if (show.listTasks === true) {
      lines.push('    tasks:', ...play.tasks.map(({ name, tags, included }) => `      ${name}${included ? ' (included)' : ''}\tTAGS: [${tags.toSorted().join(', ')}]`));
    }
    if (show.listTags === true) lines.push(`      TASK TAGS: [${tagsOf(play.tasks).join(', ')}]`);
  }
  return `${lines.join('\n')}\n`;
}

function listing(playbook: string, { plays, listed }: CompiledPlaybook, show: ListingOptions): object {
  return {
    playbook,
    plays: listed.map(({ name, pattern, tags, tasks }, index) => ({
      name: name ?? pattern, pattern, tags,
      ...(show.listHosts === true ? { hosts: plays[index]?.hosts ?? [] } : {}),
      ...(show.listTasks === true ? { tasks } : {}),
      ...(show.listTags === true ? { taskTags: tagsOf(tasks) } : {}),
    })),
  };
}

function tagsOf(tasks: readonly { tags: string[] }[]): string[] {
  return [...new Set(tasks.flatMap(({ tags }) => tags))].sort();
}
