import { playHistories } from './history';
import { PaddleHistory } from './paddle-history';

/**
 * Random histories of up to sixty acts: ours, the buyer's at Paddle, the partner's in the dashboard, the bank's; what Paddle
 * tells of them is lost, late, doubled and out of order. `HISTORIES=300 npx jest test/laws/paddle-histories` is the long form;
 * `HISTORY=17 SEED=…` plays that one alone and prints what happened in it.
 */
playHistories('Paddle', (random) => PaddleHistory.begin(random), []);
