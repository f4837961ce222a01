import type DataLoader from 'dataloader';
import { GraphQLError } from 'graphql';
import { type Actor, may, type Permission } from '../access/actor';
import type { Authentication } from '../access/authenticate.query';
import { type App, busy, isNamed, type OpenTx, sayWhich, type WriteRequest } from '../app';
import { decodeId, type IdKind } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { CheckedSources, EntitlementCheckInput } from '../entitlements/entitlement-check';
import { Crowded, type Gone, type Leave } from '../platform/fair-queue';
import type { Tx } from '../tx';
import { unauthenticated } from './errors';
import { limits, tooComplex } from './limits';
import { type RefusedAnswer, toGraphqlRefused } from './refusal.graphql';

/** What every mutation's answer begins with. */
export interface DoneAnswer {
  readonly replayed: boolean;
  readonly dryRun: boolean;
}

export interface MutationOptions {
  readonly idempotencyKey?: string | null | undefined;
  readonly dryRun?: boolean | null | undefined;
}

type LoaderFactory<K, V> = (tx: Tx) => DataLoader<K, V, string>;

/** Members that are null or missing are the same to a command; those for which null means "remove" are named. */
function withoutNulls(value: unknown, keep: readonly string[], asSent: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((member) => withoutNulls(member, keep, asSent));
  // Temporal values are objects too, and stay what they are.
  if (value === null || typeof value !== 'object' || Symbol.toStringTag in value) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined || (member === null && !keep.includes(key))
        ? []
        : [[key, asSent.includes(key) ? member : withoutNulls(member, keep, asSent)]],
    ),
  );
}

/** One for all: it is thrown once for each field that is left over, and making errors is what would take long. */
const tooManyReads = tooComplex('The answer holds too many lists within lists.');

/** An actor without a tenant (or partner) of its own has to name one: an empty answer would read as if there were nothing. */
function notNamed(kind: 'tenant' | 'partner', argument: string): GraphQLError {
  return new GraphQLError(`Say which ${kind}.`, { extensions: { code: 'BAD_USER_INPUT', argument: [argument] } });
}

interface State {
  reading: Promise<OpenTx | undefined> | undefined;
  loaders: Map<unknown, DataLoader<unknown, unknown, string>>;
  /** The answer has been given: a resolver that is still running must not open anything any more. */
  closed: boolean;
  /** What is read is of a dry run: rows that will not exist. */
  rehearsed: boolean;
  /** Fields that have read. */
  reads: number;
  /** The one who asked has gone. */
  gone: boolean;
  unlisten: (() => void) | undefined;
}

/**
 * One request. Reads go through one lazily opened snapshot; each mutation ends it first, so that what is read after a
 * mutation has seen it. Loaders live as long as the snapshot they read from.
 */
export class Context {
  /** One object, because Apollo clones the context: what the clone opens must be closed here. */
  private readonly state: State = {
    ...{
      reading: undefined,
      loaders: new Map(),
      closed: false,
      rehearsed: false,
      reads: 0,
      gone: false,
      unlisten: undefined,
    },
  };

  constructor(
    readonly app: App,
    readonly authentication: Authentication,
    readonly requestId: string,
    private readonly gone?: Gone,
    /** Gives back the place that a heavy request has. */
    private readonly leaveHeavy?: Leave,
  ) {}

  /** Who asks; anonymous and unknown callers end here. */
  get actor(): Actor {
    switch (this.authentication.outcome) {
      case 'ACTOR':
        return this.authentication.actor;
      case 'ACCOUNT_REQUIRED':
        throw new GraphQLError('You belong to several accounts: name one in the Tollgate-Account header.', {
          extensions: { code: 'ACCOUNT_REQUIRED' },
        });
      default:
        throw new GraphQLError(unauthenticated, { extensions: { code: 'UNAUTHENTICATED' } });
    }
  }

  may(permission: Permission): boolean {
    return may(this.actor, permission);
  }

  private async open(): Promise<OpenTx> {
    const { actor, state } = this;
    if (state.closed) throw new Error('the request has been answered');
    if (state.gone) throw new Crowded('GONE', false, 1);
    state.reads += 1;
    if (state.reads > limits.reads) throw tooManyReads;
    // The client has hung up: its answer is not made to the end.
    state.unlisten ??= this.gone?.(() => {
      state.gone = true;
    });
    state.reading ??= this.app.openRead(actor, this.gone);
    const open = await state.reading;
    if (!open) throw new GraphQLError(unauthenticated, { extensions: { code: 'UNAUTHENTICATED' } });
    return open;
  }

  /** The request's snapshot, or `undefined` for a role that may not read this: it then sees nothing, as if none were. */
  async read(permission: Permission): Promise<Tx | undefined> {
    return this.may(permission) ? (await this.open()).tx : undefined;
  }

  /** What a check reads, through the request's snapshot where there is one already. */
  async readCheck(input: EntitlementCheckInput): Promise<CheckedSources | undefined> {
    const { reading } = this.state;
    return this.app.readCheck(this.actor, input, await reading);
  }

  /** Which rows are in view: a tenant's, a partner's, or all. */
  async scope(): Promise<OpenTx['scope']> {
    return (await this.open()).scope;
  }

  /** The answer is a dry run's: what it made can be read now, and is gone afterwards. */
  get isDryRun(): boolean {
    return this.state.rehearsed;
  }

