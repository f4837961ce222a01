import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signDemoToken } from '../../src/platform/tokens';
import { type DemoIdentity, demoEmail, demoSubject } from '../../src/seed/identities';
import { Tollgate } from './command-line';
import { createDatabase, type TestDatabase, testServer } from './database';

/** What a process has used so far. */
export interface Used {
  /** Seconds of all cores together. */
  readonly cpu: number;
  /** Bytes of memory, now. */
  readonly memory: number;
}

/** A gateway as a process of its own, on a database with the demo world: for what is measured of a whole process. */
export class ChildGateway {
  private constructor(
    readonly url: string,
    readonly metricsUrl: string,
    private readonly database: TestDatabase,
    private readonly tollgate: Tollgate,
    private readonly folder: string,
  ) {}

  static async start(variables: Readonly<Record<string, string>> = {}): Promise<ChildGateway> {
    const database = await createDatabase('demo');
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-child-'));
    const { identityKey } = testServer();
    const secrets = { quoteSecret: 'a secret for the quotes of a child', databasePassword: 'unused', identityKey };
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(secrets));
    const tollgate = new Tollgate(['serve'], {
      ...{ TOLLGATE_ENV: 'demo', PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'fatal' },
      ...{ BILLING_SCHEDULE: 'off', CHECK_SCHEDULE: 'off', PAYMENT_WORKERS: '0', WEBHOOK_DISPATCHER: 'false' },
      ...{ DATABASE_URL: database.ownerUrl, DATABASE_APP_URL: database.appUrl },
      ...{ DATABASE_JOB_URL: database.jobUrl, DATABASE_QUEUE_URL: database.queueUrl },
      ...variables,
    });
    const url = await tollgate.ready();
    const metricsUrl = /Metrics +(http\S+)/.exec(tollgate.stdout)![1]!;
    return new ChildGateway(url, metricsUrl, database, tollgate, folder);
  }

  token(identity: DemoIdentity): Promise<string> {
    return signDemoToken(testServer().identityKey, demoSubject(identity), demoEmail(identity));
  }

  /** By its own metrics. */
  async used(): Promise<Used> {
    const text = await (await fetch(this.metricsUrl)).text();
    const figure = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)![1]);
    return { cpu: figure('process_cpu_seconds_total'), memory: figure('process_resident_memory_bytes') };
  }

  async stop(): Promise<void> {
    await this.tollgate.stop();
    await this.database.drop();
    rmSync(this.folder, { recursive: true });
  }
}
