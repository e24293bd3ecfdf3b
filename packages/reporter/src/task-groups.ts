import type { TaskFinished } from '@hsmfleet/contract';

/** Results of one task over the hosts. */
export interface TaskGroup {
  task: string;
  name: string;
  handler: boolean;
  results: TaskFinished[];
  /** It was printed before and further hosts came in later. */
  continued: boolean;
}

/**
 * Hosts run on their own and their results interleave; people read task by task. This collects results and gives a
 * task out as soon as no host of the batch can add to it any more.
 */
export interface TaskGroups {
  /** Hosts that the next results come from, in the order in which they are shown; those of before are forgotten. */
  begin(hosts: readonly string[]): void;
  add(result: TaskFinished): void;
  /** The host gives no more results. */
  end(host: string): void;
  /** Groups that are complete, in order. */
  takeComplete(): TaskGroup[];
  /** All that is there. */
  takeAll(): TaskGroup[];
  /** Is something waiting? */
  waiting(): boolean;
}

interface OpenGroup extends TaskGroup {
  order: number;
}

export function createTaskGroups(): TaskGroups {
  const open = new Map<string, OpenGroup>();
  const orders = new Map<string, number>();
  /** Active hosts and the order of the last task they reported. */
  const progress = new Map<string, number>();
  const position = new Map<string, number>();

  function passed(group: OpenGroup): boolean {
    return [...progress.values()].every((order) => order >= group.order);
  }

  function take(groups: OpenGroup[]): TaskGroup[] {
    for (const group of groups) open.delete(group.task);
    return groups.map(({ task, name, handler, results, continued }) => ({
      task, name, handler, continued,
      results: results.toSorted((a, b) => (position.get(a.host) ?? Infinity) - (position.get(b.host) ?? Infinity)),
    }));
  }

  return {
    begin(hosts) {
      progress.clear();
      // the next batch starts with the first task again: that is no afterthought to what was printed
      orders.clear();
      for (const host of hosts) {
        progress.set(host, -1);
        if (!position.has(host)) position.set(host, position.size);
      }
    },
    add(result) {
      const seen = orders.get(result.task);
      const order = seen ?? orders.size;
      orders.set(result.task, order);
      let group = open.get(result.task);
      if (group === undefined) {
        group = { task: result.task, name: result.name, handler: result.handler, results: [], continued: seen !== undefined, order };
        open.set(result.task, group);
      }
      group.results.push(result);
      if (progress.has(result.host)) progress.set(result.host, Math.max(order, progress.get(result.host) ?? -1));
    },
    end(host) {
      progress.delete(host);
    },
    takeComplete() {
      const sorted = [...open.values()].sort((a, b) => a.order - b.order);
      const complete: OpenGroup[] = [];
      for (const group of sorted) {
        if (!passed(group)) break;
        complete.push(group);
      }
      return take(complete);
    },
    takeAll() {
      return take([...open.values()].sort((a, b) => a.order - b.order));
    },
    waiting: () => open.size > 0,
  };
}
