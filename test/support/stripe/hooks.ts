import { createHmac } from 'node:crypto';
import type { StripeEvent } from './objects';

export interface Endpoint {
  readonly url: string;
  /** The newest first; while a secret is rotated each delivery is signed with all of them. */
  secrets: string[];
}

export interface Misbehaviour {
  /** Each delivery waits this long. */
  delayMilliseconds: number;
  /** Each event is delivered this often. */
  repeat: number;
  /** Which events never arrive. */
  drop: (event: StripeEvent) => boolean;
  /** Nothing is delivered before `release`. */
  hold: boolean;
}

export interface Delivery {
  readonly event: StripeEvent;
  readonly status: number | 'UNREACHABLE';
}

/** `t=…,v1=…`, a `v1` for each secret. */
export function signatureOf(body: string, secrets: readonly string[], seconds: number): string {
  const signatures = secrets.map((secret) => createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex'));
  return [`t=${seconds}`, ...signatures.map((signature) => `v1=${signature}`)].join(',');
}

/** Sends signed webhooks, and misbehaves when told to. */
export class Hooks {
  readonly endpoints: Endpoint[] = [];
  readonly deliveries: Delivery[] = [];
  private readonly quiet: Misbehaviour = { delayMilliseconds: 0, repeat: 1, drop: () => false, hold: false };
  misbehaviour: Misbehaviour = { ...this.quiet };
  private held: StripeEvent[] = [];
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly now: () => number) {}

  misbehave(how: Partial<Misbehaviour>): void {
    this.misbehaviour = { ...this.misbehaviour, ...how };
  }

  behave(): void {
    this.misbehaviour = { ...this.quiet };
  }

  send(event: StripeEvent): void {
    if (this.misbehaviour.drop(event)) return;
    if (this.misbehaviour.hold) {
      this.held.push(event);
      return;
    }
    this.start(event);
  }

  /** Delivers what was held, one after the other, in the order that is given: as they happened by default. */
  async release(order: (events: StripeEvent[]) => StripeEvent[] = (events) => events): Promise<StripeEvent[]> {
    const events = order([...this.held]);
    this.held = [];
    this.misbehaviour.hold = false;
    for (const event of events) await this.deliver(event);
    return events;
  }

  private start(event: StripeEvent): void {
    const { delayMilliseconds, repeat } = this.misbehaviour;
    const work = (async () => {
      if (delayMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, delayMilliseconds));
      await Promise.all(Array.from({ length: repeat }, () => this.deliverUntilTaken(event)));
    })();
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  /** Like Stripe, it tries again where it was not taken, with a new signature. */
  private async deliverUntilTaken(event: StripeEvent): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const deliveries = await this.deliver(event);
      if (deliveries.every(({ status }) => status === 200)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** All that was sent has been answered. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  /** One delivery to each endpoint; with other secrets or another time it is a forgery or a replay. */
  async deliver(
    event: StripeEvent,
    options: { secrets?: readonly string[]; seconds?: number; body?: string } = {},
  ): Promise<Delivery[]> {
    const body = options.body ?? JSON.stringify(event, null, 2);
    return Promise.all(
      this.endpoints.map(async (endpoint) => {
        const signature = signatureOf(body, options.secrets ?? endpoint.secrets, options.seconds ?? this.now());
        const delivery = await fetch(endpoint.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
          body,
          signal: AbortSignal.timeout(20_000),
        }).then(
          async (response): Promise<Delivery> => {
            await response.arrayBuffer();
            return { event, status: response.status };
          },
          (): Delivery => ({ event, status: 'UNREACHABLE' }),
        );
        this.deliveries.push(delivery);
        return delivery;
      }),
    );
  }
}
