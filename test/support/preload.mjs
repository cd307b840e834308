// CommonJS packages that require Nest end in a require cycle under Jest's ES modules unless Nest is there first.
import 'reflect-metadata';

await import('@nestjs/common');
await import('@nestjs/core');
