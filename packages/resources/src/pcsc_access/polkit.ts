const ACTIONS = ['org.debian.pcsc-lite.access_pcsc', 'org.debian.pcsc-lite.access_card'] as const;
const MANAGED = 'Managed by hsmfleet: changes by hand are overwritten.';

/** `rules`: JavaScript, since polkit 0.106. `pkla`: ini files of polkit 0.105 (Debian 11, Ubuntu 22.04). */
export type PolkitKind = 'rules' | 'pkla';

/** Which files a polkit reads, from what `pkaction --version` prints. Versions went from 0.120 to 121. */
export function polkitKind(versionText: string): PolkitKind {
  const match = /(\d+)(?:\.(\d+))?/.exec(versionText);
  const old = match?.[1] === '0' && Number(match[2] ?? 0) < 106;
  return old ? 'pkla' : 'rules';
}

/** The file that lets one user use pcscd and its cards (field notes 3.8). The user's name has been checked. */
export function renderAccess(kind: PolkitKind, user: string): { path: string; text: string } {
  const name = `60-hsmfleet-pcsc-${user}`;
  if (kind === 'pkla') {
    const lines = [`# ${MANAGED}`, `[hsmfleet: ${user} may use smart cards]`, `Identity=unix-user:${user}`, `Action=${ACTIONS.join(';')}`];
    return {
      path: `/etc/polkit-1/localauthority/50-local.d/${name}.pkla`,
      text: `${[...lines, 'ResultAny=yes', 'ResultInactive=yes', 'ResultActive=yes'].join('\n')}\n`,
    };
  }
  return {
    path: `/etc/polkit-1/rules.d/${name}.rules`,
    text: `// ${MANAGED}
polkit.addRule(function (action, subject) {
  var actions = ${JSON.stringify(ACTIONS)};
  if (actions.indexOf(action.id) >= 0 && subject.user === ${JSON.stringify(user)}) {
    return polkit.Result.YES;
  }
});
`,
  };
}
