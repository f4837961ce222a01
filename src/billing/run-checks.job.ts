import type { System } from '../system';

/** Looks at every invariant (the views `check_…`) and keeps what it found for /health. */
export async function runChecks(system: System, signal?: AbortSignal): Promise<void> {
  const names = await system.ask<{ name: string }>(
    { name: 'list-checks', text: 'select app.list_checks() as name' },
    [],
  );
  for (const { name } of names) {
    if (signal?.aborted) return;
    const [result] = await system.ask<{ findings: string; example: string | null }>(
      { name: 'run-check', text: 'select findings, example from app.run_check($1)' },
      [name],
    );
    const { findings, example } = result!;
    if (findings !== '0') system.log.error({ check: name, findings, example }, 'an invariant does not hold');
  }
}