  /** A loader on the request's snapshot; made once for each request and kind. */
  async loader<K, V>(factory: LoaderFactory<K, V>): Promise<DataLoader<K, V, string>> {
    const { tx } = await this.open();
    const { loaders } = this.state;
    let loader = loaders.get(factory);
    if (!loader) {
      loader = factory(tx) as DataLoader<unknown, unknown, string>;
      loaders.set(factory, loader);
    }
    return loader as unknown as DataLoader<K, V, string>;
  }

  /**
   * The tenant an argument names, else the actor's own; `undefined`: no tenant's id, and a stranger's looks the same later.
   *
   * @param argument how the argument is called, for an actor that has no tenant of its own and names none
   */
  tenantUuid(id: string | null | undefined, argument = 'tenantId'): string | undefined {
    if (!isNamed(id) && this.actor.account.kind !== 'TENANT') throw notNamed('tenant', argument);
    return this.tenantUuidIfAny(id);
  }

  /** As `tenantUuid`, where an actor may well mean no tenant at all. */
  tenantUuidIfAny(id: string | null | undefined): string | undefined {
    if (isNamed(id)) return this.uuidOf('Tenant', id);
    const { account } = this.actor;
    return account.kind === 'TENANT' ? account.tenantId : undefined;
  }

  /** As `tenantUuid`, for a query that answers Refused. */
  tenantOrRefusal(id: string | null | undefined): Result<string, 'TENANT_NOT_FOUND' | 'INVALID_INPUT'> {
    if (!isNamed(id) && this.actor.account.kind !== 'TENANT') return sayWhich('tenant');
    const uuid = this.tenantUuidIfAny(id);
    return uuid ? done(uuid) : refuse('TENANT_NOT_FOUND', 'No such tenant.');
  }

  /** The partner an argument names, else the actor's own. */
  partnerUuid(id: string | null | undefined, argument = 'partnerId'): string | undefined {
    if (!isNamed(id) && this.actor.account.kind === 'PLATFORM') throw notNamed('partner', argument);
    return this.partnerUuidIfAny(id);
  }

  /** As `partnerUuid`, where a super admin may well mean all of them. */
  partnerUuidIfAny(id: string | null | undefined): string | undefined {
    if (isNamed(id)) return this.uuidOf('Partner', id);
    const { account } = this.actor;
    return account.kind === 'PLATFORM' ? undefined : account.partnerId;
  }

  uuidOf(kind: IdKind, id: string): string | undefined {
    const decoded = decodeId(id);
    return decoded?.kind === kind ? decoded.uuid : undefined;
  }

  /**
   * Runs a command as one mutation and shapes its answer.
   *
   * @param follow what is asked of the outside world once the change is committed, with no transaction open. It runs for a
   * replay too, so it must be safe to do again; never in a dry run
   */
  async mutate<I extends object, T, C extends string, A extends object>(
    request: Omit<WriteRequest, 'idempotencyKey' | 'dryRun' | 'input'> & {
      readonly input: I;
      readonly options: MutationOptions;
      readonly nullable?: readonly string[];
      /** Members of the input that are the client's own, and stay as they are. */
      readonly asSent?: readonly string[];
      readonly keep?: (value: T) => T;
    },
    command: (tx: Tx, input: I) => Promise<Result<T, C>>,
    toAnswer: (value: T) => A,
    follow?: (value: T) => Promise<Result<T, C>>,
  ): Promise<(A & DoneAnswer) | RefusedAnswer> {
    const { options, nullable, asSent, keep, ...rest } = request;
    const input = withoutNulls(request.input, nullable ?? [], asSent) as I;
    await this.end();
    // A write may wait for its tenant for long: that is no work.
    this.leaveHeavy?.();
    const { actor, gone } = this;
    let leave: Leave | undefined;
    try {
      // Before the write: where there is no place for what follows it, nothing is done at all.
      if (follow) leave = await this.app.admission.followUp(actor, this.tenantOf(rest.scope), gone);
      const outcome = await this.app.write(
        actor,
        { ...rest, input, idempotencyKey: options.idempotencyKey, dryRun: options.dryRun, gone },
        (tx) => command(tx, input),
        keep,
      );
      if (!outcome.ok) return toGraphqlRefused(outcome.refusal);
      // What a dry run made can be seen in its own transaction only: the rest of the answer is read there.
      if (outcome.open) {
        this.state.reading = Promise.resolve(outcome.open);
        this.state.rehearsed = true;
      }
      const { replayed, dryRun } = outcome;
      const followed = follow && !dryRun ? await follow(outcome.value) : outcome;
      if (!followed.ok) return toGraphqlRefused(followed.refusal);
      return { ...toAnswer(followed.value), replayed, dryRun };
    } catch (error) {
      if (error instanceof Crowded) return toGraphqlRefused(busy(error.retryAfterSeconds).refusal);
      throw error;
    } finally {
      leave?.();
    }
  }

  private tenantOf(scope: WriteRequest['scope']): string | undefined {
    return scope.kind === 'TENANT' ? this.tenantUuidIfAny(scope.tenantId) : undefined;
  }

  /** Ends the snapshot (or rolls a dry run back) and forgets what was loaded from it. */
  private async end(): Promise<void> {
    const { reading } = this.state;
    this.state.reading = undefined;
    this.state.rehearsed = false;
    this.state.loaders = new Map();
    const open = await reading?.catch(() => undefined);
    await open?.end();
  }

  /** The request has been answered. */
  async close(): Promise<void> {
    this.state.closed = true;
    this.state.unlisten?.();
    this.leaveHeavy?.();
    await this.end();
  }
}
