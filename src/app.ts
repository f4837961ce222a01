import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import { type Actor, entryOf, may, type Permission } from './access/actor';
import { type Authentication, authenticate } from './access/authenticate.query';
import { refuseArguments } from './access/refuse-arguments.query';
import type { ArgumentValues } from './access/self-service';
import { Admission } from './admission';
import { decodeId } from './core/ids';
import { AmountOutOfRange } from './core/money';
import { type Refused, type Result, refuse } from './core/result';
import {
  type CheckedSources,
  type EntitlementCheckInput,
  isSameWindow,
  usageWindow,
} from './entitlements/entitlement-check';
import { type CheckQuestion, readChecks } from './entitlements/entitlement-check.repository';
import type { WebhookSettings } from './events/create-webhook-endpoint.command';
import { storeInboundEvent } from './payments/inbox.repository';
import { PaymentMethodSetups } from './payments/payment-method-setup.job';
import { PaymentWork } from './payments/payment-work.job';
import type { InboundEvent } from './payments/provider';
import type { Providers } from './payments/providers';
import { StripeCheckouts } from './payments/stripe/stripe-checkouts.job';
import type { Clock } from './platform/clock';
import {
  askOnce,
  type Entry,
  NoSuchAccount,
  openRead,
  openWrite,
  type Session,
  sqlState,
  withRetries,
} from './platform/database';
import { Crowded, type Gone } from './platform/fair-queue';
import { Gathering } from './platform/gathering';
import { claimKey, type KeyOwner, keepAnswer } from './platform/idempotency';
import type { Log } from './platform/log';
import type { TextSigner } from './platform/signed-text';
import type { TokenVerifier } from './platform/tokens';
import { defaultRates, points, RateLimits, type RateSettings, rateLimited } from './rate-limits';
import { System } from './system';
import { Tx } from './tx';
import type { UsageWindow } from './usage/meter';

/** What an operation is about: decides which account is entered, and which rights it takes. */
export type Scope =
  | {
      readonly kind: 'TENANT';
      readonly tenantId?: string | null | undefined;
      /** Where it is named too, it has to be the tenant's. */
      readonly partnerId?: string | null | undefined;
    }
  | { readonly kind: 'PARTNER'; readonly partnerId?: string | null | undefined }
  | { readonly kind: 'PLATFORM' };

export interface WriteRequest {
  readonly mutation: string;
  readonly permission: Permission;
  readonly scope: Scope;
  /** As the client sent it: what the idempotency key is held against. */
  readonly input: unknown;
  readonly idempotencyKey?: string | null | undefined;
  /** Money moves and the act is not naturally idempotent. */
  readonly keyRequired?: boolean;
  readonly dryRun?: boolean | null | undefined;
  /** Points that it costs beside those of every write. */
  readonly cost?: number | undefined;
  /** Says when the one who asked has gone: then it does not wait for its turn any more. */
  readonly gone?: Gone | undefined;
}

/** Refusals that any mutation may answer, before its command is asked. */
export const commonRefusals = [
  'FORBIDDEN',
  'TENANT_NOT_FOUND',
  'PARTNER_NOT_FOUND',
  'INVALID_INPUT',
  'IDEMPOTENCY_KEY_REQUIRED',
  'IDEMPOTENCY_KEY_INVALID',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'BUSY',
  'RATE_LIMITED',
] as const;
export type CommonRefusal = (typeof commonRefusals)[number];

export type WriteOutcome<T, C extends string> =
  | {
      readonly ok: true;
      readonly value: T;
      readonly replayed: boolean;
      readonly dryRun: boolean;
      /** A dry run's open transaction: the answer is read through it, then it is rolled back. */
      readonly open?: OpenTx | undefined;
    }
  | Refused<C | CommonRefusal>;

export interface OpenTx {
  readonly tx: Tx;
  readonly scope: 'tenant' | 'partner' | 'platform';
  end(): Promise<void>;
}

export interface AppParts {
  /** The role that serves requests. */
  readonly source: DataSource;
  /** The narrow role for cross-tenant work. */
  readonly jobSource: DataSource;
  /**
   * The role that serves requests, on connections of their own for single short statements that wait for no tenant's lock:
   * providers' events, and what is left of the budgets.
   */
  readonly inboxSource: DataSource;
  readonly clock: Clock;
  readonly verifier: TokenVerifier;
  readonly signer: TextSigner;
  readonly webhooks: WebhookSettings;
  readonly log: Log;
  readonly providers: Providers;
  readonly rates?: RateSettings | undefined;
}

