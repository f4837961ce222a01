const everyMilliseconds = 500;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/**
 * Calls back once when the process that started this one has ended, however it ended. What is orphaned gets another parent; on
 * Windows it keeps the old one's number.
 */
export function whenParentEnds(callback: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent && isAlive(parent)) return;
    clearInterval(timer);
    callback();
  }, everyMilliseconds);
  timer.unref();
}
