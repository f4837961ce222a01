import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const entry = join(__dirname, '..', '..', 'src', 'cli', 'run.mjs');

/** `npm run tollgate -- …` as a process of its own, with nothing of this one's environment but where programs are. */
export class Tollgate {
  private readonly child: ChildProcess;
  /** All that it has printed so far. */
  stdout = '';
  stderr = '';
  /** Its exit code. */
  readonly ended: Promise<number | null>;

  constructor(args: readonly string[], variables: Readonly<Record<string, string>>) {
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...variables };
    this.child = spawn(process.execPath, [entry, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Where `serve` listens; throws with what was said where it does not. */
  async ready(): Promise<string> {
    let ended = false;
    void this.ended.then(() => {
      ended = true;
    });
    for (;;) {
      const url = /GraphQL +(http:\/\/\S+)\/graphql/.exec(this.stdout)?.[1];
      if (url) return url;
      if (ended) throw new Error(`it ended: ${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}
