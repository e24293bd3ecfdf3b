import { WRITABLE_MODULE } from './fleet.ts';

/** Something that goes wrong on a host, the one control of the shipped profile that tells of it, and how it is put right again. */
export interface Sabotage {
  control: string;
  /** For the title of a test. */
  what: string;
  /** Shell scripts for the host; `$token` is the label of its token. */
  harm: string;
  repair: string;
}

/** Programs of the token's owner: what root creates in the test tokens nobody else can read. */
const tool = (words: string): string => `runuser -u www-data -- pkcs11-tool --module ${WRITABLE_MODULE} --token-label "$token" --login --pin 648219 ${words} >/dev/null`;
const write = (id: string, type: string, file: string): string => tool(`--write-object /var/tmp/${file} --type ${type} --id ${id} --label harm`);
const erase = (ids: readonly string[], types: readonly string[]): string =>
  ids.flatMap((id) => types.map((type) => tool(`--delete-object --type ${type} --id ${id}`))).join(' && ');
/** A key pair and its certificate in files. */
const make = (algorithm: string, days: number): string =>
  `cd /var/tmp && openssl req -x509 -newkey ${algorithm} -nodes -subj /CN=harm -days ${String(days)} -keyout k.pem -out c.pem 2>/dev/null ` +
  '&& openssl pkey -in k.pem -outform DER -out k.der && openssl pkey -in k.pem -pubout -outform DER -out p.der && openssl x509 -in c.pem -outform DER -out c.der && chmod 644 k.der p.der c.der';
const EC = 'ec -pkeyopt ec_paramgen_curve:P-256';
const PAIR = ['privkey', 'pubkey'] as const;
const RESTART = 'apachectl stop && while pgrep -x apache2 >/dev/null; do sleep 0.1; done && apachectl start';
const SITE_FILE = '/etc/apache2/sites-available/hsmfleet.conf';

/** Each is found by its own control and by no other. */
export const SABOTAGES: readonly Sabotage[] = [
  {
    control: 'pin-file-guarded', what: 'a PIN file that everybody may read',
    harm: 'chmod 644 /etc/hsmfleet/web.pin', repair: 'chmod 640 /etc/hsmfleet/web.pin',
  },
  {
    control: 'pin-proven', what: 'a PIN file with another PIN',
    harm: 'cp -p /etc/hsmfleet/web.pin /root/ && sed -i s/648219/648210/ /etc/hsmfleet/web.pin', repair: 'cp -p /root/web.pin /etc/hsmfleet/',
  },
  {
    control: 'pin-file-syntax', what: 'an empty PIN file',
    harm: 'cp -p /etc/hsmfleet/web.pin /root/ && : > /etc/hsmfleet/web.pin', repair: 'cp -p /root/web.pin /etc/hsmfleet/',
  },
  {
    control: 'module-as-rolled-out', what: 'a module with another byte',
    harm: 'printf x >> /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so', repair: 'truncate -s -1 /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so',
  },
  {
    control: 'weak-rsa-key', what: 'an RSA key of 1024 bits',
    harm: [make('rsa:1024', 365), write('31', 'privkey', 'k.der'), write('31', 'pubkey', 'p.der'), write('31', 'cert', 'c.der')].join(' && '),
    repair: erase(['31'], [...PAIR, 'cert']),
  },
  {
    control: 'certificate-lasts', what: 'a certificate for five days',
    harm: [make(EC, 5), write('32', 'privkey', 'k.der'), write('32', 'pubkey', 'p.der'), write('32', 'cert', 'c.der')].join(' && '),
    repair: erase(['32'], [...PAIR, 'cert']),
  },
  {
    control: 'key-has-certificate', what: 'a key without a certificate',
    harm: [make(EC, 365), write('33', 'privkey', 'k.der'), write('33', 'pubkey', 'p.der')].join(' && '),
    repair: erase(['33'], PAIR),
  },
  {
    control: 'key-only-once', what: 'a key that is there twice',
    harm: [make(EC, 365), write('34', 'privkey', 'k.der'), write('34', 'pubkey', 'p.der'), write('34', 'cert', 'c.der'), write('35', 'pubkey', 'p.der')].join(' && '),
    repair: [erase(['34'], [...PAIR, 'cert']), erase(['35'], ['pubkey'])].join(' && '),
  },
  {
    control: 'pin-state-clean', what: 'a token that was told a wrong PIN',
    harm: `! pkcs11-tool --module ${WRITABLE_MODULE} --token-label "$token" --login --pin 000000 -O >/dev/null 2>&1`, repair: tool('-O'),
  },
  {
    control: 'protocol-floor', what: 'a site with TLS 1.0',
    harm: `sed -i 's/SSLProtocol .*/SSLProtocol -all +TLSv1 +TLSv1.2 +TLSv1.3/' ${SITE_FILE} && ${RESTART}`,
    repair: `sed -i 's/SSLProtocol .*/SSLProtocol -all +TLSv1.2 +TLSv1.3/' ${SITE_FILE} && ${RESTART}`,
  },
  {
    control: 'credentials-folder', what: 'a folder of secrets that everybody may write to',
    harm: 'chmod 777 /etc/hsmfleet', repair: 'chmod 750 /etc/hsmfleet',
  },
  {
    control: 'module-read-only', what: 'a module that can write',
    harm: `mkdir -p /run/rw && { setsid p11-kit server -f -n /run/rw/socket --provider ${WRITABLE_MODULE} "pkcs11:token=$token" </dev/null >/dev/null 2>&1 & echo $! > /run/rw/pid; } ` +
      '&& while [ ! -S /run/rw/socket ]; do sleep 0.1; done && chmod 666 /run/rw/socket && cp -p /etc/apache2/envvars /root/ ' +
      `&& sed -i s,/run/p11-kit-ro/pkcs11,/run/rw/socket, /etc/apache2/envvars && ${RESTART}`,
    repair: `cp -p /root/envvars /etc/apache2/ && ${RESTART} && kill $(cat /run/rw/pid) && rm -rf /run/rw`,
  },
];
