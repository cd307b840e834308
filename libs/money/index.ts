export { formatAmount, parseAmount, type AmountFault, type Currency } from './amount.ts';
