import { READ_ONLY_MODULE, WRITABLE_MODULE } from './fleet.ts';

/** Something that breaks one link between the control host and a served page, and how it is put right again. */
export interface BrokenLink {
  /** Id of the link that has to be named. */
  link: string;
  /** For the title of a test. */
  what: string;
  /** Shell script for the host; `$host` is its name, `$token` the label of its token. */
  harm?: string;
  repair?: string;
  /** Connection variables of the host; `$desk` stands for the folder of the hosts file. */
  vars?: Record<string, unknown>;
  /** In the evidence. */
  evidence: RegExp;
  /** In the fix: text or command. */
  fix: RegExp;
}

const SITE = '/etc/apache2/sites-available/hsmfleet.conf';
const CERTIFICATE = '/etc/apache2/hsmfleet/hsmfleet.crt';
const OPENSSL = '/etc/apache2/hsmfleet/openssl.cnf';
const PIN_FILE = '/etc/hsmfleet/web.pin';
const SOCKET = '/run/p11-kit-ro/pkcs11';
const START = 'apachectl start && for i in 1 2 3 4 5 6 7 8 9 10; do openssl s_client -connect 127.0.0.1:443 </dev/null >/dev/null 2>&1 && break; sleep 0.2; done';
const STOP = 'apachectl stop; while pgrep -x apache2 >/dev/null; do sleep 0.1; done';

/** Changes a file, and puts it back as it was. */
const edited = (file: string, change: string): Pick<BrokenLink, 'harm' | 'repair'> => ({ harm: `cp -p ${file} /root/kept && ${change}`, repair: `cp -p /root/kept ${file}` });
/** A second site, of mod_nss, which is not loaded: the running server never sees it. */
const nssSite = (nickname: string, make: string): Pick<BrokenLink, 'harm' | 'repair'> => ({
  harm: `${make}; printf 'NSSCertificateDatabase sql:/etc/hsmfleet/nss\\nNSSPassPhraseDialog file:/etc/hsmfleet/nss.pin\\n<VirtualHost *:8443>\\nServerName nss.test\\nNSSEngine on\\nNSSNickname "%s"\\n</VirtualHost>\\n' "${nickname}" > /etc/apache2/sites-enabled/nss.conf`,
  repair: 'rm -rf /etc/apache2/sites-enabled/nss.conf /etc/hsmfleet/nss',
});
const NSS_DATABASE =
  `mkdir -p /etc/hsmfleet/nss && certutil -N -d sql:/etc/hsmfleet/nss --empty-password && P11_KIT_SERVER_ADDRESS=unix:path=${SOCKET} modutil -dbdir sql:/etc/hsmfleet/nss -force -add hsm -libfile ${READ_ONLY_MODULE} </dev/null >/dev/null 2>&1; ` +
  'chgrp -R www-data /etc/hsmfleet/nss && chmod 750 /etc/hsmfleet/nss && chmod 640 /etc/hsmfleet/nss/*';
const OLD_CERTIFICATE =
  'cd /var/tmp && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=old -keyout k.pem -out r.pem 2>/dev/null && : > i.txt && echo 01 > s ' +
  "&& printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=/var/tmp/i.txt\\nserial=/var/tmp/s\\nnew_certs_dir=/var/tmp\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > ca.cnf " +
  `&& openssl ca -batch -selfsign -keyfile k.pem -in r.pem -out ${CERTIFICATE} -startdate 20200101000000Z -enddate 20210101000000Z -config ca.cnf -notext 2>/dev/null`;
