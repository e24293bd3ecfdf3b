import type { RunHostDetail } from '@hsmfleet/web-api/schemas';
import { DiffView } from '../ui/diff.tsx';
import { TaskBadge } from '../ui/marks.tsx';
import { Empty } from '../ui/notice.tsx';

/** Tasks with what they did. */
export function TaskList({ tasks, empty }: { tasks: RunHostDetail['tasks']; empty: string }) {
  if (tasks.length === 0) return <Empty>{empty}</Empty>;
  return (
    <div class="stack">
      {tasks.map((task, index) => (
        <article key={index} class="stack tight" aria-label={task.name}>
          <div class="row">
            <TaskBadge outcome={task.outcome} ignored={task.ignored} />
            <strong>{task.name}</strong>
            <span class="soft small">{task.handler ? 'handler, ' : ''}{task.resource}{task.position !== null && `, ${task.position.file}:${String(task.position.line)}`}</span>
          </div>
          {task.error !== null && <div class="notice fail"><strong>{task.error.message}</strong>{task.error.hint !== undefined && <p>{task.error.hint}</p>}</div>}
          {task.message !== null && <p>{task.message}</p>}
          {task.changes.length > 0 && <ul class="small">{task.changes.map((change, line) => <li key={line}>{change}</li>)}</ul>}
          {task.diffs.map((diff, number) => <DiffView key={number} diff={diff} />)}
        </article>
      ))}
    </div>
  );
}
