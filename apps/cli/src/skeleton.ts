import { stringify } from 'yaml';

/** What a new project is made from. */
export interface SkeletonAnswers {
  /** Names or ranges of hosts, as a hosts file takes them. */
  webservers: readonly string[];
  /** Who logs in; others than root become root through sudo. */
  user: string;
  /** Label of the tokens. */
  token: string;
  /** CKA_ID of the key to serve with, in hex. */
  keyId: string;
  /** PKCS#11 library on the webservers. */
  module: string;
  /** `token_pin: !vault |` and its lines. */
  sealedPin: string;
  /** The vault password file beside the project's other files; undefined when it lies elsewhere. */
  passwordFile: string | undefined;
  /** What has to be given on the command line so that the PIN can be decrypted. */
  passwordOption: string;
}

/** Files by their paths below the project's folder, without those that are copied. */
export function skeletonFiles(answers: SkeletonAnswers): Record<string, string> {
  const { webservers, user, token, keyId, module, sealedPin, passwordFile } = answers;
  return {
    'hosts.yml': `# Who the webservers are, in Ansible's hosts format. What they have in common is in group_vars/webservers/.
${stringify({ webservers: { hosts: Object.fromEntries(webservers.map((name) => [name, null])) } }, { nullStr: '' })}`,
    'group_vars/webservers/main.yml': `# Who logs in; others than root become root through sudo (add -K to commands when it wants a password).
${stringify({ ansible_user: user })}
# The read-only PKCS#11 library on the webservers: nothing is rolled out until each host has proven that it cannot write.
${stringify({ hsm_module: module })}
# The token, and the key on it to serve with: its label, and the key's ID in hex.
${stringify({ hsm_token: token, hsm_key_id: keyId }, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })}
server_name: "{{ inventory_hostname }}"

# What else playbooks/site.yml understands is said at its top: tls_engine, tls_port, site_document_root, …
`,
    'group_vars/webservers/secrets.yml': `# Encrypted with Ansible Vault. Another PIN: "hsmfleet vault encrypt-string --name token_pin" prints what belongs here.
${sealedPin}
`,
    '.gitignore': `# what decrypts the PIN must not lie beside it in a repository
${passwordFile ?? '.vault-password'}
`,
    'README.md': readme(answers),
  };
}

function readme({ passwordFile, passwordOption }: SkeletonAnswers): string {
  // the file of a project's own is named once for all commands; how others give theirs is their choice, and repeated
  const option = passwordFile === undefined ? ` ${passwordOption}` : '';
  return `# TLS whose keys stay in their tokens

Commands for this folder, in the order of a first roll-out:

${passwordFile === undefined ? '' : `    export ANSIBLE_VAULT_PASSWORD_FILE=${passwordFile}    # what decrypts the PIN\n`}    hsmfleet hosts accept webservers -i hosts.yml${option}    # host keys, compared by you, once
    hsmfleet doctor webservers -i hosts.yml${option}    # what is missing on which host, and how to mend it
    hsmfleet inventory -i hosts.yml${option}    # reads tokens, keys and certificates; changes nothing
    hsmfleet apply site.yml -i hosts.yml${option} -l "webservers[0]" --check --diff
    hsmfleet apply site.yml -i hosts.yml${option} -l "webservers[0]"
    hsmfleet apply site.yml -i hosts.yml${option}

The PIN is in \`group_vars/webservers/secrets.yml\`, encrypted. What decrypts it is not for the repository: keep a copy of it
where your team keeps such things.
`;
}
