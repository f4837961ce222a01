import { playHistories } from './history';
import { StripeHistory } from './stripe-history';

/**
 * Random histories of up to sixty acts: ours, the customer's at Stripe, the partner's in the dashboard, the bank's; what Stripe
 * tells of them is lost, late, doubled and out of order. `HISTORIES=300 npx jest test/laws/stripe-histories` is the long form;
 * `HISTORY=17 SEED=…` plays that one alone and prints what happened in it.
 */
playHistories('Stripe', (random) => StripeHistory.begin(random), []);
