import type { ParseOptions, DocumentOptions, SchemaOptions, ScalarTag, Tags } from 'yaml';

const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;

/** As PyYAML has it: without the single letters y and n of the YAML 1.1 specification. */
const bool: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  identify: (value) => typeof value === 'boolean',
  test: new RegExp(`${TRUE.source}|${FALSE.source}`),
  resolve: (text) => TRUE.test(text),
};

const textTag = (tag: string): ScalarTag => ({ tag, identify: () => false, resolve: (text) => text });

/** Kept of YAML 1.1. Not taken: dates, base-60 numbers, sets: nobody means them in a playbook. */
const KEPT = new Set(['map', 'seq', 'str', 'null', 'int', 'float', 'merge'].map((name) => `tag:yaml.org,2002:${name}`));

/** How Ansible reads YAML, and the tags of ours. */
export const ANSIBLE_SCHEMA: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  schema: 'yaml-1.1',
  merge: true,
  prettyErrors: false,
  uniqueKeys: true,
  customTags: (tags: Tags) => [
    bool,
    ...tags.filter((tag) => typeof tag === 'object' && KEPT.has(tag.tag) && tag.format !== 'TIME'),
    textTag('!secret'),
    textTag('!unsafe'),
    textTag('!vault'),
    textTag('!vault-encrypted'),
    textTag('!age'),
  ],
};
