import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

/** pcscd on each host. */
export const cardServices: InventoryKind = {
  view: 'card_services',
  description: "pcscd, through which smart cards are reached, and whether the web server's user reaches it, one row per host",
  identity: [],
  columns: [
    column('installed', 'boolean', 'is pcscd there'),
    column('running', 'boolean', 'does a process of it run; one that is started on demand need not'),
    column('listening', 'boolean', 'does somebody listen on its socket'),
    column('asks_polkit', 'boolean', 'is it built to ask polkit who may use cards'),
    column('user', 'text', "the web server's user"),
    column('reachable', 'boolean', 'may that user use it; null when that cannot be told without touching a card'),
    column('how', 'text', 'asked: that user spoke to it; permissions: from the socket and the rules; not_told'),
    column('reason', 'text', 'in one sentence'),
  ],
  indexes: [['reachable', 'host']],
  rows: ({ cardService: service }) => (service === undefined || service === null ? [] : [{
    installed: Number(service.installed), running: flag(service.running), listening: flag(service.listening), asks_polkit: flag(service.asksPolkit),
    user: service.user, reachable: flag(service.reachable), how: service.how, reason: service.reason,
  }]),
};
