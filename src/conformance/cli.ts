/** `npm run conformance -- …`: judges a wallet by what it answers, ours or not. */
import { SPEAKERS } from '../installed.ts';
import { conformance } from './command.ts';

process.exitCode = await conformance(process.argv.slice(2), SPEAKERS, process.stdout, process.stderr);
