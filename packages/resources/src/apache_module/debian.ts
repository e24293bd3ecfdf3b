import type { ReadHost } from '@hsmfleet/resource';
import type { DebianModules, ModuleLinks } from '@hsmfleet/httpd';
import type { MakeLink, Remove } from '@hsmfleet/resource';

/** Debian's module folders as JSON, for facts. */
export interface DebianModuleFiles extends DebianModules {
  /** The folder that holds mods-available and mods-enabled. */
  folder: string;
}

/** Reads which modules can be and are enabled. */
export async function readDebianModules(host: ReadHost): Promise<DebianModuleFiles> {
  const folder = host.facts.apache.configDir;
  const names = (await host.list(`${folder}/mods-available`)) ?? [];
  const available: Record<string, string> = {};
  for (const name of names) {
    if (name.endsWith('.load')) available[name.slice(0, -'.load'.length)] = (await host.readText(`${folder}/mods-available/${name}`)) ?? '';
  }
  return {
    folder,
    available,
    withConf: names.filter((name) => name.endsWith('.conf')).map((name) => name.slice(0, -'.conf'.length)),
    enabled: (await host.list(`${folder}/mods-enabled`)) ?? [],
  };
}

/** The links that a2enmod and a2dismod would make and remove, as steps. */
export function linkSteps(folder: string, links: ModuleLinks): (MakeLink | Remove)[] {
  return [
    ...links.remove.map((file): Remove => ({ kind: 'remove', path: `${folder}/mods-enabled/${file}` })),
    ...links.add.map((file): MakeLink => ({ kind: 'make_link', path: `${folder}/mods-enabled/${file}`, target: `../mods-available/${file}` })),
  ];
}
