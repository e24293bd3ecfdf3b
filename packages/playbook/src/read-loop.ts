import type { MapEntry } from '@hsmfleet/yaml-source';
import { suggestion } from '@hsmfleet/yaml-source';
import type { NodeReader } from './node-reader.ts';
import type { LoopForm, LoopSettings, LoopSource } from './source.ts';

/** Loops of the older spelling that there are: the form, or what it is called otherwise. */
const FORMS: Readonly<Record<string, LoopForm>> = {
  with_items: 'items',
  with_list: 'list',
  with_dict: 'dict',
  with_fileglob: 'fileglob',
  with_sequence: 'sequence',
  with_together: 'together',
  with_nested: 'nested',
  with_cartesian: 'nested',
  with_subelements: 'subelements',
  with_indexed_items: 'indexed_items',
};

/** What to write in place of the loops that there are not. */
const ADVICE: Readonly<Record<string, string>> = {
  with_flattened: 'use loop: "{{ LISTS | flatten }}"',
  with_random_choice: 'a run must be repeatable: use loop: ["{{ LIST | random(seed=inventory_hostname) }}"]',
  with_first_found: 'use loop: ["{{ lookup(\'first_found\', FILES) }}"]',
  with_lines: 'use command with register, and loop over its stdout_lines',
  with_file: 'use loop with {{ lookup(\'file\', item) }}',
  with_inventory_hostnames: 'use loop: "{{ groups[\'NAME\'] }}"',
};

const CONTROL_KEYS = ['loop_var', 'index_var', 'label', 'pause', 'extended'];

/** Every key that makes a loop. */
export const LOOP_KEYS: readonly string[] = ['loop', ...Object.keys(FORMS)];

/** Reads the loop of a step; undefined when it has none. */
export function readLoop(byKey: ReadonlyMap<string, MapEntry>, reader: NodeReader): LoopSource | undefined {
  const [first, second] = [...byKey.values()].filter(({ key }) => LOOP_KEYS.includes(key));
  if (first === undefined) return undefined;
  if (second !== undefined) reader.fail(`${first.key} and ${second.key} exclude one another`, second.keyNode);
  const placed = reader.placed(first) ?? { value: [], node: first.keyNode, source: reader.source };
  return { ...placed, form: FORMS[first.key] };
}

/** Tells what to write in place of a loop that there is not. */
export function refuseLoop(entry: MapEntry, reader: NodeReader): void {
  reader.fail(`${entry.key} is not supported`, entry.keyNode, ADVICE[entry.key] ?? `use loop; of the older loops there are ${Object.keys(FORMS).join(', ')}`);
}

/** Reads `loop_control`. */
export function readLoopControl(entry: MapEntry | undefined, reader: NodeReader): LoopSettings {
  const settings: LoopSettings = { loopVar: 'item' };
  for (const part of entry === undefined ? [] : reader.mapping(entry.value, 'loop_control')) {
    switch (part.key) {
      case 'loop_var': settings.loopVar = nameOf(part, reader) ?? 'item'; break;
      case 'index_var': settings.indexVar = nameOf(part, reader); break;
      case 'label': settings.label = reader.value(part.value); break;
      case 'pause': settings.pause = reader.value(part.value); break;
      case 'extended': settings.extended = reader.boolean(part); break;
      case 'extended_allitems': reader.boolean(part); break;
      default: reader.fail(`"${part.key}" is not a key of loop_control`, part.keyNode, suggestion(part.key, CONTROL_KEYS) ?? `there are ${CONTROL_KEYS.join(', ')}`);
    }
  }
  return settings;
}

function nameOf(entry: MapEntry, reader: NodeReader): string | undefined {
  const name = reader.text(entry);
  if (name === undefined || /^[A-Za-z_]\w*$/.test(name)) return name;
  return reader.fail(`"${name}" is not a name for a variable`, entry.value);
}
