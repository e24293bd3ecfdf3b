import { parseKeyUri } from '../mod-ssl/pkcs11-uri.ts';
import type { ConfigNode } from './lex.ts';
import type { ApacheConfig } from './read.ts';

/** A TLS site as the configuration describes it. */
export interface DiscoveredSite {
  /** ServerName, without a port; empty when there is none. */
  name: string;
  aliases: string[];
  /** Address of the virtual host: `*` for all. */
  address: string;
  port: number;
  engine: 'mod_nss' | 'mod_ssl';
  /** File that defines it. */
  config: string;
  /** NSSNickname; for mod_ssl the PKCS#11 URI without its PIN, or a file's path. */
  key: string;
  /** `NSSCertificateDatabase` as written: `sql:/dir` or `/dir`. */
  database?: string;
  /** File that the PIN comes from. */
  pinFile?: string;
  /** `SSLCertificateFile`. */
  certificate?: string;
  /** Words of `SSLProtocol` or `NSSProtocol`. */
  protocol?: string[];
  /** `SSLCipherSuite` (of TLS 1.2 and older) or `NSSCipherSuite`. */
  ciphers?: string;
}

/** A `Listen` of the configuration. */
export interface DiscoveredListen {
  /** Undefined: all addresses. */
  address?: string;
  port: number;
  config: string;
}

/** Virtual hosts with NSSEngine or SSLEngine on, one entry per address; what the main server sets is inherited. */
export function discoverSites(config: ApacheConfig): DiscoveredSite[] {
  const main = config.nodes;
  // mod_nss keeps these once per process: the last one wins, wherever it is written
  const everywhere = [...main, ...main.flatMap((node) => (is(node, 'virtualhost') ? (node.children ?? []) : []))];
  const database = last(everywhere, 'nsscertificatedatabase')?.args[0];
  const dialog = last(everywhere, 'nsspassphrasedialog')?.args[0];
  const dialogFile = /^(?:file|defer):(\/.*)$/.exec(dialog ?? '')?.[1];
  return main
    .filter((node) => is(node, 'virtualhost'))
    .flatMap((host) => {
      const inside = host.children ?? [];
      const words = (name: string): string[] | undefined => (last(inside, name) ?? last(main, name))?.args;
      const value = (name: string): string | undefined => words(name)?.[0];
      const name = (last(inside, 'servername')?.args[0] ?? '').replace(/^https?:\/\//, '').replace(/:\d+$/, '');
      const aliases = inside.filter((node) => is(node, 'serveralias')).flatMap((node) => node.args);
      const base = { name, aliases, config: host.file };
      let found: Omit<DiscoveredSite, 'address' | 'port'>;
      if (isOn(value('nssengine'))) {
        found = {
          ...base,
          engine: 'mod_nss',
          key: value('nssnickname') ?? value('nsseccnickname') ?? '',
          ...(database === undefined ? {} : { database }),
          ...(dialogFile === undefined ? {} : { pinFile: dialogFile }),
          ...settings(words('nssprotocol'), value('nssciphersuite')),
        };
      } else if (isOn(value('sslengine'))) {
        const certificate = value('sslcertificatefile');
        const keyText = value('sslcertificatekeyfile') ?? certificate ?? '';
        const uri = parseKeyUri(keyText);
        found = {
          ...base,
          engine: 'mod_ssl',
          key: uri?.shown ?? keyText,
          ...(uri?.pinFile === undefined ? {} : { pinFile: uri.pinFile }),
          ...(certificate === undefined ? {} : { certificate: parseKeyUri(certificate)?.shown ?? certificate }),
          ...settings(words('sslprotocol'), sslCiphers(inside) ?? sslCiphers(main)),
        };
      } else {
        return [];
      }
      return host.args.map((text) => ({ ...found, ...addressOf(text) }));
    });
}

function settings(protocol: string[] | undefined, ciphers: string | undefined): Pick<DiscoveredSite, 'protocol' | 'ciphers'> {
  return { ...(protocol === undefined ? {} : { protocol }), ...(ciphers === undefined ? {} : { ciphers }) };
}

/** The list for TLS 1.2 and older: with two words, the first says which protocol it is for. */
function sslCiphers(nodes: readonly ConfigNode[]): string | undefined {
  return nodes.findLast((node) => is(node, 'sslciphersuite') && (node.args.length < 2 || /^ssl$/i.test(node.args[0] ?? '')))?.args.at(-1);
}

/** Value of a directive of the main server; the last one wins, and virtual hosts are not looked into. */
export function mainSetting(config: ApacheConfig, name: string): string | undefined {
  return last(config.nodes, name.toLowerCase())?.args[0];
}

/** Every `Listen` in effect. */
export function discoverListens(config: ApacheConfig): DiscoveredListen[] {
  return config.nodes
    .filter((node) => is(node, 'listen'))
    .flatMap((node) => {
      const text = node.args[0] ?? '';
      const { address, port } = addressOf(/^\d+$/.test(text) ? `*:${text}` : text);
      if (!Number.isInteger(port) || port <= 0) return [];
      return [{ port, config: node.file, ...(address === '*' || address === '0.0.0.0' || address === '[::]' ? {} : { address }) }];
    });
}

function addressOf(text: string): { address: string; port: number } {
  const match = /^(.*?)(?::(\d+|\*))?$/.exec(text.startsWith('[') && text.endsWith(']') ? `${text}:*` : text);
  const address = match?.[1] ?? '*';
  const port = Number(match?.[2]);
  return { address: address === '_default_' || address === '' ? '*' : address, port: Number.isInteger(port) && port > 0 ? port : 443 };
}

function is(node: ConfigNode, name: string): boolean {
  return node.name.toLowerCase() === name;
}

function last(nodes: readonly ConfigNode[], name: string): ConfigNode | undefined {
  return nodes.findLast((node) => is(node, name));
}

/** `optional` of SSLEngine (RFC 2817) serves no TLS by itself. */
function isOn(value: string | undefined): boolean {
  return value?.toLowerCase() === 'on';
}