/** A window may end, or its subscription change, while a check is asked: not again and again. */
const mostWindowGuesses = 3;

const keyPattern = /^[\x21-\x7e]{1,255}$/;

export const amountOutOfRange = 'The amounts go beyond what can be kept: 9223372036854775807 minor units.';

/**
 * How long, in milliseconds, an identity's memberships are remembered, and whether its key holds. The database checks them in
 * each transaction all the same; every process refuses what was revoked within a second.
 */
const identityMemory = 500;

export class App {
  readonly clock: Clock;
  readonly signer: TextSigner;
  readonly webhooks: WebhookSettings;
  readonly log: Log;
  readonly admission: Admission;
  readonly rateLimits: RateLimits;
  readonly system: System;
  readonly providers: Providers;
  readonly paymentWork: PaymentWork;
  readonly methodSetups: PaymentMethodSetups;
  readonly stripeCheckouts: StripeCheckouts;
  private readonly actors = new LRUCache<string, Authentication>({ max: 10_000, ttl: identityMemory });
  /** In which window a tenant's METERED feature was checked last. */
  private readonly windows = new LRUCache<string, UsageWindow>({ max: 50_000 });
  /** Checks of all requests, each by its own asker. */
  private readonly checks: Gathering<CheckQuestion, CheckedSources | undefined>;

  constructor(private readonly parts: AppParts) {
    this.clock = parts.clock;
    this.signer = parts.signer;
    this.webhooks = parts.webhooks;
    this.log = parts.log;
    const { source, inboxSource, clock } = parts;
    this.admission = new Admission((source.options as { readonly poolSize: number }).poolSize);
    this.rateLimits = new RateLimits(parts.rates ?? defaultRates, (statement, values) =>
      askOnce(inboxSource, statement, values),
    );
    this.checks = new Gathering({
      ask: (questions) => readChecks((statement, values) => askOnce(source, statement, values), clock.now(), questions),
      isOneQuestions: (error) => error instanceof NoSuchAccount || sqlState(error)?.startsWith('22') === true,
    });
    this.providers = parts.providers;
    this.system = new System(parts.jobSource, parts.clock, parts.log);
    this.paymentWork = new PaymentWork(this.system, parts.providers);
    this.methodSetups = new PaymentMethodSetups(this.system, this.paymentWork);
    const customers = this.methodSetups.customersAt('STRIPE');
    this.stripeCheckouts = new StripeCheckouts(this.system, parts.providers, customers);
  }

  async authenticate(authorization: string | undefined, account: string | undefined): Promise<Authentication> {
    const { source, verifier } = this.parts;
    if (!authorization) return { outcome: 'ANONYMOUS' };
    const key = `${account ?? ''}\n${authorization}`;
    const known = this.actors.get(key);
    if (known) return known;
    const authentication = await authenticate(source, verifier, authorization, account);
    if (authentication.outcome === 'ACTOR') this.actors.set(key, authentication);
    return authentication;
  }

  /**
   * One read-only snapshot, entered with the widest rows the actor may read. `undefined`: the account is gone.
   *
   * @throws Crowded
   */
  async openRead(actor: Actor, gone?: Gone): Promise<OpenTx | undefined> {
    const entry = entryOf(actor);
    const leave = await this.admission.read(actor, gone);
    try {
      const open = await openRead(this.parts.source, entry);
      return { tx: this.txOf(open, entry, actor), scope: scopeOf(entry), end: () => open.end().finally(leave) };
    } catch (error) {
      leave();
      if (error instanceof NoSuchAccount) return undefined;
      throw error;
    }
  }

  /**
   * What a check reads: one statement, one round trip, shared with the checks that other requests ask at the same time.
   * `undefined`: no such tenant for this actor.
   *
   * @param open the request's transaction where it has one: with that connection in hand, waiting for a second one would
   * let requests wait for each other for ever
   * @throws NoSuchAccount where the actor has lost its own account since it was remembered
   */
  async readCheck(actor: Actor, input: EntitlementCheckInput, open?: OpenTx): Promise<CheckedSources | undefined> {
    const { tenantId, feature: featureCode, asOf } = input;
    const question = { entry: entryOf(actor), tenantId, featureCode, asOf };
    const ask = async (window: UsageWindow | undefined) => {
      const asked = { ...question, window };
      return open ? (await readChecks(open.tx.ask, this.clock.now(), [asked]))[0] : this.checks.ask(asked);
    };
    const key = `${tenantId} ${featureCode}`;
    // What a METERED feature is checked in is almost always the window that it was checked in last time.
    let guess = asOf ? undefined : this.windows.get(key);
    for (let attempt = 1; ; attempt += 1) {
      const checked = await ask(guess);
      const window = checked && usageWindow(checked, asOf);
      if (!window || (guess && isSameWindow(window, guess)) || attempt > mostWindowGuesses) return checked;
      if (!asOf) this.windows.set(key, window);
      guess = window;
    }
  }