const OTHER_CERTIFICATE = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -days 9 -keyout /dev/null -out ${CERTIFICATE} 2>/dev/null`;
const SECOND_CERTIFICATE = `pkcs11-tool --module ${WRITABLE_MODULE} --token-label "$token" --read-object --type cert --id 02 2>/dev/null | openssl x509 -inform DER > ${CERTIFICATE}`;

/** Each is named by its own link, with its own fix. */
export const BROKEN_LINKS: readonly BrokenLink[] = [
  { link: 'name', what: 'a name that does not resolve', vars: { ansible_host: 'web.invalid' }, evidence: /web\.invalid/, fix: /ansible_host.*getent hosts/ },
  { link: 'ssh-port', what: 'an sshd that is stopped', harm: 'kill -STOP $(pgrep -o -x sshd)', repair: 'kill -CONT $(pgrep -o -x sshd)', vars: { ansible_ssh_timeout: 2 }, evidence: /within 2 s/, fix: /start sshd.*systemctl enable --now ssh/ },
  { link: 'host-key', what: 'a host key that nobody accepted', vars: { ansible_ssh_common_args: '-F /dev/null -o UserKnownHostsFile=$desk/empty' }, evidence: /not in known_hosts: .*SHA256:/, fix: /compare the fingerprint.*hsmfleet hosts accept web\d\d/ },
  { link: 'login', what: 'a key that is not authorised', vars: { ansible_ssh_private_key_file: '$desk/stranger' }, evidence: /refused the login/, fix: /authorized_keys.*ssh-copy-id/ },

  {
    link: 'sudo', what: 'a user that sudoers does not know',
    harm: 'useradd -m -s /bin/sh deploy',
    repair: 'userdel -r deploy 2>/dev/null; true',
    vars: { ansible_user: 'deploy' }, evidence: /sudo to root failed/, fix: /deploy ALL=\(root\) NOPASSWD: ALL.*sudoers\.d/,
  },
  { link: 'agent', what: 'a file in the place of the agent', harm: 'mv /var/lib/hsmfleet /var/lib/kept && echo > /var/lib/hsmfleet', repair: 'rm /var/lib/hsmfleet && mv /var/lib/kept /var/lib/hsmfleet', evidence: /is no folder/, fix: /mv \/var\/lib\/hsmfleet/ },
  { link: 'agent', what: 'an agent that somebody overwrote', harm: 'for d in /var/lib/hsmfleet/agent/*/; do chmod 700 $d/main.cjs && echo "throw 1" > $d/main.cjs; done', repair: 'rm -rf /var/lib/hsmfleet/agent', evidence: /not as it was sent/, fix: /rm -rf \/var\/lib\/hsmfleet\/agent/ },
  {
    link: 'runtime', what: 'a Node that is too old, and a folder for runtimes that is mounted noexec',
    harm: 'mkdir -p /var/lib/hsmfleet/runtime && mount -t tmpfs -o noexec,size=300m tmpfs /var/lib/hsmfleet/runtime && printf \'#!/bin/sh\\n[ "$1" != --version ] || { echo v12.22.12; exit; }\\necho "hsmfleet-missing runtime x64 glibc"; exit 87\\n\' > /usr/local/sbin/node && chmod 755 /usr/local/sbin/node',
    repair: 'rm /usr/local/sbin/node; umount /var/lib/hsmfleet/runtime', evidence: /v12\.22\.12, which is too old.*mounted noexec/, fix: /Node 20 or newer.*mount -o remount,exec \/var\/lib\/hsmfleet\/runtime/,
  },

  { link: 'reader', what: 'a p11-kit server that is gone', harm: `mv ${SOCKET} /run/p11-kit-ro/away`, repair: `mv /run/p11-kit-ro/away ${SOCKET}`, evidence: /nobody listens on \/run\/p11-kit-ro\/pkcs11/, fix: /p11-kit server -f/ },
  { link: 'permission', what: 'a token that the web server\'s user may not reach', harm: `chmod 600 ${SOCKET}`, repair: `chmod 666 ${SOCKET}`, evidence: /www-data may not connect to \/run\/p11-kit-ro\/pkcs11/, fix: /chgrp www-data .*chmod 660/ },
  { link: 'module', what: 'a module that is missing', harm: `mv ${READ_ONLY_MODULE} /root/`, repair: `mv /root/p11-kit-client.so ${READ_ONLY_MODULE}`, evidence: /p11-kit-client\.so does not exist/, fix: /install the package of the library again/ },
  { link: 'module', what: 'a module that is text', ...edited(READ_ONLY_MODULE, `cp ${READ_ONLY_MODULE} /root/kept; rm ${READ_ONLY_MODULE}; echo text > ${READ_ONLY_MODULE}`), evidence: /no shared library/, fix: /file \/usr\/lib/ },

  {
    link: 'read-only', what: 'a module that can write',
    harm: `mkdir -p /run/rw && { setsid p11-kit server -f -n /run/rw/socket --provider ${WRITABLE_MODULE} "pkcs11:token=$token" </dev/null >/dev/null 2>&1 & echo $! > /run/rw/pid; } && while [ ! -S /run/rw/socket ]; do sleep 0.1; done && chmod 666 /run/rw/socket && cp -p /etc/apache2/envvars /root/ && sed -i s,${SOCKET},/run/rw/socket, /etc/apache2/envvars`,
    repair: 'cp -p /root/envvars /etc/apache2/ && kill $(cat /run/rw/pid) && rm -rf /run/rw', evidence: /can write/, fix: /cannot write.*build-module/,
  },
  { link: 'token', what: 'a token of another name', ...edited(SITE, `sed -i s/token=fleet-web../token=nobody/ ${SITE}`), evidence: /no token "nobody".*"fleet-web/, fix: /plug the right token in/ },
  { link: 'token', what: 'a key that the token does not have', ...edited(SITE, `sed -i s/id=%03/id=%7F/ ${SITE}`), evidence: /has no key for .*id=%7F.*03 \(ec256\)/, fix: /key_id/ },
  { link: 'certificate', what: 'a certificate that has expired', ...edited(CERTIFICATE, OLD_CERTIFICATE), evidence: /expired on 2021-01-01/, fix: /renew it/ },

  { link: 'certificate', what: 'a certificate of another key', ...edited(CERTIFICATE, OTHER_CERTIFICATE), evidence: /is for the key .* but pkcs11:/, fix: /roll out again/ },
  { link: 'nss-database', what: 'an NSS database that is missing', ...nssSite('$token:ec256', 'rm -rf /etc/hsmfleet/nss'), evidence: /\/etc\/hsmfleet\/nss holds no NSS database/, fix: /nss_database/ },
  { link: 'nickname', what: 'a nickname that no certificate has', ...nssSite('$token:EC256', NSS_DATABASE), evidence: /called "fleet-web\d\d:EC256".*"fleet-web\d\d:ec256"/, fix: /letter by letter/ },
  { link: 'pcscd', what: 'a pcscd that is stopped', ...edited(OPENSSL, `sed -i s,${READ_ONLY_MODULE},/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so, ${OPENSSL}`), evidence: /nobody listens on \/run\/pcscd/, fix: /systemctl enable --now pcscd\.socket/ },

  { link: 'pin-file', what: 'a PIN file that everybody may read', harm: `chmod 644 ${PIN_FILE}`, repair: `chmod 640 ${PIN_FILE}`, evidence: /is 0644 root:www-data/, fix: /chmod 640/ },
  { link: 'pin-file', what: 'a PIN file with a line end', ...edited(PIN_FILE, `echo >> ${PIN_FILE}`), evidence: /holds a line end/, fix: /do not start or reload/ },
  { link: 'apache-config', what: 'a configuration with a slip', ...edited(SITE, `echo 'NoSuchDirective on' >> ${SITE}`), evidence: /NoSuchDirective/, fix: /apache2ctl configtest/ },
  {
    link: 'port', what: 'another program on the port',
    harm: `${STOP}; { setsid nc -lk -p 443 </dev/null >/dev/null 2>&1 & echo $! > /run/nc.pid; }; while ! nc -z 127.0.0.1 443; do sleep 0.1; done`, repair: `kill $(cat /run/nc.pid); sleep 0.2; ${START}`,
    evidence: /port 443.* is held by nc/, fix: /stop that program/,
  },

  { link: 'port', what: 'a web server that is stopped', harm: STOP, repair: START, evidence: /apache2 does not run/, fix: /proven.*systemctl start apache2/ },
  { link: 'tls', what: 'a server that serves another key', harm: `cp -p ${SITE} /root/site && cp -p ${CERTIFICATE} /root/kept && sed -i s/id=%03/id=%02/ ${SITE} && ${SECOND_CERTIFICATE}`, repair: `cp -p /root/site ${SITE} && cp -p /root/kept ${CERTIFICATE}`, evidence: /serves the key .* but that of the token/, fix: /a reload keeps keys/ },
];
