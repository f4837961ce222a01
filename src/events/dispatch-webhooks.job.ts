import { type OutboundAnswer, postOutbound, type Resolve, resolvePublicName } from '../platform/outbound-post';
import { headersOf } from '../platform/webhook-signing';
import type { System } from '../system';
import type { WebhookSettings } from './create-webhook-endpoint.command';
import { relayEvents } from './relay-events.command';
import { type AttemptResult, healthAfter, nextAttemptAt, succeeded } from './retry-schedule';
import type { DeliveryProblem } from './webhook-delivery';
import type { DeliveryAfter, DueDelivery } from './webhook-delivery.repository';
import { signingNumbers } from './webhook-endpoint';
import type { ClaimedEndpoint } from './webhook-endpoint.repository';
import { messageOf } from './webhook-message';

export interface DispatcherOptions {
  readonly system: Pick<System, 'clock' | 'log' | 'asRelay'>;
  readonly webhooks: WebhookSettings;
  readonly resolve?: Resolve;
  readonly random?: () => number;
  readonly timeoutMilliseconds?: number;
  readonly stopMilliseconds?: number;
}

type Claim = ClaimedEndpoint & { readonly due: readonly DueDelivery[] };

/** How many endpoints one process serves at a time, and how many of one partner all processes do. */
const mostEndpointsAtOnce = 32;
const mostOfPartnerAtOnce = 4;
/** To an endpoint that answers, so many events travel at once; one that fails is asked with a single one. */
const mostEventsAtOnce = 10;
const timeoutMilliseconds = 15_000;
/** Longer than the slowest batch. A worker that dies leaves its endpoint to the others after this time. */
const leaseSeconds = 60;
const idleMilliseconds = 500;
/** What is in flight when the gateway stops has so long to be answered; then it is sent again by the next one. */
const stopMilliseconds = 5_000;
const deliveriesKeptDays = 30;
const eventsKeptDays = 90;
const clearedAtOnce = 1_000;
const clearedEverySeconds = 600;

/**
 * Numbers what is in the outbox and delivers it. Any number of processes may run one: a partner's counter is locked while
 * its events are numbered, an endpoint is claimed while it is delivered to, and nothing is held in a transaction while the
 * outside is called. What a process leaves behind when it is killed is sent again, under the same id.
 */
export class WebhookDispatcher {
  private readonly running = new Set<Promise<void>>();
  private readonly ending = new AbortController();
  private stopping = false;
  private wake: () => void = () => undefined;
  private loop: Promise<void> | undefined;
  private clearAt = 0;

  constructor(private readonly options: DispatcherOptions) {}

  start(): void {
    this.loop ??= this.run();
  }

  /** Takes nothing new, waits a little for what is in flight, and gives back what it holds. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.loop;
    const late = setTimeout(() => this.ending.abort(), this.options.stopMilliseconds ?? stopMilliseconds);
    await Promise.all(this.running);
    clearTimeout(late);
  }

  /** Everything that is due by now, and what that makes due by now; answers how many requests were sent. */
  async drain(): Promise<number> {
    let sent = 0;
    for (;;) {
      const relayed = await this.relay();
      const claimed = await this.claim();
      if (claimed) sent += await this.serve(claimed);
      else if (relayed === 0) return sent;
    }
  }

  private async run(): Promise<void> {
    const { log } = this.options.system;
    while (!this.stopping) {
      let busy = false;
      try {
        busy = (await this.relay()) > 0;
        while (!this.stopping && this.running.size < mostEndpointsAtOnce) {
          const claimed = await this.claim();
          if (!claimed) break;
          const serving: Promise<void> = this.serve(claimed)
            .then(
              () => undefined,
              (error) => log.error({ err: error }, 'delivering webhooks'),
            )
            .finally(() => {
              this.running.delete(serving);
              this.wake();
            });
          this.running.add(serving);
        }
        await this.clear();
      } catch (error) {
        // The database is away: what is in it is still there afterwards.
        log.error({ err: error }, 'dispatching webhooks');
      }
      if (!busy) await this.pause();
    }
  }

