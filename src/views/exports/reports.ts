/** The reports that can be had as files. */
import type { Report } from './report.ts';
import { revenue } from './revenue.ts';
import { roundsReport } from './rounds.ts';
import { statementOfWallet } from './statement.ts';
import { transactions } from './transactions.ts';

export const REPORTS: readonly Report[] = [transactions, statementOfWallet, revenue, roundsReport];
