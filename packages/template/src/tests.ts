import { isMapping, OperationFailure, typeName, Undefined, type Mapping, type Operand } from './operand.ts';
import { compare, contains, equals, truthy } from './operators.ts';
import { pythonRegex } from './python-regex.ts';
import { toText } from './represent.ts';
import { Secret } from '@hsmfleet/contract';
import { compareSemantic, compareVersions } from './versions.ts';

export interface Test {
  /** It gets undefined values and secrets as they are. */
  lenient?: true;
  /** `args[0]` is what is tested. */
  run(args: Operand[], named: Mapping): boolean;
}

const test = (run: (value: Operand, arg: Operand) => boolean): Test => ({ run: (args) => run(args[0] ?? null, args[1] ?? null) });
const lenient = (run: (value: Operand) => boolean): Test => ({ lenient: true, run: (args) => run(args[0] ?? null) });

/** What a registered result says about itself. */
function result(key: string, negated = false): Test {
  return test((value) => {
    if (!isMapping(value)) throw new OperationFailure(`the test needs a registered result, not ${typeName(value)}`);
    return truthy(value[key] ?? false) !== negated;
  });
}

/** The same by the name of the kind of match: match, fullmatch or search. */
function matchesAs(): Test {
  return {
    run([value, pattern, ...rest], named) {
      const how = toText(named.match_type ?? 'search');
      const wanted = how === 'fullmatch' ? `(?:${toText(pattern ?? '')})(?![\\s\\S])` : (pattern ?? '');
      return matches(how !== 'search').run([value ?? null, wanted, ...rest], named);
    },
  };
}

function matches(sticky: boolean): Test {
  return {
    run([value, pattern], named) {
      const regex = pythonRegex(toText(pattern ?? ''), {
        ignoreCase: truthy(named.ignorecase ?? false),
        multiline: truthy(named.multiline ?? false),
        sticky,
      });
      return regex.test(toText(value ?? null));
    },
  };
}

function version(): Test {
  return {
    run([value, wanted, operator], named) {
      const kind = toText(named.version_type ?? (truthy(named.strict ?? false) ? 'strict' : 'loose'));
      const order = (kind === 'semver' || kind === 'semantic' ? compareSemantic : compareVersions)(toText(value ?? null), toText(wanted ?? null));
      const sign = toText(operator ?? named.operator ?? '==');
      switch (sign) {
        case '==': case '=': case 'eq': return order === 0;
        case '!=': case '<>': case 'ne': return order !== 0;
        case '<': case 'lt': return order < 0;
        case '<=': case 'le': return order <= 0;
        case '>': case 'gt': return order > 0;
        case '>=': case 'ge': return order >= 0;
        default: throw new OperationFailure('the operator of the version test is not known', 'use ==, !=, <, <=, > or >=');
      }
    },
  };
}

/** With `convert_bool`, the words of YAML for no are false as well. */
function holdsConverted(value: Operand, convert: Operand | undefined): boolean {
  if (!truthy(convert ?? false) || typeof value !== 'string') return truthy(value);
  return !/^(?:no|off|false|f|n|0)?$/i.test(value);
}

const isString = lenient((value) => typeof value === 'string' || value instanceof Secret);
const isEqual = test(equals);
const isIn = test((value, list) => contains(list, value));
/** Ansible asks the control host, where people mean the host. */
function readsFiles(name: string): Test {
  if (name === 'abs' || name === 'is_abs') return test((value) => toText(value).startsWith('/'));
  return test(() => {
    throw new OperationFailure(`the test "${name}" would look at files of this machine`, 'use the resource stat on the host, register it, and ask for stat.exists, stat.isdir and the like');
  });
}

const isSuccess = result('failed', true);

/** Every test by name, with Ansible's tests of registered results. */
export const TESTS: Record<string, Test | undefined> = Object.assign(Object.create(null) as Record<string, Test>, {
  defined: lenient((value) => !(value instanceof Undefined)),
  undefined: lenient((value) => value instanceof Undefined),
  none: test((value) => value === null),
  string: isString,
  number: test((value) => typeof value === 'number'),
  integer: test((value) => Number.isInteger(value)),
  float: test((value) => typeof value === 'number' && !Number.isInteger(value)),
  boolean: test((value) => typeof value === 'boolean'),
  true: test((value) => value === true),
  false: test((value) => value === false),
  truthy: { run: ([value = null, convert], named) => holdsConverted(value, convert ?? named.convert_bool) },
  falsy: { run: ([value = null, convert], named) => !holdsConverted(value, convert ?? named.convert_bool) },
  mapping: test((value) => isMapping(value)),
  sequence: test((value) => Array.isArray(value) || typeof value === 'string' || isMapping(value)),
  iterable: test((value) => Array.isArray(value) || typeof value === 'string' || isMapping(value)),
  list: test((value) => Array.isArray(value)),
  odd: test((value) => Math.abs(Number(value)) % 2 === 1),
  even: test((value) => Number(value) % 2 === 0),
  divisibleby: test((value, by) => Number(value) % Number(by) === 0),
  in: isIn,
  contains: test((list, value) => contains(list, value)),
  sameas: test((value, other) => value === other),
  equalto: isEqual, eq: isEqual, '==': isEqual,
  ne: test((a, b) => !equals(a, b)), '!=': test((a, b) => !equals(a, b)),
  lt: test((a, b) => compare(a, b) < 0), '<': test((a, b) => compare(a, b) < 0),
  le: test((a, b) => compare(a, b) <= 0), '<=': test((a, b) => compare(a, b) <= 0),
  gt: test((a, b) => compare(a, b) > 0), '>': test((a, b) => compare(a, b) > 0), greaterthan: test((a, b) => compare(a, b) > 0),
  ge: test((a, b) => compare(a, b) >= 0), '>=': test((a, b) => compare(a, b) >= 0),
  lower: test((value) => toText(value) === toText(value).toLowerCase()),
  upper: test((value) => toText(value) === toText(value).toUpperCase()),
  match: matches(true),
  search: matches(false),
  regex: matchesAs(),
  version: version(), version_compare: version(),
  subset: test((value, of) => Array.isArray(value) && value.every((item) => contains(of, item))),
  superset: test((value, of) => Array.isArray(of) && of.every((item) => contains(value, item))),
  all: test((value) => Array.isArray(value) && value.every(truthy)),
  any: test((value) => Array.isArray(value) && value.some(truthy)),
  changed: result('changed'), change: result('changed'),
  failed: result('failed'), failure: result('failed'),
  skipped: result('skipped'), skip: result('skipped'),
  url: test((value) => typeof value === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(value)),
  uri: test((value) => typeof value === 'string' && /^[a-z][a-z0-9+.-]*:/i.test(value)),
  urn: test((value) => typeof value === 'string' && /^urn:[^:]+:/i.test(value)),
  unreachable: result('unreachable'), reachable: result('unreachable', true),
  ...Object.fromEntries(['file', 'is_file', 'directory', 'is_dir', 'link', 'is_link', 'exists', 'link_exists', 'abs', 'is_abs', 'same_file', 'is_same_file', 'mount', 'is_mount'].map((name) => [name, readsFiles(name)])),
  succeeded: isSuccess, success: isSuccess, successful: isSuccess,
} satisfies Record<string, Test>);
