/** Hosts files that are read here and by Ansible, for the comparison of both. */
export interface AnsibleCase {
  name: string;
  /** Text by path; executable where the path ends in an exclamation mark, which is no part of it. */
  files: Record<string, string>;
  /** What -i is given, in order; `hosts` when absent. */
  from?: readonly string[];
}

const ini = (name: string, text: string, more: Record<string, string> = {}): AnsibleCase => ({ name, files: { hosts: text, ...more } });
const yaml = (name: string, text: string, more: Record<string, string> = {}): AnsibleCase => ({ name, files: { 'hosts.yml': text, ...more }, from: ['hosts.yml'] });
const values = (name: string, ...texts: string[]): AnsibleCase => ini(name, ['[web]', 'a', '[web:vars]', ...texts.map((text, index) => `v${String(index)}=${text}`), ''].join('\n'));
const words = (name: string, ...texts: string[]): AnsibleCase => ini(name, texts.map((text, index) => `h${String(index)} ${text}\n`).join(''));
const script = (text: string): string => `#!/bin/sh\n${text}\n`;
const json = (value: unknown): string => script(`cat <<'END'\n${JSON.stringify(value)}\nEND`);

export const ANSIBLE_CASES: readonly AnsibleCase[] = [
  ini('hosts without a group', 'a\nb\n\n# c\n; d\n  e  \n'),
  ini('groups', 'lonely\n[web]\na\nb\n[db]\nb\nc\n[empty]\n'),
  ini('groups of groups, declared after they are named', '[prod:children]\nweb\ndb\n[db]\nd\n[web]\nw\n[all:children]\nprod\n'),
  ini('a group named twice', '[web]\na\n[db]\nx\n[web]\nb\n[web:vars]\nk=1\n[web:vars]\nk=2\nl=3\n'),
  ini('variables before their group', '[web:vars]\nx=1\n[web]\na\n'),
  ini('a child that is declared by its own children', '[a:children]\nb\n[b:children]\nc\n[c]\nh\n'),
  ini('deep groups override high ones', '[top:children]\nmid\n[mid:children]\nlow\n[low]\nh\n[top:vars]\nx=top\nt=1\n[mid:vars]\nx=mid\nm=1\n[low:vars]\nx=low\n[all:vars]\nx=all\na=1\n'),
  ini('of equal depth the name decides', '[b]\nh\n[a]\nh\n[a:vars]\nx=a\n[b:vars]\nx=b\n'),
  ini('the priority decides before the name', '[b]\nh\n[a]\nh\n[a:vars]\nx=a\nansible_group_priority=10\n[b:vars]\nx=b\n'),
  ini('a group of two parents lies as deep as the deeper one', '[p:children]\nq\n[q:children]\nr\n[s:children]\nr\n[r]\nh\n[zz]\nh\n[r:vars]\nx=r\n[zz:vars]\nx=zz\n[s:vars]\nx=s\n'),
  ini('ranges', '[web]\nw[01:03].x\nd[a:c]\nn[1:9:4]\nr[1:2]-[a:b]\nL[y:B]\nz[:2]\n'),
  ini('ports', 'a:22\nb:2222 ansible_port=33\n[::1]:44\nfe80::1\n192.0.2.1:5\nw[1:2]:66\nx_:7\n[192.0.2.7]:8\n'),
  ini('a port counts where the host is named first', 'a:1\n[g]\na:2\nb\n[h]\nb:3\n'),
  ini('comments', '[web] # c\na # c\nb x=1#c\nc x="1#c"\n[p:children] # c\nweb # c\n[web:vars]\nx=1 # c\ny=a # c\n'),
  ini('blanks and tabs', '  [web]  \n\ta\tx=1   y=2\t\n[web:vars]\n  k  =  v w  \n'),
  ini('CRLF', '[web]\r\na x=1\r\n\r\n[web:vars]\r\ny=z\r\n'),
  ini('hosts of all and ungrouped', '[all]\na\n[ungrouped]\nb\nc\n[web]\nc\nd\n[ungrouped:vars]\nu=1\n'),
  ini('unusual names of groups', '[web-servers]\na\n[1.2]\nb\n[web-servers:vars]\nx=1\n[ü]\nc\n'),
  ini('a host that is named like a group', '[web]\nweb\n'),
  ini('localhost by name', 'localhost x=1\n[g]\n127.0.0.1\n'),
  ini('templates', '[web]\na x="{{ y }}" z="[\'{{ y }}\', 1]"\n[web:vars]\ny=1\nt={{ y }} {{ x }}\n'),
  values('numbers in :vars', '1', '-5', '+3', '1.5', '.5', '5.', '1e3', '1_000', '0x1F', '0o17', '0b101', '007', '00', '1.2.3', '10.0.0.1', '1__0', '1_', '- 4', '--4', '1+2', '0x', '1e', '9007199254740991'),
  values('words in :vars', 'true', 'True', 'False', 'None', 'yes', 'null', 'a b c', '', '~', 'True1', 'a=b=c', '%s', '$HOME', 'a,b', '/x/y', 'http://a:1/b'),
  values('texts in :vars', '"a"', "'a'", '"a', "'it''s'", '"a" "b"', 'r"\\n"', '"\\n\\t\\\\\\"\\x41\\u00e4\\101\\q"', "'''x'''", 'u"x"', '"a" # c', 'f"x"', '"\\U0001f600"', '"a" b'),
  values('collections in :vars', '[]', '[1, "a", None,]', '(1, 2)', '(1,)', '(1)', '()', '1, 2', '1,', '{}', '{"a": 1, "b": [True]}', "{'a': {'b': 'c'}}", '[1 2]', '[a]', '{1: 2}', '[,]', '["a" "b"]', '[1] # c', '{"a"}x', '[[[]]]'),
  words('quotes of host lines', 'x="a b"', "x='a b'", 'x=a\\ b', 'x="a\\"b"', "x='a\"b'", 'x="a"b\'c\'', 'x=""', "x=''", '"x=a b"', 'x="5"', 'x=\'"5"\'', 'x="[1, \'b\']"', 'x=\'{"a": "b c"}\'', 'x="\\n"', 'x="\\\\n"', 'x=a=b', 'x=True y=true z=None', 'x="a#b" y=c'),
  words('literals of host lines', 'x=1', 'x=01', 'x=1.50', 'x=0x10', 'x=-1', 'x=[1,2]', 'x=(1,2)', "x={'a':1}", 'x=1,2', 'x="\'1\'"', 'x="u\'a\'"', 'ansible_port=22 ansible_host=10.0.0.1'),
  ini('group_vars and host_vars', '[web]\na x=inline y=inline\n[web:vars]\nx=group\nz=group\nq=group\n[all:vars]\nq=all\n', {
    'group_vars/all.yml': 'q: fileall\nr: [1, {a: b}]\n', 'group_vars/web.yml': 'z: file\ny: file\n', 'host_vars/a.yml': 'y: hostfile\n',
  }),
  ini('files of all give way to those of groups, but not to groups of the hosts file', '[g]\nh\n[g:vars]\nx=1\n', { 'group_vars/all': 'x: 2\n' }),
  ini('folders of vars files', '[web]\na\n', {
    'group_vars/web/10.yml': 'x: 10\nt: 10\n', 'group_vars/web/20.yaml': 'x: 20\n', 'group_vars/web/30.json': '{"j": 1}', 'group_vars/web/plain': 'p: 1\n', 'group_vars/web/skip.txt': 's: 1\n',
    'group_vars/web/.hidden.yml': 'h: 1\n', 'group_vars/web/old.yml~': 'o: 1\n', 'group_vars/web/sub/x.yml': 'sub: 1\n', 'group_vars/web/sub.d/x.yml': 'no: 1\n',
  }),
  ini('a name without an ending comes before those with one', '[web]\na\n', { 'group_vars/web': 'x: plain\n', 'group_vars/web.yml': 'x: yml\ny: 1\n', 'host_vars/a.yaml': 'z: yaml\n', 'host_vars/a.json': '{"z": "json"}' }),
  ini('vars files of names with a slash', 'dc/a\n', { 'host_vars/dc/a.yml': 'x: 1\n' }),
  { name: 'several hosts files, the later over the earlier', from: ['one/hosts', 'two/hosts'], files: {
    'one/hosts': '[web]\na x=1 y=1\n[web:vars]\ng=1\n', 'two/hosts': '[web]\nb\na x=2\n[web:vars]\ng=2\n[db]\na\n',
    'one/group_vars/web.yml': 'f: 1\nk: 1\n', 'two/group_vars/web.yml': 'f: 2\n', 'one/host_vars/a.yml': 'h: 1\n', 'two/host_vars/a.yml': 'h: 2\n', 'two/group_vars/all.yml': 'f: all\nk: all\n',
  } },
  { name: 'a folder that is named twice counts where it is named last', from: ['one/hosts', 'two/hosts', 'one/more'], files: {
    'one/hosts': 'a\n', 'two/hosts': 'a\n', 'one/more': 'b\n', 'one/host_vars/a.yml': 'x: one\n', 'two/host_vars/a.yml': 'x: two\n',
  } },
  { name: 'a folder', from: ['inv'], files: {
    'inv/01-hosts': '[web]\na\n', 'inv/02.yml': 'db:\n  hosts:\n    d:\n', 'inv/notes.txt': 'no host\n', 'inv/old.ini': 'nope\n', 'inv/x.retry': 'nope\n', 'inv/README.md': '# x\n', 'inv/hosts~': 'nope\n',
    'inv/.git': 'nope\n', 'inv/group_vars/all.yml': 'x: 1\n', 'inv/sub/more': 'c\n', 'inv/sub/group_vars/all.yml': 'x: 2\n', 'inv/host_vars/a.yml': 'y: 1\n', 'inv/c.cfg': 'nope\n', 'inv/zz.example': 'e\n',
  } },
  { name: 'a list', from: ['a,b:22, c ,'], files: {} },
  { name: 'a list after a file', from: ['hosts', 'x,a,'], files: { hosts: '[web]\na k=1\n', 'group_vars/ungrouped.yml': 'u: 1\n' } },
  { name: 'a hosts file with an ending of its own', from: ['prod.example'], files: { 'prod.example': '[web]\na\n' } },
  { name: 'INI without a section in a file without an ending', from: ['hosts'], files: { hosts: 'a\nb x=1\n' } },
  { name: 'YAML in a file without an ending', from: ['hosts'], files: { hosts: 'web:\n  hosts:\n    a: {x: 1}\n' } },
  { name: 'an empty file', from: ['hosts'], files: { hosts: '' } },
  { name: 'an empty YAML file', from: ['hosts.yml', 'a,'], files: { 'hosts.yml': '---\n' } },
  { name: 'an executable file that is no program', from: ['hosts'], files: { 'hosts!': '[web]\na\n' } },
  { name: 'JSON', from: ['hosts.json'], files: { 'hosts.json': '{"web": {"hosts": {"a": {"x": 1}}, "vars": {"y": [1, 2]}}}' } },
  yaml('groups of groups in YAML', 'all:\n  vars: {a: 1}\n  hosts:\n    lonely:\n  children:\n    prod:\n      children:\n        web:\n          hosts: {w1: {x: 1}, "w[2:3]": }\n          vars: {g: web}\n      vars: {g: prod, p: 1}\n    db:\n      hosts:\n        d:22:\n'),
  yaml('plain texts for hosts and children', 'web:\n  hosts: a\nprod:\n  children: web\n  vars:\n'),
  yaml('several groups at the top, one of them in another', 'web:\n  hosts: {a: {x: 1}}\ndb:\n  hosts: {a: {x: 2}, b: }\nall:\n  children:\n    web:\n      vars: {k: 1}\n'),
  yaml('the priority of groups in YAML', 'a: {hosts: {h: }, vars: {x: a, ansible_group_priority: 5}}\nb: {hosts: {h: }, vars: {x: b}}\n'),
  yaml('a priority in a vars file is a variable', 'a: {hosts: {h: }, vars: {x: a}}\nb: {hosts: {h: }, vars: {x: b}}\n', { 'group_vars/a.yml': 'ansible_group_priority: 5\n' }),
  yaml('anchors and merge keys', 'web:\n  vars: &v {x: 1, y: 2}\n  hosts: {a: }\ndb:\n  vars:\n    <<: *v\n    y: 3\n  hosts: {b: }\n'),
  { name: 'a script with _meta', from: ['list.sh'], files: { 'list.sh!': json({ web: { hosts: ['a', 'b'], vars: { g: 1 }, children: ['sub'] }, sub: ['c'], alone: { x: 1 }, _meta: { hostvars: { a: { x: 1, t: '{{ g }}' }, c: { y: [1, null, { k: 'v' }] }, stranger: { z: 1 } } } }) } },
  { name: 'a script without _meta is asked for every host', from: ['list.sh'], files: { 'list.sh!': script('if [ "$1" = --list ]; then echo \'{"web": {"hosts": ["a", "b"]}}\'; elif [ "$2" = a ]; then echo \'{"x": "of a"}\'; else echo {}; fi') } },
  { name: 'a script between files', from: ['one', 'list.sh', 'two'], files: { one: '[web]\na x=one y=one\n', 'list.sh!': json({ web: { hosts: ['a', 'b'], vars: { g: 1 } }, _meta: { hostvars: { a: { x: 'script' } } } }), two: '[web]\nb x=two\n', 'group_vars/web.yml': 'f: 1\n' } },
  { name: 'a script in a folder', from: ['inv'], files: { 'inv/a.py!': json({ web: { hosts: ['w'] }, _meta: { hostvars: {} } }), 'inv/b': '[prod:children]\nweb\n', 'inv/group_vars/web.yml': 'x: 1\n' } },
  { name: 'texts that are no templates', from: ['list.sh'], files: { 'list.sh!': json({ web: { hosts: ['a'] }, _meta: { hostvars: { a: { x: { __ansible_unsafe: '{{ raw }}' } } } } }) } },
];

