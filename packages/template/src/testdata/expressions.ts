import type { Value } from '@hsmfleet/contract';

/** Variables of the expressions below. */
export const variables: Record<string, Value> = {
  name: 'web1', port: 8443, ratio: 2.5, on: true, off: false, nothing: null, empty: '', text: 'The quick brown fox, it\'s "here"', path: '/etc/apache2/sites/x.conf',
  list: ['b', 'a', 'c'], numbers: [3, 1, 2, 3], nested: [1, [2, [3, [4]]]], mixed: ['x', null, 'y'],
  map: { one: 1, two: { deep: 'x', list: [1, 2] } }, pairs: { b: 2, a: 1, C: 3 },
  users: [{ name: 'ann', age: 30, admin: true, groups: ['a', 'b'] }, { name: 'bob', age: 20, groups: ['b'] }, { name: 'cy', age: 25, admin: false, groups: [] }],
  ok: { changed: false, failed: false }, changed: { changed: true, failed: false, rc: 0 }, failed: { changed: false, failed: true, msg: 'x' }, skipped: { changed: false, skipped: true },
  multi: 'one\ntwo\n\nthree\n', words: { yes: 'yes', 'key with blank': 'a: b', num: '012', nul: null, t: true, f: 1.5, long: 'word '.repeat(30).trim(), colon: 'http://x:80/', hash: 'a #b', dash: '- x', multi: 'l1\nl2\n', quote: "it's", date: '2024-01-02', tilde: '~', star: '*x', unicode: 'grün', empty: '' },
};