  /**
   * Keeps a provider's event, whose signature was verified. False: it was there already. On connections of its own: requests
   * that wait for a locked customer may hold all the others for seconds.
   */
  async storeInbound(event: InboundEvent, body: string): Promise<boolean> {
    const { inboxSource, clock } = this.parts;
    return storeInboundEvent((statement, values) => askOnce(inboxSource, statement, values), event, body, clock.now());
  }

  private txOf(session: Session, entry: Entry, { account }: Actor): Tx {
    return new Tx(session, { ...entry, account: account.kind }, this.parts.clock);
  }

  /** Work of the system itself for one tenant: billing runs and jobs. */
  async asSystem<T>(tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.system.asTenant(tenantId, work);
  }

  /**
   * One mutation: rights, account, idempotency key, one transaction, the command. A refusal and a dry run leave nothing
   * behind; an answer under a key is kept with the change itself.
   *
   * @throws NoSuchAccount where the actor has lost its own account since it was remembered
   * @param keep what of the answer may be stored for replays, and shown by a dry run: not a secret that is shown once, and
   * that does not exist where nothing was written
   */
  async write<T, C extends string>(
    actor: Actor,
    request: WriteRequest,
    command: (tx: Tx) => Promise<Result<T, C>>,
    keep: (value: T) => T = (value) => value,
  ): Promise<WriteOutcome<T, C>> {
    if (!may(actor, request.permission)) return refuse('FORBIDDEN', 'Your role does not allow this.');
    const problem = keyProblem(request);
    if (problem) return problem;
    const entry = resolveEntry(actor, request.scope);
    if (!('principalId' in entry)) return entry;
    const seconds = await this.rateLimits.spend(actor, points.write + (request.cost ?? 0));
    if (seconds !== undefined) return rateLimited(seconds);
    try {
      const leave = await this.admission.write(actor, entry.tenantId, request.gone);
      const outcome = await withRetries(() => this.writeOnce(actor, entry, request, command, keep)).catch((error) => {
        leave();
        throw error;
      });
      if (!outcome.ok || !outcome.open) {
        leave();
        return outcome;
      }
      const { open } = outcome;
      return { ...outcome, open: { ...open, end: () => open.end().finally(leave) } };
    } catch (error) {
      if (error instanceof Crowded) return busy(error.retryAfterSeconds);
      if (error instanceof NoSuchAccount) {
        await this.checkStillThere(actor);
        return missingAccount(request.scope);
      }
      if (error instanceof AmountOutOfRange) return refuse('INVALID_INPUT', amountOutOfRange);
      if (sqlState(error) === '55P03') {
        return request.idempotencyKey
          ? refuse('IDEMPOTENCY_KEY_IN_PROGRESS', 'The same request is still being worked on.')
          : busy();
      }
      throw error;
    }
  }

  /** An account that is not found may be missing; or the caller's key was revoked a moment ago, which is another answer. */
  private async checkStillThere(actor: Actor): Promise<void> {
    const open = await openRead(this.parts.source, entryOf(actor));
    await open.end();
  }