/** Hosts files that Ansible refuses, and the place that has to be told; undefined for none. */
export const REFUSED_CASES: readonly (AnsibleCase & { line?: number; column?: number; message: RegExp })[] = [
  { ...ini('a variable without a value', 'a x\n'), line: 1, column: 3, message: /no key=value/ },
  { ...ini('an open quote', 'ok\n[web]\na x="b\n'), line: 3, column: 5, message: /not closed/ },
  { ...ini('a backslash at the end', 'a x=b\\\n'), line: 1, column: 6, message: /backslash/ },
  { ...ini('an unknown kind of section', '[web:hots]\na\n'), line: 1, column: 6, message: /kind "hots"/ },
  { ...ini('blanks in a section', 'a\n  [web servers]\n'), line: 2, column: 3, message: /no head of a section/ },
  { ...ini('a child that does not exist', '[p:children]\nweb\n[wbe]\na\n'), line: 2, column: 1, message: /"web", which does not exist/ },
  { ...ini('variables of a group that does not exist', '[web:vars]\nx=1\n'), line: 1, column: 1, message: /group that does not exist/ },
  { ...ini('a line of :vars without =', '[web]\n[web:vars]\nx\n'), line: 3, column: 1, message: /no key=value/ },
  { ...ini('a child with variables', '[web]\n[p:children]\nweb x=1\n'), line: 3, column: 1, message: /no name of a group/ },
  { ...ini('a host that ends in a colon', 'web:\n  a\n  b: 1\nc d\n'), line: 1, column: 1, message: /ends in a colon/ },
  { ...ini('groups in a circle', '[a:children]\nb\n[b:children]\na\n'), line: 1, column: 1, message: /contain one another/ },
  { ...ini('a group in itself', '[a:children]\na\n'), line: 1, column: 1, message: /contain one another/ },
  { ...ini('an open range', 'w[1:3\n'), line: 1, column: 1, message: /range/ },
  { ...ini('a range without an end', 'w[1:]\n'), line: 1, column: 1, message: /range/ },
  { ...ini('ends of different length', 'w[01:100]\n'), line: 1, column: 1, message: /number of digits/ },
  { ...ini('a priority that is no number', '[a]\n[a:vars]\nansible_group_priority=high\n'), line: 3, column: 1, message: /whole number/ },
  { name: 'a script that fails', from: ['list.sh'], files: { 'list.sh!': script('echo cannot reach the cloud >&2; exit 3') }, message: /ended with exit code 3/ },
  { name: 'a script that answers no JSON', from: ['list.sh'], files: { 'list.sh!': script('echo "{\\"web\\": [}"') }, message: /no JSON/ },
  { name: 'a script that answers a list', from: ['list.sh'], files: { 'list.sh!': json(['a']) }, message: /mapping of groups/ },
  { name: 'a script with bad hosts', from: ['list.sh'], files: { 'list.sh!': json({ web: { hosts: 'a' } }) }, message: /list of names/ },
  { name: 'a script whose interpreter is missing', from: ['list.sh'], files: { 'list.sh!': '#!/no/such/interpreter\nimport x = 1\n' }, message: /cannot be run/ },
  { name: 'a script that is not executable', from: ['list.sh'], files: { 'list.sh': '#!/bin/sh\necho "x = (\n' }, message: /not executable/ },
];
