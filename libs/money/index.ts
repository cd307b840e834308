export { formatAmount, parseAmount, type AmountFault, type Currency } from './amount.ts';
export { integerMoney, type IntegerMoney } from './integer.ts';