  private async writeOnce<T, C extends string>(
    actor: Actor,
    entry: Entry,
    request: WriteRequest,
    command: (tx: Tx) => Promise<Result<T, C>>,
    keep: (value: T) => T,
  ): Promise<WriteOutcome<T, C>> {
    const open = await openWrite(this.parts.source, entry);
    let handedOver = false;
    try {
      // The role may have changed since the actor was remembered: what the database found is what counts.
      if (!open.entered.can_write) return refuse('FORBIDDEN', 'Your role does not allow this.');
      const tx = this.txOf(open, entry, actor);
      if (actor.account.kind === 'TENANT') {
        const { mutation, input } = request;
        const refused = await refuseArguments(tx, actor.account, mutation, input as ArgumentValues, true);
        if (refused) return refused;
      }
      const owner: KeyOwner = {
        actorId: actor.principalId,
        partnerId: open.entered.partner_id ?? undefined,
        tenantId: entry.tenantId,
      };
      const key = request.idempotencyKey ?? undefined;
      if (key) {
        const keyed = { key, mutation: request.mutation, input: request.input };
        const claim = await claimKey(open.manager, owner, keyed, tx.wallNow);
        if (claim.outcome === 'MISMATCH') {
          return refuse('IDEMPOTENCY_KEY_REUSED', 'This key was used for another request.', {
            path: ['idempotencyKey'],
          });
        }
        if (claim.outcome === 'REPLAY') {
          return { ok: true, value: claim.value as T, replayed: true, dryRun: false };
        }
      }
      const result = await command(tx);
      if (!result.ok) return result;
      if (request.dryRun) {
        // Deferred foreign keys must hold in a dry run too, else it would promise what the real run cannot do.
        await open.manager.query('SET CONSTRAINTS ALL IMMEDIATE');
        handedOver = true;
        return {
          ok: true,
          value: keep(result.value),
          replayed: false,
          dryRun: true,
          open: { tx, scope: scopeOf(entry), end: open.rollback },
        };
      }
      if (key) await keepAnswer(open.manager, owner, key, keep(result.value));
      handedOver = true;
      await open.commit().catch(async (error) => {
        await open.rollback();
        throw error;
      });
      return { ok: true, value: result.value, replayed: false, dryRun: false };
    } finally {
      if (!handedOver) await open.rollback();
    }
  }
}

/** Nothing was done: the locks are held by something long, or too much of the same account waits already. */
export function busy(retryAfterSeconds = 1): Refused<'BUSY'> {
  return refuse('BUSY', 'The account is busy; try again.', { facts: { retryAfterSeconds } });
}

function scopeOf(entry: Entry): OpenTx['scope'] {
  return entry.tenantId ? 'tenant' : entry.partnerId ? 'partner' : 'platform';
}

function keyProblem(request: WriteRequest): Refused<CommonRefusal> | undefined {
  const { idempotencyKey: key } = request;
  if (key === undefined || key === null) {
    if (!request.keyRequired || request.dryRun) return undefined;
    return refuse('IDEMPOTENCY_KEY_REQUIRED', 'Money moves here: give an idempotencyKey, a new one for each intent.', {
      path: ['idempotencyKey'],
    });
  }
  if (keyPattern.test(key)) return undefined;
  return refuse('IDEMPOTENCY_KEY_INVALID', 'A key has 1 to 255 visible ASCII characters.', {
    path: ['idempotencyKey'],
  });
}

function missingAccount(scope: Scope): Refused<CommonRefusal> {
  return scope.kind === 'TENANT'
    ? refuse('TENANT_NOT_FOUND', 'No such tenant.', { path: ['input', 'tenantId'] })
    : refuse('PARTNER_NOT_FOUND', 'No such partner.', { path: ['input', 'partnerId'] });
}

/** Whether an argument names anything. Empty text does: it is an id of nothing, and never means "mine" or "all". */
export function isNamed(id: string | null | undefined): id is string {
  return id !== null && id !== undefined;
}

/** Whose account a partner's or the platform's caller means has to be said: there is none of its own. */
export const sayWhich = (kind: 'tenant' | 'partner') =>
  refuse('INVALID_INPUT', `Say which ${kind}.`, { path: ['input', `${kind}Id`] });

/** Which account a mutation enters: the one that is named, if it can be this actor's, else the actor's own. */
function resolveEntry(actor: Actor, scope: Scope): Entry | Refused<CommonRefusal> {
  const { principalId, account } = actor;
  if (scope.kind === 'PLATFORM') return { principalId };
  const partner = isNamed(scope.partnerId) ? decodeId(scope.partnerId) : undefined;
  const isForeign = partner && account.kind !== 'PLATFORM' && partner.uuid !== account.partnerId;
  if (isNamed(scope.partnerId) && (partner?.kind !== 'Partner' || isForeign)) {
    return missingAccount({ kind: 'PARTNER' });
  }
  const partnerId = account.kind === 'PLATFORM' ? partner?.uuid : account.partnerId;
  if (scope.kind === 'PARTNER') return partnerId ? { principalId, partnerId } : sayWhich('partner');
  const tenant = isNamed(scope.tenantId) ? decodeId(scope.tenantId) : undefined;
  if (isNamed(scope.tenantId) && tenant?.kind !== 'Tenant') return missingAccount(scope);
  if (account.kind === 'TENANT') {
    return tenant && tenant.uuid !== account.tenantId
      ? missingAccount(scope)
      : { principalId, partnerId, tenantId: account.tenantId };
  }
  return tenant ? { principalId, partnerId, tenantId: tenant.uuid } : sayWhich('tenant');
}
