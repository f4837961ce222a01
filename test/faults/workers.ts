import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Numbers that follow from the seed: the same kills in the same order. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A billing process that can be killed. */
export class Worker {
  private readonly child: ChildProcess;
  private readonly said: string[] = [];
  private hear: () => void = () => undefined;
  private ended = false;
  private problem = '';

  constructor(url: string, torn: boolean) {
    this.child = spawn(process.execPath, [join(__dirname, 'worker.mjs'), JSON.stringify({ url, torn })], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.said.push(line);
      this.hear();
    });
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.problem += chunk.toString();
    });
    this.child.stdin!.on('error', () => undefined);
    this.child.once('exit', () => {
      this.ended = true;
      this.hear();
    });
  }

  private async hears(word: string): Promise<void> {
    for (;;) {
      if (this.said.some((line) => line.startsWith(word))) return;
      if (this.ended) throw new Error(`a worker ended by itself: ${this.problem.slice(-2_000)}`);
      await new Promise<void>((resolve) => {
        this.hear = resolve;
      });
    }
  }

  ready(): Promise<void> {
    return this.hears('ready');
  }

  bill(date: string): void {
    this.child.stdin!.write(`${date}\n`);
  }

  isDone(date: string): boolean {
    if (this.ended) throw new Error(`a worker ended by itself: ${this.problem.slice(-2_000)}`);
    return this.said.some((line) => line.startsWith(`done ${date}`));
  }

  done(date: string): Promise<void> {
    return this.hears(`done ${date}`);
  }

  async kill(): Promise<void> {
    this.hear = () => undefined;
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
