import fc from 'fast-check';
import { stringify } from 'yaml';

const GROUPS = ['alpha', 'beta', 'gamma', 'delta', 'omega', 'web-1'];
const HOSTS = ['h1', 'h2', 'h3.example', 'h4', 'w[1:3]', 'n[01:02].x', 'h5:2022', '10.0.0.9'];
const KEYS = ['x', 'y', 'z', 'ansible_host', 'long_name'];

const literal = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer({ min: -1000, max: 1000 }).map(String),
    fc.constantFrom('True', 'False', 'None', '0x1f', '1_0', '1.5', '.25', '007', "'a b'", '"q"', "r'\\n'", '"\\t"', 'bare', ''),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    fc.array(tie('value'), { maxLength: 2 }).map((items) => `(${items.map((item) => `${item},`).join(' ')})`),
    fc.array(tie('value'), { maxLength: 2 }).map((items) => `{${items.map((item, index) => `'k${String(index)}': ${item}`).join(', ')}}`),
  ),
})).value;
const plain = fc.string({ maxLength: 10, unit: fc.constantFrom(...'ab01_.,:;#"\'\\[](){}=- +eEx'.split('')) });
/** A word of a host line: quoted so that it holds together, or left to chance. */
const word = fc.oneof(
  literal.filter((text) => !/["\\]/.test(text)).map((text) => `"${text}"`),
  literal.filter((text) => !text.includes("'")).map((text) => `'${text}'`),
  fc.string({ maxLength: 8, unit: fc.constantFrom(...'ab01_.,:[](){}-+eEx'.split('')) }),
);

const hostLine = fc.tuple(fc.constantFrom(...HOSTS), fc.array(fc.tuple(fc.constantFrom(...KEYS), word), { maxLength: 3 }), fc.constantFrom('', ' # note', '  '))
  .map(([host, vars, end]) => `${[host, ...vars.map(([key, value]) => `${key}=${value}`)].join(' ')}${end}`);
const varsLine = fc.tuple(fc.constantFrom(...KEYS), fc.oneof(literal, plain)).map(([key, value]) => `${key} = ${value}`);

/** Sections whose children come later in the list of groups, so that there is no circle. */
const section = fc.integer({ min: 0, max: GROUPS.length - 1 }).chain((index) => {
  const name = GROUPS[index] ?? '';
  const below = GROUPS.slice(index + 1);
  return fc.oneof(
    fc.array(hostLine, { maxLength: 4 }).map((lines) => [`[${name}]`, ...lines].join('\n')),
    fc.array(varsLine, { maxLength: 3 }).map((lines) => [`[${name}:vars]`, ...lines].join('\n')),
    (below.length === 0 ? fc.constant<string[]>([]) : fc.uniqueArray(fc.constantFrom(...below), { maxLength: 3 })).map((names) => [`[${name}:children]`, ...names].join('\n')),
    fc.integer({ min: 1, max: 9 }).map((priority) => `[${name}:vars]\nansible_group_priority=${String(priority)}`),
  );
});
const iniText = fc.tuple(fc.array(hostLine, { maxLength: 3 }), fc.array(section, { maxLength: 10 }))
  .map(([lines, sections]) => `${[...lines, ...sections, ...GROUPS.map((name) => `[${name}]`)].join('\n')}\n`);

const value = fc.oneof(fc.integer({ min: -99, max: 99 }), fc.boolean(), fc.constantFrom('text', 'yes', '', '{{ x }}', null), fc.array(fc.integer({ max: 9 }), { maxLength: 2 }), fc.record({ k: fc.nat(9) }));
const vars = fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 3 });
const yamlText = fc.array(fc.record({ group: fc.nat(GROUPS.length - 1), hosts: fc.dictionary(fc.constantFrom(...HOSTS), vars, { maxKeys: 3 }), vars, child: fc.nat(GROUPS.length - 1) }), { minLength: 1, maxLength: 4 })
  .map((groups) => stringify(Object.fromEntries(groups.map(({ group, child, ...rest }) => [
    GROUPS[group] ?? '', { ...rest, ...(child > group ? { children: { [GROUPS[child] ?? '']: {} } } : {}) },
  ])), { version: '1.1' }));
const varsText = vars.map((values) => stringify(values, { version: '1.1' }));

/** An INI hosts file, a YAML one to be read after it, and vars files beside them. */
export const anInventory = fc.record({
  hosts: iniText, 'more.yml': yamlText, 'group_vars/all.yml': varsText, 'group_vars/alpha.yml': varsText, 'group_vars/gamma/a.yml': varsText, 'group_vars/gamma/b': varsText, 'host_vars/h1.yml': varsText, 'host_vars/w2': varsText,
});