/** Every one is evaluated by Ansible too; results are compared as JSON. */
export const expressions: string[] = String.raw`
1 + 2 * 3 - 4
7 // 2
-7 // 2
-7 % 3
7 / 2
2 ** 10
1 ~ 2 ~ 'x'
[1] + [2]
'ab' * 3
not on or off
on and port > 80
1 < 2 <= 2
'a' in list and 'z' not in list
'x' if on else 'y'
('x' if off else none) is none
list[0] ~ list[-1]
list[1:]
list[::-1]
name[1:3]
map.two.deep
map['two']['list'][1]
map.two.list | last
{'a': 1, 'b': [1, 2]}
[1, 'a', none, true, 2.5]
range(5) | list
range(2, 10, 3) | list
dict(a=1, b=2)
dict([['x', 1], ['y', 2]])
name.upper() ~ name.replace('w', 'W')
'a:b:c'.split(':')
'a  b'.split()
' x '.strip()
name.startswith('we')
map.keys() | list
map.get('none', 'd')
'-'.join(list)
'%s-%03d' | format(name, 7)
'%05.2f' % ratio
'%(a)s' | format(a=1)
missing | default('d')
map.none.deeper | default('d')
empty | default('d', true)
nothing | default('d')
nothing | default('d', true)
map | combine({'one': 5})
map | combine({'two': {'b': 1}}, recursive=true)
map | combine({'two': {'list': [3]}}, recursive=true, list_merge='append')
map | combine({'two': {'list': [2, 3]}}, recursive=true, list_merge='append_rp')
map | combine({'two': {'list': [3]}}, recursive=true, list_merge='prepend')
map | combine({'two': {'list': [1, 3]}}, recursive=true, list_merge='prepend_rp')
map | combine({'two': {'list': [3]}}, recursive=true, list_merge='keep')
{'l': [1, 2]} | combine({'l': [3]}, list_merge='append')
[{'a': 1}, {'b': 2}] | combine({'a': 3})
users | selectattr('admin', 'defined') | map(attribute='name') | list
users | selectattr('admin', 'undefined') | map(attribute='name') | list
users | selectattr('age', '>', 21) | list | length
users | selectattr('age', 'gt', 21) | map(attribute='name') | list
users | selectattr('name', 'match', 'a|b') | map(attribute='name') | list
users | selectattr('name', 'in', ['ann', 'cy']) | map(attribute='age') | list
users | rejectattr('age', 'ge', 25) | map(attribute='name') | list
users | rejectattr('name', 'equalto', 'bob') | map(attribute='name') | list
users | map(attribute='groups.0', default='-') | list
users | map(attribute='groups') | flatten
users | map(attribute='name') | map('upper') | list
list | map('regex_replace', '^(.)$', '<\\1>') | list
list | map('extract', {'a': 1, 'b': 2, 'c': 3}) | list
['one'] | map('extract', map) | list
['two'] | map('extract', map, 'deep') | list
numbers | map('string') | list
list | select('in', ['a', 'b']) | list
list | reject('equalto', 'a') | list
numbers | select('odd') | list
numbers | select('gt', 1) | list
mixed | select | list
mixed | select('none') | list
[0, 1, '', 'x'] | reject | list
list | sort
numbers | sort(reverse=true)
['b', 'A', 'c'] | sort
['b', 'A', 'c'] | sort(case_sensitive=true)
users | sort(attribute='age') | map(attribute='name') | list
users | sort(attribute='age', reverse=true) | map(attribute='name') | list
users | groupby('admin', default=false) | map('first') | list
users | groupby('age') | map('last') | map('length') | list
pairs | dictsort
pairs | dictsort(true)
pairs | dictsort(false, 'value')
pairs | dictsort(reverse=true)
map | dict2items | map(attribute='key') | list
pairs | dict2items(key_name='k', value_name='v')
[{'key': 'a', 'value': 1}] | items2dict
users | items2dict(key_name='name', value_name='age')
numbers | unique
['a', 'A', 'b'] | unique
['a', 'A', 'b'] | unique(case_sensitive=true)
users | unique(attribute='age') | list | length
numbers | union([4, 1])
numbers | intersect([1, 3])
numbers | difference([1])
numbers | symmetric_difference([1, 9])
nested | flatten
nested | flatten(levels=1)
nested | flatten(2)
mixed | flatten
mixed | flatten(skip_nulls=false)
list | zip(numbers) | list
list | zip_longest([1], fillvalue='-') | list
list | zip_longest([1]) | list
[1, 2] | product(['a', 'b']) | list
[1, 2] | product(repeat=2) | list
[1, 2, 3] | permutations(2) | list
[1, 2] | permutations | list
[1, 2, 3] | combinations(2) | list
users | subelements('groups') | map('last') | list
users | subelements('groups') | map('first') | map(attribute='name') | list
users | subelements('none', skip_missing=true)
[1, 2, 3, 4, 5] | batch(2) | list
[1, 2, 3, 4, 5] | batch(2, 0) | list
[1, 2, 3, 4, 5] | slice(2) | list
[1, 2, 3, 4, 5] | slice(3) | list
[1, 2, 3, 4, 5] | slice(3, 'x') | list
numbers | min
numbers | max
users | min(attribute='age')
users | max(attribute='age') | dict2items | length
numbers | sum
users | sum(attribute='age')
[[1], [2]] | sum(start=[])
numbers | first
numbers | last
list | length
name | length
map | count
name | list
name | reverse
list | reverse | list
list | join('+')
users | join(',', attribute='name')
'12' | int
'x' | int
'x' | int(5)
'ff' | int(base=16)
'0x1f' | int(base=16)
'3.9' | int
3.9 | int
on | int
'2.5' | float
'x' | float(1.5)
port | string
on | string
nothing | string
-3 | abs
2.567 | round(2)
2.5 | round
2.1 | round(0, 'ceil')
2.9 | round(method='floor')
3 | pow(2)
8 | log(2)
100 | log(10)
16 | root
27 | root(3) | round
'yes' | bool
'no' | bool
'on' | bool
'1' | bool
1 | bool
'anything' | bool
on | ternary('y', 'n')
nothing | ternary('y', 'n', 'null')
'' | ternary('y', 'n')
0 | ternary('y', 'n')
name | upper
'ABC' | lower
'heLLo wOrld' | title
'heLLo' | capitalize
' x ' | trim
'xxaxx' | trim('x')
'abab' | replace('a', 'c')
'abab' | replace('a', 'c', 1)
'a,b,c' | split(',')
'a b c' | split
'a,b,c' | split(',', 1)
text | wordcount
text | truncate(12)
text | truncate(12, true)
text | truncate(12, false, '..')
'short' | truncate(3, leeway=5)
'aaa bbb ccc ddd' | wordwrap(7)
'aaaaaaaaaa bb' | wordwrap(4)
'one two three four five six' | wordwrap(10, wrapstring='|')
'ab' | center(6)
multi | indent
multi | indent(2)
multi | indent(2, true)
multi | indent(2, first=true, blank=true)
'a' | indent(width='>>')
'<a href="x">' | escape
'<p>a  <b>b</b></p>' | striptags
'a b/c?d=é' | urlencode
{'a': 1, 'b': 'x y'} | urlencode
[['a', 1], ['b', 2]] | urlencode
123456789 | filesizeformat
123456789 | filesizeformat(true)
1 | filesizeformat
'web12' | regex_replace('^web([0-9]+)$', 'n\\1')
'abc' | regex_replace('b')
'ABC' | regex_replace('b', 'x', ignorecase=true)
multi | regex_replace('^', '#', multiline=true)
'key=val' | regex_replace('(?P<k>[a-z]+)=(?P<v>[a-z]+)', '\\g<v>=\\g<k>')
'web12' | regex_search('[0-9]+')
'web12' | regex_search('x') is none
'web12' | regex_search('([a-z]+)([0-9]+)', '\\2', '\\1')
'web12' | regex_search('(?P<n>[0-9]+)', '\\g<n>')
'ABC' | regex_search('b', ignorecase=true)
'a1b22' | regex_findall('[0-9]+')
'a1b22' | regex_findall('([a-z])([0-9]+)')
'A1a2' | regex_findall('a[0-9]', ignorecase=true)
'^a.*b$' | regex_escape
'a.b[c]*' | regex_escape(re_type='posix_basic')
'hi ü' | b64encode
'aGkgw7w=' | b64decode
'x' | hash
'x' | hash('sha256')
'x' | hash('md5')
'x' | checksum
'x' | sha1
'x' | md5
'a b' | quote
"it's" | quote
'plain-1.2' | quote
'' | quote
path | basename
path | dirname
'/a/b/' | basename
'/a/b/' | dirname
'a' | dirname
'b.tar.gz' | splitext
'/a.b/c' | splitext
['/a', 'b', 'c.d'] | path_join
['a', '/b', 'c'] | path_join
'/a/b/c' | relpath('/a/d')
'/a/b' | relpath('/a/b')
{'b': 1, 'a': [true, none, 'ü', 1.5]} | to_json
{'b': 1, 'a': 2} | to_json(sort_keys=true)
'ü' | to_json(ensure_ascii=false)
{'b': [1, {'c': []}], 'a': {}} | to_nice_json
{'b': [1]} | to_nice_json(indent=2)
{'b': 1, 'a': 2} | to_nice_json(sort_keys=false)
'{"a": [1, null]}' | from_json
'a: [1, x]' | from_yaml
'a: yes\nb: 012\nc: ~\nd: 1.5\ne: "1"' | from_yaml
'- 1\n- 2' | from_yaml
'a: 1\n---\nb: 2' | from_yaml_all | list
map | to_yaml
pairs | to_yaml
list | to_yaml
{'a': {'b': {'c': 1}}} | to_yaml
users | to_yaml
name | to_yaml
port | to_yaml
on | to_yaml
nothing | to_yaml
[] | to_yaml
{'a': [], 'b': {}} | to_yaml
map | to_nice_yaml
users | to_nice_yaml
users | to_nice_yaml(indent=2)
list | to_nice_yaml
[[1, 2], [3, [4]]] | to_nice_yaml
[[1, 2], [3, [4]]] | to_nice_yaml(indent=2)
{'a': [{'b': 1, 'c': [1, 2]}, {'d': {'e': 'f'}}]} | to_nice_yaml
{'a': [{'b': 1, 'c': [1, 2]}, {'d': {'e': 'f'}}]} | to_nice_yaml(indent=2)
{'z': 1, 'y': 2} | to_nice_yaml(sort_keys=false)
words | to_nice_yaml
words | to_yaml
words | to_nice_yaml(width=200)
{'m': multi} | to_nice_yaml
{'k': 'a\tb'} | to_nice_yaml
{'a': 'x: y', 'b': 'x:y', 'c': '[x', 'd': 'x]', 'e': '{}', 'f': '!x', 'g': '%x', 'h': '@x', 'i': 'x,y', 'j': '?', 'k': '-', 'l': '-x', 'm': '1.0', 'n': '1e3', 'o': '0x1f', 'p': '1:20', 'q': 'off', 'r': 'null', 's': ' x', 't': 'x ', 'u': '=', 'v': '"x"', 'w': '#x', 'x': 'x#y', 'y': '|', 'z': '~x'} | to_nice_yaml
['x: y', 'x,y', 'a b', '', '-', '1'] | to_yaml
1048576 | human_readable
1000 | human_readable
1048576 | human_readable(isbits=true)
10485760 | human_readable(unit='K')
0 | human_readable
'2 MB' | human_to_bytes
'10K' | human_to_bytes
'1.5G' | human_to_bytes
'2' | human_to_bytes(default_unit='M')
'8Kb' | human_to_bytes(isbits=true)
'http://user:pw@h.example:8080/p/q?a=1&b=2#frag' | urlsplit
'http://h/p' | urlsplit('port')
'http://h.example/p' | urlsplit('hostname')
'/just/path?q' | urlsplit
'x' | to_uuid
'x' | to_uuid('11111111-2222-3333-4444-555555555555')
'managed' | comment
'two\nlines' | comment('c')
'x' | comment('cblock')
'x' | comment('xml')
'x' | comment('erlang')
'x' | comment(decoration='! ')
'x' | comment('plain', prefix='###', postfix='###')
'x' | comment('plain', prefix_count=2, postfix_count=2)
'%Y-%m-%d %H:%M:%S' | strftime(1700000000)
'%a %b %e %j %U %u' | strftime(1700000000)
60 | random(seed='web1')
100 | random(seed='web2', start=10)
100 | random(1, 10, seed='x')
['a', 'b', 'c'] | random(seed='host')
1000000 | random(seed=42)
['a', 'b', 'c', 'd', 'e'] | shuffle(seed='host')
[1, 2, 3] | shuffle(seed=1)
name | mandatory
name | type_debug is string
'one' | extract(map)
'two' | extract(map, ['list', 1])
0 | extract(list)
map is mapping and list is sequence and name is string and port is number
list is iterable and name is sequence
port is integer and ratio is float
on is boolean and on is true and off is false
nothing is none and missing is undefined and name is defined
map.missing.deeper is defined
4 is even and 5 is odd and 9 is divisibleby(3)
1 is eq(1) and 1 is ne(2) and 1 is lt(2) and 2 is ge(2)
'abc' is lower and 'ABC' is upper
'web1' is match('we') and 'web1' is search('b1') and 'web1' is regex('1$')
'WEB' is match('web', ignorecase=true)
'web1' is match('1')
'web1' is regex('we', match_type='fullmatch')
'1.10' is version('1.9', '>')
'2.0.0' is version('2.0', '==')
'2.0' is version('2.0.1', '<')
'1.2.3' is version('1.2.3', 'eq', strict=true)
'1.2.3-rc.1' is version('1.2.3', '<', version_type='semver')
'1.0.14' is version('1.0.9', 'ge')
[1, 2] is subset(numbers) and numbers is superset([3])
list is contains('a') and 'a' is in(list)
[1, 1] is all and [0, 1] is any
[on, off] is any and not ([on, off] is all)
'x' is truthy and '' is falsy and 'no' is truthy and 'no' is falsy(convert_bool=True)
changed is changed and ok is not changed and failed is failed and ok is succeeded and skipped is skipped
ok is success and failed is failure
'http://x/' is url and 'urn:a:b' is urn
1 is sameas(1)
list is not mapping
'x' in map or 'one' in map
lookup('items', [1, 2], wantlist=true)
query('dict', pairs)
query('sequence', 'start=1 end=3 format=n%02d')
query('sequence', 'count=3 start=0 stride=2')
query('together', ['a', 'b'], [1, 2])
query('nested', ['a', 'b'], [1, 2])
query('indexed_items', list)
lookup('vars', 'name')
`.trim().split('\n');