  /** Until something ended, or a moment has passed. */
  private async pause(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (this.stopping) resolve();
      timer = setTimeout(resolve, idleMilliseconds);
    });
    clearTimeout(timer);
  }

  /** Numbers what waits, each partner's in a transaction of its own; answers how many. */
  async relay(): Promise<number> {
    const { system } = this.options;
    let relayed = 0;
    for (const partnerId of await system.asRelay((tx) => tx.outbox.partnersWaiting())) {
      if (this.stopping) break;
      try {
        const result = await system.asRelay((tx) => relayEvents(tx, partnerId));
        if (result.ok) relayed += result.value.relayed;
      } catch (error) {
        // One partner's trouble is not the others'.
        system.log.error({ err: error, partnerId }, 'numbering events');
      }
    }
    return relayed;
  }

  /** An endpoint that nobody else serves now, and what is to be sent to it. */
  private async claim(): Promise<Claim | undefined> {
    const now = this.options.system.clock.now();
    return this.options.system.asRelay(async (tx) => {
      const claimed = await tx.webhookEndpoints.claim(now, now.add({ seconds: leaseSeconds }), mostOfPartnerAtOnce);
      if (!claimed) return undefined;
      const { partnerId, id } = claimed.endpoint;
      const limit = claimed.failures > 0 ? 1 : mostEventsAtOnce;
      return { ...claimed, due: await tx.webhookDeliveries.due(partnerId, id, now, limit) };
    });
  }

  /** One batch for one endpoint; answers how many requests were sent. */
  private async serve(claimed: Claim): Promise<number> {
    const { system } = this.options;
    const { clock } = system;
    const { endpoint, failures, due } = claimed;
    const attempts = (await Promise.all(due.map((one) => this.attempt(claimed, one)))).flatMap((one) => one ?? []);
    const health =
      attempts.length === 0
        ? undefined
        : healthAfter(
            { failures, failingSince: endpoint.failingSince },
            attempts.map(({ result }) => result),
            clock.now(),
            this.random(),
          );
    await system.asRelay(async (tx) => {
      if (attempts.length > 0) {
        await tx.webhookDeliveries.record(
          endpoint.partnerId,
          attempts.map(({ after }) => after),
        );
      }
      if (await tx.webhookEndpoints.giveBack(claimed, health)) {
        const disabled = { ...endpoint, status: 'DISABLED', disabledReason: health!.disabled } as const;
        await tx.outbox.emitFor(
          endpoint.partnerId,
          { type: 'webhook_endpoint.disabled', payload: { endpoint: disabled } },
          clock.now(),
        );
      }
    });
    return attempts.length;
  }

  /** `undefined`: nothing came of it, and it is as if it had not been begun. */
  private async attempt(
    { endpoint }: ClaimedEndpoint,
    { delivery, event }: DueDelivery,
  ): Promise<{ readonly result: AttemptResult; readonly after: DeliveryAfter } | undefined> {
    const { system, webhooks } = this.options;
    const message = messageOf(delivery, event);
    if (!message) return undefined;
    const at = system.clock.now();
    const secrets = signingNumbers(endpoint, at).map((number) => webhooks.secretOf(endpoint.id, number));
    const began = performance.now();
    const answer = await postOutbound(endpoint.url, headersOf(message, secrets, at), message.body, {
      resolve: this.options.resolve ?? resolvePublicName,
      allowLoopback: webhooks.allowLoopback,
      timeoutMilliseconds: this.options.timeoutMilliseconds ?? timeoutMilliseconds,
      signal: this.ending.signal,
    });
    if (this.ending.signal.aborted && 'problem' in answer) return undefined;
    const result = resultOf(answer, performance.now() - began);
    const next = succeeded(result) ? undefined : nextAttemptAt(delivery.attempts + 1, result, at, this.random());
    const status = succeeded(result) ? 'SUCCEEDED' : next ? 'PENDING' : 'FAILED';
    return {
      result,
      after: { before: delivery, attempt: { at, ...result }, status, nextAttemptAt: next ?? at },
    };
  }

  private random(): number {
    return (this.options.random ?? Math.random)();
  }

  /** Now and then a bounded step of removing what is kept no longer. */
  private async clear(): Promise<void> {
    const { system } = this.options;
    const { clock } = system;
    const now = clock.now();
    if (now.epochMilliseconds < this.clearAt) return;
    const removed = await system.asRelay(async (tx) => {
      const old = now.subtract({ hours: 24 * deliveriesKeptDays });
      const deliveries = await tx.webhookDeliveries.clear(old, clearedAtOnce);
      await tx.webhookEndpoints.clear(old);
      const events = await tx.events.clear(now.subtract({ hours: 24 * eventsKeptDays }), clearedAtOnce);
      return Math.max(deliveries, events);
    });
    this.clearAt = now.epochMilliseconds + (removed < clearedAtOnce ? clearedEverySeconds * 1_000 : 0);
  }
}

function resultOf(answer: OutboundAnswer, milliseconds: number): AttemptResult {
  if ('problem' in answer) return { problem: answer.problem, milliseconds };
  const { status, retryAfterSeconds } = answer;
  const result = { responseStatus: status, retryAfterSeconds, milliseconds };
  return succeeded(result) ? result : { ...result, problem: 'BAD_STATUS' satisfies DeliveryProblem };
}
