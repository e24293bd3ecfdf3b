import { OperationFailure } from '../operand.ts';
import type { Filter } from './filter.ts';

const READS = 'which would read this machine: use the resource stat on the host, and register';

/** Filters of Ansible that have no place here, and what does the same. */
const REFUSED: Record<string, string> = {
  json_query: 'use selectattr, rejectattr and map(attribute=…)',
  password_hash: 'a hash with a fresh salt differs in each run: make it once with openssl passwd -6 or mkpasswd, and keep it in a vault',
  vault: 'encrypt with hsmfleet vault encrypt-string, before the run',
  unvault: 'use !vault, or lookup("vault", FILE, KEY)',
  expanduser: `the home folder differs between hosts, ${READS}`,
  expandvars: 'the environment differs between hosts: use lookup("env", NAME) or a variable',
  realpath: `links differ between hosts, ${READS}`,
  fileglob: 'use query("fileglob", PATTERN), which runs on the control host',
  to_datetime: 'compare the texts, or use strftime with the seconds of a fact',
  win_basename: 'hosts run Linux: use basename',
  win_dirname: 'hosts run Linux: use dirname',
  win_splitdrive: 'hosts run Linux',
  ipaddr: 'keep address and prefix in variables of their own, or use regex_replace and split',
  ipv4: 'keep the address in a variable of its own',
  ipv6: 'keep the address in a variable of its own',
  ipsubnet: 'keep the network in a variable of its own',
  ipwrap: 'write the brackets into the template',
  nthhost: 'write the address out',
  cidr_merge: 'write the networks out',
  hwaddr: 'use regex_replace',
  macaddr: 'use regex_replace',
  parse_cli: 'use regex_search and regex_findall',
  parse_xml: 'use regex_search and regex_findall',
};

function refuse(name: string, hint: string): Filter {
  return {
    opaque: true,
    lenient: true,
    run() {
      throw new OperationFailure(`the filter "${name}" is not supported`, hint);
    },
  };
}

/** Known by name, so that the message says what to use instead. */
export const REFUSED_FILTERS: Record<string, Filter> = Object.fromEntries(Object.entries(REFUSED).map(([name, hint]) => [name, refuse(name, hint)]));
